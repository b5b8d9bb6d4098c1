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
import * as dbfsFiles from "./dbfs-files.ts";
import * as dbfsRead from "./dbfs-read.ts";
import * as dbfsWrite from "./dbfs-write.ts";
import { storeUri } from "./options.ts";
import { refuseIfMatch } from "./read-errors.ts";
import * as volumeFiles from "./volume-files.ts";
import * as volumeWrite from "./volume-write.ts";
import { openWorkspace, type DbfsInput } from "./workspace.ts";

const DBFS = { ...dbfsFiles, ...dbfsRead, ...dbfsWrite };
const VOLUME = { ...volumeFiles, ...volumeWrite };

/** Opens a folder of DBFS or of a volume. No request is made before the first verb. */
export function open(input: DbfsInput): StorageAdapter {
  const workspace = openWorkspace(input);
  const inVolume = workspace.root.kind === "volume";
  const api = inVolume ? VOLUME : DBFS;
  return Object.freeze<StorageAdapter>({
    contract: "aml.storage/1",
    type: "dbfs",
    uri: storeUri(input.options),
    capabilities: Object.freeze({
      list: true,
      directories: true,
      // A volume is listed in the order that the service likes.
      sortedList: !inVolume,
      etags: false,
      conditionalWrites: true,
      // DBFS replaces a file of more than 1 MiB in two steps, and reads one in many.
      atomicWrites: inVolume,
    }),
    stat: async (path, options = {}) => api.stat(workspace, parseStorePath(path), options.signal),
    list: (folder, options) => list(api.openFolder(workspace, options?.signal), folder, options),
    async read(path, options = {}) {
      refuseIfMatch("read", options.ifMatch);
      options.signal?.throwIfAborted();
      return api.read(workspace, parseStorePath(path), options);
    },
    async write(path, body, options = {}) {
      await checkWrite(path, body, options);
      return api.write(workspace, parseStorePath(path), body, options);
    },
    delete: async (path, options) => api.remove(workspace, parseStorePath(path), options),
  });
}

async function* list(
  openFolder: ReturnType<typeof dbfsFiles.openFolder>,
  folder: StorePath,
  options: ListOptions = {},
): AsyncGenerator<FileStat> {
  options.signal?.throwIfAborted();
  yield* walkFolders(openFolder, parseStorePath(folder), options);
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
