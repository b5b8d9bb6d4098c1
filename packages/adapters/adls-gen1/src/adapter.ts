import {
  AmlError,
  parseStorePath,
  type FileStat,
  type ListOptions,
  type StorageAdapter,
  type StorePath,
  type WriteOptions,
} from "@aml/core/adapter";
import { walkFolders } from "@aml/azure-auth/transfer";
import { refuseIfMatch } from "./errors.ts";
import { openFolder, pathRights, remove, stat } from "./files.ts";
import { storeUri } from "./options.ts";
import { read } from "./read.ts";
import { openStore, type Gen1Input, type Store } from "./store.ts";
import { write } from "./write.ts";

/** Opens a store. No request is made, and nothing is said of its retirement, before the first verb. */
export function open(input: Gen1Input): StorageAdapter {
  const store = openStore(input);
  return Object.freeze<StorageAdapter>({
    contract: "aml.storage/1",
    type: "azure_data_lake_gen1",
    uri: storeUri(input.options),
    capabilities: Object.freeze({
      list: true,
      directories: true,
      sortedList: false,
      etags: false,
      conditionalWrites: true,
      atomicWrites: true,
    }),
    stat: async (path, options = {}) => stat(store, parseStorePath(path), options.signal),
    list: (folder, options) => list(store, folder, options),
    async read(path, options = {}) {
      refuseIfMatch("read", options.ifMatch);
      options.signal?.throwIfAborted();
      return read(store, parseStorePath(path), options);
    },
    async write(path, body, options = {}) {
      await checkWrite(path, body, options);
      return write(store, parseStorePath(path), body, options);
    },
    delete: async (path, options) => remove(store, parseStorePath(path), options),
    pathRights: (path, options) => pathRights(store, parseStorePath(path), options?.signal),
  });
}

async function* list(store: Store, folder: StorePath, options: ListOptions = {}): AsyncGenerator<FileStat> {
  options.signal?.throwIfAborted();
  yield* walkFolders(openFolder(store, options.signal), parseStorePath(folder), options);
}

/** A body that is not going to be read is let go. */
async function checkWrite(
  path: StorePath,
  body: ReadableStream<Uint8Array>,
  { ifMatch, signal }: WriteOptions,
): Promise<void> {
  try {
    signal?.throwIfAborted();
    refuseIfMatch("write", ifMatch);
    if (parseStorePath(path) === "")
      throw new AmlError("path_invalid", "A file needs a name: the path is empty.");
  } catch (error) {
    await body.cancel(error).catch(() => undefined);
    throw error;
  }
}
