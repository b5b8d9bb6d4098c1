import { open } from "node:fs/promises";
import { pieceLength } from "./piece-length.ts";
import { skipBlanks, stringEnd, valueEnd, type BigNumber, type JsonValue } from "./json-value.ts";

export interface JsonKey {
  readonly name: string;
  /** Of `JSON_BITS`; 0 when all values are null. */
  bits: number;
  /** The first whole number beyond int64. */
  big?: BigNumber;
}

export interface JsonFault {
  readonly line: number;
  /** In bytes, from 1. */
  readonly column: number;
  readonly message: string;
  readonly excerpt: string;
}

export interface JsonScanner {
  /** Objects seen. */
  rows(): number;
  /** Lines passed over. */
  dropped(): number;
  /**
   * Takes the next bytes; `final` when they end the file. Stops at the first fault, or after `maxRows`.
   *
   * @returns the bytes of whole lines that were taken.
   */
  push(bytes: Buffer, final: boolean): number;
  fault(): JsonFault | undefined;
}

export interface JsonScanOptions {
  /** Shared by the scanners of all files: keys in order of first appearance. */
  readonly keys: Map<string, JsonKey>;
  /** Lines that are no object are passed over; then every line is checked to its last character. */
  readonly dropInvalid: boolean;
  /** Hears of each object: its bytes, without a line break. */
  readonly onRow?: ((line: Buffer) => void) | undefined;
  /** Hears of each value of each object, null too. */
  readonly onValue?: ((value: FoundValue) => void) | undefined;
  /** Called for an object that DuckDB will refuse; then every line is checked to its last character. */
  readonly onRefused?: (() => void) | undefined;
  readonly maxRows?: number | undefined;
}

export interface FoundValue {
  readonly name: string;
  /** Of `JSON_BITS`; 0 for null. */
  readonly bits: number;
  /** Of the file, from 1. */
  readonly row: number;
  /** Where it is written: from `from` to before `to`, until more bytes are taken. */
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
}

const CHUNK = 4 * 2 ** 20;
const MAX_LINE = 64 * 2 ** 20;

/** Looks through a file of JSON lines. */
export async function scanJson(
  path: string,
  options: JsonScanOptions,
  signal?: AbortSignal,
): Promise<JsonScanner> {
  const scanner = createJsonScanner(options);
  const handle = await open(path);
  try {
    const length = await pieceLength(handle, CHUNK);
    let rest: Buffer = Buffer.alloc(0);
    for (;;) {
      signal?.throwIfAborted();
      // A long line makes the next piece longer, so that it is not looked at again and again.
      const piece = Buffer.allocUnsafe(Math.max(length, rest.length * 2));
      rest.copy(piece);
      const { bytesRead } = await handle.read(piece, rest.length, piece.length - rest.length, null);
      const bytes = piece.subarray(0, rest.length + bytesRead);
      const taken = scanner.push(bytes, bytesRead === 0);
      const enough = scanner.fault() !== undefined || scanner.rows() >= (options.maxRows ?? Infinity);
      if (enough || bytesRead === 0) return scanner;
      rest = bytes.subarray(taken);
    }
  } finally {
    await handle.close();
  }
}

