import { checkConditions } from "./conditions.ts";
import type { FileEntry } from "./namespace.ts";
import { blobHeaders, keptHeaders, versionHeaders } from "./properties.ts";
import type { Route } from "./route.ts";
import { blobPath, lookUp, must, newBlock, requireFile, fileEntry, type Chunk, type State } from "./state.ts";
import { refusal } from "./storage-refusal.ts";

/**
 * Path Update with `action=append`: takes bytes for a position, in any order. Nothing shows until a flush.
 *
 * @throws `PathNotFound`, `PathConflict`, `InvalidQueryParameterValue`, `MissingContentLengthHeader`,
 * `InvalidFlushOperation` for a file that the blob surface wrote.
 */
export async function append(state: State, route: Route, request: Request): Promise<Response> {
  const { filesystem, path, query } = route;
  const file = requireAppendable(state, filesystem, path);
  const position = positionOf(query);
  const header = request.headers.get("content-length");
  if (header === null) throw refusal("MissingContentLengthHeader");
  const length = Number(header);
  if (length === 0) throw refusal("InvalidHeaderValue");
  const block = newBlock();
  const md5 = request.headers.get("content-md5");
  await must(
    await state.store.send({
      method: "PUT",
      path: blobPath(filesystem, file),
      query: { comp: "block", blockid: block },
      headers: { "content-length": header, ...(md5 !== null && { "content-md5": md5 }), ...lease(request) },
      body: request.body,
    }),
  );
  const chunks = state.appended.get(file.id) ?? [];
  chunks.push({ position, length, block });
  state.appended.set(file.id, chunks);
  const answered = { "x-ms-request-server-encrypted": "true" };
  if (query.get("flush") !== "true") return new Response(null, { status: 202, headers: answered });
  const flushed = await commit(state, route, request, position + length);
  return new Response(null, { status: 202, headers: { ...answered, ...versionHeaders(flushed) } });
}

/**
 * Path Update with `action=flush`: what was appended becomes the file, up to `position`.
 *
 * @throws `InvalidFlushPosition` when that leaves a gap, or the position is not where the bytes end.
 */
export async function flush(state: State, route: Route, request: Request): Promise<Response> {
  if (Number(request.headers.get("content-length") ?? 0) > 0) throw refusal("ContentLengthMustBeZero");
  const entry = await commit(state, route, request, positionOf(route.query));
  return new Response(null, {
    status: 200,
    headers: { ...versionHeaders(entry), "content-length": "0", "x-ms-request-server-encrypted": "true" },
  });
}

async function commit(state: State, route: Route, request: Request, position: number): Promise<FileEntry> {
  const { filesystem, path, query } = route;
  const file = requireAppendable(state, filesystem, path);
  checkConditions(request.headers, file);
  const chunks = state.appended.get(file.id) ?? [];
  const joined = contiguous(chunks, file.size, position);
  // Azurite drops the blocks that a commit leaves out, as the blob service does.
  const left = chunks.some((chunk) => chunk.position >= position);
  if (left && query.get("retainUncommittedData") === "true") throw refusal("UnsupportedQueryParameter");
  const blocks = [...(file.blocks ?? []), ...joined.map(({ block }) => block)];
  const headers = { ...keptHeaders(file), ...blobHeaders(request.headers) };
  await must(
    await state.store.send({
      method: "PUT",
      path: blobPath(filesystem, file),
      query: { comp: "blocklist" },
      headers: { ...headers, ...lease(request), "if-match": file.etag, "content-type": "application/xml" },
      body: blockListXml(blocks),
    }),
  );
  state.appended.delete(file.id);
  const now = await lookUp(state, blobPath(filesystem, file));
  const entry = { ...fileEntry(file.id, now, file.access, blocks), createdAt: file.createdAt };
  // It may have been renamed or replaced while Azurite worked.
  if (state.namespace.get(filesystem, path) === file) state.namespace.apply(["put", filesystem, path, entry]);
  return entry;
}

/** The chunks that lead from one position to the other without a gap; of two for one position, the later. */
function contiguous(chunks: readonly Chunk[], from: number, to: number): Chunk[] {
  const at = new Map(chunks.map((chunk) => [chunk.position, chunk]));
  const joined: Chunk[] = [];
  let position = from;
  while (position < to) {
    const chunk = at.get(position);
    if (!chunk) break;
    joined.push(chunk);
    position += chunk.length;
  }
  if (position !== to) throw refusal("InvalidFlushPosition");
  return joined;
}

function requireAppendable(state: State, filesystem: string, path: string): FileEntry {
  const file = requireFile(state, filesystem, path);
  if (!file.blocks) throw refusal("InvalidFlushOperation");
  return file;
}

function positionOf(query: URLSearchParams): number {
  const text = query.get("position");
  if (text === null) throw refusal("MissingRequiredQueryParameter");
  const position = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(position)) throw refusal("InvalidQueryParameterValue");
  return position;
}

export function lease(request: Request): Record<string, string> {
  const id = request.headers.get("x-ms-lease-id");
  return id === null || id === "" ? {} : { "x-ms-lease-id": id };
}

export function blockListXml(blocks: readonly string[]): string {
  const list = blocks.map((block) => `<Latest>${block}</Latest>`).join("");
  return `<?xml version="1.0" encoding="utf-8"?><BlockList>${list}</BlockList>`;
}
