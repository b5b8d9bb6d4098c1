/** A Date of the driver, which has its part below the millisecond beside it, in seconds. */
export type DriverDate = Date & { readonly nanosecondsDelta?: number };

/** `YYYY-MM-DD` */
export function dateText(value: DriverDate): string {
  return value.toISOString().slice(0, 10);
}

/** `hh:mm:ss.fffffff`, with as many digits as the column has. */
export function timeText(value: DriverDate, digits: number): string {
  return value.toISOString().slice(11, 19) + fraction(value, digits);
}

/** ISO 8601, with as many digits as the column has. */
export function timestampText(value: DriverDate, digits: number, zone: string): string {
  return value.toISOString().slice(0, 19) + fraction(value, digits) + zone;
}

function fraction(value: DriverDate, digits: number): string {
  if (digits === 0) return "";
  // Hundreds of nanoseconds.
  const below = Math.round((value.nanosecondsDelta ?? 0) * 1e7) % 10_000;
  const all = String(value.getUTCMilliseconds()).padStart(3, "0") + String(below).padStart(4, "0");
  return `.${all.slice(0, digits)}`;
}
