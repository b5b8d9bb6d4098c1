import { AmlError } from "./aml-error.ts";
import type { SqlPartition } from "./sql-source.ts";

/** Keys from `from` to below `to`; a missing end is open. */
export interface KeyRange {
  readonly from: bigint | undefined;
  readonly to: bigint | undefined;
  /** Rows without a key belong here too. */
  readonly nulls: boolean;
}

/**
 * Splits the keys between the smallest and the largest into ranges of equal width. The first and the last are open, so
 * that no key is outside of all; there are fewer ranges than asked for when there are fewer keys.
 */
export function keyRanges(least: bigint | undefined, most: bigint | undefined, ranges: number): KeyRange[] {
  const keys = least === undefined || most === undefined ? 1n : most - least + 1n;
  const count = keys < BigInt(ranges) ? Number(keys) : ranges;
  const start = (at: number): bigint | undefined =>
    at === 0 || at === count || least === undefined ? undefined : least + (keys * BigInt(at)) / BigInt(count);
  return Array.from({ length: count }, (_, at) => ({ from: start(at), to: start(at + 1), nulls: at === 0 }));
}

/** @throws `config_invalid` for a number of ranges that is none. */
export function checkPartition({ ranges }: SqlPartition): void {
  if (Number.isInteger(ranges) && ranges >= 1 && ranges <= 64) return;
  throw new AmlError("config_invalid", `A query is read in 1 to 64 ranges, not in ${ranges}.`, {
    operation: "query",
  });
}
