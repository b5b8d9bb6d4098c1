import duckdb from "@duckdb/node-bindings";
import { readFarTexts } from "./far-texts.ts";
import { checkedOffset, growingBuffer } from "./growing-buffer.ts";
import { createValidity } from "./validity.ts";
import type { Vector, VectorBuilder } from "./vector-builder.ts";

/** Bytes of an entry: 4 of length, then up to 12 of text; or 4 of its start and a pointer to all of it. */
const ENTRY = 16;
const WORDS = 4;
const INLINE = 12;

/** From this length on a call that copies bytes is faster than copying them here. */
const LONG = 48;

/** Texts and bytes: straight from DuckDB's entries into one buffer, without strings. */
export function createTextBuilder(): VectorBuilder {
  const offsets = growingBuffer(4);
  const data = growingBuffer(1);
  const validity = createValidity();
  let length = 0;
  let total = 0;
  return {
    append(vector, from, count) {
      const { words, source } = entriesOf(vector, from, count);
      validity.append(vector, from, count, length, (at) => (words[(at - length) * WORDS] = 0));
      const ends = new Int32Array(offsets.reserve(length + count + 1).buffer);
      const far: number[] = [];
      const before = total;
      for (let row = 0, word = 0; row < count; row += 1, word += WORDS) {
        const own = words[word] as number;
        if (own > INLINE) far.push(row);
        total += own;
        ends[length + row + 1] = total;
      }
      const bytes = data.reserve(checkedOffset(total));
      copyInline(words, count, bytes, before);
      if (far.length > 0) copyFar(far, words, source, bytes, ends.subarray(length));
      length += count;
    },
    bytes: () => total + length * 4,
    take() {
      const starts = offsets.take(length + 1);
      const taken = {
        length,
        ...validity.take(length),
        offsets: new Int32Array(starts.buffer, 0, length + 1),
        data: data.take(total),
      };
      length = total = 0;
      return taken;
    },
  };
}

/** A copy of the entries, since words are read from where they are aligned; and where they lie. */
function entriesOf(
  vector: Vector,
  from: number,
  count: number,
): { readonly words: Uint32Array<ArrayBuffer>; readonly source: Uint8Array } {
  const source = duckdb.vector_get_data(vector, (from + count) * ENTRY).subarray(from * ENTRY);
  const words = new Uint32Array(count * WORDS);
  new Uint8Array(words.buffer).set(source);
  return { words, source };
}

function copyInline(words: Uint32Array<ArrayBuffer>, count: number, bytes: Uint8Array, from: number): void {
  const entries = new Uint8Array(words.buffer);
  for (let row = 0, to = from; row < count; row += 1) {
    const own = words[row * WORDS] as number;
    if (own <= INLINE) {
      const entry = row * ENTRY + 4;
      for (let at = 0; at < own; at += 1) bytes[to + at] = entries[entry + at] as number;
    }
    to += own;
  }
}

/** `starts`: where each row's text comes to stand. */
function copyFar(
  rows: readonly number[],
  words: Uint32Array,
  source: Uint8Array,
  bytes: Uint8Array,
  starts: Int32Array,
): void {
  const same = readFarTexts(rows, words, source, (memory, base, texts) => {
    for (const { start, length, row } of texts)
      copy(memory, start - base, length, bytes, starts[row] as number);
  });
  for (let at = 0; at < same.length; at += 2) {
    const first = same[at + 1] as number;
    const from = starts[first] as number;
    bytes.copyWithin(starts[same[at] as number] as number, from, from + (words[first * WORDS] as number));
  }
}

function copy(memory: Uint8Array, from: number, length: number, bytes: Uint8Array, to: number): void {
  if (length >= LONG) bytes.set(memory.subarray(from, from + length), to);
  else for (let at = 0; at < length; at += 1) bytes[to + at] = memory[from + at] as number;
}
