import type { ColumnTypeSpec, InferredDates, InferredType } from "@aml/core";

/** A value that is not null, and how often it is there. */
export interface Observation {
  readonly text: string;
  readonly count: number;
  readonly first: Sighting;
}

/** Where a value was seen first. */
export interface Sighting {
  /** By which sightings follow one another: the row of all files together, from 0. */
  readonly order: number;
  /** Index of the file. */
  readonly file: number;
  /** In the file, from 1. */
  readonly row: number;
  /** What stands there. */
  readonly value: string;
}

export interface Inference<T = ColumnTypeSpec> {
  readonly type: T;
  readonly values: number;
  readonly forcedBy?: Sighting;
  readonly ruledOut: readonly { readonly type: InferredType; readonly by: Sighting }[];
  readonly dates?: Omit<InferredDates, "settledBy"> & { readonly settledBy?: Sighting };
  readonly loses?: Sighting;
  readonly convertsTo?: ColumnTypeSpec;
}

/** With 1 and 0, but not those alone: a column of them is one of numbers. */
const BOOLEAN = /^\s*(true|True|TRUE|false|False|FALSE|[TtFfYN]|Yes|YES|No|NO|1|0)\s*$/;
const INT = /^\s*[+-]?\d{1,19}\s*$/;
const FLOAT = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;
const NO_NUMBER = /^\s*[+-]?(nan|inf|infinity)\s*$/i;
const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;

const WORDS: readonly (readonly [InferredType, (value: string) => boolean])[] = [
  ["int", isInt],
  ["boolean", (value) => BOOLEAN.test(value)],
  ["float", isFloat],
];

/**
 * Decides the type of a column of text: the first of int, boolean, float and datetime that every value fits; text
 * otherwise, and when there is no value. An empty text is a text.
 *
 * Dates that can be read month first or day first are month first, as MLTable says; only when a value does not
 * exist that way are all read day first.
 *
 * @param seen - by `order`.
 * @param lossless - numbers that do not come back as they are written fit no type.
 */
export function inferType(seen: readonly Observation[], lossless = false): Inference {
  const values = seen.reduce((sum, { count }) => sum + count, 0);
  const ruledOut: { type: InferredType; by: Sighting }[] = [];
  const [start] = seen;
  if (start === undefined) return { type: "string", values, ruledOut };
  const found = (type: ColumnTypeSpec): Inference => {
    const last = ruledOut.reduce((latest, { by }) => (by.order > latest.order ? by : latest), start.first);
    return { type, values, ruledOut, forcedBy: last };
  };
  for (const [type, fits] of WORDS) {
    const misfit = seen.find(({ text }) => !fits(text) || (lossless && !keepsText(text)));
    if (misfit === undefined) {
      const loses = type === "boolean" ? undefined : seen.find(({ text }) => !keepsText(text))?.first;
      return { ...found(type as ColumnTypeSpec), ...(loses && { loses }) };
    }
    ruledOut.push({ type, by: misfit.first });
  }
  const dates = inferDates(seen);
  if ("by" in dates) ruledOut.push({ type: "datetime", by: dates.by });
  return "by" in dates ? found("string") : { ...found({ datetime: { formats: dates.formats } }), dates };
}

/** What inference sees of a text: those with the same mark are one to it. Undefined for a text that fits no type. */
export function markOf(text: string): string | undefined {
  let mark = "";
  for (const [type, fits] of WORDS) if (fits(text)) mark += `${type} `;
  if (mark !== "" && keepsText(text)) mark += "kept ";
  for (const [at, shape] of SHAPES.entries()) {
    const format = formatOf(text, shape);
    if (format !== undefined) mark += `${at}:${format} `;
  }
  return mark === "" ? undefined : mark;
}

function isInt(value: string): boolean {
  if (!INT.test(value)) return false;
  const number = BigInt(value.trim().replace(/^\+/, ""));
  return number >= MIN && number <= MAX;
}

/** Whether a number comes back from its type as it is written, but for blanks, signs and zeros at the end. */
export function keepsText(value: string): boolean {
  const text = value.trim();
  if (/^[+-]?0\d/.test(text)) return false;
  return !FLOAT.test(text) || isInt(text) || digitsOf(text) === digitsOf(String(Number(text)));
}

/** The significant digits. */
function digitsOf(number: string): string {
  return number
    .replace(/e.*$/i, "")
    .replace(/[^\d]/g, "")
    .replace(/^0+|0+$/g, "");
}

