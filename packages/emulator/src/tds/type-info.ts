import type { ByteWriter } from "./byte-writer.ts";
import type { SqlType, SqlTypeName } from "./sql-type.ts";
import { COLLATION } from "./tokens.ts";

/**
 * Types of the protocol, those that may be NULL.
 *
 * @see https://learn.microsoft.com/openspecs/windows_protocols/ms-tds/ce3183a6-9d89-47e8-a02f-de5a1a1303de – read 2026-11
 */
export const TYPE = {
  uniqueidentifier: 0x24,
  int: 0x26,
  date: 0x28,
  time: 0x29,
  datetime2: 0x2a,
  datetimeoffset: 0x2b,
  variant: 0x62,
  bit: 0x68,
  decimal: 0x6a,
  numeric: 0x6c,
  float: 0x6d,
  money: 0x6e,
  datetime: 0x6f,
  varbinary: 0xa5,
  varchar: 0xa7,
  binary: 0xad,
  char: 0xaf,
  nvarchar: 0xe7,
  nchar: 0xef,
  xml: 0xf1,
} as const;

/** Types of a fixed number of bytes: its own code in the protocol, and the bytes. */
export const FIXED: Readonly<Partial<Record<SqlTypeName, readonly [code: number, bytes: number]>>> = {
  bit: [TYPE.bit, 1],
  tinyint: [TYPE.int, 1],
  smallint: [TYPE.int, 2],
  int: [TYPE.int, 4],
  bigint: [TYPE.int, 8],
  real: [TYPE.float, 4],
  float: [TYPE.float, 8],
  smallmoney: [TYPE.money, 4],
  money: [TYPE.money, 8],
  smalldatetime: [TYPE.datetime, 4],
  datetime: [TYPE.datetime, 8],
  uniqueidentifier: [TYPE.uniqueidentifier, 16],
};

const TEXT: ReadonlySet<SqlTypeName> = new Set(["char", "varchar", "nchar", "nvarchar"]);
const CODES = TYPE as Readonly<Record<string, number>>;
const VARIANT_LIMIT = 8009;

export function isLong(type: SqlType): boolean {
  return type.length === "max" || type.name === "xml";
}

/** Bytes of a decimal's digits and sign. */
export function decimalBytes(precision: number): number {
  if (precision <= 9) return 5;
  if (precision <= 19) return 9;
  return precision <= 28 ? 13 : 17;
}

/** TYPE_INFO, as it stands in COLMETADATA. */
export function writeTypeInfo(out: ByteWriter, type: SqlType): void {
  const fixed = FIXED[type.name];
  if (fixed) {
    out.u8(fixed[0]).u8(fixed[1]);
  } else if (type.name === "decimal") {
    const precision = type.precision ?? 38;
    out
      .u8(TYPE.decimal)
      .u8(decimalBytes(precision))
      .u8(precision)
      .u8(type.scale ?? 0);
  } else if (type.name === "sql_variant") {
    out.u8(TYPE.variant).u32(VARIANT_LIMIT);
  } else if (type.name === "xml") {
    out.u8(TYPE.xml).u8(0);
  } else {
    out.u8(CODES[type.name] ?? TYPE.nvarchar);
    if (type.length !== undefined) {
      const unit = type.name.startsWith("n") ? 2 : 1;
      out.u16(type.length === "max" ? 0xffff : type.length * unit);
      if (TEXT.has(type.name)) out.bytes(COLLATION);
    } else if (type.name !== "date") out.u8(type.scale ?? 7);
  }
}
