import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { ContainerClient } from "@azure/storage-blob";

const folder = join(createRequire(import.meta.url).resolve("vega-datasets/package.json"), "..", "data");

/** Uploads public data of the npm package `vega-datasets` as a team might have laid it out. Gives the bytes stored. */
export async function uploadSampleData(container: ContainerClient): Promise<number> {
  const flights = await readFile(join(folder, "flights-3m.parquet"));
  const movies = JSON.parse(await readFile(join(folder, "movies.json"), "utf8")) as object[];
  const files = new Map<string, Buffer>([
    ["flights/flights-3m.parquet", flights],
    ["movies/movies.jsonl", Buffer.from(movies.map((movie) => JSON.stringify(movie)).join("\n"))],
    ["stocks/stocks.csv", await readFile(join(folder, "stocks.csv"))],
  ]);
  for (const [year, csv] of await strikesByYear()) {
    if (year < "2002") files.set(strikesPath(year), csv);
  }
  let bytes = 0;
  for (const [path, content] of files) {
    await container.getBlockBlobClient(path).uploadData(content);
    bytes += content.length;
  }
  return bytes;
}

/** Uploads the last year of bird strikes, as a nightly job would. */
export async function uploadLastYear(container: ContainerClient): Promise<void> {
  const csv = (await strikesByYear()).get("2002");
  if (csv === undefined) throw new Error("birdstrikes.csv has no rows of 2002");
  await container.getBlockBlobClient(strikesPath("2002")).uploadData(csv);
}

const strikesPath = (year: string): string => `strikes/${year}/birdstrikes.csv`;

/** The bird strikes as one CSV a year, each with the header. */
async function strikesByYear(): Promise<Map<string, Buffer>> {
  const [header = "", ...lines] = (await readFile(join(folder, "birdstrikes.csv"), "utf8")).split(/\r?\n/);
  const years = new Map<string, string[]>();
  for (const line of lines) {
    const year = /,(\d{4})-\d\d-\d\d,/.exec(line)?.[1];
    if (year === undefined) continue;
    years.set(year, [...(years.get(year) ?? [header]), line]);
  }
  return new Map([...years].map(([year, rows]) => [year, Buffer.from(`${rows.join("\n")}\n`)]));
}
