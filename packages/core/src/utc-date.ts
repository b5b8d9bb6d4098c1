/** The moment of these UTC fields, month and day from 1; null when the calendar or the clock has none such. */
export function utcDate(year: number, month = 1, day = 1, hour = 0, minute = 0, second = 0): Date | null {
  const date = new Date(0);
  // `Date.UTC` would take the years 0 to 99 for 1900 to 1999.
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  const exact = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && year > 0;
  return exact && hour < 24 && minute < 60 && second < 60 ? date : null;
}
