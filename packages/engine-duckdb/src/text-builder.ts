import { checkedOffset, growingBuffer } from "./growing-buffer.ts";
import {
  ENTRY,
  INLINE,
  readFarTexts,
  readStringEntries,
  WORDS,
  type StringEntries,
} from "./string-entries.ts";
import { createValidity } from "./validity.ts";
import type { VectorBuilder } from "./vector-builder.ts";

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
      const entries = readStringEntries(vector, from, count);
      const { words, far } = entries;
      validity.append(vector, from, count, length, (at) => (words[(at - length) * WORDS] = 0));
      const ends = new Int32Array(offsets.reserve(length + count + 1).buffer);
      const before = total;
      let farCount = 0;
      for (let row = 0, word = 0; row < count; row += 1, word += WORDS) {
        const own = words[word] as number;
        if (own > INLINE) far[farCount++] = row;
        total += own;
        ends[length + row + 1] = total;
      }
      const bytes = data.reserve(checkedOffset(total));
      copyInline(words, count, bytes, before);
      copyFar(entries, farCount, bytes, ends.subarray(length));
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

/** `ends`: where the text before that of a row ends. */
function copyFar(entries: StringEntries, count: number, bytes: Uint8Array, ends: Int32Array): void {
  const { words, far } = entries;
  readFarTexts(entries, count, (memory, starts, from, to) => {
    for (let at = from; at < to; at += 1) {
      const row = far[at] as number;
      copy(memory, starts[at] as number, words[row * WORDS] as number, bytes, ends[row] as number);
    }
  });
}

function copy(memory: Uint8Array, from: number, length: number, bytes: Uint8Array, to: number): void {
  if (length >= LONG) bytes.set(memory.subarray(from, from + length), to);
  else for (let at = 0; at < length; at += 1) bytes[to + at] = memory[from + at] as number;
}
