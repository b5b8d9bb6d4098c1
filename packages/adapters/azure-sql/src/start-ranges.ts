import { AmlError } from "@aml/core/adapter";
import {
  bindKeyBounds,
  bindKeyRange,
  bindPart,
  integerKey,
  keyRanges,
  supportOf,
  type BoundStatement,
  type KeyRange,
  type PartDialect,
  type SqlCursor,
  type SqlDialect,
  type SqlPartition,
  type SqlStartOptions,
} from "@aml/core/sql";
import { checkStatement } from "./check-statement.ts";
import { openCursor } from "./cursor.ts";
import { planRun } from "./describe.ts";
import type { Connections } from "./pool.ts";
import { openSession, type Session } from "./session.ts";
import { sharesSnapshot, type Snapshot } from "./shares-snapshot.ts";

const TRIES = 20;

/**
 * Reads a statement in ranges of a key, all of one snapshot: each connection begins a transaction under snapshot isolation,
 * and the server is asked which transactions each of them does not see. A change that was committed in between makes them
 * differ, and they begin anew.
 *
 * @throws `unsupported` where snapshot isolation is off, for a statement that cannot be part of another one, and for one
 *   that has no snapshot; `permission_denied` without the right to see the state of the database; `config_invalid` for a key
 *   that is no integer; `unavailable` where so much is written that no snapshot is shared.
 */
export async function startRanges(
  connections: Connections,
  dialect: SqlDialect & { readonly parts: PartDialect },
  bound: BoundStatement,
  { signal, ...how }: SqlStartOptions,
  { column, ranges }: SqlPartition,
): Promise<readonly SqlCursor[]> {
  checkStatement(bound);
  const { takes, why = "" } = supportOf(bound.text, dialect);
  if (takes !== "rows") throw noRanges(why);
  const count = Math.min(ranges, connections.most);
  const sessions: Session[] = [];
  const abort = (): void => void cancelAll(sessions);
  signal.addEventListener("abort", abort, { once: true });
  try {
    const touch = bindPart(bound, { take: 1 }, dialect, false);
    await shareSnapshot(connections, sessions, { count, touch, signal });
    const [first, ...others] = sessions as [Session, ...Session[]];
    const keys = await keysOf(first, bindKeyBounds(bound, column, dialect), column, count);
    await Promise.all(others.slice(keys.length - 1).map((spare) => spare.end()));
    return await Promise.all(
      keys.map(async (range, at) => {
        const session = sessions[at] as Session;
        const within = bindKeyRange(bound, column, range, dialect);
        const plan = await planRun(session, within, session.encode(within));
        signal.throwIfAborted();
        return openCursor(session, within, plan, how);
      }),
    );
  } catch (error) {
    await cancelAll(sessions);
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

async function cancelAll(sessions: readonly Session[]): Promise<void> {
  await Promise.all(sessions.map((session) => session.cancel()));
}

interface Wanted {
  readonly count: number;
  /** Reads a row: a snapshot begins where a transaction first reads, not where it is begun. */
  readonly touch: BoundStatement;
  readonly signal: AbortSignal;
}

/** @param sessions - gets those that share it; whatever it holds when this fails must be ended. */
async function shareSnapshot(
  connections: Connections,
  sessions: Session[],
  { count, touch, signal }: Wanted,
): Promise<void> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    for (let at = 0; at < count; at += 1) sessions.push(await openSession(connections, signal, "SNAPSHOT"));
    await Promise.all(sessions.map((session) => session.run(touch)));
    const snapshots = await Promise.all(sessions.map((session) => snapshotOf(session, touch)));
    signal.throwIfAborted();
    if (sharesSnapshot(snapshots)) return;
    await Promise.all(sessions.splice(0).map((session) => session.end()));
  }
  throw new AmlError("unavailable", "The database is written to so much that no snapshot was shared.", {
    operation: "query",
    hint: "Try again later, or use fewer ranges.",
  });
}

const ASK = `SELECT t.transaction_sequence_num AS number, s.transaction_sequence_num AS active
FROM sys.dm_tran_current_transaction AS t LEFT JOIN sys.dm_tran_current_snapshot AS s ON 1 = 1`;

async function snapshotOf(session: Session, { original }: BoundStatement): Promise<Snapshot> {
  const rows = await session.run({ text: ASK, values: [], original, originalOffset: () => 0 });
  const numbers = (name: string): bigint[] => rows.flatMap((row) => integerKey(row[name], name) ?? []);
  const [number = 0n] = numbers("number");
  if (number === 0n) throw noRanges("it reads no table that has snapshots");
  return { number, active: new Set(numbers("active")) };
}

async function keysOf(
  session: Session,
  bounds: BoundStatement,
  column: string,
  ranges: number,
): Promise<readonly KeyRange[]> {
  const [row = {}] = await session.run(bounds);
  const [least, most] = ["least", "most"].map((end) => integerKey(row[end], column));
  return keyRanges(least, most, ranges);
}

function noRanges(why: string): AmlError {
  return new AmlError("unsupported", `The query has no ranges: ${why}.`, {
    operation: "query",
    hint: "Read without partitionOn.",
  });
}
