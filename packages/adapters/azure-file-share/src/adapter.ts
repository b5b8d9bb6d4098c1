import type { StorageAdapter } from "@aml/core/adapter";
import { copyFrom, copySource } from "./copy.ts";
import { dropKept, keptBytes } from "./kept-file.ts";
import { list } from "./list.ts";
import { shareUrl } from "./options.ts";
import { read } from "./read.ts";
import { remove } from "./remove.ts";
import { openShare, type FileShareInput } from "./share.ts";
import { stat } from "./stat.ts";
import { write } from "./write.ts";

/** Opens a share. No request is made before the first verb. */
export function open(input: FileShareInput): StorageAdapter {
  const share = openShare(input);
  return Object.freeze<StorageAdapter>({
    contract: "aml.storage/1",
    type: "azure_file",
    uri: shareUrl(input.options),
    capabilities: Object.freeze({
      list: true,
      directories: true,
      sortedList: true,
      etags: true,
      // A rename can be told not to replace a file, but not to replace one version only.
      conditionalWrites: false,
      atomicWrites: true,
      properties: true,
      ignoresCase: true,
      ownChunks: true,
    }),
    stat: async (path, options = {}) => stat(share, path, options.signal),
    list: (folder, options) => list(share, folder, options),
    read: async (path, options) => read(share, path, options),
    write: (path, body, options) => write(share, path, body, options),
    keptBytes: async (path, kept, options) => keptBytes(share, path, kept, options),
    dropKept: async (path, kept, options) => dropKept(share, path, kept, options),
    delete: async (path, options) => remove(share, path, options),
    copySource: (path, options) => copySource(share, input, path, options),
    copyFrom: (source, path, options) => copyFrom(share, source, path, options),
  });
}
