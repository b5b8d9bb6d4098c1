import { randomUUID } from "node:crypto";
import type { BlobRequest } from "./blob-store.ts";
import type { Route } from "./route.ts";
import { blobPath, type State } from "./state.ts";
import { refusal, StorageRefusal } from "./storage-refusal.ts";

/** Whether the service fetches the bytes of a request itself, before it answers. */
export function isFromUrl({ headers }: Request, query: URLSearchParams): boolean {
  if (!headers.has("x-ms-copy-source")) return false;
  return query.get("comp") === "block" || headers.get("x-ms-requires-sync")?.toLowerCase() === "true";
}

/** Where a path of this account is meant; `undefined` for another account's. */
export function ownPath(
  { accountName }: State,
  source: URL,
  request: Request,
): Pick<Route, "filesystem" | "path"> | undefined {
  const isNamed = source.hostname.startsWith(`${accountName}.`);
  if (!isNamed && source.host !== new URL(request.url).host) return undefined;
  const segments = source.pathname.split("/").slice(1).map(decodeURIComponent);
  if (!isNamed && segments[0] === accountName) segments.shift();
  const [filesystem = "", ...rest] = segments;
  return { filesystem, path: rest.join("/") };
}

/**
 * Copy Blob From URL and Put Block From URL: fetches the source, from this account or another, and puts it.
 *
 * @throws `CannotVerifyCopySource`, `SourceConditionNotMet`.
 * @see https://learn.microsoft.com/rest/api/storageservices/copy-blob-from-url, read 2026-11
 */
export async function putFromUrl(
  state: State,
  request: Request,
  target: string,
  query: Readonly<Record<string, string>>,
): Promise<Response> {
  const source = await openSource(state, request);
  const match = request.headers.get("x-ms-source-if-match");
  if (match !== null && match !== source.headers.get("etag")) {
    await source.body?.cancel();
    throw refusal("SourceConditionNotMet");
  }
  const isBlock = query["comp"] === "block";
  const response = await state.store.send({
    method: "PUT",
    path: target,
    query,
    headers: {
      ...headersOf(request, source.headers, isBlock),
      "content-length": source.headers.get("content-length") ?? "0",
    },
    body: source.body,
  });
  if (!response.ok || isBlock) return response;
  const headers = new Headers(response.headers);
  headers.set("x-ms-copy-id", randomUUID());
  headers.set("x-ms-copy-status", "success");
  return new Response(null, { status: 202, headers });
}

async function openSource(state: State, request: Request): Promise<Response> {
  const url = new URL(request.headers.get("x-ms-copy-source") ?? "");
  const range = request.headers.get("x-ms-source-range");
  const ranged = range === null ? {} : { "x-ms-range": range };
  const own = ownPath(state, url, request);
  const response = own
    ? await openOwn(state, own, ranged)
    : await fetch(url, { headers: { ...ranged, ...authorization(request) } }).catch(() => undefined);
  if (response?.ok === true) return response;
  await response?.body?.cancel();
  throw cannotVerify(response?.status ?? 404);
}

async function openOwn(
  state: State,
  { filesystem, path }: Pick<Route, "filesystem" | "path">,
  headers: NonNullable<BlobRequest["headers"]>,
): Promise<Response> {
  const entry = state.namespace.get(filesystem, path);
  if (entry?.kind !== "file") throw cannotVerify(404);
  return state.store.send({ method: "GET", path: blobPath(filesystem, entry), headers });
}

/** How the sender of a copy signs in to its source, beside what the URL says. */
export function authorization({ headers }: Request): Record<string, string> {
  const value = headers.get("x-ms-copy-source-authorization");
  return value === null ? {} : { authorization: value, "x-ms-version": headers.get("x-ms-version") ?? "" };
}

export function cannotVerify(status: number): StorageRefusal {
  return new StorageRefusal(
    status === 404 ? 404 : 403,
    "CannotVerifyCopySource",
    status === 404 ? "The specified resource does not exist." : "The copy source may not be read.",
  );
}

const CONTENT = [
  "content-type",
  "content-encoding",
  "content-language",
  "content-disposition",
  "content-md5",
];
const KEPT = /^(if-|x-ms-lease-id|x-ms-meta-|x-ms-client-request-id)/;

/** A blob takes over the source's properties, and its metadata unless there are others. */
function headersOf(request: Request, source: Headers, isBlock: boolean): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of request.headers) if (KEPT.test(name)) headers[name] = value;
  if (isBlock) return headers;
  headers["x-ms-blob-type"] = "BlockBlob";
  for (const name of CONTENT) {
    const value = source.get(name) ?? undefined;
    if (value !== undefined) headers[`x-ms-blob-${name}`] = value;
  }
  if (Object.keys(headers).some((name) => name.startsWith("x-ms-meta-"))) return headers;
  for (const [name, value] of source) if (name.startsWith("x-ms-meta-")) headers[name] = value;
  return headers;
}
