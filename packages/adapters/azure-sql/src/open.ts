import type { SqlSource } from "@aml/core/adapter";
import { createSqlSource, type SqlDialect } from "@aml/core/sql";
import { checkStatement } from "./check-statement.ts";
import { openCursor } from "./cursor.ts";
import { planRun } from "./describe.ts";
import { storeUri } from "./options.ts";
import { PARTS } from "./parts.ts";
import { createConnections, type AzureSqlInput } from "./pool.ts";
import { openSession, type Session } from "./session.ts";
import { startRanges } from "./start-ranges.ts";

const DIALECT = {
  placeholder: (index) => `@p${index}`,
  quotes: { "'": "'", '"': '"', "[": "]" },
  nestedComments: true,
  parts: PARTS,
} satisfies SqlDialect;

/** Opens a database. No connection is made before the first query. */
export function open(input: AzureSqlInput): SqlSource {
  const connections = createConnections(input);
  return createSqlSource({
    type: "azure_sql",
    uri: storeUri(input.options),
    dialect: DIALECT,
    async start(bound, { signal, ...how }) {
      checkStatement(bound);
      const session = await openSession(connections, signal);
      return guarded(session, signal, async () => {
        const plan = await planRun(session, bound, session.encode(bound));
        signal.throwIfAborted();
        return openCursor(session, bound, plan, how);
      });
    },
    startRanges: (bound, how, partition) => startRanges(connections, DIALECT, bound, how, partition),
    close: () => connections.close(),
  });
}

/** Ends the session when what is begun with it fails or is called off. */
async function guarded<T>(session: Session, signal: AbortSignal, task: () => Promise<T>): Promise<T> {
  const abort = (): void => void session.cancel();
  signal.addEventListener("abort", abort, { once: true });
  try {
    signal.throwIfAborted();
    return await task();
  } catch (error) {
    await session.cancel();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
