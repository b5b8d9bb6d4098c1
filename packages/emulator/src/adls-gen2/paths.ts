import { newAccess, type NewAccess } from "./access-control.ts";
import { blockListXml, lease } from "./append.ts";
import { checkConditions } from "./conditions.ts";
import { parentPath, type Entry, type FileEntry } from "./namespace.ts";
import { blobHeaders, keptHeaders, metadataHeaders, parseProperties, versionHeaders } from "./properties.ts";
import { parseSource, type Route } from "./route.ts";
import {
  blobPath,
  checkParents,
  fileEntry,
  lookUp,
  makeParents,
  must,
  newDirectory,
  newId,
  requireEntry,
  requireFilesystem,
  type State,
} from "./state.ts";
import { refusal } from "./storage-refusal.ts";

/**
 * Path Create with `resource=file` or `directory`: makes missing parents, replaces a file.
 *
 * @throws `FilesystemNotFound`, `PathAlreadyExists`, `ConditionNotMet`, `PathConflict`.
 */
export async function createPath(
  state: State,
  route: Route,
  request: Request,
  owner?: string,
): Promise<Response> {
  const { filesystem, path, query } = route;
  requireFilesystem(state, filesystem);
  const kind = query.get("resource");
  if (kind !== "file" && kind !== "directory") throw refusal("InvalidQueryParameterValue");
  if (path === "") throw refusal(kind === "file" ? "PathConflict" : "PathAlreadyExists");
  checkCreate(state, route, request, kind);
  const asked = { ...(owner !== undefined && { owner }), ...askedAccess(request.headers) };
  const metadata = parseProperties(request.headers.get("x-ms-properties"));
  const parentAccess = (): FileEntry["access"] | undefined =>
    state.namespace.get(filesystem, parentPath(path))?.access;
  if (kind === "directory") {
    makeParents(state, filesystem, path, asked);
    const there = state.namespace.get(filesystem, path);
    const entry = there ?? newDirectory(newAccess("directory", parentAccess(), asked), metadata);
    if (!there) state.namespace.apply(["put", filesystem, path, entry]);
    return created(entry);
  }
  const id = newId();
  // A list of no blocks: unlike an empty blob that is put, it gets no MD5.
  await must(
    await state.store.send({
      method: "PUT",
      path: `${filesystem}/${id}`,
      query: { comp: "blocklist" },
      headers: { ...blobHeaders(request.headers), ...metadataHeaders(metadata) },
      body: blockListXml([]),
    }),
  );
  const headers = await lookUp(state, `${filesystem}/${id}`);
  try {
    // Again: Azurite took its time, and from here on nothing waits.
    checkCreate(state, route, request, kind);
    makeParents(state, filesystem, path, asked);
  } catch (error) {
    discard(state, filesystem, [{ id }]);
    throw error;
  }
  const before = state.namespace.get(filesystem, path);
  const entry = fileEntry(id, headers, newAccess("file", parentAccess(), asked), []);
  state.namespace.apply(["put", filesystem, path, entry]);
  if (before?.kind === "file") discard(state, filesystem, [before]);
  return created(entry);
}

function checkCreate(state: State, { filesystem, path }: Route, request: Request, kind: Entry["kind"]): void {
  requireFilesystem(state, filesystem);
  checkParents(state, filesystem, path);
  const there = state.namespace.get(filesystem, path);
  checkConditions(request.headers, there);
  if (there && there.kind !== kind) throw refusal("PathConflict");
  if (there) requireLease(there, request.headers.get("x-ms-lease-id"));
}

function askedAccess(headers: Headers): NewAccess {
  const of = (name: string): string | undefined => headers.get(`x-ms-${name}`) ?? undefined;
  return {
    permissions: of("permissions"),
    umask: of("umask"),
    acl: of("acl"),
    ...(of("owner") !== undefined && { owner: of("owner") }),
    ...(of("group") !== undefined && { group: of("group") }),
  };
}

function created(entry: Entry): Response {
  return new Response(null, {
    status: 201,
    headers: { ...versionHeaders(entry), "content-length": "0", "x-ms-request-server-encrypted": "true" },
  });
}

