import type { ByteWriter } from "./byte-writer.ts";
import { encode1252 } from "./code-page-1252.ts";
import { DAYS_TO_1900, parseMoment, type Moment } from "./date-text.ts";
import { unscaled } from "./decimal-text.ts";
import { SqlError } from "./sql-error.ts";
import type { SqlType } from "./sql-type.ts";
import { COLLATION } from "./tokens.ts";
import { decimalBytes, FIXED, isLong, TYPE } from "./type-info.ts";

const LONG_NULL = 0xffff_ffff_ffff_ffffn;
const TICKS_A_DAY = 864_000_000_000n;

/** The mark of NULL, in a row that has no bitmap of them. */
export function writeNull(out: ByteWriter, type: SqlType): void {
  if (isLong(type)) out.u64(LONG_NULL);
  else if (type.length !== undefined) out.u16(0xffff);
  else if (type.name === "sql_variant") out.u32(0);
  else out.u8(0);
}

/**
 * Writes a value that PostgreSQL gave as text.
 *
 * @throws SqlError 8115, 220 or 242 for a value that the type cannot hold.
 */
export function writeValue(out: ByteWriter, type: SqlType, text: string): void {
  const write = WRITERS[type.name];
  write(out, text, type);
}

type Write = (out: ByteWriter, text: string, type: SqlType) => void;

const WRITERS: Readonly<Record<SqlType["name"], Write>> = {
  bit: (out, text) => out.u8(1).u8(text === "t" || (text !== "f" && Number(text) !== 0) ? 1 : 0),
  tinyint: (out, text) => writeInteger(out, text, "tinyint", 0n, 255n),
  smallint: (out, text) => writeInteger(out, text, "smallint", -0x8000n, 0x7fffn),
  int: (out, text) => writeInteger(out, text, "int", -0x8000_0000n, 0x7fff_ffffn),
  bigint: (out, text) => writeInteger(out, text, "bigint", -(2n ** 63n), 2n ** 63n - 1n),
  real: (out, text) => out.u8(4).f32(finite(text, "real")),
  float: (out, text) => out.u8(8).f64(finite(text, "float")),
  decimal: writeDecimal,
  money: (out, text) => {
    const units = digits(text, 4, "money");
    if (BigInt.asIntN(64, units) !== units) throw overflow("money");
    out
      .u8(8)
      .i32(Number(units >> 32n))
      .u32(Number(units & 0xffff_ffffn));
  },
  smallmoney: (out, text) => {
    const units = digits(text, 4, "smallmoney");
    if (BigInt.asIntN(32, units) !== units) throw overflow("smallmoney");
    out.u8(4).i32(Number(units));
  },
  char: (out, text, type) => writeBytes(out, encode1252(text), type),
  varchar: (out, text, type) => writeBytes(out, encode1252(text), type),
  nchar: (out, text, type) => writeBytes(out, Buffer.from(text, "utf16le"), type),
  nvarchar: (out, text, type) => writeBytes(out, Buffer.from(text, "utf16le"), type),
  xml: (out, text, type) => writeBytes(out, Buffer.from(text, "utf16le"), type),
  binary: (out, text, type) => writeBytes(out, Buffer.from(text.slice(2), "hex"), type),
  varbinary: (out, text, type) => writeBytes(out, Buffer.from(text.slice(2), "hex"), type),
  uniqueidentifier: (out, text) => out.u8(16).bytes(guidBytes(text)),
  date: (out, text) => out.u8(3).uint(moment(text, "date").days, 3),
  time: (out, text, type) => {
    const { size, units } = timeOfDay(moment(text, "time"), type.scale ?? 7);
    out.u8(size).uint(Number(units), size);
  },
  datetime: writeDatetime,
  smalldatetime: (out, text) => {
    const { days, ticks } = moment(text, "smalldatetime");
    const minutes = Number((ticks + 300_000_000n) / 600_000_000n);
    const since = days - DAYS_TO_1900 + (minutes === 1440 ? 1 : 0);
    if (since < 0 || since > 0xffff) throw outOfRange("smalldatetime");
    out
      .u8(4)
      .u16(since)
      .u16(minutes % 1440);
  },
  datetime2: (out, text, type) => {
    const { size, units, days } = timeOfDay(moment(text, "datetime2"), type.scale ?? 7);
    out
      .u8(size + 3)
      .uint(Number(units), size)
      .uint(days, 3);
  },
  // PostgreSQL keeps the instant and not the offset: it is always told as UTC.
  datetimeoffset: (out, text, type) => {
    const { size, units, days } = timeOfDay(moment(text, "datetimeoffset"), type.scale ?? 7);
    out
      .u8(size + 5)
      .uint(Number(units), size)
      .uint(days, 3)
      .i16(0);
  },
  sql_variant: (out, text) => {
    const bytes = Buffer.from(text.slice(0, 4000), "utf16le");
    out
      .u32(bytes.length + 9)
      .u8(TYPE.nvarchar)
      .u8(7)
      .bytes(COLLATION)
      .u16(8000)
      .bytes(bytes);
  },
};

