import { isUtf8 } from "node:buffer";
import { AmlError, type ArrowField, type ArrowType, type ArrowVector } from "@aml/core";
import {
  BIGINT,
  BLOB,
  BOOLEAN,
  DATE,
  DECIMAL,
  DOUBLE,
  FLOAT,
  INTEGER,
  LIST,
  MAP,
  SMALLINT,
  STRUCT,
  TIME,
  TIME_NS,
  TIMESTAMP,
  TIMESTAMP_MS,
  TIMESTAMP_NS,
  TIMESTAMP_S,
  TIMESTAMPTZ,
  TINYINT,
  UBIGINT,
  UINTEGER,
  USMALLINT,
  UTINYINT,
  VARCHAR,
  type DuckDBType,
} from "@duckdb/node-api";
import duckdb, { type Vector } from "@duckdb/node-bindings";
import { checkVector } from "./check-vector.ts";

/** Puts some of a column's values into a fresh vector. */
export type ColumnWriter = (vector: Vector, from: number, count: number) => void;

const SIGNED = { 8: TINYINT, 16: SMALLINT, 32: INTEGER, 64: BIGINT } as const;
const UNSIGNED = { 8: UTINYINT, 16: USMALLINT, 32: UINTEGER, 64: UBIGINT } as const;
const TIMESTAMPS = { s: TIMESTAMP_S, ms: TIMESTAMP_MS, us: TIMESTAMP, ns: TIMESTAMP_NS } as const;

/** The type of DuckDB that holds each value of an Arrow type exactly. */
export function duckDBType(type: ArrowType): DuckDBType {
  switch (type.kind) {
    case "bool":
      return BOOLEAN;
    case "int":
      return type.signed ? SIGNED[type.bits] : UNSIGNED[type.bits];
    case "float":
      return type.bits === 32 ? FLOAT : DOUBLE;
    case "decimal":
      return DECIMAL(type.precision, type.scale);
    case "utf8":
      return VARCHAR;
    case "binary":
      return BLOB;
    case "date":
      return DATE;
    case "time":
      return type.unit === "us" ? TIME : TIME_NS;
    case "timestamp":
      // With a zone, DuckDB has microseconds only.
      return type.timezone === undefined || type.unit === "ns" ? TIMESTAMPS[type.unit] : TIMESTAMPTZ;
    case "list":
      return LIST(duckDBType(type.item.type));
    case "struct":
      return STRUCT(Object.fromEntries(type.fields.map((field) => [field.name, duckDBType(field.type)])));
    case "map":
      return MAP(duckDBType(type.key.type), duckDBType(type.value.type));
  }
}

/**
 * Writes a column of Arrow's layout into vectors of DuckDB.
 *
 * @throws `parse_failed` with the column: as `checkVector`; and when it is used, for text that is not UTF-8 and for times that
 * DuckDB does not hold.
 */
export function columnWriter(name: string, type: ArrowType, column: ArrowVector | undefined): ColumnWriter {
  if (column === undefined) throw new TypeError(`Column ${name} is missing in a batch.`);
  checkVector(name, type, column);
  const values = valueWriter(name, type, column);
  const { validity } = column;
  if (validity === undefined || column.nullCount === 0) return values;
  return (vector, from, count) => {
    // The items of a null are none, whatever the buffers say.
    values(vector, from, count);
    const bits = bitsOf(validity, from, count);
    duckdb.vector_ensure_validity_writable(vector);
    duckdb.copy_data_to_vector_validity(vector, 0, bits.buffer, 0, bits.byteLength);
  };
}

