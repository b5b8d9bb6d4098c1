import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import process from "node:process";
import type { Readable } from "node:stream";
import { freeChunk } from "@aml/core/adapter";

/** Where every download needs the policy. */
export const isDeno: boolean = "Deno" in globalThis;

interface Sent {
  readonly url: string;
  agent?: unknown;
  abortSignal?: AbortSignal | undefined;
}

interface Sender {
  sendRequest(request: Sent): Promise<SentResponse>;
}

interface SentResponse {
  readonly status?: number | undefined;
  readonly readableStreamBody?: Readable | undefined;
}

/** Makes a policy of the storage SDKs' pipelines; their types are each SDK's own. */
export interface PolicyFactory {
  create<Policy>(next: Policy): Policy;
}

/**
 * Has requests go over sockets that free what they read as soon as it is parsed. Node's HTTP client copies a body
 * out of memory of the socket, which the garbage collector looks at only after another 64 MiB; a large file would
 * take that much twice. Requests through a proxy keep their own agent. Other runtimes read without such memory. Reads
 * off what an error has to say.
 */
export const downloadPolicy: PolicyFactory = {
  create<Policy>(next: Policy): Policy {
    const sender = next as Sender;
    const policy: Sender = {
      async sendRequest(request) {
        request.agent ??= agentFor(request.url);
        const response = await (isDeno ? sendApart(sender, request) : sender.sendRequest(request));
        const body = response.readableStreamBody?.on("error", () => undefined);
        // The SDKs hand on the body of an error too, which nobody reads: its connection would never be free again, and
        // would keep the process alive for as long as the service keeps it.
        if ((response.status ?? 0) >= 300) body?.resume();
        return response;
      },
    };
    return policy as Policy;
  },
};

/**
 * An abort ends the request until it is answered, and the answer's body from then on. The SDKs end the request either
 * way, and Deno may tell of that twice: the second time nobody listens, which ends the program.
 */
async function sendApart(sender: Sender, request: Sent): Promise<SentResponse> {
  const { abortSignal: signal } = request;
  if (signal === undefined) return sender.sendRequest(request);
  const asking = new AbortController();
  const stop = (): void => asking.abort(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  request.abortSignal = asking.signal;
  try {
    const response = await sender.sendRequest(request);
    const body = response.readableStreamBody;
    if (body === undefined) return response;
    // With an error of its own the connection would end with that, and the request too.
    const end = (): unknown => body.destroy();
    signal.addEventListener("abort", end, { once: true });
    body.once("close", () => signal.removeEventListener("abort", end));
    if (signal.aborted) end();
    return response;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

let agents: { readonly http: HttpAgent; readonly https: HttpAgent } | undefined;

function agentFor(url: string): HttpAgent | undefined {
  if (process.versions["bun"] !== undefined || isDeno) return undefined;
  agents ??= { http: freeing(new HttpAgent(KEPT)), https: freeing(new HttpsAgent(KEPT)) };
  return url.startsWith("https:") ? agents.https : agents.http;
}

const KEPT = { keepAlive: true };

/** Bytes. Small answers come in small chunks, of which freeing each costs more than it gives. */
const WORTHWHILE = 32 * 1024;

function freeing(agent: HttpAgent): HttpAgent {
  const create = agent.createConnection.bind(agent);
  agent.createConnection = (...args) => {
    const socket = create(...args);
    // The parser has the chunk first: it listens to the same event, and is done when that is over. Were it ever not,
    // the body would come out short, which is an error, and not wrong.
    socket?.on("data", (chunk: Uint8Array) => {
      if (chunk.byteLength >= WORTHWHILE) queueMicrotask(() => freeChunk(chunk));
    });
    return socket;
  };
  return agent;
}
