import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setGetBody } from "./get-body.ts";
import type { Service } from "./service.ts";

const MOST_PARAMETERS = 1024 * 1024;

interface Connection {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

/**
 * Lets a service write its own answers, so that it can lose connections: see `Service`. The server that calls this
 * gets a response that says that all is sent.
 */
export function writingResponses(
  service: Service,
): (request: Request, connection: object) => Promise<Response> {
  return async (request, connection) => {
    const { incoming, outgoing } = connection as Connection;
    let response: Response;
    try {
      if (incoming.method === "GET") await keepBody(request, incoming);
      response = await service(request);
    } catch (error) {
      response = new Response(`The emulator failed: ${String(error)}`, { status: 500 });
    }
    if (response.type === "error") reset(incoming);
    else await writeResponse(response, outgoing);
    return new Response(null, { headers: { "x-hono-already-sent": "true" } });
  };
}

async function keepBody(request: Request, incoming: IncomingMessage): Promise<void> {
  const { "content-length": length = "0", "transfer-encoding": encoding } = incoming.headers;
  if (length === "0" && encoding === undefined) return;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    // More than any parameters take is left out, and what is left is no JSON.
    if (size <= MOST_PARAMETERS) chunks.push(chunk);
  }
  setGetBody(request, Buffer.concat(chunks).toString());
}

function reset({ socket }: IncomingMessage): void {
  // A TLS socket cannot be reset, only closed.
  if ("encrypted" in socket || typeof socket.resetAndDestroy !== "function") socket.destroy();
  else socket.resetAndDestroy();
}

async function writeResponse(response: Response, outgoing: ServerResponse): Promise<void> {
  if (outgoing.destroyed) return response.body?.cancel();
  outgoing.statusCode = response.status;
  if (response.statusText !== "") outgoing.statusMessage = response.statusText;
  for (const [name, value] of response.headers) outgoing.appendHeader(name, value);
  if (response.body === null) {
    outgoing.end();
    return;
  }
  const reader = response.body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  const gone = new AbortController();
  const closed = new Promise<void>((resolve) => {
    outgoing.once("close", () => {
      gone.abort();
      resolve();
      void reader.cancel().catch(() => undefined);
    });
  });
  let sent = Promise.resolve();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const chunk = next.value;
      let takesMore = true;
      sent = new Promise((resolve) => (takesMore = outgoing.write(chunk, () => resolve())));
      if (!takesMore) await once(outgoing, "drain", { signal: gone.signal });
    }
    // Over TLS, Deno 2.9 may never tell the end of a response that ends while bytes are on their way: the next response
    // on its connection, which waits for that, would wait for ever.
    await Promise.race([sent, closed]);
    outgoing.end();
  } catch {
    // What came before is still sent; the client sees a connection that ends too early.
    outgoing.flushHeaders();
    outgoing.socket?.destroySoon();
  }
}
