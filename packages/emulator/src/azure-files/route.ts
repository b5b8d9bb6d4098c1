import type { StorageAccess } from "../storage-auth/index.ts";
import { refusal } from "./file-refusal.ts";

/** What a request addresses, and which operation it names. */
export interface Route {
  /** Empty for the account itself. */
  readonly share: string;
  /** Decoded, as it was asked for: without a slash at either end. Empty for the share's root. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly resource: "service" | "share" | "directory" | "file";
  /** Of the query: `list`, `range`, … ; empty when there is none. */
  readonly comp: string;
}

/**
 * Reads `http://127.0.0.1:PORT/ACCOUNT/SHARE/PATH`, also without the account, and `http://ACCOUNT.file.HOST/SHARE/PATH`.
 *
 * @throws `InvalidUri`.
 */
export function parseRoute(request: Request, account: string): Route {
  const url = new URL(request.url);
  const { share, path } = parseAddress(url, account);
  const query = url.searchParams;
  const type = query.get("restype") ?? "";
  const resource =
    share === "" ? "service" : type === "share" ? "share" : type === "directory" ? "directory" : "file";
  if (resource === "file" && path === "") throw refusal("InvalidUri");
  return { share, path, query, resource, comp: query.get("comp") ?? "" };
}

/** The share and the path of a URL of this account. @throws `InvalidUri`. */
export function parseAddress(url: URL, account: string): { readonly share: string; readonly path: string } {
  const names = decode(url.pathname).split("/").slice(1);
  // The official JavaScript client leaves the account out when it renames.
  if (!url.hostname.startsWith(`${account}.`) && names[0] === account) names.shift();
  if (names.at(-1) === "") names.pop();
  const [share = "", ...path] = names;
  return { share, path: path.join("/") };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refusal("InvalidUri");
  }
}

type Needs = Pick<StorageAccess, "permissions" | "accountPermissions" | "resourceType">;

/**
 * What a request needs to be allowed. What a SAS of a share cannot do has no letters.
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/create-account-sas, table of Azure Files, read 2026-11
 */
export function accessOf(route: Route, method: string): StorageAccess {
  const { share, path } = route;
  return {
    service: "file",
    ...(share !== "" && { container: share }),
    path,
    ...needsOf(route, method),
  };
}

function needsOf({ resource, comp }: Route, method: string): Needs {
  const reads = method === "GET" || method === "HEAD";
  const letters = reads ? ["r"] : method === "DELETE" ? ["d"] : ["w"];
  switch (resource) {
    case "service":
      return {
        resourceType: "service",
        permissions: [],
        accountPermissions: comp === "list" ? ["l"] : letters,
      };
    case "share":
      return {
        resourceType: "container",
        permissions: [],
        // Who may sign tokens is nobody's to read or change but the key's.
        accountPermissions: comp === "acl" ? [] : comp === "" && method === "PUT" ? ["c", "w"] : letters,
      };
    default:
      if (comp === "list") return { resourceType: "container", permissions: ["l"] };
      return { resourceType: "object", permissions: comp === "" && method === "PUT" ? ["c", "w"] : letters };
  }
}
