import { rm } from "node:fs/promises";
import { join } from "node:path";
import { layOut, type Fixture } from "./fixtures.ts";
import type { Answer } from "./judge.ts";
import type { OurAnswer } from "./our-frame.ts";

let count = 0;

/** What is read from a fixture's files; `<folder>` is where those lie, and of an error there is its kind alone. */
export async function asked<T extends Answer | OurAnswer>(
  home: string,
  files: Fixture["files"],
  read: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = join(home, `table-${(count += 1)}`);
  await layOut(folder, files);
  try {
    const answer = await read(folder);
    if ("error" in answer) return { error: answer.error } as T;
    const text = JSON.stringify({ columns: answer.columns, rows: answer.rows });
    return JSON.parse(text.replaceAll(folder, "<folder>")) as T;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
