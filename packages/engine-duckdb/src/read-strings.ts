import { isAscii } from "node:buffer";
import duckdb from "@duckdb/node-bindings";

type Vector = ReturnType<typeof duckdb.data_chunk_get_vector>;

/** Bytes of an entry: 4 of length, then up to 12 of text; or 4 of its start and a pointer to all of it. */
const ENTRY = 16;
const WORDS = ENTRY / 4;
const INLINE = 12;
/** A byte that is no ASCII, in a word of four. */
const HIGH = 0x80808080;

/**
 * Texts lie in memory one after the other, often with their lengths between. What lies between two texts no further
 * apart than this is in a page of memory that holds the end of one or the start of the other, so it can be read.
 */
const GAP = 16;

/**
 * Texts of a vector of DuckDB. Few calls make many strings: short texts are cut from one string of the whole vector,
 * long ones from one string for each stretch of memory, and those that several rows share are made once.
 */
export function readStrings(
  vector: Vector,
  count: number,
  isValid: ((row: number) => boolean) | undefined,
): (string | null)[] {
  const source = duckdb.vector_get_data(vector, count * ENTRY);
  // A copy, since words are read from where they are aligned; of the entries, not of the texts.
  const words = new Uint32Array(count * WORDS);
  const entries = Buffer.from(words.buffer);
  entries.set(source);
  const text = entries.toString("latin1");
  const out: (string | null)[] = new Array<string | null>(count);
  const far: number[] = [];
  for (let row = 0, word = 0; row < count; row += 1, word += WORDS) {
    if (isValid !== undefined && !isValid(row)) {
      out[row] = null;
      continue;
    }
    const length = words[word] as number;
    if (length > INLINE) {
      far.push(row);
      continue;
    }
    const from = row * ENTRY + 4;
    // Behind a short text its entry is filled with zeros.
    const bits = (words[word + 1] as number) | (words[word + 2] as number) | (words[word + 3] as number);
    out[row] =
      (bits & HIGH) === 0 ? text.slice(from, from + length) : entries.toString("utf8", from, from + length);
  }
  if (far.length > 0) readFar(far, words, source, out);
  return out;
}

/** A text of more than 12 bytes, and the first of the rows that have it. */
interface Far {
  readonly start: number;
  readonly length: number;
  readonly row: number;
}

function readFar(
  rows: readonly number[],
  words: Uint32Array,
  source: Uint8Array,
  out: (string | null)[],
): void {
  const texts = new Map<number, Far>();
  const same: number[] = [];
  const different: Far[] = [];
  let sorted = true;
  let last = 0;
  for (const row of rows) {
    const length = words[row * WORDS] as number;
    // Of the 64 bits of an address no more are in use than a double holds.
    const start = (words[row * WORDS + 2] as number) + (words[row * WORDS + 3] as number) * 2 ** 32;
    const known = texts.get(start);
    if (known !== undefined && known.length === length) {
      same.push(row, known.row);
      continue;
    }
    const text = { start, length, row };
    if (known === undefined) texts.set(start, text);
    sorted &&= start >= last;
    last = start;
    different.push(text);
  }
  if (!sorted) different.sort((a, b) => a.start - b.start);
  for (let at = 0; at < different.length;) at = readStretch(different, at, source, out);
  for (let at = 0; at < same.length; at += 2) out[same[at] as number] = out[same[at + 1] as number] ?? null;
}

/** Reads the texts from `at` on that lie next to one another, and gives the place of the next. */
function readStretch(texts: readonly Far[], at: number, source: Uint8Array, out: (string | null)[]): number {
  const first = texts[at] as Far;
  let end = first.start + first.length;
  let next = at + 1;
  for (let text = texts[next]; text !== undefined && text.start <= end + GAP; text = texts[next]) {
    end = Math.max(end, text.start + text.length);
    next += 1;
  }
  const pointer = source.byteOffset + first.row * ENTRY + 8;
  const view = duckdb.get_data_from_pointer(source.buffer as ArrayBuffer, pointer, end - first.start);
  const bytes = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
  const whole = isAscii(bytes) ? bytes.toString("latin1") : undefined;
  for (let index = at; index < next; index += 1) {
    const { start, length, row } = texts[index] as Far;
    const from = start - first.start;
    out[row] = whole?.slice(from, from + length) ?? bytes.toString("utf8", from, from + length);
  }
  return next;
}
