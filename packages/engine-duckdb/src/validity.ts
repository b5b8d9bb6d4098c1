import type { ArrowVector } from "@aml/core";
import duckdb from "@duckdb/node-bindings";

type Vector = ReturnType<typeof duckdb.data_chunk_get_vector>;

/** Collects which values are there; costs nothing while all are. */
export interface Validity {
  /** Of values that come to stand from `at` on; calls back with the place of each null. */
  append(vector: Vector, from: number, count: number, at: number, onNull?: (at: number) => void): void;
  /** Of `length` values; starts anew. */
  take(length: number): Pick<ArrowVector, "nullCount" | "validity">;
}

export function createValidity(): Validity {
  let bits: Uint8Array | undefined;
  let nullCount = 0;
  const reserve = (values: number): Uint8Array => {
    const needed = (values + 7) >> 3;
    if (bits !== undefined && bits.length >= needed) return bits;
    const next = new Uint8Array(Math.max(needed, 256, (bits?.length ?? 0) * 2)).fill(0xff);
    if (bits !== undefined) next.set(bits);
    return (bits = next);
  };
  return {
    append(vector, from, count, at, onNull) {
      const end = from + count;
      const source = duckdb.vector_get_validity(vector, ((end + 63) >> 6) * 8) as Uint8Array | null;
      if (source === null) return;
      for (let row = from; row < end;) {
        const byte = source[row >> 3] as number;
        if (byte === 0xff) {
          row = (row | 7) + 1;
          continue;
        }
        if (((byte >> (row & 7)) & 1) === 0) {
          const place = at + row - from;
          const own = reserve(at + count);
          own[place >> 3] = (own[place >> 3] as number) & ~(1 << (place & 7));
          nullCount += 1;
          onNull?.(place);
        }
        row += 1;
      }
    },
    take(length) {
      const taken = { nullCount, validity: nullCount === 0 ? undefined : reserve(length) };
      bits = undefined;
      nullCount = 0;
      return taken;
    },
  };
}