function valueWriter(name: string, type: ArrowType, column: ArrowVector): ColumnWriter {
  switch (type.kind) {
    case "bool":
      return bools(column);
    case "int":
      return plain(column, type.bits / 8);
    case "float":
      return plain(column, type.bits / 8);
    case "date":
      return checked(name, column, plain(column, 4), (value) => Math.abs(Number(value)) < 2 ** 31 - 1);
    case "time":
      return plain(column, 8);
    case "timestamp":
      return checked(name, column, plain(column, 8), (value) => value < INFINITE && value > -INFINITE);
    case "decimal":
      return decimals(column, type.precision);
    case "utf8":
      return texts(name, column, true);
    case "binary":
      return texts(name, column, false);
    case "list":
      return lists(column, columnWriter(name, type.item.type, column.children?.[0]));
    case "struct":
      return structs(name, type.fields, column);
    case "map": {
      const entry = column.children?.[0];
      if (entry === undefined) throw new TypeError(`Column ${name} has no entries.`);
      return lists(column, columnWriter(name, { kind: "struct", fields: [type.key, type.value] }, entry));
    }
  }
}

const INFINITE = 2n ** 63n - 1n;

/** Copies values that DuckDB keeps as Arrow does. */
function plain({ data }: ArrowVector, bytes: number): ColumnWriter {
  return (vector, from, count) => {
    if (data === undefined || count === 0) return;
    const start = data.byteOffset + from * bytes;
    duckdb.copy_data_to_vector(vector, 0, data.buffer as ArrayBuffer, start, count * bytes);
  };
}

/** DuckDB has infinite dates and timestamps where Arrow has the last ones. */
function checked(
  name: string,
  { data, validity }: ArrowVector,
  write: ColumnWriter,
  isFinite: (value: bigint | number) => boolean,
): ColumnWriter {
  return (vector, from, count) => {
    for (let at = from; at < from + count; at += 1) {
      const value = data?.[at] ?? 0;
      if (!isFinite(value) && isSet(validity, at)) throw noTime(name, value);
    }
    write(vector, from, count);
  };
}

function bools({ data }: ArrowVector): ColumnWriter {
  const bits = data as Uint8Array;
  return (vector, from, count) => {
    const bytes = Uint8Array.from({ length: count }, (_, at) => (isSet(bits, from + at) ? 1 : 0));
    duckdb.copy_data_to_vector(vector, 0, bytes.buffer, 0, count);
  };
}

/** DuckDB keeps decimals of few digits in fewer bytes. */
function decimals(column: ArrowVector, precision: number): ColumnWriter {
  if (precision > 18) return plain(column, 16);
  const words = column.data as Uint32Array;
  return (vector, from, count) => {
    const at = (index: number, word: number): number => words[4 * (from + index) + word] ?? 0;
    const narrow =
      precision > 9
        ? Uint32Array.from({ length: 2 * count }, (_, index) => at(index >> 1, index & 1))
        : precision > 4
          ? Int32Array.from({ length: count }, (_, index) => at(index, 0) | 0)
          : Int16Array.from({ length: count }, (_, index) => at(index, 0) | 0);
    duckdb.copy_data_to_vector(vector, 0, narrow.buffer, 0, narrow.byteLength);
  };
}

/** DuckDB's string: its length, then up to twelve bytes, or a pointer that is DuckDB's business. */
const STRING_BYTES = 16;
const INLINE_BYTES = 12;

function texts(name: string, { offsets, data, validity }: ArrowVector, isText: boolean): ColumnWriter {
  const starts = offsets ?? new Int32Array(1);
  const bytes = data as Uint8Array;
  return (vector, from, count) => {
    const items = new Uint8Array(count * STRING_BYTES);
    const lengths = new Uint32Array(items.buffer);
    const long: number[] = [];
    for (let at = 0; at < count; at += 1) {
      if (!isSet(validity, from + at)) continue;
      const start = starts[from + at] ?? 0;
      const length = (starts[from + at + 1] ?? start) - start;
      if (length > INLINE_BYTES) long.push(at);
      else {
        lengths[(at * STRING_BYTES) / 4] = length;
        for (let index = 0; index < length; index += 1)
          items[at * STRING_BYTES + 4 + index] = bytes[start + index] ?? 0;
        if (isText && hasHigh(bytes, start, length) && !isUtf8(bytes.subarray(start, start + length)))
          throw noText(name);
      }
    }
    duckdb.copy_data_to_vector(vector, 0, items.buffer, 0, items.byteLength);
    for (const at of long) {
      const value = bytes.subarray(starts[from + at], starts[from + at + 1]);
      if (isText && !isUtf8(value)) throw noText(name);
      duckdb.vector_assign_string_element_len(vector, at, value);
    }
  };
}

