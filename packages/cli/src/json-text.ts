/**
 * JSON on one line, for values that JSON itself has no form for: integers of any size exactly, datetimes as ISO 8601
 * with Z, bytes as base64, and NaN and the infinities as texts.
 */
export function jsonText(value: unknown): string {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number" && !Number.isFinite(value)) return `"${value}"`;
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString("base64")}"`;
  if (Array.isArray(value)) return `[${value.map((item) => jsonText(item ?? null)).join(",")}]`;
  if (typeof value === "object" && value !== null && !("toJSON" in value)) {
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${jsonText(field)}`).join(",")}}`;
  }
  return JSON.stringify(value) ?? "null";
}
