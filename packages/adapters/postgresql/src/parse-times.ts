import { AmlError } from "@aml/core/adapter";

/** As the server writes it with DateStyle ISO: `2026-11-25`, `0044-03-15 BC`, `12026-01-01`, `infinity`. */
export function dateText(text: string): string {
  return text.length === 10 || text.endsWith("infinity") ? text : expanded(text);
}

/** ISO 8601 with all digits; `zone` is what stands behind it. */
export function timestampText(text: string, zone: "Z" | ""): string {
  if (text.endsWith("infinity")) return text;
  const [date = "", time = "", era] = text.split(" ");
  const day = dateText(era === undefined ? date : `${date} ${era}`);
  return `${day}T${time.replace(/\+00$/, "")}${zone}`;
}

const PLAIN = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:\+00)?$/;

/** To the millisecond; the rest is cut off. @throws `parse_failed` for what no Date holds. */
export function timestampDate(text: string): Date {
  const [all, year, month, day, hour, minute, second, fraction = ""] = PLAIN.exec(text) ?? [];
  const ms = Number(fraction.slice(0, 3).padEnd(3, "0"));
  const date =
    all === undefined
      ? new Date(timestampText(text, "Z").replace(/(\.\d{3})\d+/, "$1"))
      : new Date(
          Date.UTC(
            Number(year),
            Number(month) - 1,
            Number(day),
            Number(hour),
            Number(minute),
            Number(second),
            ms,
          ),
        );
  // Date.UTC takes the years 0 to 99 for those of the last century.
  if (all !== undefined && Number(year) < 100)
    date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (!Number.isNaN(date.getTime())) return date;
  throw new AmlError("parse_failed", `No Date holds the timestamp ${text}.`, {
    operation: "query",
    hint: 'Ask with timestamps: "text", or leave such rows out.',
  });
}

/** Years before 1 and after 9999 as ISO 8601 writes them: a sign and six digits; 1 BC is the year 0. */
function expanded(text: string): string {
  const [, digits = "", rest = "", era] = /^(\d+)(-\d\d-\d\d)( BC)?$/.exec(text) ?? [];
  const year = era === undefined ? Number(digits) : 1 - Number(digits);
  if (year >= 0 && year <= 9999) return String(year).padStart(4, "0") + rest;
  return (year < 0 ? "-" : "+") + String(Math.abs(year)).padStart(6, "0") + rest;
}