function hasHigh(bytes: Uint8Array, start: number, length: number): boolean {
  for (let at = start; at < start + length; at += 1) if ((bytes[at] ?? 0) > 0x7f) return true;
  return false;
}

/** Lists and maps: where the items of each start and how many they are, and all of them in one child. */
function lists({ offsets, validity }: ArrowVector, writeItems: ColumnWriter): ColumnWriter {
  const starts = offsets ?? new Int32Array(1);
  return (vector, from, count) => {
    const first = starts[from] ?? 0;
    const total = (starts[from + count] ?? first) - first;
    const entries = new BigUint64Array(2 * count);
    for (let at = 0; at < count; at += 1) {
      const start = starts[from + at] ?? 0;
      entries[2 * at] = BigInt(start - first);
      entries[2 * at + 1] = isSet(validity, from + at)
        ? BigInt((starts[from + at + 1] ?? start) - start)
        : 0n;
    }
    duckdb.copy_data_to_vector(vector, 0, entries.buffer, 0, entries.byteLength);
    duckdb.list_vector_reserve(vector, total);
    duckdb.list_vector_set_size(vector, total);
    writeItems(duckdb.list_vector_get_child(vector), first, total);
  };
}

/** The fields of a null are nulls: of others DuckDB writes the values to Parquet, where they become those of later rows. */
function structs(name: string, fields: readonly ArrowField[], column: ArrowVector): ColumnWriter {
  const { children = [] } = column;
  const writers = fields.map(({ type }, at) => columnWriter(name, type, withNullsOf(column, children[at])));
  return (vector, from, count) => {
    for (const [at, write] of writers.entries())
      write(duckdb.struct_vector_get_child(vector, at), from, count);
  };
}

function withNullsOf(parent: ArrowVector, child: ArrowVector | undefined): ArrowVector | undefined {
  const { validity, nullCount, length } = parent;
  if (child === undefined || validity === undefined || nullCount === 0) return child;
  const own = child.nullCount === 0 ? undefined : child.validity;
  const both = Uint8Array.from({ length: Math.ceil(length / 8) }, (_, at) => {
    return (validity[at] ?? 0) & (own === undefined ? 255 : (own[at] ?? 0));
  });
  return { ...child, length, validity: both, nullCount: Math.max(nullCount, child.nullCount) };
}

function isSet(bits: Uint8Array | undefined, at: number): boolean {
  return bits === undefined || ((bits[at >> 3] ?? 0) & (1 << (at & 7))) !== 0;
}

/** Bits from any place on, in whole words of 64. */
function bitsOf(bits: Uint8Array, from: number, count: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(Math.ceil(count / 64) * 8);
  const shift = from & 7;
  for (let at = 0; at < Math.ceil(count / 8); at += 1) {
    const low = bits[(from >> 3) + at] ?? 0;
    const high = bits[(from >> 3) + at + 1] ?? 0;
    out[at] = (low >> shift) | (high << (8 - shift));
  }
  return out;
}

function noTime(column: string, value: bigint | number): AmlError {
  return new AmlError(
    "parse_failed",
    `The table engine does not hold the time ${value} of column ${column}.`,
    {
      hint: "It is the last that its type has: leave such rows out, or make it null.",
      context: { column },
    },
  );
}

function noText(column: string): AmlError {
  return new AmlError("parse_failed", `Column ${column} has text that is not UTF-8.`, {
    hint: "Make it a column of bytes.",
    context: { column },
  });
}
