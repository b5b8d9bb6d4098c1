import {
  AmlError,
  isAmlError,
  type DeleteOptions,
  type FileStat,
  type ReadOptions,
  type ReadResult,
  type StorePath,
} from "@aml/core/adapter";
import { checkedBody } from "./checked-body.ts";
import { directory, file, toEntry } from "./entry.ts";
import { emptyBody, pastEnd } from "./read-errors.ts";
import type { OpenFolder } from "@aml/azure-auth/transfer";
import { json, type Call, type Workspace } from "./workspace.ts";

/** Requests at once when a folder is deleted; the service allows ten. */
const CONCURRENCY = 5;

/** Where the Files API has a path. */
export function target({ root }: Workspace, kind: "files" | "directories", path: StorePath): string {
  const names = `${root.path.slice(1)}${path === "" ? "" : `/${path}`}`.split("/");
  return `/api/2.0/fs/${kind}/${names.map(encodeURIComponent).join("/")}`;
}

export async function stat(
  workspace: Workspace,
  path: StorePath,
  signal: AbortSignal | undefined,
): Promise<FileStat> {
  const call: Call = { operation: "stat", path, signal };
  const head = async (kind: "files" | "directories"): Promise<Response> => {
    try {
      return await workspace.send(call, target(workspace, kind, path), { method: "HEAD", headers: PLAIN });
    } catch (error) {
      if (isAmlError(error, "permission_denied")) await tellReason(workspace, call);
      throw error;
    }
  };
  if (path !== "") {
    try {
      const { headers } = await head("files");
      return fileOf(path, headers, Number(headers.get("content-length") ?? NaN));
    } catch (error) {
      if (!isAmlError(error, "not_found")) throw error;
    }
  }
  await head("directories");
  return directory(path);
}

/** A HEAD that is refused has no words; a GET has them. @throws `auth_failed`, where it was the token. */
async function tellReason(workspace: Workspace, call: Call): Promise<void> {
  try {
    const response = await workspace.send(call, target(workspace, "directories", call.path), {
      method: "GET",
    });
    await response.body?.cancel();
  } catch (error) {
    if (!isAmlError(error, "not_found")) throw error;
  }
}

/** Lengths are told for bytes as they are. */
const PLAIN = { "accept-encoding": "identity" };

function fileOf(path: StorePath, headers: Headers, size: number): FileStat {
  return file(path, size, Date.parse(headers.get("last-modified") ?? ""));
}

export function openFolder(workspace: Workspace, signal: AbortSignal | undefined): OpenFolder {
  return async function* (folder) {
    const call: Call = { operation: "list", path: folder, signal };
    const base = target(workspace, "directories", folder);
    for (let token: unknown = ""; ;) {
      const query = token === "" ? "" : `?${new URLSearchParams({ page_token: String(token) }).toString()}`;
      let page: Readonly<Record<string, unknown>>;
      try {
        const response = await workspace.send(call, `${base}${query}`, { method: "GET" });
        page = await json(response, workspace.attempt(call), signal);
      } catch (error) {
        if (token === "" && isAmlError(error, "not_found")) return;
        throw error;
      }
      yield entriesOf(folder, page["contents"]);
      token = page["next_page_token"];
      if (token === undefined || token === null || token === "") return;
    }
  };
}

function entriesOf(folder: StorePath, contents: unknown): readonly FileStat[] {
  const items = (contents ?? []) as readonly Readonly<Record<string, unknown>>[];
  return items
    .map((item) =>
      toEntry(folder, String(item["name"]), {
        directory: item["is_directory"] === true,
        // Zeros are left out of JSON in places.
        size: item["file_size"] ?? 0,
        modified: item["last_modified"],
      }),
    )
    .filter((entry) => entry !== undefined);
}

/** One request, whatever the size: the answer is one version of the file. */
export async function read(
  workspace: Workspace,
  path: StorePath,
  { range, signal }: ReadOptions = {},
): Promise<ReadResult> {
  const call: Call = { operation: "read", path, signal };
  const { offset = 0, length } = range ?? {};
  if (path === "")
    throw new AmlError("not_found", "The root is a folder, not a file.", { operation: "read" });
  if (length === 0) return nothing(workspace, path, offset, signal);
  const last = length === undefined ? "" : String(offset + length - 1);
  const headers = { ...PLAIN, ...(range !== undefined && { range: `bytes=${offset}-${last}` }) };
  let response: Response;
  try {
    response = await workspace.send(call, target(workspace, "files", path), { method: "GET", headers });
  } catch (error) {
    // An empty file has no range, not even the one from 0 on.
    if (offset === 0 && isAmlError(error, "range_not_satisfiable"))
      return nothing(workspace, path, 0, signal);
    throw error;
  }
  const [, from, to, total] =
    /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers.get("content-range") ?? "") ?? [];
  const partial = response.status === 206 && Number(from) === offset;
  if (range !== undefined && !partial && offset + (length ?? 0) > 0) {
    await response.body?.cancel();
    throw ignoredRange(path);
  }
  const size = Number((partial ? total : response.headers.get("content-length")) ?? NaN);
  const expected = partial ? Number(to) - offset + 1 : size;
  const attempt = workspace.attempt(call);
  return {
    body: checkedBody(response.body, { attempt, expected, signal }),
    stat: fileOf(path, response.headers, size),
  };
}

async function nothing(
  workspace: Workspace,
  path: StorePath,
  offset: number,
  signal: AbortSignal | undefined,
): Promise<ReadResult> {
  const found = await stat(workspace, path, signal);
  if (found.kind === "directory") {
    throw new AmlError("not_found", `There is no file '${path}': it is a folder.`, { operation: "read" });
  }
  if (offset > found.size) throw pastEnd(path, offset, found.size);
  return { body: emptyBody(), stat: found };
}

function ignoredRange(path: StorePath): AmlError {
  return new AmlError("internal", `The answer has not the range that was asked of file '${path}'.`, {
    operation: "read",
    hint: "Check whether a proxy changes requests on their way.",
    context: { path },
  });
}

/** Deletes a file, or a folder: with `recursive` all that is below, file by file. What is not there is deleted. */
export async function remove(
  workspace: Workspace,
  path: StorePath,
  { recursive = false, signal }: DeleteOptions = {},
): Promise<void> {
  signal?.throwIfAborted();
  if (path !== "" && (await removeOne(workspace, "files", path, signal))) return;
  if (recursive) await empty(workspace, path, signal);
  if (path !== "") await removeOne(workspace, "directories", path, signal);
}

/** @returns whether it was there. */
async function removeOne(
  workspace: Workspace,
  kind: "files" | "directories",
  path: StorePath,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    await workspace.send({ operation: "delete", path, signal }, target(workspace, kind, path), {
      method: "DELETE",
    });
    return true;
  } catch (error) {
    if (isAmlError(error, "not_found")) return false;
    throw error;
  }
}

/** Page by page: what is deleted may move those that follow to another page, so the first one is asked for again. */
async function empty(
  workspace: Workspace,
  folder: StorePath,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (;;) {
    const { value: page } = await openFolder(workspace, signal)(folder).next();
    if (page === undefined || page.length === 0) return;
    const queue = page.values();
    const worker = async (): Promise<void> => {
      for (const { path, kind } of queue) {
        if (kind === "directory") await empty(workspace, path, signal);
        await removeOne(workspace, kind === "directory" ? "directories" : "files", path, signal);
      }
    };
    await Promise.all(Array.from({ length: Math.min(CONCURRENCY, page.length) }, worker));
  }
}
