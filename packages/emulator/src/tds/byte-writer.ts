/** Gathers little-endian values in one growing buffer. */
export class ByteWriter {
  #bytes: Buffer = Buffer.allocUnsafe(512);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What was written so far; the writer is empty afterwards. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = Buffer.allocUnsafe(Math.max(512, this.#length));
    this.#length = 0;
    return taken;
  }

  /** Forgets what was written after `length`. */
  rewind(length: number): void {
    this.#length = length;
  }

  u8(value: number): this {
    this.#length = this.#room(1).writeUInt8(value, this.#length);
    return this;
  }

  u16(value: number): this {
    this.#length = this.#room(2).writeUInt16LE(value, this.#length);
    return this;
  }

  i16(value: number): this {
    this.#length = this.#room(2).writeInt16LE(value, this.#length);
    return this;
  }

  u32(value: number): this {
    this.#length = this.#room(4).writeUInt32LE(value, this.#length);
    return this;
  }

  i32(value: number): this {
    this.#length = this.#room(4).writeInt32LE(value, this.#length);
    return this;
  }

  u64(value: bigint): this {
    this.#length = this.#room(8).writeBigUInt64LE(value, this.#length);
    return this;
  }

  i64(value: bigint): this {
    this.#length = this.#room(8).writeBigInt64LE(value, this.#length);
    return this;
  }

  f32(value: number): this {
    this.#length = this.#room(4).writeFloatLE(value, this.#length);
    return this;
  }

  f64(value: number): this {
    this.#length = this.#room(8).writeDoubleLE(value, this.#length);
    return this;
  }

  /** A non-negative integer of 1 to 6 bytes. */
  uint(value: number, size: number): this {
    this.#length = this.#room(size).writeUIntLE(value, this.#length, size);
    return this;
  }

  bytes(value: Uint8Array): this {
    this.#room(value.length).set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  utf16(value: string): this {
    this.#length += this.#room(value.length * 2).write(value, this.#length, "utf16le");
    return this;
  }

  /** Text after its length in code units, in one byte. */
  shortText(value: string): this {
    const text = value.slice(0, 255);
    return this.u8(text.length).utf16(text);
  }

  /** Text after its length in code units, in two bytes. */
  longText(value: string): this {
    const text = value.slice(0, 65_535);
    return this.u16(text.length).utf16(text);
  }

  #room(more: number): Buffer {
    const needed = this.#length + more;
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    return this.#bytes;
  }
}
