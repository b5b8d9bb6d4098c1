import type { AccessControl } from "./access-control.ts";
import { parentPath } from "./namespace.ts";
import { parseSource, type Route } from "./route.ts";
import type { State } from "./state.ts";

/** Bits that a request needs on a path, `x` on each folder above it besides. */
interface Need {
  readonly filesystem: string;
  readonly path: string;
  readonly bits: string;
  /** On all folders below too. */
  readonly below?: boolean | undefined;
}

/**
 * Whether ACLs alone let an identity do what it asks for. Groups are not known here, nor sticky bits.
 *
 * @see https://learn.microsoft.com/azure/storage/blobs/data-lake-storage-access-control, read 2026-11
 */
export function aclAllows(state: State, route: Route, request: Request, objectId: string): boolean {
  const needs = needsOf(state, route, request);
  return needs?.every((need) => isMet(state, need, objectId)) ?? false;
}

function isMet(state: State, { filesystem, path, bits, below }: Need, objectId: string): boolean {
  const has = (at: string, wanted: string): boolean => {
    const entry = state.namespace.get(filesystem, at);
    // What is not there is found missing by whoever may look.
    return entry === undefined || [...wanted].every((bit) => bitsOf(entry.access, objectId).includes(bit));
  };
  for (let at = path; at !== ""; at = parentPath(at)) if (!has(parentPath(at), "x")) return false;
  if (!has(path, bits)) return false;
  if (below !== true) return true;
  for (const [at, entry] of state.namespace.walk(filesystem, path, { recursive: true })) {
    if (entry.kind === "directory" && !has(at, bits)) return false;
  }
  return true;
}

/** The owner's entry, else that of the identity's own within the mask, else everybody's. */
function bitsOf({ owner, acl }: AccessControl, objectId: string): string {
  const of = (subject: string): string | undefined =>
    acl.find((entry) => entry.startsWith(subject))?.slice(subject.length);
  if (owner === objectId) return of("user::") ?? "";
  const own = of(`user:${objectId}:`);
  if (own === undefined) return of("other::") ?? "";
  const mask = of("mask::") ?? "rwx";
  return [...own].filter((bit) => mask.includes(bit)).join("");
}

/** `undefined` for what no ACL gives: file systems, the account, other people's rights. */
function needsOf(state: State, route: Route, request: Request): Need[] | undefined {
  const { filesystem, path, query, surface } = route;
  const { method, headers } = request;
  const at = (where: string, bits: string, below?: boolean): Need => ({
    filesystem,
    path: where,
    bits,
    below,
  });
  const listing = query.get("resource") === "filesystem" || query.get("comp") === "list";
  if (
    filesystem === "" ||
    (listing && method !== "GET") ||
    (surface === "blob" && query.get("restype") !== null && !listing)
  ) {
    return undefined;
  }
  if (listing) {
    const folder = surface === "dfs" ? query.get("directory") : query.get("prefix");
    return [at((folder ?? "").split("/").filter(Boolean).join("/"), "rx", query.get("recursive") === "true")];
  }
  const parent = existing(state, filesystem, parentPath(path));
  const action = query.get("action") ?? "";
  if (action.startsWith("setAccessControl")) return undefined;
  if (method === "HEAD") return [at(path, "")];
  if (method === "GET") return [at(path, "r")];
  if (method === "PATCH") return [at(path, "w")];
  if (method === "DELETE") {
    const below =
      query.get("recursive") === "true" && state.namespace.get(filesystem, path)?.kind === "directory";
    return [at(parent, "wx"), ...(below ? [at(path, "rwx", true)] : [])];
  }
  const renamed = headers.get("x-ms-rename-source");
  if (renamed === null) return [at(parent, "wx")];
  const source = parseSource(renamed, state.accountName);
  return [at(parent, "wx"), { filesystem: source.filesystem, path: parentPath(source.path), bits: "wx" }];
}

/** The folder itself, or the nearest above that is there: the others are made. */
function existing({ namespace }: State, filesystem: string, folder: string): string {
  let at = folder;
  while (at !== "" && !namespace.get(filesystem, at)) at = parentPath(at);
  return at;
}
