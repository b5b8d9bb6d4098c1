import { Message, MessageHeader } from "apache-arrow";

/** Metadata longer than this is none: that of a hundred thousand columns takes a tenth of it. */
const MAX_METADATA = 2 ** 28;
const MAGIC = [...new TextEncoder().encode("ARROW1")];
const READABLE = [MessageHeader.Schema, MessageHeader.DictionaryBatch, MessageHeader.RecordBatch];

type State = "magic" | "prefix" | "length" | "metadata" | "end" | "footer";

/**
 * Follows the messages of an IPC stream or file as its bytes pass by, and counts the batches. apache-arrow alone takes a
 * length of zero for the end, and a length below zero for a way back.
 *
 * @see https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format
 */
export class MessageFrames {
  /** Record batches so far. */
  batches = 0;
  #state: State = "magic";
  #isFile = false;
  /** Whether a message has come. */
  #begun = false;
  /** Bytes that are gathered, of as many as the state needs. */
  #kept = new Uint8Array(8);
  #length = 0;
  #needed = 8;
  /** Bytes of a body that are still to pass by. */
  #body = 0;

  /** Whether a stream's end mark has come. A file ends with its magic word. */
  get ended(): boolean {
    return this.#state === "end";
  }

  get isFile(): boolean {
    return this.#isFile;
  }

  /** @throws an `Error` for bytes that are no messages, and for any behind the end of a stream. */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length && this.#state !== "footer") {
      if (this.#body > 0) {
        const passed = Math.min(this.#body, chunk.length - at);
        this.#body -= passed;
        at += passed;
        continue;
      }
      if (this.#state === "end") throw new Error("Bytes follow the end of the stream.");
      const taken = chunk.subarray(at, at + this.#needed - this.#length);
      this.#keep(taken);
      at += taken.length;
      if (this.#length < this.#needed) return;
      const bytes = this.#kept.subarray(0, this.#length);
      this.#length = 0;
      this.#next(bytes);
    }
  }

  #keep(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#kept.length) {
      const kept = new Uint8Array(Math.max(length, 2 * this.#kept.length));
      kept.set(this.#kept.subarray(0, this.#length));
      this.#kept = kept;
    }
    this.#kept.set(bytes, this.#length);
    this.#length = length;
  }

  #next(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    switch (this.#state) {
      case "magic":
        this.#isFile = MAGIC.every((byte, at) => bytes[at] === byte);
        this.#await("prefix", 4);
        if (!this.#isFile) this.push(bytes.slice());
        return;
      case "prefix": {
        const first = view.getInt32(0, true);
        // Before version 0.15 there was no mark in front of the length.
        if (first === -1) this.#await("length", 4);
        // Some writers fill up to 64 bytes behind the magic word.
        else if (first === 0 && this.#isFile && !this.#begun) this.#await("prefix", 4);
        else this.#metadata(first);
        return;
      }
      case "length":
        this.#metadata(view.getInt32(0, true));
        return;
      default:
        this.#message(bytes);
    }
  }

  #metadata(length: number): void {
    if (length === 0) {
      this.#state = this.#isFile ? "footer" : "end";
      return;
    }
    if (length < 0 || length > MAX_METADATA) return this.#noMessage(`${length} bytes of metadata`);
    this.#await("metadata", length);
  }

  #message(bytes: Uint8Array): void {
    let message: Message;
    try {
      message = Message.decode(bytes);
    } catch (error) {
      return this.#noMessage(String(error));
    }
    const { headerType, bodyLength } = message;
    if (!READABLE.includes(headerType) || !(bodyLength >= 0))
      return this.#noMessage(`a message of type ${headerType} with ${bodyLength} bytes`);
    if (headerType === MessageHeader.RecordBatch) this.batches += 1;
    this.#begun = true;
    this.#body = bodyLength;
    this.#await("prefix", 4);
  }

  /** Files of old writers have their footer without a mark in front of it: there the count says whether it was one. */
  #noMessage(what: string): void {
    if (!this.#isFile) throw new Error(`There is no message, but ${what}.`);
    this.#state = "footer";
  }

  #await(state: State, needed: number): void {
    this.#state = state;
    this.#needed = needed;
  }
}
