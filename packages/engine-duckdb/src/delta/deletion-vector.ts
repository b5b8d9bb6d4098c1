import { AmlError } from "@aml/core";

const Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/** Bytes of Z85 text (ZeroMQ RFC 32). Undefined for what is none. */
export function decodeZ85(text: string): Uint8Array | undefined {
  if (text.length % 5 !== 0) return undefined;
  const out = new Uint8Array((text.length / 5) * 4);
  const view = new DataView(out.buffer);
  for (let at = 0; at < text.length; at += 5) {
    let value = 0;
    for (const char of text.slice(at, at + 5)) {
      const digit = Z85.indexOf(char);
      if (digit < 0) return undefined;
      value = value * 85 + digit;
    }
    if (value > 0xffffffff) return undefined;
    view.setUint32((at / 5) * 4, value);
  }
  return out;
}

/** Name of a vector's file, relative to the table: `prefix/deletion_vector_UUID.bin`. */
export function vectorFileName(pathOrInlineDv: string): string | undefined {
  const bytes = decodeZ85(pathOrInlineDv.slice(-20));
  if (bytes?.length !== 16) return undefined;
  const hex = Buffer.from(bytes).toString("hex");
  const uuid = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  const prefix = pathOrInlineDv.slice(0, -20);
  return `${prefix === "" ? "" : `${prefix}/`}deletion_vector_${uuid}.bin`;
}

/** The bytes of one vector in a file of several: big-endian size, data, CRC-32 of the data. */
export function cutVector(file: Uint8Array, offset: number, size: number): Uint8Array | undefined {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file[0] !== 1 || offset + 8 + size > file.length || view.getUint32(offset) !== size) return undefined;
  const data = file.subarray(offset + 4, offset + 4 + size);
  return crc32(data) === view.getUint32(offset + 4 + size) ? data : undefined;
}

function crc32(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc >>> 0;
}

const MAGIC = 1_681_511_377;
/** Of the form in the protocol's own example: big-endian, one bitmap for each 2^32 rows. */
const OLDER_MAGIC = 1_681_511_376;
const COOKIE = 12_346;
const RUN_COOKIE = 12_347;

/**
 * The row numbers in a serialized vector: a 64-bit bitmap of portable Roaring bitmaps. Written here since no library in
 * JavaScript that reads the portable format is maintained and free of native code.
 *
 * @throws `parse_failed` for bytes that are none, and when there are not exactly `cardinality` of them.
 */
export function decodeVector(bytes: Uint8Array, cardinality: number, name: string): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out: number[] = [];
  try {
    const isOlder = view.getUint32(0) === OLDER_MAGIC;
    if (!isOlder && view.getUint32(0, true) !== MAGIC) throw new RangeError("magic");
    const count = isOlder ? view.getUint32(4) : Number(view.getBigUint64(4, true));
    let at = isOlder ? 8 : 12;
    for (let index = 0; index < count; index += 1) {
      // The older form has a size where the newer one has the upper half of the numbers.
      const high = isOlder ? index : view.getUint32(at, true);
      if (high >= 2 ** 20) throw new RangeError("key");
      at = readBitmap(view, at + 4, high * 2 ** 32, out, cardinality);
    }
    if (out.length === cardinality) return out;
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
  }
  throw new AmlError("parse_failed", `The deletion vector of ${name} is damaged.`, {
    hint: "Restore the vector's file; without it deleted rows would come back.",
    context: { uri: name },
  });
}

/** Reads one 32-bit bitmap and tells where it ends. @throws RangeError for bytes that are none. */
function readBitmap(view: DataView, start: number, base: number, out: number[], limit: number): number {
  let at = start;
  const cookie = view.getUint32(at, true);
  const hasRuns = (cookie & 0xffff) === RUN_COOKIE;
  if (!hasRuns && cookie !== COOKIE) throw new RangeError("cookie");
  const size = hasRuns ? (cookie >>> 16) + 1 : view.getUint32(at + 4, true);
  if (size > 65_536) throw new RangeError("size");
  at += hasRuns ? 4 : 8;
  const runs = at;
  if (hasRuns) at += (size + 7) >> 3;
  const keys = at;
  at += size * 4;
  if (!hasRuns || size >= 4) at += size * 4;
  const push = (value: number): void => {
    if (out.length >= limit) throw new RangeError("more than there should be");
    out.push(value);
  };
  for (let index = 0; index < size; index += 1) {
    const from = base + view.getUint16(keys + index * 4, true) * 65_536;
    const count = view.getUint16(keys + index * 4 + 2, true) + 1;
    if (hasRuns && ((view.getUint8(runs + (index >> 3)) >> (index & 7)) & 1) === 1) {
      const pairs = view.getUint16(at, true);
      at += 2;
      for (let pair = 0; pair < pairs; pair += 1, at += 4) {
        const first = view.getUint16(at, true);
        for (let more = 0; more <= view.getUint16(at + 2, true); more += 1) push(from + first + more);
      }
    } else if (count <= 4096) {
      for (let item = 0; item < count; item += 1, at += 2) push(from + view.getUint16(at, true));
    } else {
      for (let byte = 0; byte < 8192; byte += 1) {
        const bits = view.getUint8(at + byte);
        for (let bit = 0; bit < 8; bit += 1) if ((bits >> bit) & 1) push(from + byte * 8 + bit);
      }
      at += 8192;
    }
  }
  return at;
}
