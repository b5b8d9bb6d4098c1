import duckdb from "@duckdb/node-bindings";

type Vector = ReturnType<typeof duckdb.data_chunk_get_vector>;

/** Bytes of DuckDB's entry for a string: 4 of length, then up to 12 of text; or 4 of its start and a pointer to all of it. */
export const ENTRY = 16;
export const WORDS = 4;
export const INLINE = 12;

/**
 * Texts lie in memory one after the other, often with their lengths between. What lies between two texts no further
 * apart than this is in a page of memory that holds the end of one or the start of the other, so it can be read.
 */
const GAP = 16;

/** The entries of a vector of strings. They are in use until the next ones are read. */
export interface StringEntries extends Room {
  /** Where they lie. */
  readonly source: Uint8Array;
}

interface Room {
  /** A copy of the entries, since words are read from where they are aligned; not of the texts. */
  readonly words: Uint32Array<ArrayBuffer>;
  /** For the rows whose texts are longer than an entry holds. */
  readonly far: Int32Array;
  /** For where their texts begin. */
  readonly starts: Float64Array;
}

const roomFor = (count: number): Room => ({
  words: new Uint32Array(count * WORDS),
  far: new Int32Array(count),
  starts: new Float64Array(count),
});

/** Rows of a vector; only the items of lists can be more. */
const VECTOR_ROWS = 2048;
// Garbage outside of V8's heap has it collect all the more often: made anew for each vector, this costs a third of the time.
const kept = roomFor(VECTOR_ROWS);

export function readStringEntries(vector: Vector, from: number, count: number): StringEntries {
  const room = count <= VECTOR_ROWS ? kept : roomFor(count);
  const source = duckdb.vector_get_data(vector, (from + count) * ENTRY).subarray(from * ENTRY);
  new Uint8Array(room.words.buffer).set(source);
  return { ...room, source };
}

/** Visits `far[from]` to `far[to - 1]`: the text of each begins at `starts[at]` of `memory`, which goes with the chunk. */
export type VisitTexts = (memory: Uint8Array, starts: Float64Array, from: number, to: number) => void;

/**
 * Reads the texts of the first `count` rows of `far`, a stretch of memory at a time. DuckDB puts those of a chunk that it
 * streams into few blocks of memory, in the order of rows.
 */
export function readFarTexts(
  { words, source, far: rows, starts }: StringEntries,
  count: number,
  visit: VisitTexts,
): void {
  for (let from = 0; from < count;) {
    const row = rows[from] as number;
    const base = addressOf(words, row);
    let end = words[row * WORDS] as number;
    let to = from + 1;
    starts[from] = 0;
    for (; to < count; to += 1) {
      const next = rows[to] as number;
      const start = addressOf(words, next) - base;
      if (start < 0 || start > end + GAP) break;
      starts[to] = start;
      end = Math.max(end, start + (words[next * WORDS] as number));
    }
    const pointer = source.byteOffset + row * ENTRY + 8;
    visit(duckdb.get_data_from_pointer(source.buffer as ArrayBuffer, pointer, end), starts, from, to);
    from = to;
  }
}

/** Of its 64 bits no more are in use than a double holds. */
function addressOf(entries: Uint32Array, row: number): number {
  return (entries[row * WORDS + 2] as number) + (entries[row * WORDS + 3] as number) * 2 ** 32;
}
