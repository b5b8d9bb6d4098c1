/** What the values of a key are, as bits. */
export const JSON_BITS = {
  boolean: 1,
  int: 2,
  /** A whole number beyond int64. */
  bigInt: 4,
  float: 8,
  string: 16,
  nested: 32,
  /** Whole numbers that a double changes. */
  wide: 64,
} as const;

/** A whole number beyond int64. */
export interface BigNumber {
  readonly line: number;
  readonly text: string;
}

/** What was found out about a value. */
export interface JsonValue {
  bits: number;
  big?: BigNumber;
}

export function skipBlanks(bytes: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end && isBlank(bytes[at])) at += 1;
  return at;
}

const isBlank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0d || byte === 0x09;

/** Where the closing quote is, or -1. */
export function stringEnd(bytes: Buffer, from: number, end: number): number {
  for (let at = from; at < end; at += 1) {
    const byte = bytes[at];
    if (byte === 0x22) return at;
    if (byte === 0x5c) at += 1;
  }
  return -1;
}

/** Where the value ends, or -1; marks its kind. */
export function valueEnd(bytes: Buffer, at: number, end: number, value: JsonValue, line: number): number {
  const byte = bytes[at] ?? 0;
  if (at >= end) return -1;
  if (byte === 0x22) {
    value.bits = JSON_BITS.string;
    const close = stringEnd(bytes, at + 1, end);
    return close < 0 ? -1 : close + 1;
  }
  if (byte === 0x7b || byte === 0x5b) {
    value.bits = JSON_BITS.nested;
    return nestedEnd(bytes, at, end);
  }
  if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) return numberEnd(bytes, at, end, value, line);
  if (isWord(bytes, at, end, "null")) return at + 4;
  const word = isWord(bytes, at, end, "true") ? 4 : isWord(bytes, at, end, "false") ? 5 : -1;
  if (word < 0) return -1;
  value.bits = JSON_BITS.boolean;
  return at + word;
}

function isWord(bytes: Buffer, at: number, end: number, word: string): boolean {
  if (at + word.length > end) return false;
  for (let i = 0; i < word.length; i += 1) if (bytes[at + i] !== word.charCodeAt(i)) return false;
  return true;
}

/** The first letter of NaN or infinity, in any case. */
function isNoNumber(bytes: Buffer, at: number): boolean {
  const byte = bytes[at];
  return byte === 0x4e || byte === 0x49 || byte === 0x69 || (byte === 0x6e && bytes[at + 1] !== 0x75);
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39;
const isExponent = (byte: number | undefined): boolean => byte === 0x65 || byte === 0x45;
const isOfNumber = (byte: number | undefined): boolean =>
  isDigit(byte) || isExponent(byte) || byte === 0x2e || byte === 0x2b || byte === 0x2d;

/** Digits of the largest double. */
const MOST_DIGITS = 309;

/** Whether the number around a place is too large for a double, which would make it infinity. */
function isBeyondDouble(bytes: Buffer, place: number, end: number): boolean {
  let [from, to] = [place, place];
  while (isOfNumber(bytes[from - 1])) from -= 1;
  while (to < end && isOfNumber(bytes[to])) to += 1;
  // The least of them is 1e309, and most numbers with an exponent are small.
  if (to - from < 5 || (bytes[place + 1] === 0x2d && to - from <= MOST_DIGITS)) return false;
  return Math.abs(Number(bytes.toString("latin1", from, to))) === Infinity;
}

/** DuckDB lets NaN, infinity, numbers beyond a double and commas at the end of a list pass, which are no JSON. */
function nestedEnd(bytes: Buffer, from: number, end: number): number {
  let depth = 0;
  let comma = false;
  for (let at = from; at < end; at += 1) {
    const byte = bytes[at];
    if (byte === 0x22) {
      at = stringEnd(bytes, at + 1, end);
      if (at < 0) return -1;
    } else if (byte === 0x7b || byte === 0x5b) depth += 1;
    else if (byte === 0x7d || byte === 0x5d) {
      depth -= 1;
      if (comma) return -1;
      if (depth === 0) return at + 1;
    } else if (isNoNumber(bytes, at)) return -1;
    else if (isBlank(byte)) continue;
    else if (isExponent(byte) && isDigit(bytes[at - 1]) && isBeyondDouble(bytes, at, end)) return -1;
    comma = byte === 0x2c;
  }
  return -1;
}

function numberEnd(bytes: Buffer, from: number, end: number, value: JsonValue, line: number): number {
  let whole = true;
  let exponent = false;
  let at = from + 1;
  for (; at < end; at += 1) {
    const byte = bytes[at];
    if (isDigit(byte)) continue;
    if (!isOfNumber(byte)) break;
    exponent ||= isExponent(byte);
    whole = false;
  }
  if ((exponent || (!whole && at - from > MOST_DIGITS)) && isBeyondDouble(bytes, from, end)) return -1;
  if (!whole) value.bits = JSON_BITS.float;
  else if (at - from < 16) value.bits = JSON_BITS.int;
  else measure(bytes.toString("latin1", from, at), value, line);
  return at;
}

/** A long whole number: whether 64 bits hold it, and whether a double does. */
function measure(text: string, value: JsonValue, line: number): void {
  value.bits = JSON_BITS.int;
  if (!/^-?\d+$/.test(text)) return;
  const number = BigInt(text);
  if (BigInt.asIntN(64, number) !== number) {
    value.bits = JSON_BITS.bigInt;
    value.big = { line, text };
  }
  const double = Number(text);
  if (!Number.isFinite(double) || BigInt(double) !== number) value.bits |= JSON_BITS.wide;
}
