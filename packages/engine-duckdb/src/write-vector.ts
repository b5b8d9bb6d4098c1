import type { Cell, Row } from "@aml/core";
import duckdb, { type Vector } from "@duckdb/node-bindings";

/** Rows of a chunk: what a vector of DuckDB holds. */
export const CHUNK_ROWS = 2048;

/** Puts the cells of one column of some rows into a fresh vector. */
export type CellWriter = (rows: readonly Row[], from: number, count: number, vector: Vector) => void;

/**
 * Writes values of a fixed length, which are gathered and copied at once.
 *
 * @param open - gives what puts a cell that is not null into the buffer.
 */
export function fixedWriter(
  name: string,
  bytes: number,
  open: (buffer: ArrayBuffer) => (at: number, cell: Cell) => void,
): CellWriter {
  const buffer = new ArrayBuffer(CHUNK_ROWS * bytes);
  const put = open(buffer);
  const validity = createValidity();
  return (rows, from, count, vector) => {
    validity.reset();
    for (let at = 0; at < count; at += 1) {
      const cell = rows[from + at]?.[name] ?? null;
      if (cell === null) validity.setNull(at);
      else put(at, cell);
    }
    duckdb.copy_data_to_vector(vector, 0, buffer, 0, count * bytes);
    validity.copyTo(vector, count);
  };
}

/** DuckDB's string: its length, then up to twelve bytes, or a pointer that is DuckDB's business. */
const STRING_BYTES = 16;
const INLINE_BYTES = 12;

/** Writes texts and bytes: short ones of ASCII as DuckDB keeps them, all at once; others one by one. */
export function textWriter(
  name: string,
  textOf: (cell: Exclude<Cell, null>) => string | Uint8Array,
): CellWriter {
  const buffer = new ArrayBuffer(CHUNK_ROWS * STRING_BYTES);
  const items = new Uint8Array(buffer);
  const long: number[] = [];
  const longTexts: (string | Uint8Array)[] = [];
  const validity = createValidity();
  return (rows, from, count, vector) => {
    validity.reset();
    items.fill(0, 0, count * STRING_BYTES);
    long.length = 0;
    longTexts.length = 0;
    for (let at = 0; at < count; at += 1) {
      const cell = rows[from + at]?.[name] ?? null;
      if (cell === null) {
        validity.setNull(at);
        continue;
      }
      const text = textOf(cell);
      if (typeof text === "string" && isShort(text, items, at * STRING_BYTES)) continue;
      long.push(at);
      longTexts.push(text);
    }
    duckdb.copy_data_to_vector(vector, 0, buffer, 0, count * STRING_BYTES);
    validity.copyTo(vector, count);
    for (const [index, at] of long.entries()) assign(vector, at, longTexts[index] ?? "");
  };
}

/** Writes a text that is kept inline and whose bytes are its characters; else leaves zeros. */
function isShort(text: string, items: Uint8Array, start: number): boolean {
  const { length } = text;
  if (length > INLINE_BYTES) return false;
  for (let at = 0; at < length; at += 1) {
    const code = text.charCodeAt(at);
    if (code > 0x7f) {
      items.fill(0, start, start + STRING_BYTES);
      return false;
    }
    items[start + 4 + at] = code;
  }
  items[start] = length;
  return true;
}

function assign(vector: Vector, at: number, text: string | Uint8Array): void {
  // As a C string it would end at a zero.
  if (typeof text === "string" && !text.includes("\0")) duckdb.vector_assign_string_element(vector, at, text);
  else
    duckdb.vector_assign_string_element_len(vector, at, typeof text === "string" ? Buffer.from(text) : text);
}

interface Validity {
  reset(): void;
  setNull(at: number): void;
  copyTo(vector: Vector, count: number): void;
}

function createValidity(): Validity {
  const buffer = new ArrayBuffer(CHUNK_ROWS / 8);
  const bits = new Uint8Array(buffer).fill(255);
  let nulls = false;
  return {
    reset() {
      if (nulls) bits.fill(255);
      nulls = false;
    },
    setNull(at) {
      nulls = true;
      bits[at >> 3] = (bits[at >> 3] ?? 0) & ~(1 << (at & 7));
    },
    copyTo(vector, count) {
      if (!nulls) return;
      duckdb.vector_ensure_validity_writable(vector);
      // Whole words of 64 rows.
      duckdb.copy_data_to_vector_validity(vector, 0, buffer, 0, Math.ceil(count / 64) * 8);
    },
  };
}
