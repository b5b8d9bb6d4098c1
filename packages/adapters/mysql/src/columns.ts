import { AmlError, type Cell, type Column, type ColumnType } from "@aml/core/adapter";
import { clockText, dateText, isZeroDate, timeDate, type WireTime } from "./wire-times.ts";

/** What the wire says of a column. */
export interface Field {
  readonly name: string;
  readonly columnType: number;
  readonly flags: number;
  readonly columnLength: number;
  readonly decimals: number;
  readonly characterSet: number;
  /** What the driver calls the character set. */
  readonly encoding: string;
  readonly extendedFormat?: string | undefined;
  /** Empty for an expression. */
  readonly orgTable: string;
}

export interface ReadOptions {
  readonly timestamps: "date" | "text";
  readonly zeroDates: "fail" | "null";
}

/** Makes a cell of a value that is not null, as `read-row.ts` reads it. */
type Convert = (raw: unknown) => Cell;

export interface ReadColumn {
  readonly column: Column;
  readonly convert: Convert;
}

interface Kind {
  readonly type: ColumnType;
  readonly native: string;
  readonly convert: Convert;
}

const FLAG = { notNull: 1, unsigned: 32, enum: 256, set: 2048 } as const;
const BINARY = 63;

/** How a column is read, under the name that its rows have. @throws nothing: a value that cannot be read does. */
export function readColumn(field: Field, name: string, options: ReadOptions): ReadColumn {
  const { type, native, convert } = kindOf(field, name, options);
  const nullable = (field.flags & FLAG.notNull) === 0;
  return { column: Object.freeze({ name, type, nullable, nativeType: native }), convert };
}

/** https://dev.mysql.com/doc/dev/mysql-server/latest/field__types_8h.html, read 2026-11 */
function kindOf(field: Field, name: string, options: ReadOptions): Kind {
  const { columnType, columnLength, characterSet } = field;
  const unsigned = (field.flags & FLAG.unsigned) !== 0;
  const sign = unsigned ? " unsigned" : "";
  switch (columnType) {
    case 1:
      return { type: "int32", native: columnLength === 1 ? "tinyint(1)" : `tinyint${sign}`, convert: same };
    case 2:
      return { type: "int32", native: `smallint${sign}`, convert: same };
    case 9:
      return { type: "int32", native: `mediumint${sign}`, convert: same };
    case 13:
      return { type: "int32", native: "year", convert: same };
    case 3:
      return unsigned
        ? { type: "int64", native: "int unsigned", convert: (raw) => BigInt(raw as number) }
        : { type: "int32", native: "int", convert: same };
    case 8:
      return unsigned
        ? { type: "decimal", native: "bigint unsigned", convert: String }
        : { type: "int64", native: "bigint", convert: same };
    case 4:
      return { type: "float64", native: "float", convert: same };
    case 5:
      return { type: "float64", native: "double", convert: same };
    case 0:
    case 246:
      return { type: "decimal", native: decimalName(field, unsigned), convert: same };
    case 16:
      return bits(field, name);
    case 10:
    case 14:
      return { type: "date", native: "date", convert: dated(name, options) };
    case 7:
      return {
        type: "timestamp",
        native: `timestamp${digits(field)}`,
        convert: moment(field, name, options, "Z"),
      };
    case 12:
      return {
        type: "timestamp",
        native: `datetime${digits(field)}`,
        convert: moment(field, name, options, ""),
      };
    case 11:
      return { type: "string", native: `time${digits(field)}`, convert: timed(field) };
    case 245:
      return { type: "json", native: "json", convert: json };
    case 242:
      return { type: "bytes", native: "vector", convert: bytes };
    case 255:
      return { type: "bytes", native: "geometry", convert: bytes };
    case 6:
      return { type: "string", native: "null", convert: same };
    default:
      return textual(field, characterSet === BINARY);
  }
}

function textual(field: Field, binary: boolean): Kind {
  if (field.extendedFormat === "json") return { type: "json", native: "json", convert: json };
  if ((field.flags & FLAG.enum) !== 0) return { type: "string", native: "enum", convert: same };
  if ((field.flags & FLAG.set) !== 0) return { type: "string", native: "set", convert: same };
  const long = [249, 250, 251, 252].includes(field.columnType);
  const fixed = field.columnType === 254;
  if (binary)
    return { type: "bytes", native: long ? "blob" : fixed ? "binary" : "varbinary", convert: bytes };
  return { type: "string", native: long ? "text" : fixed ? "char" : "varchar", convert: same };
}

