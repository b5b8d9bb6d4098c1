import { newAccess } from "./access-control.ts";
import { listBlobs } from "./blob-list.ts";
import type { BlobRequest } from "./blob-store.ts";
import { isFromUrl, ownPath, putFromUrl } from "./copy-from-url.ts";
import { forgetFilesystem, registerFilesystem } from "./filesystems.ts";
import { parentPath, type DirectoryEntry, type Entry, type FileEntry } from "./namespace.ts";
import { discard, setMetadata } from "./paths.ts";
import { accessHeaders, metadataHeaders, versionHeaders } from "./properties.ts";
import type { Route } from "./route.ts";
import {
  blobPath,
  checkParents,
  fileEntry,
  lookUp,
  makeParents,
  newDirectory,
  newId,
  type State,
} from "./state.ts";
import { refusal } from "./storage-refusal.ts";

/** Answers the blob surface: Azurite does the work, the tree says which blob is meant and which directories exist. */
export async function answerBlob(state: State, route: Route, request: Request): Promise<Response> {
  const { filesystem, path, query } = route;
  const container = query.get("restype") === "container";
  if (container && query.get("comp") === "list") return listBlobs(state, route);
  if (path !== "") return answerPath(state, route, request);
  const response = await forward(state, request, filesystem, query);
  if (container && !query.has("comp") && response.ok) {
    if (request.method === "PUT") registerFilesystem(state, filesystem);
    if (request.method === "DELETE") forgetFilesystem(state, filesystem);
  }
  if (query.get("restype") === "account") response.headers.set("x-ms-is-hns-enabled", "true");
  return response;
}

async function answerPath(state: State, route: Route, request: Request): Promise<Response> {
  const { filesystem, path, query } = route;
  const { namespace } = state;
  if (!namespace.hasFilesystem(filesystem)) throw refusal("ContainerNotFound");
  const entry = namespace.get(filesystem, path);
  const comp = query.get("comp");
  const { method } = request;
  if (entry?.kind === "directory") return answerDirectory(state, route, request, entry);
  const creates = method === "PUT" && (comp === null || comp === "block" || comp === "blocklist");
  if (creates) return create(state, route, request, entry);
  const key = `${filesystem}/${path}`;
  const id = entry?.id ?? (comp === "blocklist" ? state.uncommitted.get(key) : undefined);
  if (id === undefined) throw refusal("BlobNotFound");
  const response = await forward(state, request, blobPath(filesystem, { id }), query);
  if (!response.ok || entry === undefined) return response;
  if (method === "GET" || method === "HEAD") return comp === null ? described(response, entry) : response;
  if (
    method === "DELETE" &&
    !query.has("snapshot") &&
    request.headers.get("x-ms-delete-snapshots") !== "only"
  ) {
    if (namespace.get(filesystem, path) === entry) namespace.apply(["remove", filesystem, path]);
  } else if (method === "PUT") await refresh(state, route, entry.id, entry.blocks);
  return response;
}

function described(response: Response, entry: Entry): Response {
  const more = { "x-ms-resource-type": entry.kind, ...accessHeaders(entry.access) };
  for (const [name, value] of Object.entries(more)) response.headers.set(name, value);
  return response;
}

async function create(
  state: State,
  route: Route,
  request: Request,
  entry: FileEntry | undefined,
): Promise<Response> {
  const { filesystem, path, query } = route;
  checkParents(state, filesystem, path);
  if (
    request.headers.get("x-ms-meta-hdi_isfolder")?.toLowerCase() === "true" &&
    !query.has("comp") &&
    !entry
  ) {
    return createDirectory(state, route, request);
  }
  const key = `${filesystem}/${path}`;
  const id = entry?.id ?? state.uncommitted.get(key) ?? newId();
  if (!entry) state.uncommitted.set(key, id);
  const target = blobPath(filesystem, { id });
  const response = isFromUrl(request, query)
    ? await putFromUrl(state, request, target, withoutSas(query))
    : await forward(state, request, target, query);
  if (!response.ok || query.get("comp") === "block") return response;
  state.uncommitted.delete(key);
  try {
    await refresh(state, route, id, undefined);
  } catch (error) {
    discard(state, filesystem, [{ id }]);
    throw error;
  }
  return response;
}

