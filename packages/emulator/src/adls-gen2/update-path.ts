import { changeAccess, mergeAcl, parseAcl, removeFromAcl } from "./access-control.ts";
import { append, flush } from "./append.ts";
import { checkConditions } from "./conditions.ts";
import { decodeContinuation, positive } from "./list-paths.ts";
import type { Entry } from "./namespace.ts";
import { setMetadata } from "./paths.ts";
import { accessHeaders, blobHeaders, parseProperties, pathHeaders, versionHeaders } from "./properties.ts";
import type { Route } from "./route.ts";
import { blobPath, fileEntry, lookUp, must, requireEntry, type State } from "./state.ts";
import { refusal } from "./storage-refusal.ts";

/** Path Update: append, flush, properties, access control. */
export function updatePath(state: State, route: Route, request: Request): Promise<Response> {
  switch (route.query.get("action")) {
    case "append":
      return append(state, route, request);
    case "flush":
      return flush(state, route, request);
    case "setProperties":
      return setProperties(state, route, request);
    case "setAccessControl":
      return setAccessControl(state, route, request);
    case "setAccessControlRecursive":
      return setAccessControlRecursive(state, route, request);
    default:
      throw refusal("InvalidQueryParameterValue");
  }
}

async function setProperties(state: State, { filesystem, path }: Route, request: Request): Promise<Response> {
  const entry = requireEntry(state, filesystem, path);
  checkConditions(request.headers, entry);
  const content = blobHeaders(request.headers);
  if (entry.kind === "file" && Object.keys(content).length > 0) {
    const target = blobPath(filesystem, entry);
    await must(
      await state.store.send({
        method: "PUT",
        path: target,
        query: { comp: "properties" },
        headers: content,
      }),
    );
    const changed = fileEntry(entry.id, await lookUp(state, target), entry.access, entry.blocks);
    state.namespace.apply(["put", filesystem, path, changed]);
  }
  const properties = request.headers.get("x-ms-properties");
  const changed =
    properties === null
      ? requireEntry(state, filesystem, path)
      : await setMetadata(state, filesystem, path, parseProperties(properties), request);
  return new Response(null, { status: 200, headers: { ...versionHeaders(changed), "content-length": "0" } });
}

async function setAccessControl(
  state: State,
  { filesystem, path }: Route,
  request: Request,
): Promise<Response> {
  const entry = requireEntry(state, filesystem, path);
  checkConditions(request.headers, entry);
  const of = (name: string): string | undefined => request.headers.get(`x-ms-${name}`) ?? undefined;
  const access = changeAccess(entry.access, {
    permissions: of("permissions"),
    acl: of("acl"),
    owner: of("owner"),
    group: of("group"),
  });
  state.namespace.apply(["put", filesystem, path, { ...entry, access }]);
  return new Response(null, { status: 200, headers: { ...versionHeaders(entry), "content-length": "0" } });
}

async function setAccessControlRecursive(
  state: State,
  { filesystem, path, query }: Route,
  request: Request,
): Promise<Response> {
  const entry = requireEntry(state, filesystem, path);
  const change = changeOf(query.get("mode"), request.headers.get("x-ms-acl"));
  const most = Math.min(positive(query.get("maxRecords")) ?? 2000, 2000);
  const after = decodeContinuation(query.get("continuation"));
  const counts = { directoriesSuccessful: 0, filesSuccessful: 0, failureCount: 0 };
  let last: string | undefined;
  let more = false;
  const below = state.namespace.walk(filesystem, path, { recursive: true, after });
  const paths = after === undefined ? [[path, entry] as const, ...below] : below;
  for (const [item, there] of paths) {
    more = counts.directoriesSuccessful + counts.filesSuccessful === most;
    if (more) break;
    const acl = change(there.access.acl).filter(
      (line) => there.kind === "directory" || !line.startsWith("default:"),
    );
    state.namespace.apply(["put", filesystem, item, { ...there, access: { ...there.access, acl } }]);
    counts[there.kind === "directory" ? "directoriesSuccessful" : "filesSuccessful"] += 1;
    last = item;
  }
  return Response.json(
    { ...counts, failedEntries: [] },
    {
      headers:
        more && last !== undefined ? { "x-ms-continuation": Buffer.from(last).toString("base64") } : {},
    },
  );
}

function changeOf(mode: string | null, text: string | null): (acl: readonly string[]) => string[] {
  if (text === null) throw refusal("InvalidHeaderValue");
  if (mode === "remove") return (acl) => removeFromAcl(acl, text);
  const entries = parseAcl(text);
  if (mode === "modify") return (acl) => mergeAcl(acl, entries);
  if (mode === "set") return () => entries;
  throw refusal("InvalidQueryParameterValue");
}

/** Path Get Properties, Get Status and Get Access Control. */
export function getProperties(state: State, { filesystem, path, query }: Route, request: Request): Response {
  const entry = requireEntry(state, filesystem, path);
  checkConditions(request.headers, entry);
  const action = query.get("action");
  const headers =
    action === "getAccessControl"
      ? { ...versionHeaders(entry), ...accessHeaders(entry.access), "x-ms-acl": entry.access.acl.join(",") }
      : pathHeaders(entry);
  return new Response(null, { status: 200, headers });
}

/** Path Read, with `Range` or `x-ms-range`. */
export async function readPath(
  state: State,
  { filesystem, path }: Route,
  request: Request,
): Promise<Response> {
  const entry: Entry = requireEntry(state, filesystem, path);
  if (entry.kind === "directory") throw refusal("PathConflict");
  const headers: Record<string, string> = {};
  for (const name of [
    "range",
    "x-ms-range",
    "if-match",
    "if-none-match",
    "x-ms-lease-id",
    "if-modified-since",
    "if-unmodified-since",
  ]) {
    const value = request.headers.get(name);
    if (value !== null) headers[name] = value;
  }
  const response = await state.store.send({ method: "GET", path: blobPath(filesystem, entry), headers });
  if (response.status !== 304) await must(response);
  const { "content-length": _length, ...described } = pathHeaders(entry);
  const out = new Headers(described);
  for (const name of ["content-length", "content-range", "content-md5"]) {
    const value = response.headers.get(name);
    if (value !== null) out.set(name, value);
  }
  return new Response(response.body, { status: response.status, headers: out });
}
