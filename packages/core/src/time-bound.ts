import { AmlError } from "./aml-error.ts";
import type { TimeBound, TimeSpan } from "./dataset.ts";
import type { Expr } from "./expr.ts";
import { utcDate } from "./utc-date.ts";

const INSTANT =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?(?:(Z)|([+-])(\d\d):?(\d\d))?$/i;
/** Milliseconds. */
const UNITS: { readonly [Unit in keyof TimeSpan]-?: number } = {
  weeks: 604_800_000,
  days: 86_400_000,
  hours: 3_600_000,
  minutes: 60_000,
  seconds: 1000,
  milliseconds: 1,
};

/** A bound in whole seconds, as v1 has it: a lower one rounded down, an upper one to the nearest, halves down. */
export function wholeSecond(bound: TimeBound, side: "lower" | "upper"): Date {
  const { second, fraction } = bound instanceof Date ? ofDate(bound) : ofText(bound);
  const up = side === "upper" && fraction > "5" ? 1 : 0;
  return new Date((second + up) * 1000);
}

/** Before `now`. @throws `plan_invalid` for a span that is negative or no number. */
export function before(now: Date, span: TimeSpan): Date {
  let length = 0;
  for (const [unit, count] of Object.entries(span)) {
    if (count !== undefined) length += Number(count) * (UNITS[unit as keyof TimeSpan] ?? Number.NaN);
  }
  if (length >= 0) return new Date(now.getTime() - length);
  throw new AmlError("plan_invalid", `${JSON.stringify(span)} is no span of time.`, {
    hint: `Give some of ${Object.keys(UNITS).join(", ")}, not negative: { days: 7 }.`,
  });
}

/** A literal of the filter language. @throws `plan_invalid` for years that it does not have. */
export function datetimeLiteral(date: Date): Expr {
  const year = date.getUTCFullYear();
  if (!(year > 0 && year <= 9999)) throw refuse(String(date.getTime()));
  const month = date.getUTCMonth() + 1;
  const parts = [date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()];
  return { fn: "datetime", args: [year, month, ...parts].map((lit) => ({ lit })) };
}

/** Seconds since 1970, and the digits of the fraction without zeros at the end. */
interface Split {
  readonly second: number;
  readonly fraction: string;
}

function ofDate(date: Date): Split {
  const time = date.getTime();
  if (Number.isNaN(time)) throw refuse("Invalid Date");
  const second = Math.floor(time / 1000);
  return { second, fraction: significant(String(time - second * 1000).padStart(3, "0")) };
}

function ofText(text: string): Split {
  const match = INSTANT.exec(text) ?? [];
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((digits: string | undefined) => Number(digits ?? 0));
  const date = match.length > 0 && utcDate(year, month, day, hour, minute, second);
  const hours = Number(match[10] ?? 0);
  const minutes = Number(match[11] ?? 0);
  if (!date || hours > 23 || minutes > 59) throw refuse(text);
  const offset = (hours * 60 + minutes) * (match[9] === "-" ? -60 : 60);
  return { second: date.getTime() / 1000 - offset, fraction: significant(match[7] ?? "") };
}

const significant = (digits: string): string => digits.replace(/0+$/, "");

function refuse(bound: string): AmlError {
  return new AmlError("plan_invalid", `${JSON.stringify(bound)} is no instant of the years 1 to 9999.`, {
    hint: 'Give a Date or an ISO 8601 text such as "2026-01-31T12:00:00+01:00"; without an offset it is UTC.',
  });
}
