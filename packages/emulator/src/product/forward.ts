import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Service } from "../service.ts";

/** Of one hop only. */
const HOP_HEADERS = ["connection", "keep-alive", "transfer-encoding", "host", "expect"];
const BODILESS = new Set([204, 205, 304]);

/**
 * A service that asks another server on this machine, so that faults can come between; bodies are streamed both ways.
 * It is no `fetch`, which would neither trust the server's own certificate nor leave an encoded body as it is.
 *
 * @param certificatePem - what to trust, with https.
 */
export function forwardTo(origin: string, certificatePem?: string): Service {
  const { protocol, hostname, port } = new URL(origin);
  const secure = protocol === "https:";
  const agent = secure
    ? new https.Agent({ keepAlive: true, ca: certificatePem })
    : new http.Agent({ keepAlive: true });
  return async (request) => {
    const { pathname, search } = new URL(request.url);
    const headers = Object.fromEntries(request.headers);
    for (const name of HOP_HEADERS) delete headers[name];
    const sent = (secure ? https : http).request({
      agent,
      hostname,
      port,
      method: request.method,
      path: pathname + search,
      headers,
      signal: request.signal,
    });
    const answer = new Promise<IncomingMessage>((resolve, reject) => {
      sent.once("response", resolve);
      sent.once("error", reject);
    });
    if (request.body === null) sent.end();
    // An answer may come before all is sent; what fails then shows in the answer.
    else void pipeline(Readable.fromWeb(request.body as never), sent).catch(() => undefined);
    return toResponse(await answer, request.method);
  };
}

function toResponse(answer: IncomingMessage, method: string): Response {
  const status = answer.statusCode ?? 500;
  const headers = new Headers();
  for (let index = 0; index < answer.rawHeaders.length; index += 2) {
    const name = answer.rawHeaders[index] ?? "";
    if (!HOP_HEADERS.includes(name.toLowerCase())) headers.append(name, answer.rawHeaders[index + 1] ?? "");
  }
  const empty = method === "HEAD" || BODILESS.has(status);
  if (empty) answer.resume();
  return new Response(empty ? null : (Readable.toWeb(answer) as ReadableStream<Uint8Array>), {
    status,
    headers,
  });
}
