import type { ByteReader } from "./byte-reader.ts";
import { decode1252 } from "./code-page-1252.ts";
import { DAYS_TO_1900, dateText, timeText } from "./date-text.ts";
import { scaledText } from "./decimal-text.ts";
import { ProtocolError } from "./protocol-error.ts";
import type { SqlType, SqlTypeName } from "./sql-type.ts";
import { TYPE } from "./type-info.ts";

/** A parameter's type, and its value as PostgreSQL reads it. */
export interface TypedValue {
  readonly type: SqlType;
  readonly text: string | null;
}

type Read = (reader: ByteReader, code: number) => TypedValue;

/** Reads TYPE_INFO and a value of that type, as they stand in an RPC request. @throws ProtocolError */
export function readValue(reader: ByteReader): TypedValue {
  const code = reader.u8();
  const read = READERS[code];
  if (!read) throw new ProtocolError(`a parameter has the unknown type 0x${code.toString(16)}`);
  return read(reader, code);
}

const INTEGERS: Readonly<Record<number, SqlTypeName>> = {
  1: "tinyint",
  2: "smallint",
  4: "int",
  8: "bigint",
};

/** Types whose value follows its length in one byte. */
function sized(names: Readonly<Record<number, SqlTypeName>>, text: (bytes: Buffer) => string): Read {
  return (reader) => {
    const name = names[reader.u8()];
    if (!name) throw new ProtocolError("a parameter has an impossible length");
    const bytes = reader.bytes(reader.u8());
    return { type: { name }, text: bytes.length === 0 ? null : text(bytes) };
  };
}

function fixed(name: SqlTypeName, size: number, text: (bytes: Buffer) => string): Read {
  return (reader) => ({ type: { name }, text: text(reader.bytes(size)) });
}

const READERS: Readonly<Record<number, Read>> = {
  0x1f: () => ({ type: { name: "nvarchar", length: 1 }, text: null }),
  0x30: fixed("tinyint", 1, integerText),
  0x32: fixed("bit", 1, integerText),
  0x34: fixed("smallint", 2, integerText),
  0x38: fixed("int", 4, integerText),
  0x7f: fixed("bigint", 8, integerText),
  0x3b: fixed("real", 4, floatText),
  0x3e: fixed("float", 8, floatText),
  0x3c: fixed("money", 8, moneyText),
  0x7a: fixed("smallmoney", 4, moneyText),
  0x3a: fixed("smalldatetime", 4, datetimeText),
  0x3d: fixed("datetime", 8, datetimeText),
  [TYPE.int]: sized(INTEGERS, integerText),
  [TYPE.bit]: sized({ 1: "bit" }, integerText),
  [TYPE.float]: sized({ 4: "real", 8: "float" }, floatText),
  [TYPE.money]: sized({ 4: "smallmoney", 8: "money" }, moneyText),
  [TYPE.datetime]: sized({ 4: "smalldatetime", 8: "datetime" }, datetimeText),
  [TYPE.uniqueidentifier]: sized({ 16: "uniqueidentifier" }, guidText),
  [TYPE.decimal]: readDecimal,
  [TYPE.numeric]: readDecimal,
  [TYPE.date]: (reader) => {
    const bytes = reader.bytes(reader.u8());
    if (bytes.length !== 0 && bytes.length !== 3) throw new ProtocolError("a date has an impossible length");
    return { type: { name: "date" }, text: bytes.length === 0 ? null : dateText(bytes.readUIntLE(0, 3)) };
  },
  [TYPE.time]: readTime,
  [TYPE.datetime2]: readTime,
  [TYPE.datetimeoffset]: readTime,
  [TYPE.char]: readText,
  [TYPE.varchar]: readText,
  [TYPE.nchar]: readText,
  [TYPE.nvarchar]: readText,
  [TYPE.binary]: readText,
  [TYPE.varbinary]: readText,
  [TYPE.xml]: (reader) => {
    if (reader.u8() !== 0) throw new ProtocolError("a parameter of a typed xml");
    const bytes = readChunks(reader);
    return { type: { name: "xml" }, text: bytes?.toString("utf16le") ?? null };
  },
  0x22: readOld,
  0x23: readOld,
  0x63: readOld,
};

function integerText(bytes: Buffer): string {
  if (bytes.length === 8) return bytes.readBigInt64LE().toString();
  return String(bytes.length === 1 ? bytes.readUInt8() : bytes.readIntLE(0, bytes.length));
}

