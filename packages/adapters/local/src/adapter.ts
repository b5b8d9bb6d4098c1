import { stat } from "node:fs/promises";
import process from "node:process";
import { pathToFileURL } from "node:url";
import {
  defineStorageAdapter,
  STORE_CREDENTIALS,
  type FileStat,
  type OperationOptions,
  type StorageAdapter,
  type StorageDefinition,
  type StorePath,
} from "@aml/core/adapter";
import { inFolder, mapped } from "./errors.ts";
import { follow, place, toFileStat } from "./folder.ts";
import { list } from "./list.ts";
import { locate, parseOptions, type LocalOptions } from "./options.ts";
import { read } from "./read.ts";
import { remove } from "./remove.ts";
import { dropKept, keptBytes } from "./kept-file.ts";
import { write } from "./write.ts";

/**
 * A folder of this machine as a store, type `local`.
 *
 * Links are followed as long as they stay below the folder; one that leaves it is `permission_denied`, also where
 * a listing meets it. Reading a folder that was moved away altogether is `not_found`; writing creates it.
 *
 * @throws `not_found`, `already_exists`, `precondition_failed`, `range_not_satisfiable`, `permission_denied`,
 * `path_invalid`, `resource_exhausted` (disk full), `unavailable` (in use, too many open files, device failed).
 */
export const local: StorageDefinition<LocalOptions, "anonymous"> = defineStorageAdapter({
  type: "local",
  credentialKinds: STORE_CREDENTIALS.local,
  parseOptions,
  locate,
  open: ({ options }) => openFolder(parseOptions(options).path),
});

function openFolder(root: string): StorageAdapter {
  const told = async <T>(call: Promise<T>): Promise<T> => {
    try {
      return await call;
    } catch (error) {
      throw inFolder(error, root);
    }
  };
  return Object.freeze<StorageAdapter>({
    contract: "aml.storage/1",
    type: "local",
    uri: pathToFileURL(root).href.replace(/\/$/, ""),
    capabilities: Object.freeze({
      list: true,
      directories: true,
      sortedList: true,
      etags: true,
      conditionalWrites: true,
      atomicWrites: true,
      // Their usual file systems do; one that does not is rare, and then only too careful.
      ignoresCase: process.platform === "win32" || process.platform === "darwin",
    }),
    stat: (path, options) => told(statOf(root, path, options)),
    async *list(folder, options) {
      try {
        yield* list(root, folder, options);
      } catch (error) {
        throw inFolder(error, root);
      }
    },
    read: (path, options) => told(read(root, path, options)),
    write: (path, body, options) => told(write(root, path, body, options)),
    keptBytes: (path, kept, options) => told(keptBytes(root, path, kept, options)),
    dropKept: (path, kept) => told(dropKept(root, path, kept)),
    delete: (path, options) => told(remove(root, path, options)),
  });
}

async function statOf(root: string, path: StorePath, options: OperationOptions = {}): Promise<FileStat> {
  options.signal?.throwIfAborted();
  const real = await mapped("stat", path, follow(root, path, place(root, path)));
  const found = toFileStat(path, await mapped("stat", path, stat(real, { bigint: true })));
  options.signal?.throwIfAborted();
  return found;
}
