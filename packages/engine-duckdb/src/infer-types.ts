import type { ColumnTypeSpec } from "@aml/core";

const INT = /^\s*[+-]?\d{1,19}\s*$/;
const FLOAT = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;
const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;

/**
 * Decides the type of a column of text from a sample: the first of boolean, int, float and datetime that every value
 * fits; text otherwise, and when there is no value. Empty values say nothing.
 *
 * Dates that can be read month first or day first are month first, as MLTable says; only when a value does not
 * exist that way are all read day first.
 */
export function inferType(sample: readonly string[]): ColumnTypeSpec {
  const values = sample.filter((value) => value !== "");
  if (values.length === 0) return "string";
  if (values.every((value) => /^(true|false)$/i.test(value))) return "boolean";
  if (values.every(isInt)) return "int";
  if (values.every((value) => FLOAT.test(value) && Number.isFinite(Number(value)))) return "float";
  const formats = datetimeFormats(values);
  return formats === undefined ? "string" : { datetime: { formats } };
}

function isInt(value: string): boolean {
  if (!INT.test(value)) return false;
  const number = BigInt(value.trim().replace(/^\+/, ""));
  return number >= MIN && number <= MAX;
}

interface DateShape {
  readonly pattern: RegExp;
  /** The order of the three numbers. */
  readonly order: "ymd" | "mdy" | "dmy";
  readonly format: string;
}

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

/** The formats, most frequent first, of which every value fits one; all of one order of year, month and day. */
function datetimeFormats(values: readonly string[]): string[] | undefined {
  for (const shape of SHAPES) {
    const counts = new Map<string, number>();
    const fits = values.every((value) => {
      const format = formatOf(value, shape);
      if (format !== undefined) counts.set(format, (counts.get(format) ?? 0) + 1);
      return format !== undefined;
    });
    if (fits) return [...counts].toSorted((a, b) => b[1] - a[1]).map(([format]) => format);
  }
  return undefined;
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