function floatText(bytes: Buffer): string {
  return String(bytes.length === 4 ? bytes.readFloatLE() : bytes.readDoubleLE());
}

function moneyText(bytes: Buffer): string {
  const units =
    bytes.length === 4
      ? BigInt(bytes.readInt32LE())
      : (BigInt(bytes.readInt32LE()) << 32n) + BigInt(bytes.readUInt32LE(4));
  return scaledText(units, 4);
}

function datetimeText(bytes: Buffer): string {
  if (bytes.length === 4) {
    return `${dateText(DAYS_TO_1900 + bytes.readUInt16LE())} ${timeText(BigInt(bytes.readUInt16LE(2)) * 600_000_000n)}`;
  }
  const ticks = (BigInt(bytes.readUInt32LE(4)) * 10_000_000n) / 300n;
  return `${dateText(DAYS_TO_1900 + bytes.readInt32LE())} ${timeText(ticks)}`;
}

function guidText(bytes: Buffer): string {
  const copy = Buffer.from(bytes);
  copy.subarray(0, 4).reverse();
  copy.subarray(4, 6).reverse();
  copy.subarray(6, 8).reverse();
  return copy.toString("hex").replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function readDecimal(reader: ByteReader): TypedValue {
  reader.u8();
  const type: SqlType = { name: "decimal", precision: reader.u8(), scale: reader.u8() };
  const bytes = reader.bytes(reader.u8());
  if (bytes.length === 0) return { type, text: null };
  let value = 0n;
  for (let at = bytes.length - 1; at > 0; at--) value = (value << 8n) | BigInt(bytes[at] ?? 0);
  return { type, text: scaledText(bytes[0] === 0 ? -value : value, type.scale ?? 0) };
}

function readTime(reader: ByteReader, code: number): TypedValue {
  const scale = reader.u8();
  const bytes = reader.bytes(reader.u8());
  const name = code === TYPE.time ? "time" : code === TYPE.datetime2 ? "datetime2" : "datetimeoffset";
  const type: SqlType = { name, scale };
  if (bytes.length === 0) return { type, text: null };
  const size = bytes.length - (name === "time" ? 0 : name === "datetime2" ? 3 : 5);
  if (size < 3 || size > 5 || scale > 7) throw new ProtocolError("a time has an impossible length");
  const time = timeText(BigInt(bytes.readUIntLE(0, size)) * 10n ** BigInt(7 - scale));
  if (name === "time") return { type, text: time };
  const text = `${dateText(bytes.readUIntLE(size, 3))} ${time}`;
  return { type, text: name === "datetime2" ? text : `${text}+00` };
}

function readText(reader: ByteReader, code: number): TypedValue {
  const size = reader.u16();
  const binary = code === TYPE.binary || code === TYPE.varbinary;
  const wide = code === TYPE.nchar || code === TYPE.nvarchar;
  if (!binary) reader.bytes(5);
  const name = (Object.keys(TYPE) as (keyof typeof TYPE)[]).find((key) => TYPE[key] === code) as SqlTypeName;
  const length = size === 0xffff ? "max" : Math.max(1, wide ? size / 2 : size);
  const bytes = size === 0xffff ? readChunks(reader) : readShort(reader);
  return { type: { name, length }, text: bytes && decode(bytes, binary, wide) };
}

function decode(bytes: Buffer, binary: boolean, wide: boolean): string {
  if (binary) return `\\x${bytes.toString("hex")}`;
  return wide ? bytes.toString("utf16le") : decode1252(bytes);
}

function readShort(reader: ByteReader): Buffer | null {
  const length = reader.u16();
  return length === 0xffff ? null : reader.bytes(length);
}

function readChunks(reader: ByteReader): Buffer | null {
  if (reader.u64() === 0xffff_ffff_ffff_ffffn) return null;
  const chunks: Buffer[] = [];
  for (let size = reader.u32(); size > 0; size = reader.u32()) chunks.push(reader.bytes(size));
  return Buffer.concat(chunks);
}

/** text, ntext and image: older clients still send their long values so. */
function readOld(reader: ByteReader, code: number): TypedValue {
  reader.u32();
  if (code !== 0x22) reader.bytes(5);
  const length = reader.i32();
  const bytes = length === -1 ? null : reader.bytes(length);
  const name = code === 0x22 ? "varbinary" : code === 0x63 ? "nvarchar" : "varchar";
  return { type: { name, length: "max" }, text: bytes && decode(bytes, code === 0x22, code === 0x63) };
}
