import type { StorageAccess } from "../storage-auth/index.ts";
import type { Route } from "./route.ts";

type Need = Pick<StorageAccess, "resourceType" | "permissions" | "accountPermissions">;

const container = (letters: readonly string[], account?: readonly string[]): Need => ({
  resourceType: "container",
  permissions: letters,
  ...(account && { accountPermissions: account }),
});
const object = (...letters: readonly string[]): Need => ({ resourceType: "object", permissions: letters });
const service = (...letters: readonly string[]): Need => ({
  resourceType: "service",
  permissions: [],
  accountPermissions: letters,
});

/**
 * What a request needs to be allowed.
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/create-service-sas#permissions-for-a-directory-container-or-blob
 */
export function accessOf(route: Route, request: Request): StorageAccess {
  const { surface, filesystem, query } = route;
  const path = listedPath(route);
  const need = surface === "dfs" ? dfsNeed(route, request) : blobNeed(route, request);
  return {
    service: surface,
    ...(filesystem !== "" && { container: filesystem }),
    ...(path !== "" && { path }),
    ...need,
    ...(query.get("comp") === "userdelegationkey" && { permissions: [] }),
  };
}

/** What renaming needs at the source: to move, or to delete and write as before there was a letter for it. */
export function renameSourceAccess(filesystem: string, path: string): StorageAccess {
  return { service: "dfs", container: filesystem, path, ...object("m", "dw", "dc") };
}

/** A listing is of the directory that it names. */
function listedPath({ surface, path, query }: Route): string {
  if (path !== "" || surface === "blob") return path;
  return (query.get("directory") ?? "").split("/").filter(Boolean).join("/");
}

function dfsNeed({ filesystem, query }: Route, { method, headers }: Request): Need {
  if (filesystem === "") return service("l");
  if (query.get("resource") === "filesystem") {
    return (
      {
        GET: container(["l"]),
        HEAD: container([], ["r"]),
        PUT: container([], ["c", "w"]),
        PATCH: container([], ["w"]),
        DELETE: container([], ["d"]),
      }[method] ?? container([])
    );
  }
  const action = query.get("action");
  switch (method) {
    case "PUT":
      return headers.has("x-ms-rename-source") ? object("w", "c", "m") : object("c", "w");
    case "PATCH":
      if (action === "append") return object("w", "a", "c");
      return action?.startsWith("setAccessControl") === true ? object("p", "o") : object("w", "a", "c");
    case "HEAD":
      return action === "getAccessControl" ? object("e") : object("r", "e");
    case "DELETE":
      return object("d");
    default:
      return object("r");
  }
}

function blobNeed({ filesystem, path, query }: Route, { method }: Request): Need {
  const comp = query.get("comp");
  if (query.get("restype") === "account") return service("r", "w", "l", "c", "d");
  if (filesystem === "") return comp === "list" ? service("l") : service(method === "GET" ? "r" : "w");
  if (path === "") {
    if (comp === "list") return container(["l"]);
    if (comp === "acl" || comp === "lease") return container([], comp === "lease" ? ["w", "d"] : []);
    if (method === "GET" || method === "HEAD") return container([], ["r"]);
    return method === "DELETE" ? container([], ["d"]) : container([], comp === null ? ["c", "w"] : ["w"]);
  }
  if (method === "GET" || method === "HEAD") return object(comp === "tags" ? "t" : "r");
  if (method === "DELETE") return object("d");
  if (comp === null || comp === "snapshot" || comp === "block" || comp === "blocklist")
    return object("w", "c");
  if (comp === "appendblock") return object("w", "a");
  if (comp === "lease") return object("w", "d");
  return object(comp === "tags" ? "t" : "w");
}
