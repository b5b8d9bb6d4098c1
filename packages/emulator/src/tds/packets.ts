import { ProtocolError } from "./protocol-error.ts";

/**
 * Types of TDS packets.
 *
 * @see https://learn.microsoft.com/openspecs/windows_protocols/ms-tds/9b4a463c-2634-4a4b-ac35-bebfff2fb0f7 – read 2026-11
 */
export const PACKET = {
  batch: 0x01,
  rpc: 0x03,
  response: 0x04,
  attention: 0x06,
  federatedToken: 0x08,
  transaction: 0x0e,
  login: 0x10,
  prelogin: 0x12,
} as const;

const HEADER = 8;
const LAST = 0x01;
/** The client asks for a fresh session before this request; the second keeps an open transaction. */
const RESETS = 0x08 | 0x10;

export interface Message {
  readonly type: number;
  readonly reset: boolean;
  readonly data: Buffer;
}

/** Cuts the payload of a message into packets, headers included. */
export function toPackets(type: number, data: Buffer, size: number, last = true): Buffer {
  const room = size - HEADER;
  const count = Math.max(1, Math.ceil(data.length / room));
  const out = Buffer.allocUnsafe(data.length + count * HEADER);
  for (let index = 0, at = 0; index < count; index++) {
    const part = data.subarray(index * room, (index + 1) * room);
    out.writeUInt8(type, at);
    out.writeUInt8(last && index === count - 1 ? LAST : 0, at + 1);
    out.writeUInt16BE(part.length + HEADER, at + 2);
    out.writeUInt16BE(0, at + 4);
    out.writeUInt16BE(((index + 1) & 0xff) << 8, at + 6);
    part.copy(out, at + HEADER);
    at += part.length + HEADER;
  }
  return out;
}

/** Puts messages together from the bytes of a connection. */
export class MessageReader {
  readonly #limit: () => number;
  #pending: Buffer = Buffer.alloc(0);
  #parts: Buffer[] = [];
  #size = 0;

  /** @param limit - bytes that a message may have; asked with every packet. */
  constructor(limit: () => number) {
    this.#limit = limit;
  }

  push(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
  }

  /** The first byte that was not read yet: it tells a packet from a TLS record. */
  get first(): number | undefined {
    return this.#pending[0];
  }

  /** Everything that was not read yet, unread no more. */
  rest(): Buffer {
    const rest = this.#pending;
    this.#pending = Buffer.alloc(0);
    return rest;
  }

  /** @throws ProtocolError when the bytes are no packets. */
  next(): Message | undefined {
    for (;;) {
      if (this.#pending.length < HEADER) return undefined;
      const length = this.#pending.readUInt16BE(2);
      if (length < HEADER) throw new ProtocolError("a packet is shorter than its header");
      if (this.#pending.length < length) return undefined;
      const header = this.#pending.subarray(0, HEADER);
      this.#parts.push(this.#pending.subarray(HEADER, length));
      this.#size += length - HEADER;
      if (this.#size > this.#limit()) throw new ProtocolError("a message is too long");
      this.#pending = this.#pending.subarray(length);
      const status = header.readUInt8(1);
      if ((status & LAST) === 0) continue;
      const data = Buffer.concat(this.#parts);
      this.#parts = [];
      this.#size = 0;
      return { type: header.readUInt8(0), reset: (status & RESETS) !== 0, data };
    }
  }
}
