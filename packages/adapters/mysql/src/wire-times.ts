/**
 * A date, or a date and a time, as a prepared statement's rows have it: the year in two bytes, month, day; if it is no
 * midnight hour, minute, second; if it has them, microseconds in four. Nothing at all is the date of zeros.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_binary_resultset.html, read 2026-11
 */
export type WireTime = Uint8Array;

export function isZeroDate(wire: WireTime): boolean {
  return yearOf(wire) === 0 || part(wire, 2) === 0 || part(wire, 3) === 0;
}

/** `2026-11-25` */
export function dateText(wire: WireTime): string {
  return `${padded(yearOf(wire), 4)}-${padded(part(wire, 2), 2)}-${padded(part(wire, 3), 2)}`;
}

/** `09:30:00.123456`, with as many digits of a second as wanted. */
export function clockText(wire: WireTime, digits: number): string {
  const clock = `${padded(part(wire, 4), 2)}:${padded(part(wire, 5), 2)}:${padded(part(wire, 6), 2)}`;
  return digits === 0 ? clock : `${clock}.${padded(microsecondsOf(wire), 6).slice(0, digits)}`;
}

/** Its milliseconds, of a clock in UTC. */
export function timeDate(wire: WireTime): Date {
  const year = yearOf(wire);
  const milliseconds = Math.floor(microsecondsOf(wire) / 1000);
  const clock = [part(wire, 4), part(wire, 5), part(wire, 6), milliseconds] as const;
  const date = new Date(Date.UTC(year, part(wire, 2) - 1, part(wire, 3), ...clock));
  // Years of one and two digits are otherwise of the twentieth century.
  if (year < 100) date.setUTCFullYear(year, part(wire, 2) - 1, part(wire, 3));
  return date;
}

function yearOf(wire: WireTime): number {
  return part(wire, 0) | (part(wire, 1) << 8);
}

function microsecondsOf(wire: WireTime): number {
  return part(wire, 7) | (part(wire, 8) << 8) | (part(wire, 9) << 16) | (part(wire, 10) << 24);
}

function part(wire: WireTime, at: number): number {
  return at < wire.length ? (wire[at] as number) : 0;
}

function padded(value: number, digits: number): string {
  return String(value).padStart(digits, "0");
}