function isFloat(value: string): boolean {
  return (FLOAT.test(value) && Number.isFinite(Number(value))) || NO_NUMBER.test(value);
}

interface DateShape {
  readonly pattern: RegExp;
  /** The order of the three numbers. */
  readonly order: "ymd" | "mdy" | "dmy";
  readonly format: string;
}

const ORDERS = { ymd: "year_first", mdy: "month_first", dmy: "day_first" } as const;
const TIME = /^([T ])(\d{1,2}):(\d{2})(:(\d{2})(\.\d{1,9})?)?( ?[AaPp][Mm])?(Z|[+-]\d{2}:?\d{2})?$/;
const SHAPES: readonly DateShape[] = [
  { pattern: /^(\d{4})-(\d{1,2})-(\d{1,2})/, order: "ymd", format: "%Y-%m-%d" },
  { pattern: /^(\d{4})\/(\d{1,2})\/(\d{1,2})/, order: "ymd", format: "%Y/%m/%d" },
  { pattern: /^(\d{1,2})\/(\d{1,2})\/(\d{4})/, order: "mdy", format: "%m/%d/%Y" },
  { pattern: /^(\d{1,2})-(\d{1,2})-(\d{4})/, order: "mdy", format: "%m-%d-%Y" },
  { pattern: /^(\d{1,2})\/(\d{1,2})\/(\d{4})/, order: "dmy", format: "%d/%m/%Y" },
  { pattern: /^(\d{1,2})-(\d{1,2})-(\d{4})/, order: "dmy", format: "%d-%m-%Y" },
  { pattern: /^(\d{1,2})\.(\d{1,2})\.(\d{4})/, order: "dmy", format: "%d.%m.%Y" },
];

type Dates = NonNullable<Inference["dates"]> & { readonly formats: readonly string[] };

/** The formats, most frequent first, of which every value fits one, all of one shape; or the first value for which no shape is left. */
function inferDates(seen: readonly Observation[]): Dates | { readonly by: Sighting } {
  const misfits = SHAPES.map((shape) => seen.find(({ text }) => formatOf(text, shape) === undefined)?.first);
  const at = misfits.indexOf(undefined);
  const shape = SHAPES[at];
  if (shape === undefined) {
    const [by] = misfits.flatMap((misfit) => misfit ?? []).toSorted((a, b) => b.order - a.order);
    return { by: by as Sighting };
  }
  const counts = new Map<string, number>();
  for (const { text, count } of seen) {
    const format = formatOf(text, shape) ?? "";
    counts.set(format, (counts.get(format) ?? 0) + count);
  }
  const formats = [...counts].toSorted((a, b) => b[1] - a[1]).map(([format]) => format);
  // Month and day the other way round: the shape of the same pattern.
  const other = SHAPES.findIndex(
    ({ pattern }, index) => index !== at && pattern.source === shape.pattern.source,
  );
  const settledBy = misfits[other];
  const ambiguous = other >= 0 && settledBy === undefined;
  return { formats, order: ORDERS[shape.order], ambiguous, ...(settledBy && { settledBy }) };
}

function formatOf(value: string, { pattern, order, format }: DateShape): string | undefined {
  const found = pattern.exec(value);
  if (found === null) return undefined;
  const [y, m, d] = Array.from("ymd", (part) => Number(found[order.indexOf(part) + 1]));
  if (y === undefined || m === undefined || d === undefined || !exists(y, m, d)) return undefined;
  const rest = value.slice(found[0].length);
  if (rest === "") return format;
  const time = TIME.exec(rest);
  if (time === null) return undefined;
  const [, separator = " ", hour = "0", minute = "0", seconds, second = "0", fraction, half, zone] = time;
  const twelve = half !== undefined;
  if (Number(hour) > (twelve ? 12 : 23) || Number(minute) > 59 || Number(second) > 59) return undefined;
  if (twelve && Number(hour) === 0) return undefined;
  const clock = `${twelve ? "%I" : "%H"}:%M${seconds === undefined ? "" : ":%S"}${fraction === undefined ? "" : fraction.length > 7 ? ".%n" : ".%f"}`;
  const suffix = half === undefined ? "" : half.startsWith(" ") ? " %p" : "%p";
  return `${format}${separator}${clock}${suffix}${zone === undefined ? "" : zone === "Z" ? "Z" : "%z"}`;
}

function exists(year: number, month: number, day: number): boolean {
  const date = new Date(Date.UTC(2000, month - 1, day));
  date.setUTCFullYear(year, month - 1, day);
  return year > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}
