import { isAmlError, type DeleteOptions, type StorePath } from "@aml/core/adapter";
import type { Filesystem } from "./filesystem.ts";
import { isMissingFilesystem } from "./stat.ts";

const CONCURRENCY = 16;

/**
 * Deletes a file or an empty directory, with `recursive` a directory with all below it, which is the service's own
 * work. What is not there is deleted.
 */
export async function remove(
  filesystem: Filesystem,
  path: StorePath,
  { recursive = false, signal }: DeleteOptions = {},
): Promise<void> {
  if (path !== "") return removePath(filesystem, path, recursive, signal);
  // The root itself stays.
  if (recursive) await removeAll(filesystem, signal);
}

async function removeAll(filesystem: Filesystem, signal: AbortSignal | undefined): Promise<void> {
  const abort = signal && { abortSignal: signal };
  for (;;) {
    const page = await filesystem.attempt("list", "", signal, async (client) => {
      const { value } = await client
        .listPaths({ recursive: false, ...abort })
        .byPage({ maxPageSize: 1000 })
        .next();
      return value?.pathItems ?? [];
    });
    if (page.length === 0) return;
    for (let at = 0; at < page.length; at += CONCURRENCY) {
      const some = page.slice(at, at + CONCURRENCY);
      await Promise.all(some.map(({ name = "" }) => removePath(filesystem, name as StorePath, true, signal)));
    }
  }
}

async function removePath(
  filesystem: Filesystem,
  path: StorePath,
  recursive: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await filesystem.attempt("delete", path, signal, (client) =>
      client.getFileClient(path).delete(recursive, { ...(signal && { abortSignal: signal }) }),
    );
  } catch (error) {
    if (!isAmlError(error, "not_found") || isMissingFilesystem(error)) throw error;
  }
}
