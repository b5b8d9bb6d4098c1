import { stat } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { defineStorageAdapter, type StorageAdapter, type StorageDefinition } from "@aml/core/adapter";
import { mapped } from "./errors.ts";
import { follow, place, toFileStat } from "./folder.ts";
import { list } from "./list.ts";
import { locate, parseOptions, type LocalOptions } from "./options.ts";
import { read } from "./read.ts";
import { remove } from "./remove.ts";
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
  credentialKinds: ["anonymous"],
  parseOptions,
  locate,
  open: ({ options }) => openFolder(parseOptions(options).path),
});

function openFolder(root: string): StorageAdapter {
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
    }),
    async stat(path, options = {}) {
      options.signal?.throwIfAborted();
      const real = await mapped("stat", path, follow(root, path, place(root, path)));
      const found = toFileStat(path, await mapped("stat", path, stat(real, { bigint: true })));
      options.signal?.throwIfAborted();
      return found;
    },
    list: (folder, options) => list(root, folder, options),
    read: (path, options) => read(root, path, options),
    write: (path, body, options) => write(root, path, body, options),
    delete: (path, options) => remove(root, path, options),
  });
}
