const MAGIC = 0x184d2204;
const BLOCK_SIZES = [undefined, undefined, undefined, undefined, 2 ** 16, 2 ** 18, 2 ** 20, 2 ** 22];
/** Each byte of a length stands for 255 at most. */
const MOST_GROWTH = 255;
/** A match is this many bytes longer than is written. */
const SHORTEST_MATCH = 4;

/**
 * Decompresses an LZ4 frame, as Arrow has one for each buffer. Checksums, which Arrow does not write, are passed over.
 *
 * @throws an `Error` for bytes that are no frame, or break off, and for a frame that needs a dictionary.
 * @see https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 */
export function decodeLz4Frame(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint8(4);
  const blockSize = BLOCK_SIZES[view.getUint8(5) >> 4];
  const hasDictionary = (flags & 1) !== 0;
  if (view.getUint32(0, true) !== MAGIC || flags >> 6 !== 1 || blockSize === undefined || hasDictionary)
    throw new Error("These bytes are no LZ4 frame of version 1 without a dictionary.");
  const checksumBytes = (flags & 16) !== 0 ? 4 : 0;
  const size = (flags & 8) !== 0 ? Number(view.getBigUint64(6, true)) : undefined;
  let at = size === undefined ? 7 : 15;
  const output = new Output();
  for (;;) {
    const header = view.getUint32(at, true);
    at += 4;
    if (header === 0) break;
    const length = header & 0x7fffffff;
    const block = bytes.subarray(at, at + length);
    if (block.length < length || length > blockSize) throw new Error("An LZ4 block breaks off.");
    output.reserve(Math.min(blockSize, length * MOST_GROWTH));
    if (header > 0x7fffffff) output.append(block, 0, length);
    else decodeBlock(block, output);
    at += length + checksumBytes;
  }
  const decoded = output.bytes();
  if (size !== undefined && decoded.length !== size)
    throw new Error(`An LZ4 frame of ${size} bytes has ${decoded.length}.`);
  return decoded;
}

/** @see https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md */
function decodeBlock(block: Uint8Array, output: Output): void {
  let at = 0;
  const byte = (): number => {
    const value = block[at++];
    if (value === undefined) throw new Error("An LZ4 block breaks off.");
    return value;
  };
  const length = (nibble: number): number => {
    let sum = nibble;
    if (nibble < 15) return sum;
    for (let more = 255; more === 255; sum += more) more = byte();
    return sum;
  };
  while (at < block.length) {
    const token = byte();
    const literals = length(token >> 4);
    if (at + literals > block.length) throw new Error("An LZ4 block breaks off.");
    output.append(block, at, literals);
    at += literals;
    // The last of a block are literals alone.
    if (at === block.length) return;
    const distance = byte() + byte() * 256;
    output.repeat(distance, length(token & 15) + SHORTEST_MATCH);
  }
}

/** Bytes that have been decoded; a match may lie in an earlier block. */
class Output {
  #bytes = new Uint8Array(0);
  #length = 0;
  #limit = 0;

  /** Makes room for a block, of which no more may come. */
  reserve(bytes: number): void {
    this.#limit = this.#length + bytes;
    if (this.#limit <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#limit, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }

  append(source: Uint8Array, from: number, count: number): void {
    this.#check(count);
    this.#bytes.set(source.subarray(from, from + count), this.#length);
    this.#length += count;
  }

  repeat(distance: number, count: number): void {
    this.#check(count);
    if (distance === 0 || distance > this.#length) throw new Error("An LZ4 block repeats what is not there.");
    const start = this.#length - distance;
    // What is copied may be what was just copied: each round doubles it.
    for (let copied = 0; copied < count;) {
      const some = Math.min(count - copied, distance + copied);
      this.#bytes.copyWithin(this.#length + copied, start, start + some);
      copied += some;
    }
    this.#length += count;
  }

  /** Without room that nothing came to fill: a column of the result holds on to it. */
  bytes(): Uint8Array {
    return this.#length < this.#bytes.length ? this.#bytes.slice(0, this.#length) : this.#bytes;
  }

  #check(count: number): void {
    if (this.#length + count > this.#limit) throw new Error("An LZ4 block is longer than it may be.");
  }
}
