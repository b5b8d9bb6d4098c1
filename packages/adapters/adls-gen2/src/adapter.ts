import {
  parseStorePath,
  type OperationOptions,
  type StorageAdapter,
  type StorePath,
} from "@aml/core/adapter";
import { copyFrom, copySource } from "./copy.ts";
import { makeDirectory, move, type RenameOptions } from "./directories.ts";
import { openFilesystem, type AdlsGen2Input } from "./filesystem.ts";
import { dropKept, keptBytes } from "./kept-file.ts";
import { list } from "./list.ts";
import { storeUri } from "./options.ts";
import { pathRights } from "./path-rights.ts";
import { read } from "./read.ts";
import { remove } from "./remove.ts";
import { stat } from "./stat.ts";
import { write } from "./write.ts";

/** A file system: the verbs of every store, and what only a hierarchical namespace can do. */
export interface AdlsGen2Storage extends StorageAdapter {
  /**
   * Makes a directory, and those above it that are missing; succeeds when it is there.
   *
   * @throws `path_invalid` where a file is in the way; `permission_denied`.
   */
  createDirectory(path: StorePath, options?: OperationOptions): Promise<void>;
  /**
   * Moves a file, or a directory with all below it, in one step: nobody sees half of it. A file at the new place is
   * replaced unless `ifNoneMatch` forbids it. The directory of the new place must exist. It is not repeated by
   * core's `withRetry`: a move that succeeded without an answer would fail the second time.
   *
   * @throws `not_found` for the file or the new directory; `already_exists`; `precondition_failed`; `path_invalid` for
   * a directory onto a file, the reverse, or into itself.
   */
  rename(from: StorePath, to: StorePath, options?: RenameOptions): Promise<void>;
}

/** Opens a file system. No request is made before the first verb. */
export function open(input: AdlsGen2Input): AdlsGen2Storage {
  const filesystem = openFilesystem(input);
  return Object.freeze<AdlsGen2Storage>({
    contract: "aml.storage/1",
    type: "azure_data_lake_gen2",
    uri: storeUri(input.options),
    capabilities: Object.freeze({
      list: true,
      directories: true,
      // The service lists a directory's content behind its name: `a/x` before `a-b`.
      sortedList: false,
      etags: true,
      conditionalWrites: true,
      atomicWrites: true,
      properties: true,
      md5: true,
      ownChunks: true,
    }),
    stat: async (path, options = {}) => stat(filesystem, parseStorePath(path), options.signal),
    list: (folder, options) => list(filesystem, parseStorePath(folder), options),
    read: async (path, options) => read(filesystem, parseStorePath(path), options),
    write: (path, body, options) => write(filesystem, path, body, options),
    keptBytes: async (path, kept, options) => keptBytes(filesystem, parseStorePath(path), kept, options),
    dropKept: async (path, kept, options) => dropKept(filesystem, parseStorePath(path), kept, options),
    delete: async (path, options) => remove(filesystem, parseStorePath(path), options),
    copySource: async (path, options) => copySource(filesystem, input, parseStorePath(path), options),
    copyFrom: (source, path, options) => copyFrom(filesystem, input, source, path, options),
    pathRights: (path, options) => pathRights(filesystem, parseStorePath(path), options),
    createDirectory: async (path, options) => makeDirectory(filesystem, parseStorePath(path), options),
    rename: async (from, to, options = {}) =>
      move(filesystem, "rename", parseStorePath(from), parseStorePath(to), options),
  });
}