/**
 * Path Create with `x-ms-rename-source`: moves a file, or a directory with all below it, in one step. Its etag stays.
 *
 * @throws `SourcePathNotFound`, `SourceConditionNotMet`, `PathAlreadyExists`, `ConditionNotMet`, `PathConflict`,
 * `RenameDestinationParentPathNotFound`, `InvalidRenameSourcePath`, `DirectoryNotEmpty`.
 */
export async function renamePath(state: State, route: Route, request: Request): Promise<Response> {
  const source = parseSource(request.headers.get("x-ms-rename-source") ?? "", state.accountName);
  const moved = checkRename(state, source, route, request);
  const { namespace } = state;
  if (source.filesystem === route.filesystem) {
    const before = namespace.get(route.filesystem, route.path);
    if (source.path === route.path) return renamed();
    if (before) namespace.apply(["remove", route.filesystem, route.path]);
    namespace.apply(["move", route.filesystem, source.path, route.path]);
    if (before?.kind === "file") discard(state, route.filesystem, [before]);
  } else await moveAcross(state, source, route, request, moved);
  if (request.headers.has("x-ms-properties")) await replaceMetadata(state, route, request);
  return renamed();
}

function renamed(): Response {
  return new Response(null, { status: 201, headers: { "content-length": "0" } });
}

async function replaceMetadata(state: State, { filesystem, path }: Route, request: Request): Promise<void> {
  const text = request.headers.get("x-ms-properties");
  if (text === null || text === "") return;
  await setMetadata(state, filesystem, path, parseProperties(text));
}

type Place = Pick<Route, "filesystem" | "path">;

function checkRename(state: State, source: Place, target: Place, { headers }: Request): Entry {
  requireFilesystem(state, source.filesystem);
  requireFilesystem(state, target.filesystem);
  const entry = state.namespace.get(source.filesystem, source.path);
  if (!entry) throw refusal("SourcePathNotFound");
  checkConditions(headers, entry, true);
  requireLease(entry, headers.get("x-ms-source-lease-id"));
  if (target.path === "") throw refusal("PathConflict");
  const parent = state.namespace.get(target.filesystem, parentPath(target.path));
  if (!parent) throw refusal("RenameDestinationParentPathNotFound");
  if (parent.kind === "file") throw refusal("PathConflict");
  const there = state.namespace.get(target.filesystem, target.path);
  checkConditions(headers, there);
  const within = source.filesystem === target.filesystem && target.path.startsWith(`${source.path}/`);
  if (within) throw refusal("InvalidRenameSourcePath");
  if (there && there.kind !== entry.kind) throw refusal("PathConflict");
  if (there?.kind === "directory" && !state.namespace.isEmpty(target.filesystem, target.path)) {
    if (source.path !== target.path) throw refusal("DirectoryNotEmpty");
  }
  return entry;
}

/** Into another file system, blobs have to be copied; their etags change then. */
async function moveAcross(
  state: State,
  source: Place,
  target: Place,
  request: Request,
  entry: Entry,
): Promise<void> {
  const below = [...state.namespace.walk(source.filesystem, source.path, { recursive: true })];
  const copied: [path: string, entry: Entry][] = [];
  for (const [path, item] of [[source.path, entry] as const, ...below]) {
    const to = target.path + path.slice(source.path.length);
    copied.push([
      to,
      item.kind === "file" ? await copyFile(state, source.filesystem, item, target.filesystem) : item,
    ]);
  }
  checkRename(state, source, target, request);
  const before = state.namespace.get(target.filesystem, target.path);
  if (before) state.namespace.apply(["remove", target.filesystem, target.path]);
  for (const [path, item] of copied) state.namespace.apply(["put", target.filesystem, path, item]);
  state.namespace.apply(["remove", source.filesystem, source.path]);
  discard(state, target.filesystem, [before]);
  discard(state, source.filesystem, [entry, ...below.map(([, item]) => item)]);
}

