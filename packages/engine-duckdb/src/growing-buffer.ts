import { AmlError } from "@aml/core";

/** The first size of a buffer, in values. */
const FIRST = 2048;

/** Bytes of values of one width, with zeros behind them. */
export interface GrowingBuffer {
  /** All bytes, with room for that many values. */
  reserve(values: number): Uint8Array<ArrayBuffer>;
  /** Gives that many values away, and starts anew with as much room as they had. */
  take(values: number): Uint8Array<ArrayBuffer>;
}

export function growingBuffer(width: number): GrowingBuffer {
  let first = FIRST;
  let bytes = new Uint8Array(0);
  return {
    reserve(values) {
      if (bytes.length >= values * width) return bytes;
      const next = new Uint8Array(Math.max(first, values, (bytes.length / width) * 2) * width);
      next.set(bytes);
      return (bytes = next);
    },
    take(values) {
      const taken = bytes.length === 0 ? new Uint8Array(values * width) : bytes;
      bytes = new Uint8Array(0);
      first = Math.max(FIRST, values + (values >> 4));
      return taken.subarray(0, values * width);
    },
  };
}

const LAST_OFFSET = 2 ** 31 - 1;

/** Where a value of varying length may end. @throws `resource_exhausted` behind what 31 bits count. */
export function checkedOffset(offset: number): number {
  if (offset <= LAST_OFFSET) return offset;
  throw new AmlError("resource_exhausted", "One column has 2 GiB, or as many items, in 2048 rows.", {
    hint: "Drop the column, or read it as rows.",
  });
}
