import { randomUUID } from "node:crypto";
import { link, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Writes a file with mode 0600, all or nothing: a reader, or a machine that dies, sees the old bytes or the new ones.
 * Returns once the bytes and the name are on the disk.
 *
 * Without `createOnly` the caller holds a lock, so the one draft is its own, or was left behind by a process that died.
 *
 * @param createOnly - leaves a file that exists already as it is; any number of processes may try at once.
 */
export async function writeFileDurably(file: string, text: string, createOnly = false): Promise<void> {
  const folder = dirname(file);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const draft = createOnly ? `${file}.${randomUUID()}.tmp` : `${file}.tmp`;
  await rm(draft, { force: true });
  try {
    const handle = await open(draft, "wx", 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (createOnly) await linkUnlessThere(draft, file);
    else await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
  await syncFolder(folder);
}

async function linkUnlessThere(draft: string, file: string): Promise<void> {
  try {
    await link(draft, file);
  } catch (error) {
    if ((error as { code?: unknown }).code !== "EEXIST") throw error;
  }
}

async function syncFolder(folder: string): Promise<void> {
  // Windows has no way to do this, and does not need it: a rename is journalled there.
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
