import {
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimeValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBValue,
} from "@duckdb/node-api";
import { DataType, type Data, type Table } from "apache-arrow";

/** A value that both sides have: numbers of 64 bits and times as text of their digits, lists and structs as arrays. */
export type Plain = null | boolean | number | string | readonly Plain[];

/** What DuckDB's own reader makes of a value. */
export function plainOfDuckDB(value: DuckDBValue): Plain {
  if (value === null || typeof value === "boolean" || typeof value === "number" || typeof value === "string")
    return typeof value === "number" && Number.isNaN(value) ? "NaN" : value;
  if (typeof value === "bigint") return String(value);
  if (value instanceof DuckDBListValue) return value.items.map(plainOfDuckDB);
  if (value instanceof DuckDBStructValue) return Object.values(value.entries).map(plainOfDuckDB);
  if (value instanceof DuckDBMapValue)
    return value.entries.map((entry) => [plainOfDuckDB(entry.key), plainOfDuckDB(entry.value)]);
  if (value instanceof DuckDBDecimalValue) return String(value.value);
  if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString("hex");
  if (value instanceof DuckDBDateValue) return value.days;
  if (value instanceof DuckDBTimeValue) return String(value.micros);
  if (value instanceof DuckDBTimestampValue || value instanceof DuckDBTimestampTZValue)
    return String(value.micros);
  if (value instanceof DuckDBTimestampNanosecondsValue) return String(value.nanos);
  if (value instanceof DuckDBTimestampMillisecondsValue) return String(value.millis);
  if (value instanceof DuckDBTimestampSecondsValue) return String(value.seconds);
  throw new Error(`No plain value for ${String(value)}`);
}

/** The rows of an Arrow table, read from its buffers as the format's specification says. */
export function plainRows(table: Table): Plain[][] {
  const columns = table.schema.fields.map((_, at) =>
    table.batches.flatMap((batch) => plainOfData(batch.data.children[at] as Data)),
  );
  return Array.from({ length: table.numRows }, (_, row) => columns.map((column) => column[row] as Plain));
}

function plainOfData(data: Data): Plain[] {
  const valid = (at: number): boolean =>
    data.nullCount === 0 || (((data.nullBitmap[at >> 3] as number) >> (at & 7)) & 1) === 1;
  const read = readerOf(data);
  return Array.from({ length: data.length }, (_, at) => (valid(at) ? read(at) : null));
}

function readerOf(data: Data): (at: number) => Plain {
  const { type, values, valueOffsets, children } = data;
  const nested = children.map(plainOfData);
  const slice = (at: number): [number, number] => [Number(valueOffsets[at]), Number(valueOffsets[at + 1])];
  if (DataType.isUtf8(type))
    return (at) => Buffer.from((values as Uint8Array).subarray(...slice(at))).toString("utf8");
  if (DataType.isBinary(type))
    return (at) => Buffer.from((values as Uint8Array).subarray(...slice(at))).toString("hex");
  if (DataType.isList(type)) return (at) => (nested[0] as Plain[]).slice(...slice(at));
  if (DataType.isMap(type)) return (at) => (nested[0] as Plain[]).slice(...slice(at));
  if (DataType.isStruct(type)) return (at) => nested.map((column) => column[at] as Plain);
  if (DataType.isBool(type))
    return (at) => (((values as Uint8Array)[at >> 3] as number) & (1 << (at & 7))) !== 0;
  if (DataType.isDecimal(type))
    return (at) => String(words128((values as Uint32Array).subarray(at * 4, at * 4 + 4)));
  return (at) => {
    const value: number | bigint = (values as Float64Array | BigInt64Array)[at] as number | bigint;
    if (typeof value === "bigint") return String(value);
    return Number.isNaN(value) ? "NaN" : value;
  };
}

function words128(words: Uint32Array): bigint {
  const whole = words.reduceRight((sum, word) => (sum << 32n) | BigInt(word), 0n);
  return BigInt.asIntN(128, whole);
}
