import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Answer } from "./judge.ts";
import type { OurAnswer } from "./our-frame.ts";

/** A small MLTable, what the Python package reads from it, and what we do where that is something else. */
export interface Fixture {
  readonly name: string;
  /** Texts, or bytes in base64; `MLTable` is the recipe. */
  readonly files: Readonly<Record<string, string | { readonly base64: string }>>;
  readonly python: Answer;
  /** The row of docs/compatibility.md that says why ours is different. */
  readonly apart?: string;
  /** What ours is then. */
  readonly ours?: OurAnswer;
}

const folder = join(import.meta.dirname, "fixtures");

/** The topics; each is a file of a fixture a line. */
export async function fixtureTopics(): Promise<string[]> {
  return (await readdir(folder)).map((name) => basename(name, ".jsonl")).toSorted();
}

export async function readFixtures(topic: string): Promise<Fixture[]> {
  const text = await readFile(join(folder, `${topic}.jsonl`), "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Fixture);
}

export async function writeFixtures(topic: string, fixtures: readonly Fixture[]): Promise<void> {
  const lines = fixtures.map((fixture) => `${JSON.stringify(fixture)}\n`);
  await writeFile(join(folder, `${topic}.jsonl`), lines.join(""));
}

/** Puts the files of a fixture into a folder. */
export async function layOut(target: string, files: Fixture["files"]): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const path = join(target, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, typeof content === "string" ? content : Buffer.from(content.base64, "base64"));
  }
}
