import { isAmlError, type DeleteOptions, type FileStat, type StorePath } from "@aml/core/adapter";
import { directory, file, nameOf, toEntry } from "./entry.ts";
import type { OpenFolder } from "@aml/azure-auth/transfer";
import type { Call, Workspace } from "./workspace.ts";

/** The path that DBFS knows. */
export function absolute({ root }: Workspace, path: StorePath): string {
  return path === "" ? root.path || "/" : `${root.path}/${path}`;
}

export async function stat(
  workspace: Workspace,
  path: StorePath,
  signal: AbortSignal | undefined,
  operation: Call["operation"] = "stat",
): Promise<FileStat> {
  const info = await workspace.dbfs({ operation, path, signal }, "get-status", {
    path: absolute(workspace, path),
  });
  return info["is_dir"] === true ? directory(path) : file(path, info["file_size"], info["modification_time"]);
}

/** A folder comes whole in one answer, so its order is ours to make. */
export function openFolder(workspace: Workspace, signal: AbortSignal | undefined): OpenFolder {
  return async function* (folder) {
    const path = absolute(workspace, folder);
    const items = await infos(workspace, folder, path, signal);
    // A file lists itself.
    if (items.length === 1 && items[0]?.["path"] === path && items[0]["is_dir"] !== true) return;
    const entries = items
      .map((info) =>
        toEntry(folder, nameOf(String(info["path"])), {
          directory: info["is_dir"] === true,
          size: info["file_size"],
          modified: info["modification_time"],
        }),
      )
      .filter((entry) => entry !== undefined);
    yield entries.sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
  };
}

function keyOf({ path, kind }: FileStat): string {
  return kind === "directory" ? `${path}/` : path;
}

type Info = Readonly<Record<string, unknown>>;

async function infos(
  workspace: Workspace,
  folder: StorePath,
  path: string,
  signal: AbortSignal | undefined,
): Promise<readonly Info[]> {
  try {
    const answer = await workspace.dbfs({ operation: "list", path: folder, signal }, "list", { path });
    return (answer["files"] ?? []) as readonly Info[];
  } catch (error) {
    if (isAmlError(error, "not_found")) return [];
    throw error;
  }
}

/** Deletes a file, or with `recursive` a folder. What is not there is deleted. */
export async function remove(
  workspace: Workspace,
  path: StorePath,
  { recursive = false, signal }: DeleteOptions = {},
): Promise<void> {
  signal?.throwIfAborted();
  if (path !== "") return removePath(workspace, path, recursive, signal);
  if (!recursive) return;
  for await (const page of openFolder(workspace, signal)(path))
    for (const entry of page) await removePath(workspace, entry.path, true, signal);
}

async function removePath(
  workspace: Workspace,
  path: StorePath,
  recursive: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (;;) {
    try {
      await workspace.dbfs({ operation: "delete", path, signal }, "delete", {
        path: absolute(workspace, path),
        recursive,
      });
      return;
    } catch (error) {
      if (isAmlError(error, "not_found")) return;
      // Large folders go in steps, and each such answer means that one is done.
      if (!isAmlError(error) || error.context["serviceCode"] !== "PARTIAL_DELETE") throw error;
    }
  }
}
