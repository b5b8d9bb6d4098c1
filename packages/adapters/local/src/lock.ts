import { createHash } from "node:crypto";
import { lstat, open, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { mapped } from "./errors.ts";

/** A lock is held for a few system calls; one this old belongs to a process that died. */
const STALE_MS = 10_000;
const LOCK_POLL_MS = 4;

/** Holds off other writers of the same file, of this and of other processes, while `action` compares and swaps. */
export async function locked(
  target: string,
  path: string,
  operation: string,
  action: () => Promise<void>,
): Promise<void> {
  const id = createHash("sha256").update(basename(target)).digest("hex").slice(0, 16);
  const lock = join(dirname(target), `.aml-${id}.lock`);
  while (!(await acquire(lock, path, operation))) await sleep(LOCK_POLL_MS);
  try {
    await action();
  } finally {
    await rm(lock, { force: true });
  }
}

async function acquire(lock: string, path: string, operation: string): Promise<boolean> {
  try {
    await open(lock, "wx").then((handle) => handle.close());
    return true;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) {
      return mapped(operation, path, Promise.reject(error as Error));
    }
  }
  const age = await lstat(lock).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  );
  if (age > STALE_MS) await rm(lock, { force: true });
  return false;
}
