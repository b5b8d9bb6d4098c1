/** What a transaction of InnoDB sees, by the numbers of transactions that write. */
export interface ReadView {
  /** It sees all below. */
  readonly seesBelow: bigint;
  /** It sees none from here on. Between the two are some that were active as it began. */
  readonly blindFrom: bigint;
}

const TRANSACTION = /^---TRANSACTION /m;
const VIEW = /Trx read view will not see trx with id >= (\d+), sees < (\d+)/;

/** The view of a connection's transaction, as `SHOW ENGINE INNODB STATUS` of MySQL and of MariaDB has it. */
export function readViewOf(status: string, threadId: number): ReadView | undefined {
  const own = status
    .split(TRANSACTION)
    .slice(1)
    .find((entry) => new RegExp(`^(MySQL|MariaDB) thread id ${threadId},`, "m").test(entry));
  const [, blindFrom, seesBelow] = VIEW.exec(own ?? "") ?? [];
  if (seesBelow === undefined || blindFrom === undefined) return undefined;
  return { seesBelow: BigInt(seesBelow), blindFrom: BigInt(blindFrom) };
}

/**
 * Tells whether views are one. Those with a gap between what they see and what they do not see are the same only if none
 * of the writes in the gap ended in between, which InnoDB does not tell: they count as different.
 */
export function sharesView(views: readonly ReadView[]): boolean {
  const [first] = views;
  return views.every(({ seesBelow, blindFrom }) => seesBelow === blindFrom && seesBelow === first?.seesBelow);
}