export function createJsonScanner(options: JsonScanOptions): JsonScanner {
  const { keys, dropInvalid, maxRows = Infinity, onRow, onValue, onRefused } = options;
  const checks = dropInvalid || onRefused !== undefined;
  let line = 0;
  let rows = 0;
  let dropped = 0;
  let fault: JsonFault | undefined;
  const walker = createWalker(keys, onValue && ((value) => onValue({ ...value, row: rows + 1 })));
  return {
    rows: () => rows,
    dropped: () => dropped,
    fault: () => fault,
    push(bytes, final) {
      let at = 0;
      while (at < bytes.length && rows < maxRows && fault === undefined) {
        const feed = bytes.indexOf(0x0a, at);
        if (feed < 0 && !final && bytes.length - at <= MAX_LINE) break;
        const end = feed < 0 ? bytes.length : feed;
        line += 1;
        const start = skipBlanks(bytes, at, end);
        if (start < end) {
          const whole = !checks || isJson(bytes.subarray(start, end));
          const taken = whole || !dropInvalid;
          const bad = taken ? walker(bytes, start, end, line) : { at: start, message: "no JSON" };
          if (bad === undefined) {
            rows += 1;
            if (!whole) onRefused?.();
            onRow?.(bytes.subarray(start, end));
          } else if (dropInvalid) dropped += 1;
          else fault = describe(bytes, at, end, line, bad);
        }
        at = feed < 0 ? end : feed + 1;
      }
      return at;
    },
  };
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const HALF = /\p{Surrogate}/u;

/** Whether DuckDB reads the line: JSON, in UTF-8, without halves of surrogate pairs. */
function isJson(line: Buffer): boolean {
  try {
    const text = UTF8.decode(line);
    let whole = true;
    if (!/\\u[dD][89a-fA-F]/.test(text)) JSON.parse(text);
    else {
      JSON.parse(text, (key, value: unknown) => {
        whole &&= !HALF.test(key) && (typeof value !== "string" || !HALF.test(value));
        return value;
      });
    }
    return whole;
  } catch {
    return false;
  }
}

interface Bad {
  readonly at: number;
  readonly message: string;
}

function describe(bytes: Buffer, start: number, end: number, line: number, { at, message }: Bad): JsonFault {
  const text = bytes
    .subarray(start, Math.min(end, start + 320))
    .toString("utf8")
    .trimEnd();
  const excerpt = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return { line, column: at - start + 1, message, excerpt };
}

type Walker = (bytes: Buffer, start: number, end: number, line: number) => Bad | undefined;

/**
 * Walks the top level of one object. It checks no more than it needs to find keys and kinds of values: DuckDB reads the
 * line again and checks the rest. Keys of a line that is bad leave no trace.
 */
function createWalker(
  keys: Map<string, JsonKey>,
  onValue: ((value: Omit<FoundValue, "row">) => void) | undefined,
): Walker {
  // Rows mostly have the same keys in the same order, so the next key is compared with the one expected.
  const order: { readonly bytes: Buffer; readonly key: JsonKey }[] = [];
  const found: { readonly key: JsonKey; readonly value: JsonValue }[] = [];
  // Where the values stand, when somebody hears of them.
  const spans: { readonly from: number; readonly to: number }[] = [];
  let asExpected = true;
  let known = 0;
  const keyAt = (bytes: Buffer, from: number, to: number, place: number): JsonKey => {
    const expected = order[place];
    if (expected !== undefined && sameBytes(expected.bytes, bytes, from, to)) return expected.key;
    asExpected = false;
    const raw = bytes.subarray(from, to);
    const name = raw.includes(0x5c) ? unescapeKey(raw) : raw.toString("utf8");
    const key = keys.get(name) ?? fresh(name);
    order[place] = { bytes: Buffer.from(raw), key };
    return key;
  };
  // Keys of this line that are not in the table yet: only a line that is good puts them there.
  const fresh = (name: string): JsonKey =>
    found.find(({ key }) => key.name === name)?.key ?? { name, bits: 0 };
  const commit = (count: number, start: number): Bad | undefined => {
    // Keys in the expected order were compared with one another before.
    if (!asExpected || count > known) {
      const names = new Set<string>();
      for (const { key } of found.slice(0, count)) {
        if (names.has(key.name))
          return { at: start, message: `the key ${JSON.stringify(key.name)} stands twice` };
        names.add(key.name);
      }
      known = asExpected ? count : 0;
    }
    for (let at = 0; at < count; at += 1) {
      const { key, value } = found[at] as (typeof found)[number];
      if (!asExpected && !keys.has(key.name)) keys.set(key.name, key);
      const kept = keys.get(key.name) ?? key;
      kept.bits |= value.bits;
      if (value.big !== undefined) kept.big ??= value.big;
    }
    return undefined;
  };
  const tell = (count: number, bytes: Buffer, hear: NonNullable<typeof onValue>): void => {
    for (const [at, { key, value }] of found.slice(0, count).entries()) {
      hear({ name: key.name, bits: value.bits, bytes, ...(spans[at] as (typeof spans)[number]) });
    }
  };
  const walk: Walker = (bytes, start, end, line) => {
    if (bytes[start] !== 0x7b) return { at: start, message: "the line is no JSON object" };
    let at = skipBlanks(bytes, start + 1, end);
    asExpected = true;
    if (bytes[at] === 0x7d) return behind(bytes, at + 1, end);
    for (let place = 0; ; place += 1) {
      if (bytes[at] !== 0x22 || at >= end) return { at, message: "a key in quotes is missing" };
      const close = stringEnd(bytes, at + 1, end);
      if (close < 0) return { at, message: "a key is not closed" };
      const key = keyAt(bytes, at + 1, close, place);
      at = skipBlanks(bytes, close + 1, end);
      if (bytes[at] !== 0x3a || at >= end) return { at, message: "a colon is missing behind a key" };
      at = skipBlanks(bytes, at + 1, end);
      const value: JsonValue = { bits: 0 };
      found[place] = { key, value };
      const next = valueEnd(bytes, at, end, value, line);
      if (onValue !== undefined) spans[place] = { from: at, to: next };
      if (next < 0)
        return {
          at,
          message: `the value of ${JSON.stringify(key.name)} is cut, malformed or beyond a double`,
        };
      at = skipBlanks(bytes, next, end);
      if (at < end && bytes[at] === 0x7d) {
        const bad = behind(bytes, at + 1, end) ?? commit(place + 1, start);
        if (bad === undefined && onValue !== undefined) tell(place + 1, bytes, onValue);
        return bad;
      }
      if (at >= end || bytes[at] !== 0x2c) return { at, message: "a comma or the closing brace is missing" };
      at = skipBlanks(bytes, at + 1, end);
    }
  };
  return (bytes, start, end, line) => {
    const bad = walk(bytes, start, end, line);
    // What a bad line leaves in the expected order was never compared.
    if (bad !== undefined) known = order.length = 0;
    return bad;
  };
}

function behind(bytes: Buffer, from: number, end: number): Bad | undefined {
  const at = skipBlanks(bytes, from, end);
  return at < end ? { at, message: "something stands behind the object" } : undefined;
}

function sameBytes(expected: Buffer, bytes: Buffer, from: number, to: number): boolean {
  const { length } = expected;
  if (to - from !== length) return false;
  for (let at = 0; at < length; at += 1) if (expected[at] !== bytes[from + at]) return false;
  return true;
}

function unescapeKey(raw: Buffer): string {
  try {
    return JSON.parse(`"${raw.toString("utf8")}"`) as string;
  } catch {
    return raw.toString("utf8");
  }
}
