import { AmlError, type Cell, type ColumnType, type Row } from "@aml/core";
import type { DuckDBDataChunk } from "@duckdb/node-api";
import duckdb from "@duckdb/node-bindings";
import { readStrings } from "./read-strings.ts";

type Vector = ReturnType<typeof duckdb.data_chunk_get_vector>;

/** Reads `count` values of a vector. The memory is DuckDB's and lives as long as the chunk: values are copies. */
type ColumnReader = (vector: Vector, count: number) => Cell[];

/** Makes rows of chunks whose columns have these names and types; columns behind them are left alone. */
export function createRowDecoder(
  names: readonly string[],
  types: readonly ColumnType[],
): (chunk: DuckDBDataChunk, count: number) => Row[] {
  const readers = types.map(readerFor);
  const build = rowBuilder(names);
  return (chunk, count) => {
    const columns = readers.map((read, at) => read(duckdb.data_chunk_get_vector(chunk.chunk, at), count));
    return build(columns, count);
  };
}

const NO_MASKS = new Float64Array(0);

/** The masks of some rows, or none where all are zero. The last `extra` columns of a chunk are masks and the sentinel. */
export function readMask(chunk: DuckDBDataChunk, at: number, count: number): Float64Array {
  const data = copyOf(duckdb.data_chunk_get_vector(chunk.chunk, at), count * 8);
  // As in most chunks; and that is seen sooner than they are converted.
  if (new Uint32Array(data).every((word) => word === 0)) return NO_MASKS;
  return Float64Array.from(new BigInt64Array(data), Number);
}

export function readFlag(chunk: DuckDBDataChunk, at: number, row: number): boolean {
  const vector = duckdb.data_chunk_get_vector(chunk.chunk, at);
  return duckdb.vector_get_data(vector, row + 1)[row] === 1;
}

/**
 * Rows of one shape, made from columns. Copying a row that has all keys gives every row the same hidden class, and
 * makes `__proto__` a key like any other.
 */
function rowBuilder(names: readonly string[]): (columns: readonly Cell[][], count: number) => Row[] {
  const empty: Row = Object.fromEntries(names.map((name) => [name, null]));
  return (columns, count) => {
    const rows = new Array<Row>(count);
    for (let at = 0; at < count; at += 1) {
      const row: Record<string, Cell> = { ...empty };
      for (let column = 0; column < names.length; column += 1) {
        row[names[column] as string] = columns[column]?.[at] as Cell;
      }
      rows[at] = row;
    }
    return rows;
  };
}

function readerFor(type: ColumnType): ColumnReader {
  switch (type) {
    case "boolean":
      return numbers(
        1,
        (buffer) => new Uint8Array(buffer),
        (value) => value === 1,
      );
    case "int32":
      return numbers(
        4,
        (buffer) => new Int32Array(buffer),
        (value) => value,
      );
    case "int64":
      return numbers(
        8,
        (buffer) => new BigInt64Array(buffer),
        (value) => value,
      );
    case "float64":
      return numbers(
        8,
        (buffer) => new Float64Array(buffer),
        (value) => value,
      );
    case "date":
      return numbers(4, (buffer) => new Int32Array(buffer), dateText());
    case "timestamp":
      return numbers(
        8,
        (buffer) => new BigInt64Array(buffer),
        (value) => instantOf(value),
      );
    case "bytes":
      return readBytes;
    case "json":
      return (vector, count) =>
        readTexts(vector, count).map((text) => (text === null ? null : parseJson(text)));
    case "string":
    case "decimal":
      return readTexts;
  }
}

function numbers<T>(
  width: number,
  view: (buffer: ArrayBuffer) => ArrayLike<T>,
  convert: (value: T) => Cell,
): ColumnReader {
  return (vector, count) => {
    const data = view(copyOf(vector, count * width));
    const valid = validityOf(vector, count);
    const out: Cell[] = new Array<Cell>(count);
    if (valid === undefined) {
      for (let row = 0; row < count; row += 1) out[row] = convert(data[row] as T);
      return out;
    }
    for (let row = 0; row < count; row += 1) out[row] = isValid(valid, row) ? convert(data[row] as T) : null;
    return out;
  };
}

/** Native memory may lie at any offset; typed arrays need theirs aligned. */
function copyOf(vector: Vector, bytes: number): ArrayBuffer {
  const copy = new Uint8Array(bytes);
  copy.set(duckdb.vector_get_data(vector, bytes));
  return copy.buffer;
}

/** The bits of valid rows; none when all are valid. */
function validityOf(vector: Vector, count: number): Uint8Array | undefined {
  const bits = duckdb.vector_get_validity(vector, ((count + 63) >> 6) * 8) as Uint8Array | null;
  if (bits === null) return undefined;
  const whole = count >> 3;
  for (let at = 0; at < whole; at += 1) if (bits[at] !== 0xff) return bits;
  const rest = (1 << (count & 7)) - 1;
  return ((bits[whole] ?? 0xff) & rest) === rest ? undefined : bits;
}

