import { AmlError, type Cell, type Column, type Row } from "@aml/core";
import {
  BIGINT,
  BLOB,
  BOOLEAN,
  DATE,
  DOUBLE,
  DuckDBDateValue,
  DuckDBTimestampValue,
  INTEGER,
  TIMESTAMP,
  VARCHAR,
  type DuckDBType,
} from "@duckdb/node-api";
import type { Vector } from "@duckdb/node-bindings";
import { fixedWriter, textWriter, type CellWriter } from "./write-vector.ts";

/** A column of rows that come from outside, on their way into a table. */
export interface RowColumn {
  readonly name: string;
  readonly storedType: DuckDBType;
  /** Puts the cells of some rows into a vector. Also takes notice of what the type has to hold in the end. */
  write(rows: readonly Row[], from: number, count: number, vector: Vector): void;
  /** The column's type, once all rows are in. */
  sqlType(): string;
}

/** How a column is stored, and what it is then. */
export function rowColumn(column: Column): RowColumn {
  const { name, type } = column;
  const plain = (storedType: DuckDBType, sqlType: string, write: CellWriter): RowColumn => {
    return { name, storedType, write, sqlType: () => sqlType };
  };
  switch (type) {
    case "boolean":
      return plain(
        BOOLEAN,
        "BOOLEAN",
        fixedWriter(name, 1, (buffer) => {
          const items = new Uint8Array(buffer);
          return (at, cell) => (items[at] = cell === true ? 1 : 0);
        }),
      );
    case "int32":
      return plain(
        INTEGER,
        "INTEGER",
        fixedWriter(name, 4, (buffer) => {
          const items = new Int32Array(buffer);
          return (at, cell) => (items[at] = cell as number);
        }),
      );
    case "int64":
      return plain(
        BIGINT,
        "BIGINT",
        fixedWriter(name, 8, (buffer) => {
          const items = new BigInt64Array(buffer);
          return (at, cell) => (items[at] = cell as bigint);
        }),
      );
    case "float64":
      return plain(
        DOUBLE,
        "DOUBLE",
        fixedWriter(name, 8, (buffer) => {
          const items = new Float64Array(buffer);
          return (at, cell) => (items[at] = cell as number);
        }),
      );
    case "string":
      return plain(
        VARCHAR,
        "VARCHAR",
        textWriter(name, (cell) => cell as string),
      );
    case "bytes":
      return plain(
        BLOB,
        "BLOB",
        textWriter(name, (cell) => cell as Uint8Array),
      );
    case "date":
      return plain(
        DATE,
        "DATE",
        fixedWriter(name, 4, (buffer) => {
          const items = new Int32Array(buffer);
          return (at, cell) => (items[at] = dateValue(name, cell as string));
        }),
      );
    case "timestamp":
      return plain(
        TIMESTAMP,
        "TIMESTAMP",
        fixedWriter(name, 8, (buffer) => timestampWriter(name, buffer)),
      );
    case "json":
      return plain(VARCHAR, "JSON", textWriter(name, jsonText));
    case "decimal":
      return decimalColumn(column);
  }
}

/** The most digits that DuckDB computes with exactly. */
const MOST_DIGITS = 38;

/** As wide as the database says, or as the values need; text where no type of 38 digits holds them. */
function decimalColumn({ name, nativeType = "" }: Column): RowColumn {
  const [, declared, places] = /\((\d+), ?(\d+)\)$/.exec(nativeType) ?? [];
  let whole = Math.max(1, Number(declared ?? 0) - Number(places ?? 0));
  let scale = Number(places ?? 0);
  let special = false;
  return {
    name,
    storedType: VARCHAR,
    write: textWriter(name, (cell) => {
      const [, digits, fraction = ""] = /^-?0*(\d*)(?:\.(\d+))?$/.exec(cell as string) ?? [];
      special ||= digits === undefined;
      whole = Math.max(whole, digits?.length ?? 0);
      scale = Math.max(scale, fraction.length);
      return cell as string;
    }),
    sqlType: () =>
      special || whole + scale > MOST_DIGITS ? "VARCHAR" : `DECIMAL(${whole + scale},${scale})`,
  };
}

const DAY_MS = 86_400_000;
const DATE_TEXT = /^([+-]?\d{4,})-(\d\d)-(\d\d)$/;

function dateValue(column: string, text: string): number {
  if (text === "infinity") return DuckDBDateValue.PosInf.days;
  if (text === "-infinity") return DuckDBDateValue.NegInf.days;
  return daysOf(column, text);
}

/** Days since 1970 in the proleptic Gregorian calendar, for years that no Date has as well. */
function daysOf(column: string, text: string): number {
  const [, year, month, day] = DATE_TEXT.exec(text) ?? [];
  if (year === undefined) throw noTime(column, text);
  // The calendar repeats every 400 years, which are 146,097 days.
  const cycles = Math.floor(Number(year) / 400);
  const date = new Date(0);
  date.setUTCFullYear(Number(year) - cycles * 400, Number(month) - 1, Number(day));
  return date.getTime() / DAY_MS + cycles * 146_097;
}

