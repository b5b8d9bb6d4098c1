import { AmlError, isAmlError, type KeptWrite, type StorePath, type WriteOptions } from "@aml/core/adapter";
import type { ShareFileClient } from "@azure/storage-file-share";
import { parentOf } from "./file-path.ts";
import { makeDirectories } from "./make-directories.ts";
import type { Share } from "./share.ts";
import { saysCode } from "./stat.ts";

/** After which an upload that could not be taken back is left where it is. */
const CLEAN_UP_MS = 10_000;

/** Fills a file of another name in the root of the share, and deletes it when that fails unless it is `kept`. */
export async function viaPartial<T>(
  share: Share,
  fill: (partial: ShareFileClient) => Promise<T>,
  kept?: KeptWrite,
): Promise<T> {
  const partial = await share.file(partialName(kept?.id));
  try {
    return await fill(partial);
  } catch (error) {
    if (kept !== undefined) throw error;
    // Also when the caller has had enough: nothing is to be left behind.
    await partial.delete({ abortSignal: AbortSignal.timeout(CLEAN_UP_MS) }).catch(() => undefined);
    throw error;
  }
}

export function partialName(id: string = crypto.randomUUID()): string {
  return `.aml-${id.replaceAll("-", "").slice(0, 16)}.partial`;
}

interface Renamed {
  readonly etag?: string | undefined;
  readonly lastModified?: Date | undefined;
}

/** Gives the upload its name, and makes the directories above when they are missing. */
export async function commit(
  share: Share,
  path: StorePath,
  partial: ShareFileClient,
  { contentType, ifNoneMatch, signal }: WriteOptions,
): Promise<Renamed> {
  const rename = (): Promise<Renamed> =>
    share.attempt("write", path, signal, async () => {
      const { fileRenameResponse } = await partial.rename(path, {
        replaceIfExists: ifNoneMatch === undefined,
        ...(contentType !== undefined && { contentType }),
        ...(signal && { abortSignal: signal }),
      });
      const { etag, lastModified } = fileRenameResponse;
      return { etag, lastModified };
    });
  const parent = parentOf(path);
  try {
    return await rename();
  } catch (error) {
    if (parent === "" || !saysCode(error, "ParentNotFound", "ResourceNotFound")) throw inTheWay(error, path);
  }
  const undo = await makeDirectories(share, parent as StorePath, signal);
  try {
    return await rename();
  } catch (error) {
    await undo();
    throw inTheWay(error, path);
  }
}

/** A directory has the name. */
function inTheWay(error: unknown, path: StorePath): unknown {
  if (!isAmlError(error) || !saysCode(error, "ResourceTypeMismatch")) return error;
  return new AmlError("already_exists", `'${path}' is a folder.`, {
    operation: "write",
    hint: "Choose another name, or delete the folder first.",
    context: { ...error.context, path },
    cause: error,
  });
}