const isValid = (bits: Uint8Array, row: number): boolean => (((bits[row >> 3] ?? 0) >> (row & 7)) & 1) === 1;

const LAST_MS = 8_640_000_000_000_000;

/** @throws `parse_failed` for what no Date holds: infinity, and years beyond 275760. */
function instantOf(micros: bigint): Date {
  const near = Number(micros);
  // Beyond the year 2255 a double does not hold all microseconds, and would be a millisecond off.
  const ms = Number.isSafeInteger(near) ? Math.floor(near / 1000) : wholeMilliseconds(micros);
  if (Math.abs(ms) <= LAST_MS) return new Date(ms);
  throw new AmlError("parse_failed", "A timestamp is infinite or lies beyond the year 275760.", {
    hint: "Convert the column to string with convert_column_types, or filter such rows out.",
    context: { microseconds: String(micros) },
  });
}

/** DuckDB's own signs for infinite dates. */
const ENDLESS: ReadonlyMap<number, string> = new Map([
  [2_147_483_647, "infinity"],
  [-2_147_483_647, "-infinity"],
]);

function dateText(): (days: number) => string {
  const known = new Map(ENDLESS);
  return (days) => {
    let text = known.get(days);
    if (text === undefined) {
      text = dayOf(days);
      if (known.size < 50_000) known.set(days, text);
    }
    return text;
  };
}

/** Days of 400 years, after which the calendar repeats. */
const CYCLE = 146_097;

/** As `Date` writes it, for years that no Date has as well. */
function dayOf(days: number): string {
  const cycles = Math.floor(days / CYCLE);
  const date = new Date((days - cycles * CYCLE) * 86_400_000);
  const year = date.getUTCFullYear() + cycles * 400;
  const sign = year < 0 ? "-" : "+";
  const digits =
    year >= 0 && year <= 9999
      ? String(year).padStart(4, "0")
      : sign + String(Math.abs(year)).padStart(6, "0");
  return `${digits}${date.toISOString().slice(4, 10)}`;
}

const INLINE = 12;
const ENTRY = 16;

function readTexts(vector: Vector, count: number): (string | null)[] {
  const valid = validityOf(vector, count);
  return readStrings(vector, count, valid && ((row) => isValid(valid, row)));
}

function readBytes(vector: Vector, count: number): Cell[] {
  const valid = validityOf(vector, count);
  const data = duckdb.vector_get_data(vector, count * ENTRY);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return Array.from({ length: count }, (_, row) => {
    if (valid !== undefined && !isValid(valid, row)) return null;
    const entry = row * ENTRY;
    const length = view.getUint32(entry, true);
    // Not slice(): of a Buffer it is a view of memory that the chunk takes with it.
    if (length <= INLINE) return new Uint8Array(data.subarray(entry + 4, entry + 4 + length));
    return new Uint8Array(
      duckdb.get_data_from_pointer(data.buffer as ArrayBuffer, data.byteOffset + entry + 8, length),
    );
  });
}

const LONG_INTEGER = /^-?\d{16,}$/;

/** JSON as cells: whole numbers that a double cannot hold exactly are bigint. */
function parseJson(text: string): Cell {
  try {
    if (!/\d{16}/.test(text)) return JSON.parse(text) as Cell;
    return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => {
      const source = context?.source;
      if (typeof value !== "number" || source === undefined || !LONG_INTEGER.test(source)) return value;
      return Number.isSafeInteger(value) ? value : BigInt(source);
    }) as Cell;
  } catch (error) {
    const tamed = withoutNaN(text);
    if (tamed !== text) return revived(parseJson(tamed));
    const excerpt = text.length > 80 ? `${text.slice(0, 80)}…` : text;
    throw new AmlError("parse_failed", `A value of a nested column is no JSON: ${excerpt}`, {
      hint: "Convert the column to string with convert_column_types, or drop it.",
      cause: error,
    });
  }
}

const NAN = "6ac8a5c5 not a number";

/** DuckDB writes NaN and infinity into JSON, which has neither: as what can be read and told from anything else. */
function withoutNaN(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g, (part) => {
    if (part.startsWith('"')) return part;
    return part === "NaN" ? `"${NAN}"` : part.startsWith("-") ? "-1e999" : "1e999";
  });
}

function revived(value: Cell): Cell {
  if (value === NAN) return Number.NaN;
  if (Array.isArray(value)) return value.map((item: Cell) => revived(item));
  if (value === null || typeof value !== "object" || value instanceof Date || value instanceof Uint8Array)
    return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, revived(item)]));
}

function wholeMilliseconds(micros: bigint): number {
  const ms = micros / 1000n;
  return Number(micros < 0n && ms * 1000n !== micros ? ms - 1n : ms);
}
