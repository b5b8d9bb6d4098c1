import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import tls, { type SecureContext } from "node:tls";
import { MessageReader, PACKET, toPackets, type Message } from "./packets.ts";
import { ProtocolError } from "./protocol-error.ts";

const PACKET_SIZE = 4096;
/** Of a message before the login: enough for a token with many groups. */
const LIMIT_BEFORE = 256 * 1024;
const LIMIT_AFTER = 64 * 1024 * 1024;

const GOODBYE_MS = 2000;

/** A TDS connection below its messages: packets, TLS, back-pressure. */
export interface Transport {
  packetSize: number;
  /** Set after the login: requests may be longer than what precedes it. */
  signedIn: boolean;
  readonly closed: boolean;
  /** The next message, attentions excepted; `undefined` when the client left. */
  next(): Promise<Message | undefined>;
  /** Waits while the client does not read. */
  send(data: Buffer, last: boolean): Promise<void>;
  /** The next bytes of the client are a TLS handshake inside PRELOGIN packets. */
  startTls(): void;
  destroy(): void;
  /** Says goodbye, and waits until the client has left; not for long. */
  end(): Promise<void>;
}

export interface TransportOptions {
  readonly secureContext: SecureContext;
  readonly onAttention: () => void;
  readonly onClose: () => void;
}

/** @param strict - TLS came first (TDS 8.0): `socket` is a TLS socket already. */
export function createTransport(
  socket: Socket,
  { secureContext, onAttention, onClose }: TransportOptions,
): Transport {
  let channel: Duplex = socket;
  let wire: HandshakeWire | undefined;
  let closed = false;
  const queue: Message[] = [];
  let wake: (() => void) | undefined;

  const transport: Transport = {
    packetSize: PACKET_SIZE,
    signedIn: false,
    get closed() {
      return closed;
    },
    async next() {
      for (;;) {
        if (queue.length > 0 || closed) break;
        await new Promise<void>((resolve) => (wake = resolve));
      }
      socket.resume();
      return queue.shift();
    },
    async send(data, last) {
      if (closed) return;
      if (channel.write(toPackets(PACKET.response, data, transport.packetSize, last))) return;
      await drained(channel, socket);
    },
    startTls() {
      wire = new HandshakeWire(socket);
      const secure = new tls.TLSSocket(wire, { isServer: true, secureContext, maxVersion: "TLSv1.2" });
      secure.on("data", (chunk: Buffer) => guard(() => read(clear, chunk)));
      secure.on("error", () => socket.destroy());
      channel = secure;
    },
    destroy: () => socket.destroy(),
    end: () =>
      new Promise((resolve) => {
        if (closed) return resolve();
        // Clients leave by themselves; who ends first may lose the last words that TLS still has in hand.
        const timer = setTimeout(() => socket.destroy(), GOODBYE_MS);
        socket.once("close", () => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };

  const limit = (): number => (transport.signedIn ? LIMIT_AFTER : LIMIT_BEFORE);
  const outer = new MessageReader(limit);
  const clear = new MessageReader(limit);

  function read(reader: MessageReader, chunk: Buffer): void {
    reader.push(chunk);
    for (let message = reader.next(); message; message = reader.next()) {
      if (message.type === PACKET.attention) onAttention();
      else queue.push(message);
    }
    // A client that sends requests without reading answers has to wait.
    if (queue.length > 8) socket.pause();
    wake?.();
  }

  function receive(chunk: Buffer): void {
    if (!wire) return read(outer, chunk);
    if (wire.established) return void wire.push(chunk);
    outer.push(chunk);
    for (;;) {
      // What is no packet any more is a record of the finished handshake's other side.
      if (outer.first !== undefined && outer.first !== PACKET.prelogin) {
        wire.established = true;
        wire.push(outer.rest());
        return;
      }
      const message = outer.next();
      if (!message) return;
      wire.push(message.data);
    }
  }

  function guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      socket.destroy();
    }
  }

  socket.on("data", (chunk: Buffer) => guard(() => receive(chunk)));
  socket.on("error", () => socket.destroy());
  socket.on("close", () => {
    closed = true;
    wire?.destroy();
    wake?.();
    onClose();
  });
  return transport;
}

function drained(channel: Duplex, socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      channel.off("drain", done);
      socket.off("close", done);
      resolve();
    };
    channel.once("drain", done);
    socket.once("close", done);
    if (socket.destroyed) done();
  });
}

/** Carries a TLS handshake inside PRELOGIN packets, one for each flight, and the records after it as they are. */
class HandshakeWire extends Duplex {
  readonly #socket: Socket;
  established = false;
  #flight: Buffer[] = [];

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
  }

  override _read(): void {
    // Bytes are pushed as they come.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    if (this.established) {
      if (this.#socket.write(chunk)) callback();
      else void drained(this.#socket, this.#socket).then(() => callback());
      return;
    }
    // A client waits for one message a flight, and TLS writes a flight in pieces.
    if (this.#flight.length === 0) setImmediate(() => this.#send());
    this.#flight.push(chunk);
    callback();
  }

  #send(): void {
    const flight = Buffer.concat(this.#flight);
    this.#flight = [];
    if (!this.#socket.destroyed) this.#socket.write(toPackets(PACKET.prelogin, flight, PACKET_SIZE));
  }
}
