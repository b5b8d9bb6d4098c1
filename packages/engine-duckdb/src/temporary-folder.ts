import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** What is left when a program ends without having disposed of its engines. */
const left = new Set<string>();
let watched = false;

/** Makes a folder for temporary files, which is gone when the process exits at the latest: by itself or by `process.exit`. */
export async function makeTemporaryFolder(prefix: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), prefix));
  left.add(folder);
  if (!watched) process.on("exit", removeAll);
  watched = true;
  return folder;
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