/** Takes over what a blob has become. */
async function refresh(
  state: State,
  { filesystem, path }: Route,
  id: string,
  blocks: readonly string[] | undefined,
): Promise<void> {
  const headers = await lookUp(state, blobPath(filesystem, { id }));
  makeParents(state, filesystem, path);
  const { namespace } = state;
  const there = namespace.get(filesystem, path);
  if (there?.kind === "directory") throw refusal("ResourceTypeMismatch");
  const access = there?.access ?? newAccess("file", namespace.get(filesystem, parentPath(path))?.access);
  namespace.apply(["put", filesystem, path, fileEntry(id, headers, access, blocks)]);
  if (there && there.id !== id) discard(state, filesystem, [there]);
}

function createDirectory(state: State, { filesystem, path }: Route, { headers }: Request): Response {
  const metadata: Record<string, string> = {};
  for (const [name, value] of headers) {
    if (name.startsWith("x-ms-meta-") && name !== "x-ms-meta-hdi_isfolder") metadata[name.slice(10)] = value;
  }
  makeParents(state, filesystem, path);
  const parent = state.namespace.get(filesystem, parentPath(path));
  const entry = newDirectory(newAccess("directory", parent?.access), metadata);
  state.namespace.apply(["put", filesystem, path, entry]);
  return new Response(null, { status: 201, headers: versionHeaders(entry) });
}

/** To the blob surface a directory is an empty blob with `hdi_isfolder`. */
async function answerDirectory(
  state: State,
  { filesystem, path, query }: Route,
  request: Request,
  entry: DirectoryEntry,
): Promise<Response> {
  const { method } = request;
  const comp = query.get("comp");
  if ((method === "GET" || method === "HEAD") && (comp === null || comp === "metadata")) {
    const headers = {
      ...versionHeaders(entry),
      ...metadataHeaders({ hdi_isfolder: "true", ...entry.metadata }),
      ...accessHeaders(entry.access),
      "content-length": "0",
      "content-type": "application/octet-stream",
      "x-ms-blob-type": "BlockBlob",
      "x-ms-resource-type": "directory",
      "x-ms-creation-time": new Date(entry.createdAt).toUTCString(),
      "x-ms-lease-state": "available",
      "x-ms-lease-status": "unlocked",
    };
    return new Response(null, { status: 200, headers });
  }
  if (method === "DELETE") {
    if (!state.namespace.isEmpty(filesystem, path)) throw refusal("DirectoryIsNotEmpty");
    state.namespace.apply(["remove", filesystem, path]);
    return new Response(null, { status: 202 });
  }
  if (method === "PUT" && comp === "metadata") {
    const metadata: Record<string, string> = {};
    for (const [name, value] of request.headers) {
      if (name.startsWith("x-ms-meta-") && name !== "x-ms-meta-hdi_isfolder")
        metadata[name.slice(10)] = value;
    }
    const changed = await setMetadata(state, filesystem, path, metadata);
    return new Response(null, { status: 200, headers: versionHeaders(changed) });
  }
  throw refusal("ResourceTypeMismatch");
}

// https://learn.microsoft.com/rest/api/storageservices/create-service-sas and create-account-sas
const SAS =
  /^(sv|ss|srt|sp|st|se|spr|sip|sig|sr|si|sk(oid|tid|t|e|s|v|dutid)|s[aud]uoid|saoid|suoid|scid|sdd|ses|rsc[cdelt]|sduoid)$/;

/** Hands a request on to Azurite, without how its sender signed in. */
async function forward(
  state: State,
  request: Request,
  path: string,
  query: URLSearchParams,
): Promise<Response> {
  const headers: Record<string, string> = {};
  for (const [name, value] of request.headers) headers[name] = value;
  const source = headers["x-ms-copy-source"];
  if (source !== undefined) headers["x-ms-copy-source"] = copySource(state, source, request);
  // Newer than Azurite knows: what it answers to its own version is enough.
  delete headers["x-ms-version"];
  const hasBody = request.body !== null && request.method !== "GET" && request.method !== "HEAD";
  const forwarded: BlobRequest = {
    method: request.method,
    path,
    query: withoutSas(query),
    headers,
    body: hasBody ? request.body : null,
  };
  return state.store.send(forwarded);
}

function withoutSas(query: URLSearchParams): Record<string, string> {
  return Object.fromEntries([...query].filter(([name]) => !SAS.test(name)));
}

/** A copy's source in this account is a path too. */
function copySource(state: State, source: string, request: Request): string {
  const own = URL.canParse(source) ? ownPath(state, new URL(source), request) : undefined;
  const entry = own && state.namespace.get(own.filesystem, own.path);
  return entry?.kind === "file"
    ? `${state.store.endpoint}/${blobPath(own?.filesystem ?? "", entry)}`
    : source;
}
