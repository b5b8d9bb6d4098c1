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

/**
 * An end of a column's values as a key; undefined for null. Databases tell integers as numbers, bigints and texts.
 *
 * @throws `config_invalid` for a value that is no integer.
 */
export function integerKey(value: unknown, column: string): bigint | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value)))
    return BigInt(value);
  if (typeof value === "string" && /^-?\d+$/.test(value)) return BigInt(value);
  throw new AmlError("config_invalid", `The column ${JSON.stringify(column)} is no integer key.`, {
    operation: "query",
    hint: "Give partitionOn an integer column of the result.",
  });
}

/** @throws `config_invalid` for a number of ranges that is none. */
export function checkPartition({ ranges }: SqlPartition): void {
  if (Number.isInteger(ranges) && ranges >= 1 && ranges <= 64) return;
  throw new AmlError("config_invalid", `A query is read in 1 to 64 ranges, not in ${ranges}.`, {
    operation: "query",
  });
}