const TIMESTAMP_TEXT = /^([+-]?\d{4,}-\d\d-\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:?\d\d)?$/;
const MICROS = 1_000_000n;

function timestampWriter(column: string, buffer: ArrayBuffer): (at: number, cell: Cell) => void {
  const items = new BigInt64Array(buffer);
  const halves = new Int32Array(buffer);
  return (at, cell) => {
    const micros = cell instanceof Date ? cell.getTime() * 1000 : quickMicros(cell as string);
    if (Number.isSafeInteger(micros)) {
      // A bigint for each would take longer than all the rest.
      halves[2 * at] = micros % 2 ** 32;
      halves[2 * at + 1] = Math.floor(micros / 2 ** 32);
    } else items[at] = microsOf(column, cell as string | Date);
  };
}

/** Of `2026-11-25T09:30:00.123456Z`, with a fraction and a Z or without; NaN for all else, which is looked at closely. */
function quickMicros(text: string): number {
  const digits = (from: number, to: number): number => {
    let value = 0;
    for (let at = from; at < to; at += 1) {
      const digit = text.charCodeAt(at) - 48;
      if (!(digit >= 0 && digit <= 9)) return Number.NaN;
      value = value * 10 + digit;
    }
    return value;
  };
  const zone = text.endsWith("Z") ? 1 : 0;
  const end = text.length - zone;
  const shaped =
    end >= 19 &&
    text[4] === "-" &&
    text[7] === "-" &&
    text[10] === "T" &&
    text[13] === ":" &&
    text[16] === ":";
  if (!shaped || (end > 19 && (text[19] !== "." || end === 20))) return Number.NaN;
  const year = digits(0, 4);
  const month = digits(5, 7);
  const day = digits(8, 10);
  const seconds = digits(11, 13) * 3600 + digits(14, 16) * 60 + digits(17, 19);
  // Further digits are cut off, but must be some.
  const most = Math.min(end, 26);
  if (Number.isNaN(digits(most, end))) return Number.NaN;
  const fraction = end > 19 ? digits(20, most) * 10 ** (26 - most) : 0;
  return (epochDays(year, month, day) * 86_400 + seconds) * 1e6 + fraction;
}

/** Days since 1970 in the proleptic Gregorian calendar. @see https://howardhinnant.github.io/date_algorithms.html */
function epochDays(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const ofEra = shifted - era * 400;
  const ofYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  return era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear - 719_468;
}

/** To the microsecond, which is all that DuckDB holds; an offset is taken off. */
function microsOf(column: string, cell: string | Date): bigint {
  if (cell instanceof Date) return BigInt(cell.getTime()) * 1000n;
  if (cell === "infinity") return DuckDBTimestampValue.PosInf.micros;
  if (cell === "-infinity") return DuckDBTimestampValue.NegInf.micros;
  const [, date, hour, minute, second = "0", fraction = "", zone = "Z"] = TIMESTAMP_TEXT.exec(cell) ?? [];
  if (date === undefined) throw noTime(column, cell);
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)$/.exec(zone) ?? [];
  const offset = sign === undefined ? 0 : (sign === "-" ? -60 : 60) * (Number(hours) * 60 + Number(minutes));
  const seconds =
    daysOf(column, date) * 86_400 + Number(hour) * 3600 + Number(minute) * 60 + Number(second) - offset;
  const micros = BigInt(seconds) * MICROS + BigInt(fraction.slice(0, 6).padEnd(6, "0"));
  if (micros > LAST || micros < FIRST) throw noTime(column, cell);
  return micros;
}

const { micros: LAST } = DuckDBTimestampValue.Max;
const { micros: FIRST } = DuckDBTimestampValue.Min;

function noTime(column: string, text: string): AmlError {
  return new AmlError(
    "parse_failed",
    `The table engine does not hold the time ${text} of column ${column}.`,
    {
      hint: "Cast the column to text in the query, or leave such rows out.",
      context: { column },
    },
  );
}

/** JSON with every digit of its integers. Bytes are hexadecimal, what JSON has no number for is text. */
function jsonText(cell: Cell): string {
  if (typeof cell === "bigint") return String(cell);
  if (typeof cell === "number" && !Number.isFinite(cell)) return JSON.stringify(String(cell));
  if (cell instanceof Uint8Array) return `"${Buffer.from(cell).toString("hex")}"`;
  if (cell === null || typeof cell !== "object" || cell instanceof Date) return JSON.stringify(cell);
  if (Array.isArray(cell)) return `[${cell.map((item: Cell) => jsonText(item)).join(",")}]`;
  const fields = Object.entries(cell).map(([key, value]) => `${JSON.stringify(key)}:${jsonText(value)}`);
  return `{${fields.join(",")}}`;
}
