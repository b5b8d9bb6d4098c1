import { type DeleteOptions, type StorePath } from "@aml/core/adapter";
import { filePath } from "./file-path.ts";
import { listPages, type Entry } from "./list.ts";
import type { Share } from "./share.ts";
import { isMissing, isOtherKind } from "./stat.ts";

const CONCURRENCY = 16;

/** Deletes a file or an empty directory, and with `recursive` all that is below it. What is not there is deleted. */
export async function remove(
  share: Share,
  path: StorePath,
  { recursive = false, signal }: DeleteOptions = {},
): Promise<void> {
  const at = filePath(path, "delete");
  if (at !== "") {
    const gone = await removeFile(share, at, signal);
    if (gone) return;
  }
  if (recursive) await removeBelow(share, at, signal);
  if (at !== "") await removeDirectory(share, at, signal);
}

/** @returns false when a directory may be there instead. */
async function removeFile(share: Share, path: StorePath, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    await share.attempt("delete", path, signal, async () => {
      const file = await share.file(path);
      await file.delete({ ...(signal && { abortSignal: signal }) });
    });
    return true;
  } catch (error) {
    if (isOtherKind(error)) return false;
    if (isMissing(error)) return true;
    throw error;
  }
}

async function removeDirectory(
  share: Share,
  path: StorePath,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await share.attempt("delete", path, signal, async () => {
      const directory = await share.directory(path);
      await directory.delete({ ...(signal && { abortSignal: signal }) });
    });
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

async function removeBelow(share: Share, folder: StorePath, signal: AbortSignal | undefined): Promise<void> {
  try {
    for await (const page of listPages(share, "delete", folder, "", signal)) {
      await removeFiles(share, page, signal);
      for (const { stat } of page) {
        if (stat.kind !== "directory") continue;
        await removeBelow(share, stat.path, signal);
        await removeDirectory(share, stat.path, signal);
      }
    }
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

async function removeFiles(
  share: Share,
  entries: readonly Entry[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const queue = entries.filter(({ stat }) => stat.kind === "file").values();
  const worker = async (): Promise<void> => {
    for (const { stat } of queue) await removeFile(share, stat.path, signal);
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, entries.length) }, worker));
}
