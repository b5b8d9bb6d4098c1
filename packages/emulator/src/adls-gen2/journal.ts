import { appendFile, mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { Change } from "./namespace.ts";

/** Changes on a disk, one a line. */
export interface Journal {
  record(change: Change): void;
  /** Waits until all that was recorded is written. @throws what writing failed with. */
  flush(): Promise<void>;
}

/** What an earlier run wrote down; its last line may be cut off. */
export async function readJournal(file: string): Promise<Change[]> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  const lines = text.split("\n");
  // Only a whole line ends in a newline.
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Change);
}

/** Starts a journal over with what there is now. */
export async function startJournal(file: string, changes: Iterable<Change>): Promise<Journal> {
  await mkdir(dirname(file), { recursive: true });
  const fresh = await open(`${file}.new`, "w");
  try {
    for (const change of changes) await fresh.write(`${JSON.stringify(change)}\n`);
  } finally {
    await fresh.close();
  }
  await rename(`${file}.new`, file);
  let waiting = "";
  let writing: Promise<void> | undefined;
  const drain = async (): Promise<void> => {
    while (waiting !== "") {
      const text = waiting;
      waiting = "";
      await appendFile(file, text);
    }
  };
  return {
    record(change) {
      waiting += `${JSON.stringify(change)}\n`;
    },
    flush() {
      writing = (writing ?? Promise.resolve()).then(drain);
      return writing;
    },
  };
}
