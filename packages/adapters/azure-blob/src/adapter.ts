import { AmlError, parseStorePath, type StorageAdapter } from "@aml/core/adapter";
import { copyFrom, copySource } from "./copy.ts";
import { openContainer, type BlobInput } from "./container.ts";
import { list } from "./list.ts";
import { storeUri, type AzureBlobOptions } from "./options.ts";
import { read } from "./read.ts";
import { remove } from "./remove.ts";
import { keptBytes } from "./staged-blocks.ts";
import { stat } from "./stat.ts";
import { write } from "./write.ts";

/** Opens a container. No request is made before the first verb. */
export function open(input: BlobInput): StorageAdapter {
  const container = openContainer(input);
  const fixed = isFixed(input.options);
  return Object.freeze<StorageAdapter>({
    contract: "aml.storage/1",
    type: "azure_blob",
    uri: storeUri(input.options),
    capabilities: Object.freeze({
      list: !fixed,
      directories: false,
      sortedList: true,
      etags: true,
      conditionalWrites: !fixed,
      atomicWrites: !fixed,
      properties: !fixed,
      md5: !fixed,
      ownChunks: true,
    }),
    stat: async (path, options = {}) => stat(container, parseStorePath(path), options.signal),
    list: (folder, options) => (fixed ? noList() : list(container, parseStorePath(folder), options)),
    read: async (path, options) => read(container, parseStorePath(path), options),
    // A snapshot or a version cannot change.
    ...(!fixed && {
      write: (path, body, options) => write(container, path, body, options),
      keptBytes: async (path, kept, options) => keptBytes(container, parseStorePath(path), kept, options),
      delete: async (path, options) => remove(container, parseStorePath(path), options),
      copyFrom: (source, path, options) => copyFrom(container, input, source, path, options),
    }),
    copySource: (path, options) => copySource(container, input, path, options),
  });
}

function isFixed({ snapshot, versionId }: AzureBlobOptions): boolean {
  return snapshot !== undefined || versionId !== undefined;
}

function noList(): never {
  throw new AmlError("unsupported", "A snapshot or a version belongs to one blob and has no listing.", {
    operation: "list",
    hint: "Leave snapshot and versionId out to list the container.",
  });
}
