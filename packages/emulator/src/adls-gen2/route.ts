import { refusal } from "./storage-refusal.ts";

/** Where a request goes: which surface, which file system, which path in it. */
export interface Route {
  readonly surface: "dfs" | "blob";
  /** `""` for the account itself. */
  readonly filesystem: string;
  /** Decoded, without slashes at its ends; `""` for the root. */
  readonly path: string;
  readonly query: URLSearchParams;
}

// Without the blob and dfs hosts apart, a request is known by what only the dfs surface has.
const DFS_PARAMETERS = ["resource", "action", "recursive", "mode", "paginated"];
// https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules, read 2026-11
const LONGEST = 1024;
const DEEPEST = 63;

/**
 * Reads a request's URL. Addressed by host (`ACCOUNT.dfs.…`, `ACCOUNT.blob.…`) it has no account in its path; by IP or
 * `localhost` the account comes first, and the surface shows in parameters, headers and method.
 *
 * @throws `InvalidUri` for a path that is no text, too long or too deep.
 */
export function parseRoute(request: Request, accountName: string): Route {
  const url = new URL(request.url);
  const [, host] = /^[^.]+\.(dfs|blob)\./.exec(url.hostname) ?? [];
  const segments = decode(url.pathname).split("/").slice(1);
  if (host === undefined && segments[0] === accountName) segments.shift();
  const [filesystem = "", ...rest] = segments;
  const named = rest.filter((segment) => segment !== "" && segment !== ".");
  const path = named.join("/");
  if (path.length > LONGEST || named.length > DEEPEST || named.includes("..")) throw refusal("InvalidUri");
  const surface = host === undefined ? guessSurface(request, url.searchParams) : (host as Route["surface"]);
  return { surface, filesystem, path, query: url.searchParams };
}

/** Reads the value of `x-ms-rename-source`: `/FILESYSTEM/PATH`, percent-encoded, maybe with a SAS token. */
export function parseSource(
  header: string,
  accountName: string,
): Pick<Route, "filesystem" | "path"> & { readonly query: URLSearchParams } {
  const [encoded = "", search = ""] = header.split("?");
  const segments = decode(encoded)
    .split("/")
    .filter((segment) => segment !== "");
  if (segments[0] === accountName && segments.length > 2) segments.shift();
  const [filesystem, ...rest] = segments;
  if (filesystem === undefined || rest.length === 0) throw refusal("InvalidSourceUri");
  return { filesystem, path: rest.join("/"), query: new URLSearchParams(search) };
}

function guessSurface({ method, headers }: Request, query: URLSearchParams): Route["surface"] {
  if (method === "PATCH" || headers.has("x-ms-rename-source") || headers.has("x-ms-lease-action")) {
    if (query.get("comp") !== "lease") return "dfs";
  }
  if (query.has("comp") || query.has("restype")) return "blob";
  if (DFS_PARAMETERS.some((name) => query.has(name))) return "dfs";
  // The dfs surface speaks JSON, and a client of it asks for that.
  return (headers.get("accept") ?? "").includes("application/json") ? "dfs" : "blob";
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refusal("InvalidUri");
  }
}
