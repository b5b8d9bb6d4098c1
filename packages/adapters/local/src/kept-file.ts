import { randomBytes } from "node:crypto";
import { open, rm, stat, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isAmlError, type KeptWrite, type OperationOptions, type ResumedWrite } from "@aml/core/adapter";
import { mapped } from "./errors.ts";
import { place } from "./folder.ts";

/** Where a file is written before it gets its name: beside it. */
export function partialPath(target: string, kept: KeptWrite | undefined): string {
  const name = kept?.id.replaceAll("-", "").slice(0, 16) ?? randomBytes(8).toString("hex");
  return join(dirname(target), `.aml-${name}.partial`);
}

/** Opens it: new, or cut to what is to be gone on with. */
export async function openPartial(
  partial: string,
  path: string,
  resume: ResumedWrite | undefined,
): Promise<FileHandle> {
  if (resume === undefined) return mapped("write", path, open(partial, "wx"));
  if (resume.offset === 0) return mapped("write", path, open(partial, "w"));
  const handle = await mapped("write", path, open(partial, "r+"));
  try {
    await mapped("write", path, handle.truncate(resume.offset));
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Bytes of a write that broke off. What was not yet on the disk is not counted: see `write`. */
export async function keptBytes(
  root: string,
  path: string,
  kept: KeptWrite,
  { signal }: OperationOptions = {},
): Promise<number> {
  signal?.throwIfAborted();
  try {
    const { size } = await mapped("stat", path, stat(partialPath(place(root, path), kept)));
    return size - (size % kept.stepBytes);
  } catch (error) {
    if (isAmlError(error, "not_found")) return 0;
    throw error;
  }
}

export async function dropKept(root: string, path: string, kept: KeptWrite): Promise<void> {
  await mapped("delete", path, rm(partialPath(place(root, path), kept), { force: true }));
}