function writeInteger(
  out: ByteWriter,
  text: string,
  name: "tinyint" | "smallint" | "int" | "bigint",
  low: bigint,
  high: bigint,
): void {
  const size = FIXED[name]?.[1] ?? 4;
  // Most rows are mostly numbers: no bigint where none is needed.
  if (size <= 4) {
    const value = Number(text);
    if (!Number.isInteger(value) || value < Number(low) || value > Number(high)) throw overflow(name);
    out.u8(size);
    if (size === 4) out.i32(value);
    else if (size === 2) out.i16(value);
    else out.u8(value);
    return;
  }
  const value = BigInt(text);
  if (value < low || value > high) throw overflow(name);
  out.u8(size).i64(value);
}

function writeDecimal(out: ByteWriter, text: string, type: SqlType): void {
  const precision = type.precision ?? 38;
  const size = decimalBytes(precision);
  let rest = digits(text, type.scale ?? 0, "numeric");
  out.u8(size).u8(rest < 0n ? 0 : 1);
  if (rest < 0n) rest = -rest;
  if (rest >= 10n ** BigInt(precision)) throw overflow("numeric");
  for (let at = 1; at < size; at += 4) {
    out.u32(Number(rest & 0xffff_ffffn));
    rest >>= 32n;
  }
}

function writeBytes(out: ByteWriter, bytes: Buffer, type: SqlType): void {
  if (!isLong(type)) {
    out.u16(bytes.length).bytes(bytes);
    return;
  }
  out.u64(BigInt(bytes.length));
  if (bytes.length > 0) out.u32(bytes.length).bytes(bytes);
  out.u32(0);
}

function writeDatetime(out: ByteWriter, text: string): void {
  const { days, ticks } = moment(text, "datetime");
  // Three hundredths of a second, to the nearest.
  const units = Number((ticks * 300n + 5_000_000n) / 10_000_000n);
  const late = units === 300 * 86_400;
  const since = days - DAYS_TO_1900 + (late ? 1 : 0);
  if (since < -53_690) throw outOfRange("datetime");
  out
    .u8(8)
    .i32(since)
    .u32(late ? 0 : units);
}

function timeOfDay({ days, ticks }: Moment, scale: number): { size: number; units: bigint; days: number } {
  const unit = 10n ** BigInt(7 - scale);
  const rounded = (ticks + unit / 2n) / unit;
  const late = rounded * unit >= TICKS_A_DAY;
  const size = scale <= 2 ? 3 : scale <= 4 ? 4 : 5;
  return { size, units: late ? 0n : rounded, days: late ? days + 1 : days };
}

/** The first three groups are little-endian. */
export function guidBytes(text: string): Buffer {
  const bytes = Buffer.from(text.replaceAll("-", ""), "hex");
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}

function digits(text: string, scale: number, name: string): bigint {
  const value = unscaled(text, scale);
  if (value === undefined) throw overflow(name);
  return value;
}

function finite(text: string, name: string): number {
  const value = Number(text);
  if (!Number.isFinite(value)) throw overflow(name);
  return value;
}

function moment(text: string, name: string): Moment {
  const parsed = parseMoment(text);
  if (!parsed) throw outOfRange(name);
  return parsed;
}

function overflow(name: string): SqlError {
  return new SqlError(8115, 16, `Arithmetic overflow error converting expression to data type ${name}.`);
}

function outOfRange(name: string): SqlError {
  return new SqlError(242, 16, `The conversion to data type ${name} resulted in an out-of-range value.`);
}