async function copyFile(state: State, from: string, file: FileEntry, to: string): Promise<FileEntry> {
  const id = newId();
  const source = await must(await state.store.send({ method: "GET", path: blobPath(from, file) }));
  const block = Buffer.from(id.slice(0, 12)).toString("base64");
  const headers = { "content-length": String(file.size) };
  const path = `${to}/${id}`;
  if (file.size > 0) {
    const query = { comp: "block", blockid: block };
    await must(await state.store.send({ method: "PUT", path, query, headers, body: source.body }));
  }
  const body = blockListXml(file.size > 0 ? [block] : []);
  const kept = keptHeaders(file);
  await must(
    await state.store.send({ method: "PUT", path, query: { comp: "blocklist" }, headers: kept, body }),
  );
  const blocks = file.blocks && (file.size > 0 ? [block] : []);
  return fileEntry(id, await lookUp(state, path), file.access, blocks);
}

/**
 * Path Delete: a file, an empty directory, or with `recursive=true` a directory with all below it. Of a large
 * directory a part, and a continuation token, when `paginated=true`.
 *
 * @throws `PathNotFound`, `DirectoryNotEmpty`, `ConditionNotMet`, `LeaseIdMissing`.
 */
export async function deletePath(state: State, route: Route, request: Request): Promise<Response> {
  const { filesystem, path, query } = route;
  const entry = requireEntry(state, filesystem, path);
  checkConditions(request.headers, entry);
  const { namespace } = state;
  if (entry.kind === "file") {
    await must(
      await state.store.send({
        method: "DELETE",
        path: blobPath(filesystem, entry),
        headers: lease(request),
      }),
    );
    if (namespace.get(filesystem, path) === entry) namespace.apply(["remove", filesystem, path]);
    state.appended.delete(entry.id);
    return deleted();
  }
  const recursive = query.get("recursive") === "true";
  if (!recursive && !namespace.isEmpty(filesystem, path)) throw refusal("DirectoryNotEmpty");
  if (path === "") throw refusal("PathConflict");
  const below = [...namespace.walk(filesystem, path, { recursive: true })];
  const paged = query.get("paginated") === "true" && below.length > state.pageSize;
  // The deepest come last in a tree's order, so a part is cut from the end.
  const gone = paged ? below.slice(-state.pageSize).toReversed() : [];
  for (const [item] of gone) namespace.apply(["remove", filesystem, item]);
  if (!paged) namespace.apply(["remove", filesystem, path]);
  discard(
    state,
    filesystem,
    (paged ? gone : below).map(([, item]) => item),
  );
  return deleted(paged ? Buffer.from(path).toString("base64") : undefined);
}

function deleted(continuation?: string): Response {
  const headers = { "content-length": "0", ...(continuation && { "x-ms-continuation": continuation }) };
  return new Response(null, { status: 200, headers });
}

/** Replaces the metadata of a path. */
export async function setMetadata(
  state: State,
  filesystem: string,
  path: string,
  metadata: Readonly<Record<string, string>>,
  request?: Request,
): Promise<Entry> {
  const entry = requireEntry(state, filesystem, path);
  const { namespace, store } = state;
  if (entry.kind === "directory") {
    const changed = { ...entry, metadata, etag: newDirectory(entry.access).etag, modifiedAt: Date.now() };
    namespace.apply(["put", filesystem, path, changed]);
    return changed;
  }
  const target = blobPath(filesystem, entry);
  const headers = { ...metadataHeaders(metadata), ...(request && lease(request)) };
  await must(await store.send({ method: "PUT", path: target, query: { comp: "metadata" }, headers }));
  const changed = fileEntry(entry.id, await lookUp(state, target), entry.access, entry.blocks);
  namespace.apply(["put", filesystem, path, changed]);
  return changed;
}

/** Removes blobs that no path leads to any more; nobody waits for it. */
export function discard(
  { store, appended }: State,
  filesystem: string,
  entries: readonly ({ readonly id: string } | Entry | undefined)[],
): void {
  const remove = async (): Promise<void> => {
    for (const entry of entries) {
      if (!entry || !("id" in entry)) continue;
      appended.delete(entry.id);
      await store.send({ method: "DELETE", path: blobPath(filesystem, entry) });
    }
  };
  // What is left is not reachable, and goes with its container.
  remove().catch(() => undefined);
}

function requireLease(entry: Entry, leaseId: string | null): void {
  const leased = entry.kind === "file" && entry.headers["x-ms-lease-state"] === "leased";
  if (leased && (leaseId === null || leaseId === "")) throw refusal("LeaseIdMissing");
}