function same(raw: unknown): Cell {
  return raw as Cell;
}

/** Memory of its own: what was read is a part of a larger packet. */
function bytes(raw: unknown): Cell {
  return new Uint8Array(raw as Uint8Array);
}

function json(raw: unknown): Cell {
  // A number that a double does not hold stays the text that it was.
  const exact = (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === "number" && context?.source !== undefined && !isExact(value, context.source)
      ? context.source
      : value;
  return JSON.parse(raw as string, exact) as Cell;
}

function isExact(value: number, source: string): boolean {
  return !/^-?\d+$/.test(source) || Number.isSafeInteger(value);
}

function bits({ columnLength: length, orgTable }: Field, name: string): Kind {
  const native = `bit(${length})`;
  const number = (raw: unknown): bigint => bitsOf(raw as Uint8Array, length, orgTable === "", name);
  if (length === 1) return { type: "boolean", native, convert: (raw) => number(raw) === 1n };
  if (length < 64) return { type: "int64", native, convert: number };
  return { type: "decimal", native, convert: (raw) => String(number(raw)) };
}

/**
 * The number that bits stand for. Of an expression, MariaDB sends its decimal digits instead of the bits of a prepared
 * statement's result (seen in 10.11), under the same type.
 */
function bitsOf(raw: Uint8Array, length: number, expression: boolean, name: string): bigint {
  const number = raw.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const digits = expression && raw.every((byte) => byte >= 0x30 && byte <= 0x39);
  if (!digits) return number;
  const fits = raw.length === Math.ceil(length / 8) && number < 1n << BigInt(length);
  if (!fits) return BigInt(new TextDecoder().decode(raw));
  throw new AmlError(
    "parse_failed",
    `Of column ${JSON.stringify(name)} the server does not tell whether it sent bits or digits.`,
    { operation: "query", hint: "Ask for CAST(… AS UNSIGNED).", context: { column: name } },
  );
}

function decimalName({ columnLength, decimals }: Field, unsigned: boolean): string {
  // The length counts the sign and the point.
  const precision = columnLength - (unsigned ? 0 : 1) - (decimals > 0 ? 1 : 0);
  return `decimal(${precision},${decimals})${unsigned ? " unsigned" : ""}`;
}

/** Digits of a second; 31 and more stand for "as many as there are". */
function digitsOf({ decimals }: Field): number {
  return decimals > 6 ? 6 : decimals;
}

function digits(field: Field): string {
  const count = digitsOf(field);
  return count === 0 ? "" : `(${count})`;
}

function dated(name: string, options: ReadOptions): Convert {
  return (raw) => {
    const wire = raw as WireTime;
    return isZeroDate(wire) ? zero(name, dateText(wire), options) : dateText(wire);
  };
}

function moment(field: Field, name: string, options: ReadOptions, zone: string): Convert {
  const count = digitsOf(field);
  return (raw) => {
    const wire = raw as WireTime;
    if (isZeroDate(wire)) return zero(name, `${dateText(wire)} ${clockText(wire, count)}`, options);
    if (options.timestamps === "date") return timeDate(wire);
    return `${dateText(wire)}T${clockText(wire, count)}${zone}`;
  };
}

function zero(name: string, text: string, { zeroDates }: ReadOptions): null {
  if (zeroDates === "null") return null;
  throw noDate(name, text);
}

/** `-838:59:59.5`, with all digits that the column has. */
function timed(field: Field): Convert {
  const count = digitsOf(field);
  return (raw) => {
    const [clock = "", fraction = ""] = (raw as string).split(".");
    return count === 0 ? clock : `${clock}.${fraction.padEnd(count, "0")}`;
  };
}

function noDate(name: string, text: string): AmlError {
  return new AmlError("parse_failed", `Column ${JSON.stringify(name)} holds ${text}, which is no date.`, {
    operation: "query",
    hint: "Set the option zeroDates to null, or ask for CAST(… AS CHAR).",
    context: { column: name, value: text },
  });
}
