import type { KeptWrite, OperationOptions, StorePath } from "@aml/core/adapter";
import type { Filesystem } from "./filesystem.ts";
import { remove } from "./remove.ts";
import { look } from "./stat.ts";
import { temporaryPath } from "./temporary.ts";

/** Bytes of a write that broke off: whole steps were flushed. One that lacked its new name only is begun again. */
export async function keptBytes(
  filesystem: Filesystem,
  path: StorePath,
  { id, size, stepBytes }: KeptWrite,
  { signal }: OperationOptions = {},
): Promise<number> {
  const there = await look(filesystem, temporaryPath(path, id), signal);
  // Nothing can be appended but to the end.
  return there !== undefined && there.size < size && there.size % stepBytes === 0 ? there.size : 0;
}

export async function dropKept(
  filesystem: Filesystem,
  path: StorePath,
  { id }: KeptWrite,
  options: OperationOptions = {},
): Promise<void> {
  await remove(filesystem, temporaryPath(path, id), options);
}
