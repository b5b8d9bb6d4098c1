import { isAscii } from "node:buffer";
import type duckdb from "@duckdb/node-bindings";
import {
  ENTRY,
  INLINE,
  readFarTexts,
  readStringEntries,
  WORDS,
  type StringEntries,
} from "./string-entries.ts";

type Vector = ReturnType<typeof duckdb.data_chunk_get_vector>;

/** A byte that is no ASCII, in a word of four. */
const HIGH = 0x80808080;

/**
 * Texts of a vector of DuckDB. Few calls make many strings: short texts are cut from one string of the whole vector,
 * long ones from one string for each stretch of memory.
 */
export function readStrings(
  vector: Vector,
  count: number,
  isValid: ((row: number) => boolean) | undefined,
): (string | null)[] {
  const entries = readStringEntries(vector, 0, count);
  const { words, far } = entries;
  const bytes = Buffer.from(words.buffer, 0, count * ENTRY);
  const text = bytes.toString("latin1");
  const out: (string | null)[] = new Array<string | null>(count);
  let farCount = 0;
  for (let row = 0, word = 0; row < count; row += 1, word += WORDS) {
    if (isValid !== undefined && !isValid(row)) {
      out[row] = null;
      continue;
    }
    const length = words[word] as number;
    if (length > INLINE) {
      far[farCount++] = row;
      continue;
    }
    const from = row * ENTRY + 4;
    // Behind a short text its entry is filled with zeros.
    const bits = (words[word + 1] as number) | (words[word + 2] as number) | (words[word + 3] as number);
    out[row] =
      (bits & HIGH) === 0 ? text.slice(from, from + length) : bytes.toString("utf8", from, from + length);
  }
  readFar(entries, farCount, out);
  return out;
}

function readFar(entries: StringEntries, count: number, out: (string | null)[]): void {
  const { words, far } = entries;
  readFarTexts(entries, count, (memory, starts, from, to) => {
    const bytes = Buffer.from(memory.buffer, memory.byteOffset, memory.byteLength);
    const whole = isAscii(bytes) ? bytes.toString("latin1") : undefined;
    for (let at = from; at < to; at += 1) {
      const row = far[at] as number;
      const start = starts[at] as number;
      const end = start + (words[row * WORDS] as number);
      out[row] = whole?.slice(start, end) ?? bytes.toString("utf8", start, end);
    }
  });
}
