/** A time: milliseconds since 1970, and what is below the millisecond, in seconds. */
export interface DriverTime {
  readonly ms: number;
  readonly below: number;
}

/** `YYYY-MM-DD` */
export function dateText({ ms }: DriverTime): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** `hh:mm:ss.fffffff`, with as many digits as the column has. */
export function timeText(time: DriverTime, digits: number): string {
  return new Date(time.ms).toISOString().slice(11, 19) + fraction(time, digits);
}

/** ISO 8601, with as many digits as the column has. */
export function timestampText(time: DriverTime, digits: number, zone: string): string {
  return new Date(time.ms).toISOString().slice(0, 19) + fraction(time, digits) + zone;
}

function fraction({ ms, below }: DriverTime, digits: number): string {
  if (digits === 0) return "";
  const hundredsOfNanoseconds = Math.round(below * 1e7) % 10_000;
  const milliseconds = new Date(ms).getUTCMilliseconds();
  const all = String(milliseconds).padStart(3, "0") + String(hundredsOfNanoseconds).padStart(4, "0");
  return `.${all.slice(0, digits)}`;
}
