import { isAmlError, type KeptWrite, type OperationOptions, type StorePath } from "@aml/core/adapter";
import type { Container } from "./container.ts";

/** The ID of a block of an upload: its number, and the upload's own UUID, so that two writers at once do not mix. */
export function blockId(upload: string, index: number): string {
  return btoa(`${upload}-${String(index).padStart(5, "0")}`);
}

/** Blocks of a write that can be gone on with. */
export function blockBytes({ stepBytes }: KeptWrite): number {
  return stepBytes / 8;
}

/** Bytes of an upload that broke off: the service keeps its blocks for a week. */
export async function keptBytes(
  container: Container,
  path: StorePath,
  kept: KeptWrite,
  { signal }: OperationOptions = {},
): Promise<number> {
  const sizes = await stagedBlocks(container, path, signal);
  let bytes = 0;
  while (sizes.get(blockId(kept.id, bytes / blockBytes(kept))) === blockBytes(kept))
    bytes += blockBytes(kept);
  return bytes - (bytes % kept.stepBytes);
}

/** Sizes of the blocks that are not committed, by ID. */
async function stagedBlocks(
  container: Container,
  path: StorePath,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, number>> {
  try {
    const blob = (await container.client()).getBlockBlobClient(path);
    const { uncommittedBlocks = [] } = await container.attempt("stat", path, signal, () =>
      blob.getBlockList("uncommitted", { ...(signal && { abortSignal: signal }) }),
    );
    return new Map(uncommittedBlocks.map(({ name, size }) => [name, size]));
  } catch (error) {
    if (isAmlError(error, "not_found")) return new Map();
    throw error;
  }
}
