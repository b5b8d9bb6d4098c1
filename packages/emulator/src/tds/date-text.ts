import { ProtocolError } from "./protocol-error.ts";

const DAY = 86_400_000;

/** Date.UTC takes years below 100 for years of the twentieth century. */
function utc(year: number, month: number, day: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getTime();
}

const EPOCH = utc(1, 1, 1);
export const DAYS_TO_1900: number = Math.round((utc(1900, 1, 1) - EPOCH) / DAY);

/** A moment as PostgreSQL writes it, in parts. */
export interface Moment {
  /** Since 1 January of year 1. */
  readonly days: number;
  /** Of 100 nanoseconds, since midnight. */
  readonly ticks: bigint;
}

const MOMENT =
  /^(?:(\d{4,})-(\d\d)-(\d\d))?(?:[ T]?(\d\d):(\d\d):(\d\d)(?:\.(\d{1,7})\d*)?)?(?:[+-]\d\d(?::?\d\d)*)?$/;

/** @returns `undefined` for what SQL Server's types cannot hold: infinity, years before 1 and after 9999. */
export function parseMoment(text: string): Moment | undefined {
  const [whole, year, month, day, hour, minute, second, fraction = ""] = MOMENT.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const days =
    year === undefined ? 0 : Math.round((utc(Number(year), Number(month), Number(day)) - EPOCH) / DAY);
  if (Number(year ?? 1) > 9999) return undefined;
  const seconds = Number(hour ?? 0) * 3600 + Number(minute ?? 0) * 60 + Number(second ?? 0);
  return { days, ticks: BigInt(seconds) * 10_000_000n + BigInt(fraction.padEnd(7, "0")) };
}

const LAST_DAY = 3_652_058;

/** `YYYY-MM-DD` @throws ProtocolError for a day that is not of the years 1 to 9999. */
export function dateText(days: number): string {
  if (days < 0 || days > LAST_DAY) throw new ProtocolError("a date is out of range");
  const date = new Date(EPOCH + days * DAY);
  const year = String(date.getUTCFullYear()).padStart(4, "0");
  return `${year}-${date.toISOString().slice(-19, -14)}`;
}

/** `hh:mm:ss[.fraction]` with `scale` digits. */
export function timeText(ticks: bigint, scale = 7): string {
  const seconds = Number(ticks / 10_000_000n);
  const part = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  const clock = `${part(seconds / 3600)}:${part((seconds / 60) % 60)}:${part(seconds % 60)}`;
  const fraction = (ticks % 10_000_000n).toString().padStart(7, "0").slice(0, scale);
  return fraction === "" ? clock : `${clock}.${fraction}`;
}
