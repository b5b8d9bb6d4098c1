/** A number of T-SQL for PostgreSQL, with the type that it has: `1.5` is a numeric(2,1). */
export function numberText(text: string): string {
  if (/^0x/i.test(text)) {
    const digits = text.slice(2);
    return `'\\x${digits.length % 2 === 1 ? "0" : ""}${digits}'::sys.varbinary`;
  }
  if (/e/i.test(text)) return `${text}::float8`;
  const [whole = "", fraction] = text.split(".");
  const digits = whole.replace(/^0+(?=\d)/, "");
  if (fraction === undefined && (digits.length < 10 || BigInt(digits) < 2n ** 31n)) return digits;
  const scale = fraction?.length ?? 0;
  const precision = Math.max(1, digits.replace(/^0$/, "").length + scale);
  return `${whole === "" ? "0" : digits}${fraction ? `.${fraction}` : ""}::numeric(${Math.min(38, precision)},${scale})`;
}
