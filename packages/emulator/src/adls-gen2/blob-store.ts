import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { Azurite } from "../azurite.ts";
import { signText } from "../storage-auth/shared-key.ts";

/** A request to Azurite: `path` is `container` or `container/blob`, encoded where needed. */
export interface BlobRequest {
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>> | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: ReadableStream<Uint8Array> | string | null | undefined;
}

/** Azurite, spoken to with its own key: whoever asks us has been judged before. */
export interface BlobStore {
  readonly endpoint: string;
  send(request: BlobRequest): Promise<Response>;
  close(): void;
}

const VERSION = "2021-12-02";
// Of the hop between client and us, not of the next one.
const DROPPED = new Set(["connection", "keep-alive", "transfer-encoding", "host", "authorization", "expect"]);
const BODILESS = new Set([204, 205, 304]);

/** Speaks to Azurite over kept connections; bodies are streamed both ways. */
export function createBlobStore({ accountName, accountKey, endpoint }: Azurite): BlobStore {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const base = new URL(endpoint);
  const ask = async ({ method, path, query = {}, headers = {}, body }: BlobRequest): Promise<Response> => {
    const pathname = `${base.pathname}/${path}`;
    const sent = lowerCased(headers);
    sent["x-ms-date"] = new Date().toUTCString();
    sent["x-ms-version"] ??= VERSION;
    delete sent["date"];
    if (typeof body === "string") sent["content-length"] = String(Buffer.byteLength(body));
    else if (body === null || body === undefined) sent["content-length"] = "0";
    if (method === "GET" || method === "HEAD") delete sent["content-length"];
    const text = stringToSign(method, accountName, pathname, query, sent);
    sent["authorization"] = `SharedKey ${accountName}:${signText(accountKey, text)}`;
    const search = new URLSearchParams(query).toString();
    const answer = await exchange(
      {
        agent,
        host: base.hostname,
        port: base.port,
        method,
        path: search ? `${pathname}?${search}` : pathname,
      },
      sent,
      body,
    );
    return toResponse(answer, method);
  };
  return { endpoint, send: ask, close: () => agent.destroy() };
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!DROPPED.has(name.toLowerCase())) out[name.toLowerCase()] = value;
  }
  return out;
}

/** https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key, read 2026-11 */
function stringToSign(
  method: string,
  account: string,
  pathname: string,
  query: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>>,
): string {
  const standard = [
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
  ].map((name) => (name === "content-length" && headers[name] === "0" ? "" : (headers[name] ?? "")));
  const vendor = Object.keys(headers)
    .filter((name) => name.startsWith("x-ms-"))
    .sort()
    .map((name) => `${name}:${headers[name]}\n`)
    .join("");
  const parameters = Object.keys(query)
    .sort()
    .map((name) => `\n${name.toLowerCase()}:${query[name]}`)
    .join("");
  return `${[method, ...standard].join("\n")}\n${vendor}/${account}${pathname}${parameters}`;
}

/** Where a request goes, as Node takes it. */
interface Target {
  readonly agent: Agent;
  readonly host: string;
  readonly port: string;
  readonly method: string;
  readonly path: string;
}

type Body = BlobRequest["body"];
type SentHeaders = Readonly<Record<string, string>>;

/**
 * Azurite closes connections that were idle for some seconds, maybe just when one is used again. What can be sent
 * twice then is; a stream cannot, and gets a connection of its own.
 */
async function exchange(target: Target, headers: SentHeaders, body: Body): Promise<IncomingMessage> {
  if (body instanceof ReadableStream) return send({ ...target, agent: undefined }, headers, body);
  try {
    return await send(target, headers, body);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ECONNRESET" && code !== "EPIPE") throw error;
    return send({ ...target, agent: undefined }, headers, body);
  }
}

function send(
  target: Omit<Target, "agent"> & { readonly agent: Agent | undefined },
  headers: SentHeaders,
  body: Body,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({ ...target, agent: target.agent ?? false, headers }, resolve);
    outgoing.once("error", reject);
    if (!(body instanceof ReadableStream)) {
      outgoing.end(body ?? undefined);
      return;
    }
    const source = Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]);
    source.once("error", (error) => outgoing.destroy(error));
    source.pipe(outgoing);
  });
}

function toResponse(answer: IncomingMessage, method: string): Response {
  const headers = new Headers();
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value === undefined || DROPPED.has(name)) continue;
    for (const item of [value].flat()) headers.append(name, latin1(item));
  }
  const status = answer.statusCode ?? 500;
  const bodiless = method === "HEAD" || BODILESS.has(status) || answer.headers["content-length"] === "0";
  if (bodiless) answer.resume();
  return new Response(bodiless ? null : (Readable.toWeb(answer) as ReadableStream<Uint8Array>), {
    status,
    headers,
  });
}

/** Headers are bytes; anything else a `Headers` object would refuse. */
function latin1(value: string): string {
  return Buffer.from(value, "utf8").length === value.length
    ? value
    : Buffer.from(value, "utf8").toString("latin1");
}
