import { ProtocolError } from "./protocol-error.ts";

/** Reads little-endian values from a message, and never past its end. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  bytes(count: number): Buffer {
    if (count > this.left) throw new ProtocolError("a message ends too early");
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  u8(): number {
    return this.bytes(1).readUInt8();
  }

  u16(): number {
    return this.bytes(2).readUInt16LE();
  }

  u32(): number {
    return this.bytes(4).readUInt32LE();
  }

  i32(): number {
    return this.bytes(4).readInt32LE();
  }

  u64(): bigint {
    return this.bytes(8).readBigUInt64LE();
  }

  /** UTF-16 text of `length` code units. */
  text(length: number): string {
    return this.bytes(length * 2).toString("utf16le");
  }

  /** The next byte, which stays unread. */
  peek(): number | undefined {
    return this.#bytes[this.#at];
  }
}
