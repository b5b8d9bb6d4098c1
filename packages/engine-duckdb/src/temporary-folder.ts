import { rmSync } from "node:fs";
import { lstat, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** What is left when a program ends without having disposed of its engines. */
const left = new Set<string>();
let watched = false;

/** A program that is killed leaves its folder behind; in another container its number may be that of no process here. */
const ABANDONED_AFTER_MS = 24 * 60 * 60 * 1000;

/**
 * Makes a folder for temporary files, which is gone when the process exits at the latest: by itself or by `process.exit`.
 * Those that killed processes of this user left there a day ago or earlier are removed in the background.
 */
export async function makeTemporaryFolder(prefix: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`));
  left.add(folder);
  if (!watched) {
    process.on("exit", removeAll);
    removeAbandoned(prefix).catch(() => undefined);
  }
  watched = true;
  return folder;
}

async function removeAbandoned(prefix: string): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const [digits = ""] = name.startsWith(prefix) ? name.slice(prefix.length).split("-") : [];
    if (!/^[1-9]\d*$/.test(digits) || isRunning(Number(digits))) continue;
    const folder = join(tmpdir(), name);
    const { mtimeMs, uid } = await lstat(folder);
    const isOwn = uid === (process.getuid?.() ?? uid);
    if (isOwn && mtimeMs < Date.now() - ABANDONED_AFTER_MS)
      await rm(folder, { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process is there, and not ours to signal.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

export async function removeTemporaryFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  left.delete(folder);
}

function removeAll(): void {
  for (const folder of left) {
    try {
      rmSync(folder, { recursive: true, force: true });
    } catch {
      // Nobody is there any more who could be told, and the other folders go all the same.
    }
  }
}
