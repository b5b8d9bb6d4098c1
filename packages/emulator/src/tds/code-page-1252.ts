/** The characters of code page 1252 at 0x80 to 0x9F; the rest is Latin-1. */
const HIGH = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ";
const CODES: ReadonlyMap<string, number> = new Map([...HIGH].map((char, index) => [char, 0x80 + index]));

/** What code page 1252 lacks becomes a question mark, as in SQL Server. */
export function encode1252(text: string): Buffer {
  const bytes: number[] = [];
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    if (code < 0x80 || (code > 0x9f && code < 0x100)) bytes.push(code);
    // SQL Server counts code units: a character beyond the basic plane gives two marks.
    else bytes.push(...(CODES.has(char) ? [CODES.get(char) ?? 0] : Array.from(char.split(""), () => 0x3f)));
  }
  return Buffer.from(bytes);
}

export function decode1252(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) =>
    byte >= 0x80 && byte < 0xa0 ? (HIGH[byte - 0x80] ?? "") : String.fromCharCode(byte),
  ).join("");
}
