import {
  AmlError,
  isAmlError,
  parseStorePath,
  type FileStat,
  type ListOptions,
  type StorePath,
} from "@aml/core/adapter";
import type { FileSystemListPathsResponse, Path } from "@azure/storage-file-datalake";
import type { Filesystem } from "./filesystem.ts";
import { directory, isMissingFilesystem, toStat } from "./stat.ts";
import { isTemporary } from "./temporary.ts";

const PAGE = 5000;

/**
 * Lists a folder over the dfs endpoint, which walks the whole tree by itself: one request a page, the next one when it
 * is asked for. The service's order is that of a tree, which is not the order of paths.
 */
export async function* list(
  filesystem: Filesystem,
  folder: StorePath,
  { recursive = false, prefix = "", signal }: ListOptions = {},
): AsyncGenerator<FileStat> {
  const slash = prefix.lastIndexOf("/");
  // What lies deeper is not in the folder itself.
  if (!recursive && slash >= 0) return;
  // The service takes a directory, and no part of a name.
  const start = parseStorePath(`${folder}/${prefix.slice(0, slash + 1)}`);
  const wanted = (folder === "" ? "" : `${folder}/`) + prefix;
  const pages = await filesystem.attempt("list", folder, signal, async (client) =>
    client
      .listPaths({ ...(start !== "" && { path: start }), recursive, ...(signal && { abortSignal: signal }) })
      .byPage({ maxPageSize: PAGE }),
  );
  for (;;) {
    const page = await nextPage(filesystem, folder, pages, signal);
    if (page === undefined) return;
    for (const item of page.pathItems ?? []) {
      const { name = "", isDirectory = false } = item;
      // The service may answer for a file of the folder's own name.
      const isBelow = start === "" || name.startsWith(`${start}/`);
      if (!isBelow || !name.startsWith(wanted) || isTemporary(name) || (isDirectory && recursive)) continue;
      signal?.throwIfAborted();
      yield toEntry(item);
    }
  }
}

async function nextPage(
  filesystem: Filesystem,
  folder: StorePath,
  pages: AsyncIterator<FileSystemListPathsResponse>,
  signal: AbortSignal | undefined,
): Promise<FileSystemListPathsResponse | undefined> {
  try {
    const { value, done } = await filesystem.attempt("list", folder, signal, () => pages.next());
    return done === true ? undefined : value;
  } catch (error) {
    if (isAmlError(error, "not_found") && !isMissingFilesystem(error)) return undefined;
    throw error;
  }
}

function toEntry({ name = "", isDirectory, contentLength, lastModified, etag }: Path): FileStat {
  const path = pathOf(name);
  if (isDirectory === true) return directory(path);
  return toStat(path, { contentLength, lastModified, etag });
}

/** A name that no path can express is reported, not left out. */
function pathOf(name: string): StorePath {
  const path = name.split("/").includes("..") ? undefined : parseStorePath(name);
  if (path === name && path !== "") return path;
  throw new AmlError("unsupported", `The name ${JSON.stringify(name)} cannot be written as a path.`, {
    operation: "list",
    hint: "Rename it so that it has no empty, '.' or '..' segment, or list another folder.",
    context: { name },
  });
}
