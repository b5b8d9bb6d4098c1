/** What the server tells of a transaction under snapshot isolation. */
export interface Snapshot {
  /** Its number: the server counts up for each transaction, of all sessions. */
  readonly number: bigint;
  /** Numbers below its own of the transactions that had not ended when it began, whose changes it does not see. */
  readonly active: ReadonlySet<bigint>;
}

/**
 * Tells whether transactions see the same data, in which case nothing was committed between the first and the last.
 *
 * A snapshot sees what was committed by transactions with a smaller number, but for those that were active as it began.
 * So each must have every transaction still active that the first one had, and every one that began since, the first
 * one among them. A transaction of others that only read and has ended makes them count as different as well.
 *
 * @see https://learn.microsoft.com/sql/relational-databases/system-dynamic-management-views/sys-dm-tran-current-snapshot-transact-sql – read 2026-11
 */
export function sharesSnapshot(snapshots: readonly Snapshot[]): boolean {
  const [first, ...others] = snapshots.toSorted((one, other) => (one.number < other.number ? -1 : 1));
  if (first === undefined) return true;
  return others.every(({ number, active }) => {
    const since = [...active].filter((one) => one >= first.number && one < number).length;
    return BigInt(since) === number - first.number && [...first.active].every((one) => active.has(one));
  });
}
