import { isAmlError, type KeptWrite, type OperationOptions, type StorePath } from "@aml/core/adapter";
import { partialName } from "./partial-file.ts";
import { remove } from "./remove.ts";
import type { Share } from "./share.ts";

/** Bytes of a write that broke off: the ranges that follow each other from the start. */
export async function keptBytes(
  share: Share,
  path: StorePath,
  { id, stepBytes }: KeptWrite,
  { signal }: OperationOptions = {},
): Promise<number> {
  try {
    const { rangeList } = await share.attempt("stat", path, signal, async () => {
      const partial = await share.file(partialName(id));
      return partial.getRangeList({ ...(signal && { abortSignal: signal }) });
    });
    let end = 0;
    for (const { start, end: last } of rangeList) if (start === end) end = last + 1;
    return end - (end % stepBytes);
  } catch (error) {
    if (isAmlError(error, "not_found")) return 0;
    throw error;
  }
}

export async function dropKept(
  share: Share,
  _path: StorePath,
  { id }: KeptWrite,
  options: OperationOptions = {},
): Promise<void> {
  await remove(share, partialName(id) as StorePath, options);
}
