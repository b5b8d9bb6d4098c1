import { rmSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { mayRun, processMark } from "@aml/staging";

/** What is left when a program ends without having disposed of its engines. */
const left = new Set<string>();
let watched = false;

/**
 * Makes a folder for temporary files, which is gone when the process exits at the latest: by itself or by `process.exit`.
 * Those that killed processes left there are removed in the background.
 */
export async function makeTemporaryFolder(prefix: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `${prefix}${processMark()}~`));
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
    const [, mark] = name.startsWith(prefix) ? (/^(.+~\d+)~/.exec(name.slice(prefix.length)) ?? []) : [];
    const folder = join(tmpdir(), name);
    if (mark === undefined || (await mayRun(mark, folder))) continue;
    // Another user's, or another process is at it.
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
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
