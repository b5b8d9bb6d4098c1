// How the storage adapters move bytes: in parallel, in bounded memory, and never two versions of a file mixed; and how
// those walk a tree whose service lists one folder at a time.
export { blockSize, createBlocks, type Block, type Blocks, type BlocksOptions } from "./blocks.ts";
export { copyBlob, type CopyableBlob, type CopyBlobInput, type MadeBlob } from "./copy-blob.ts";
export { cannotCopy } from "./copy-source.ts";
export { downloadPolicy, isDeno } from "./download-policy.ts";
export {
  propertiesOf,
  readFile,
  type FileLook,
  type RangedFile,
  type RangeOptions,
  type RangeResponse,
} from "./read-file.ts";
export { sendBlocks, type SendBlocksInput } from "./send-blocks.ts";
export { walkFolders, type OpenFolder } from "./walk-folders.ts";
