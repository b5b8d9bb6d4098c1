import duckdb from "@duckdb/node-bindings";

const ENTRY = 16;
const WORDS = ENTRY / 4;

/**
 * Texts lie in memory one after the other, often with their lengths between. What lies between two texts no further
 * apart than this is in a page of memory that holds the end of one or the start of the other, so it can be read.
 */
const GAP = 16;

/** A text of more than 12 bytes: its address, its bytes, and the first of the rows that have it. */
export interface FarText {
  readonly start: number;
  readonly length: number;
  readonly row: number;
}

/**
 * Reads the texts that an entry of a vector only points to: a stretch of memory at a time, each text once. `memory`
 * begins at the address `base` and holds all of `texts`; it goes with the chunk.
 *
 * @param words - copies of the entries that lie at `source`.
 * @returns pairs of a row and the row before that has the same text.
 */
export function readFarTexts(
  rows: readonly number[],
  words: Uint32Array,
  source: Uint8Array,
  visit: (memory: Uint8Array, base: number, texts: readonly FarText[]) => void,
): readonly number[] {
  const { texts, same } = differentTexts(rows, words);
  for (let at = 0; at < texts.length;) {
    const first = texts[at] as FarText;
    let end = first.start + first.length;
    let next = at + 1;
    for (let text = texts[next]; text !== undefined && text.start <= end + GAP; text = texts[next]) {
      end = Math.max(end, text.start + text.length);
      next += 1;
    }
    const pointer = source.byteOffset + first.row * ENTRY + 8;
    const memory = duckdb.get_data_from_pointer(source.buffer as ArrayBuffer, pointer, end - first.start);
    visit(memory, first.start, texts.slice(at, next));
    at = next;
  }
  return same;
}

/** The texts in the order of memory. */
function differentTexts(
  rows: readonly number[],
  words: Uint32Array,
): { readonly texts: readonly FarText[]; readonly same: readonly number[] } {
  const texts: FarText[] = [];
  const same: number[] = [];
  // Only where an address is not behind the one before can a text be one that was there already.
  let known: Map<number, FarText> | undefined;
  let sorted = true;
  let last = -1;
  for (const row of rows) {
    const length = words[row * WORDS] as number;
    // Of the 64 bits of an address no more are in use than a double holds.
    const start = (words[row * WORDS + 2] as number) + (words[row * WORDS + 3] as number) * 2 ** 32;
    const text = { start, length, row };
    if (known !== undefined || start <= last) {
      known ??= new Map(texts.map((one) => [one.start, one]));
      const before = known.get(start);
      if (before !== undefined && before.length === length) {
        same.push(row, before.row);
        continue;
      }
      if (before === undefined) known.set(start, text);
    }
    sorted &&= start >= last;
    last = start;
    texts.push(text);
  }
  if (!sorted) texts.sort((a, b) => a.start - b.start);
  return { texts, same };
}
