import { formatPermissions } from "./access-control.ts";
import type { Entry } from "./namespace.ts";
import type { Route } from "./route.ts";
import { requireEntry, type State } from "./state.ts";
import { refusal } from "./storage-refusal.ts";

/** 1601-01-01 in milliseconds before 1970. */
const WINDOWS_EPOCH = 11_644_473_600_000;

/**
 * Path List, in the order of a tree: names by code unit, what is in a directory right behind it.
 *
 * @throws `FilesystemNotFound`, `PathNotFound` for a directory that is not there, `InvalidQueryParameterValue`.
 * @see https://learn.microsoft.com/rest/api/storageservices/datalakestoragegen2/path/list, read 2026-11
 */
export function listPaths(state: State, { filesystem, query }: Route): Response {
  const directory = (query.get("directory") ?? "").split("/").filter(Boolean).join("/");
  const entry = requireEntry(state, filesystem, directory);
  const recursive = query.get("recursive");
  if (recursive !== "true" && recursive !== "false") throw refusal("MissingRequiredQueryParameter");
  const most = Math.min(positive(query.get("maxResults")) ?? state.pageSize, state.pageSize);
  const after = decodeContinuation(query.get("continuation"));
  const paths: object[] = [];
  let last = "";
  let more = false;
  const items =
    entry.kind === "file"
      ? [[directory, entry] as const]
      : state.namespace.walk(filesystem, directory, { recursive: recursive === "true", after });
  for (const [path, item] of items) {
    more = paths.length === most;
    if (more) break;
    paths.push(describe(path, item));
    last = path;
  }
  return Response.json(
    { paths },
    {
      headers: {
        "content-type": "application/json;charset=utf-8",
        ...(more && { "x-ms-continuation": Buffer.from(last).toString("base64") }),
      },
    },
  );
}

/** Numbers are strings, and `isDirectory` is there only when it is true. */
function describe(name: string, entry: Entry): object {
  return {
    contentLength: entry.kind === "file" ? String(entry.size) : "0",
    creationTime: String((entry.createdAt + WINDOWS_EPOCH) * 10_000),
    etag: entry.etag.replaceAll('"', ""),
    group: entry.access.group,
    ...(entry.kind === "directory" && { isDirectory: "true" }),
    lastModified: new Date(entry.modifiedAt).toUTCString(),
    name,
    owner: entry.access.owner,
    permissions: formatPermissions(entry.access),
  };
}

/** @throws `InvalidQueryParameterValue` for anything but a whole number above zero. */
export function positive(text: string | null): number | undefined {
  if (text === null || text === "") return undefined;
  if (!/^[1-9]\d*$/.test(text)) throw refusal("InvalidQueryParameterValue");
  return Number(text);
}

export function decodeContinuation(token: string | null): string | undefined {
  return token === null || token === "" ? undefined : Buffer.from(token, "base64").toString();
}
