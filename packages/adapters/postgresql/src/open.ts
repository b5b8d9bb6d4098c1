import { AmlError, type SqlSource } from "@aml/core/adapter";
import {
  bindKeyRange,
  createSqlSource,
  keyRanges,
  type BoundStatement,
  type KeyRange,
  type SqlDialect,
} from "@aml/core/sql";
import { openCursor } from "./cursor.ts";
import { storeUri } from "./options.ts";
import { createConnections, type Connections, type PostgresqlInput } from "./pool.ts";
import { quoteName } from "./quote-name.ts";
import { PARTS } from "./parts.ts";
import { encodeParameters, openSession, type Session } from "./session.ts";
import { createTypeReaders } from "./types.ts";

const DIALECT = {
  placeholder: (index) => `$${index}`,
  quotes: { "'": "'", '"': '"' },
  backslashes: "e_strings",
  dollarQuotes: true,
  nestedComments: true,
  parts: PARTS,
} satisfies SqlDialect;

/** Opens a database. No connection is made before the first query. */
export function open(input: PostgresqlInput): SqlSource {
  const { options, credential } = input;
  if (credential.kind !== "password" && options.user === undefined) {
    throw new AmlError(
      "config_invalid",
      "The option user is missing: PostgreSQL wants to know who the token is for.",
      {
        hint: "Give the name of the role in the database, e.g. ada@contoso.com.",
      },
    );
  }
  const connections = createConnections(input);
  const readers = createTypeReaders();
  const begin = (
    signal: AbortSignal,
    more: { timeoutMs?: number | undefined; snapshot?: string },
  ): Promise<Session> => beginUnlessAborted(connections, { schema: options.schema, ...more }, signal);
  return createSqlSource({
    type: "postgresql",
    uri: storeUri(options),
    dialect: DIALECT,
    async start(bound, { signal, timeoutMs, ...how }) {
      const session = await begin(signal, { timeoutMs });
      return guarded([session], signal, () => openCursor(session, bound, how, readers));
    },
    async startRanges(bound, { signal, timeoutMs, ...how }, { column, ranges: wanted }) {
      const leader = await begin(signal, { timeoutMs });
      const sessions = [leader];
      return guarded(sessions, signal, async () => {
        const { ranges, snapshot } = await plan(leader, bound, column, Math.min(wanted, connections.most));
        // Others may see what the leader sees for as long as its transaction lasts.
        for (const _ of ranges.slice(1)) sessions.push(await begin(signal, { timeoutMs, snapshot }));
        return Promise.all(
          ranges.map((range, at) =>
            openCursor(sessions[at] as Session, bindKeyRange(bound, column, range, DIALECT), how, readers),
          ),
        );
      });
    },
    close: () => connections.close(),
  });
}

async function beginUnlessAborted(
  connections: Connections,
  options: Parameters<typeof openSession>[1],
  signal: AbortSignal,
): Promise<Session> {
  const session = await openSession(connections, options, signal);
  if (!signal.aborted) return session;
  await session.end();
  throw signal.reason;
}

/** Ends the sessions when what is begun with them fails or is called off. */
async function guarded<T>(
  sessions: readonly Session[],
  signal: AbortSignal,
  task: () => Promise<T>,
): Promise<T> {
  const cancel = (): Promise<void[]> => Promise.all(sessions.map((session) => session.cancel()));
  const abort = (): void => void cancel();
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await task();
  } catch (error) {
    await cancel();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

interface RangePlan {
  readonly ranges: readonly KeyRange[];
  readonly snapshot: string;
}

const INTEGERS: ReadonlySet<number> = new Set([20, 21, 23]);

async function plan(
  session: Session,
  bound: BoundStatement,
  column: string,
  wanted: number,
): Promise<RangePlan> {
  const key = quoteName(column);
  const before = `SELECT min(${key}), max(${key}), pg_export_snapshot() FROM (`;
  const text = `${before}${inner(bound)}\n) AS aml_query`;
  const { fields, rows } = await session.run(text, encodeParameters(bound), { bound, prefix: before.length });
  const [[least, most, snapshot] = []] = rows;
  if (!INTEGERS.has(fields[0]?.dataTypeID ?? 0)) {
    throw new AmlError(
      "config_invalid",
      `The column ${JSON.stringify(column)} is no integer, so it has no ranges.`,
      {
        operation: "query",
        hint: "Partition on an integer column, or cast one in the query.",
      },
    );
  }
  const bigint = (value: string | null | undefined): bigint | undefined =>
    value === null || value === undefined ? undefined : BigInt(value);
  return { ranges: keyRanges(bigint(least), bigint(most), wanted), snapshot: snapshot ?? "" };
}

/** The statement as a part of another one: without the semicolon at its end. */
function inner({ text }: BoundStatement): string {
  return text.replace(/;\s*$/, "");
}
