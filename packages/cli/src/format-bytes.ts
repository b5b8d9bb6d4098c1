const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** Bytes for people: `0 B`, `999 B`, `1.2 kB`; a kB is 1000 bytes. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}
