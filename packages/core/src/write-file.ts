import { AmlError, isAmlError } from "./aml-error.ts";
import type { OverwriteOptions } from "./dataset.ts";
import type { FileStat, StorageAdapter, StorePath, WriteOptions } from "./storage.ts";

/**
 * Writes a file that must not be there yet, unless `overwrite`: atomically where the store can, else after a look.
 *
 * @throws `unsupported` on a read-only store; `already_exists`.
 */
export async function writeFile(
  storage: StorageAdapter,
  path: StorePath,
  body: ReadableStream<Uint8Array>,
  { overwrite = false, ...options }: OverwriteOptions & Omit<WriteOptions, "ifMatch" | "ifNoneMatch">,
): Promise<FileStat> {
  if (storage.write === undefined) {
    await body.cancel();
    throw new AmlError("unsupported", `${storage.uri} is read-only.`, {
      operation: "write",
      hint: "Choose another target.",
    });
  }
  if (overwrite) return storage.write(path, body, options);
  if (storage.capabilities.conditionalWrites)
    return storage.write(path, body, { ...options, ifNoneMatch: "*" });
  if (await exists(storage, path, options.signal)) {
    await body.cancel();
    throw new AmlError("already_exists", `${storage.uri}/${path} exists already.`, {
      operation: "write",
      hint: "Choose another name, or pass overwrite.",
    });
  }
  return storage.write(path, body, options);
}

export async function exists(
  storage: StorageAdapter,
  path: StorePath,
  signal?: AbortSignal,
): Promise<boolean> {
  try {
    await storage.stat(path, { signal });
    return true;
  } catch (error) {
    if (isAmlError(error, "not_found")) return false;
    throw error;
  }
}
