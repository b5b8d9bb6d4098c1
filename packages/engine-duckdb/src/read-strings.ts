import { isAscii } from "node:buffer";
import duckdb from "@duckdb/node-bindings";
import { readFarTexts } from "./far-texts.ts";

type Vector = ReturnType<typeof duckdb.data_chunk_get_vector>;

/** Bytes of an entry: 4 of length, then up to 12 of text; or 4 of its start and a pointer to all of it. */
const ENTRY = 16;
const WORDS = ENTRY / 4;
const INLINE = 12;
/** A byte that is no ASCII, in a word of four. */
const HIGH = 0x80808080;

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

function readFar(
  rows: readonly number[],
  words: Uint32Array,
  source: Uint8Array,
  out: (string | null)[],
): void {
  const same = readFarTexts(rows, words, source, (memory, base, texts) => {
    const bytes = Buffer.from(memory.buffer, memory.byteOffset, memory.byteLength);
    const whole = isAscii(bytes) ? bytes.toString("latin1") : undefined;
    for (const { start, length, row } of texts) {
      const from = start - base;
      out[row] = whole?.slice(from, from + length) ?? bytes.toString("utf8", from, from + length);
    }
  });
  for (let at = 0; at < same.length; at += 2) out[same[at] as number] = out[same[at + 1] as number] ?? null;
}
