import net from "node:net";
import tls from "node:tls";

/** Whom to cancel: what the server told the connection about itself. */
export interface Cancelling {
  readonly host: string;
  readonly port: number;
  readonly tls: tls.ConnectionOptions | undefined;
  readonly processID: number;
  readonly secretKey: number;
}

const SSL_REQUEST = 80_877_103;
const CANCEL_REQUEST = 80_877_102;
const PATIENCE_MS = 5000;

/**
 * Asks the server to end what a connection is running, over a connection of its own, as the protocol wants it; over TLS
 * where the connection itself is. The driver's own way is in the clear and knows queries, not connections.
 * https://www.postgresql.org/docs/18/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS, read 2026-11
 *
 * Resolves when the request is with the server, or could not be made: whoever waits for the query sees which.
 */
export async function cancelRequest({
  host,
  port,
  tls: secure,
  processID,
  secretKey,
}: Cancelling): Promise<void> {
  await new Promise<void>((resolve) => {
    const socket = net.connect({ host, port });
    const end = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve();
    };
    const timer = setTimeout(end, PATIENCE_MS);
    timer.unref();
    const send = (stream: net.Socket): void => {
      stream.on("error", end);
      // The server closes the connection when it has taken the request.
      stream.on("close", end);
      stream.resume();
      stream.write(integers(16, CANCEL_REQUEST, processID, secretKey));
    };
    socket.on("error", end);
    socket.on("connect", () => {
      if (secure === undefined) return send(socket);
      socket.once("data", (answer) => {
        if (answer[0] !== 0x53) return end();
        const stream = tls.connect({ ...secure, socket }, () => send(stream));
        stream.on("error", end);
      });
      socket.write(integers(8, SSL_REQUEST));
    });
  });
}

function integers(...values: readonly number[]): Buffer {
  const packet = Buffer.alloc(values.length * 4);
  for (const [at, value] of values.entries()) packet.writeInt32BE(value | 0, at * 4);
  return packet;
}
