/**
 * The digits of a decimal, its point moved `scale` places: "1.25" at scale 3 is 1250n. Half rounds away from zero.
 *
 * @returns `undefined` when the text is no number.
 */
export function unscaled(text: string, scale: number): bigint | undefined {
  const [, sign, whole = "", fraction = ""] = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(text) ?? [];
  if (sign === undefined || whole + fraction === "") return undefined;
  const padded = fraction.padEnd(scale + 1, "0");
  let digits = BigInt(whole + padded.slice(0, scale));
  if (Number(padded[scale]) >= 5) digits++;
  return sign === "-" ? -digits : digits;
}

/** The text of a decimal whose point was moved. */
export function scaledText(digits: bigint, scale: number): string {
  const text = (digits < 0n ? -digits : digits).toString().padStart(scale + 1, "0");
  const point = text.length - scale;
  return `${digits < 0n ? "-" : ""}${text.slice(0, point)}${scale > 0 ? `.${text.slice(point)}` : ""}`;
}
