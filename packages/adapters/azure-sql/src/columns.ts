import { AmlError, type Cell, type Column, type ColumnType } from "@aml/core/adapter";
import { columnNames } from "@aml/core/sql";
import { dateText, timeText, timestampText, type DriverTime } from "./time-text.ts";

/** A column as the driver describes it. */
export interface DriverColumn {
  readonly colName: string;
  readonly type: { readonly name: string };
  readonly flags: number;
  /** Bytes; 65,535 for `max`. */
  readonly dataLength?: number | undefined;
  readonly precision?: number | undefined;
  readonly scale?: number | undefined;
  readonly udtInfo?: { readonly typeName: string } | undefined;
}

/** What the server tells of a column before it runs the statement. */
export interface ColumnPlan {
  /** Empty for an expression without an alias. */
  readonly name: string;
  /** E.g. `decimal(38,10)`. */
  readonly nativeType: string;
  /** The server sends it as text: the driver would make a double of it. */
  readonly decimalAsText: boolean;
}

export interface ColumnReader {
  readonly column: Column;
  /** It reads a `DriverTime`. */
  readonly isTime: boolean;
  /** Of what the driver gave, never null. */
  read(value: unknown): Cell;
}

interface Reader {
  readonly type: ColumnType;
  readonly name: string;
  readonly isTime?: boolean;
  read(value: never): Cell;
}

const NULLABLE = 0x01;

/** @throws `unsupported` for a type that cannot be read, named with its column. */
export function columnReaders(
  columns: readonly DriverColumn[],
  plan: readonly ColumnPlan[] | undefined,
  timestamps: "date" | "text",
): ColumnReader[] {
  const names = columnNames(columns.map(({ colName }, at) => plan?.[at]?.name ?? colName));
  return columns.map((column, at) => {
    const name = names[at] as string;
    const planned = plan?.[at];
    const reader = planned?.decimalAsText === true ? DECIMAL_TEXT : readerOf(column, name, timestamps);
    const nullable = (column.flags & NULLABLE) !== 0;
    const nativeType = planned?.nativeType ?? reader.name;
    return {
      column: Object.freeze({ name, type: reader.type, nullable, nativeType }),
      isTime: reader.isTime === true,
      read: (value) => reader.read(value as never),
    };
  });
}

const DECIMAL_TEXT: Reader = { type: "decimal", name: "decimal", read: (value: string) => value };

const as = (type: ColumnType, name: string, read: (value: never) => Cell): Reader => ({ type, name, read });
const asTime = (type: ColumnType, name: string, read: (time: DriverTime) => Cell): Reader => ({
  type,
  name,
  isTime: true,
  read,
});
const same = (value: Cell): Cell => value;
const bytes = (value: Uint8Array): Cell => new Uint8Array(value);

function readerOf(column: DriverColumn, name: string, timestamps: "date" | "text"): Reader {
  const { type, dataLength = 0, precision = 18, scale = 0 } = column;
  const length = dataLength === 0xffff ? "max" : dataLength;
  const time = (native: string, digits: number, zone: string): Reader =>
    asTime("timestamp", native, (value) =>
      timestamps === "text" ? timestampText(value, digits, zone) : new Date(value.ms),
    );
  switch (type.name) {
    case "Bit":
    case "BitN":
      return as("boolean", "bit", same);
    case "TinyInt":
    case "SmallInt":
    case "Int":
      return as("int32", type.name.toLowerCase(), same);
    case "BigInt":
      return as("int64", "bigint", (value: string | bigint) => BigInt(value));
    case "IntN":
      return dataLength === 8
        ? as("int64", "bigint", (value: string | bigint) => BigInt(value))
        : as("int32", dataLength === 4 ? "int" : dataLength === 2 ? "smallint" : "tinyint", same);
    case "Real":
    case "Float":
    case "FloatN":
      return as("float64", type.name === "Real" || dataLength === 4 ? "real" : "float", same);
    case "DecimalN":
    case "NumericN":
      return as("decimal", `decimal(${precision},${scale})`, (value: number) => exact(value, scale, name));
    case "Money":
    case "SmallMoney":
    case "MoneyN":
      return as(
        "decimal",
        type.name === "SmallMoney" || dataLength === 4 ? "smallmoney" : "money",
        (value: number) => exact(value, 4, name),
      );
    case "Date":
      return asTime("date", "date", dateText);
    case "Time":
      return asTime("string", `time(${scale})`, (value) => timeText(value, scale));
    case "SmallDateTime":
      return time("smalldatetime", 0, "");
    case "DateTime":
      return time("datetime", 3, "");
    case "DateTimeN":
      return dataLength === 4 ? time("smalldatetime", 0, "") : time("datetime", 3, "");
    case "DateTime2":
      return time(`datetime2(${scale})`, scale, "");
    case "DateTimeOffset":
      return time(`datetimeoffset(${scale})`, scale, "Z");
    case "UniqueIdentifier":
      return as("string", "uniqueidentifier", same);
    case "Binary":
    case "VarBinary":
    case "Image":
      return as("bytes", `${type.name.toLowerCase()}(${length})`, bytes);
    case "Char":
    case "VarChar":
    case "Text":
      return as("string", `${type.name.toLowerCase()}(${length})`, same);
    case "NChar":
    case "NVarChar":
    case "NText":
      return as("string", `${type.name.toLowerCase()}(${length === "max" ? length : length / 2})`, same);
    case "Xml":
      return as("string", "xml", same);
    case "Null":
      return as("string", "null", same);
    default:
      throw unreadable(name, nameOf(column));
  }
}

function nameOf({ type, udtInfo }: DriverColumn): string {
  return type.name === "Variant" ? "sql_variant" : (udtInfo?.typeName ?? type.name);
}

export function unreadable(column: string, type: string): AmlError {
  return new AmlError(
    "unsupported",
    `The column ${JSON.stringify(column)} is a ${type}, which cannot be read.`,
    {
      operation: "query",
      hint: `Cast it to a type of its own, e.g. CAST(${column === "" ? "…" : `[${column}]`} AS nvarchar(4000)).`,
      context: { column, type },
    },
  );
}

/** Up to here the digits of a decimal, as an integer, survive the way through the driver's double. */
const EXACT_UNITS = 2 ** 50;

/** The digits of a decimal of which the driver made a double, if they are certain. */
function exact(value: number, scale: number, column: string): string {
  if (Math.abs(value) * 10 ** scale < EXACT_UNITS) return value.toFixed(scale).replace(/^-(0(\.0*)?)$/, "$1");
  throw new AmlError(
    "unsupported",
    `A value of the column ${JSON.stringify(column)} has more digits than its driver keeps.`,
    {
      operation: "query",
      hint: `Cast it to text in the query: CAST([${column}] AS varchar(41)), or money to decimal(19,4).`,
      context: { column },
    },
  );
}
