import {
  AmlError,
  defineStorageAdapter,
  httpEndpoint,
  STORE_CREDENTIALS,
  type FileStat,
  type OperationOptions,
  type StorageAdapter,
  type StorageDefinition,
  type StorePath,
} from "@aml/core/adapter";
import { networkError, statusError } from "./errors.ts";
import { locate, parseOptions, rootOf, urlOf, type HttpOptions } from "./options.ts";
import { read, type Send } from "./read.ts";
import { contentLength, contentRange, isCompressed, statOf } from "./response.ts";

/**
 * Public files of a web server as a store, type `http`: read-only, and without a listing.
 *
 * Ranges are asked of the server; one that answers with the whole file is read up to the range. Etags are there as
 * far as the server sends strong ones, and `ifMatch` is checked on both sides.
 *
 * @throws `not_found`, `permission_denied`, `auth_failed`, `precondition_failed`, `range_not_satisfiable`,
 * `unsupported` (a listing; a size that the server does not tell), `rate_limited`, `unavailable`, `timeout`.
 */
export const http: StorageDefinition<HttpOptions, "anonymous"> = defineStorageAdapter({
  type: "http",
  credentialKinds: STORE_CREDENTIALS.http,
  parseOptions,
  locate,
  open: ({ options, fetch }) => openHost(parseOptions(options), fetch),
  endpoint: ({ baseUrl }) => httpEndpoint(baseUrl),
});

function openHost(options: HttpOptions, fetch: typeof globalThis.fetch = globalThis.fetch): StorageAdapter {
  const uri = rootOf(new URL(options.baseUrl));
  const send: Send = (method, path, headers, { signal }) =>
    request(fetch, urlOf(options, path), path, { method, headers, signal: signal ?? null });
  return Object.freeze<StorageAdapter>({
    contract: "aml.storage/1",
    type: "http",
    uri,
    capabilities: Object.freeze({
      list: false,
      directories: false,
      sortedList: false,
      etags: true,
      conditionalWrites: false,
      atomicWrites: false,
    }),
    stat: (path, operation = {}) => stat(send, path, operation),
    list: () => refuseList(uri),
    read: (path, readOptions = {}) => read(send, path, readOptions),
  });
}

async function request(
  fetch: typeof globalThis.fetch,
  url: URL,
  path: StorePath,
  init: { method: "GET" | "HEAD"; headers: Record<string, string>; signal: AbortSignal | null },
): Promise<Response> {
  const { method, headers, signal } = init;
  const operation = method === "GET" ? "read" : "stat";
  signal?.throwIfAborted();
  let response: Response;
  try {
    response = await fetch(url, { method, signal, headers: { ...headers, "accept-encoding": "identity" } });
  } catch (error) {
    throw signal?.aborted ? signal.reason : networkError(error, operation, path);
  }
  if (url.protocol === "https:" && response.url.startsWith("http:")) {
    await response.body?.cancel();
    throw new AmlError(
      "permission_denied",
      `${JSON.stringify(path)} leads from https to an address without it.`,
      {
        operation,
        hint: "Use the address that it leads to, if you trust the way there.",
        context: { path },
      },
    );
  }
  return response;
}

/** Some servers refuse HEAD where they allow GET: links that are signed for one method, simple scripts. */
async function stat(send: Send, path: StorePath, options: OperationOptions): Promise<FileStat> {
  const head = await send("HEAD", path, {}, options);
  await head.body?.cancel();
  const size = head.ok ? contentLength(head.headers) : undefined;
  if (size !== undefined) return statOf(path, head.headers, size);
  if (!head.ok && ![400, 403, 405, 501].includes(head.status)) throw statusError(head, "stat", path);
  const first = await send("GET", path, { range: "bytes=0-0" }, options);
  await first.body?.cancel();
  const total = first.status === 200 ? contentLength(first.headers) : contentRange(first.headers)?.total;
  const told = first.ok || first.status === 416;
  if (told && total !== undefined && !isCompressed(first.headers)) return statOf(path, first.headers, total);
  if (!first.ok) throw statusError(first, "stat", path);
  throw new AmlError("unsupported", `The server does not tell the size of ${JSON.stringify(path)}.`, {
    operation: "stat",
    hint: "Read the file whole, or download it first.",
    context: { path, compressed: isCompressed(first.headers) },
  });
}

// oxlint-disable-next-line require-yield -- a listing that is refused when it is begun, like every other failure
async function* refuseList(uri: string): AsyncGenerator<FileStat> {
  throw new AmlError("unsupported", `The web store ${uri} cannot be listed: HTTP has no listing.`, {
    operation: "list",
    hint: "Name the files one by one, without globs or folders.",
  });
}
