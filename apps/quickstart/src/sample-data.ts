import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { ContainerClient } from "@azure/storage-blob";

const folder = join(dirname(createRequire(import.meta.url).resolve("vega-datasets")), "..", "data");

const NEW_YEAR = "2001";

/** Uploads public data of the npm package `vega-datasets` as a team might have laid it out. Gives the bytes stored. */
export async function uploadSampleData(container: ContainerClient): Promise<number> {
  const flights = await readFile(join(folder, "flights-3m.parquet"));
  const movies = JSON.parse(await readFile(join(folder, "movies.json"), "utf8")) as object[];
  const files = new Map<string, Buffer>([
    ["flights/flights-3m.parquet", flights],
    ["movies/movies.jsonl", Buffer.from(movies.map((movie) => JSON.stringify(movie)).join("\n"))],
    [stocksPath, await readFile(join(folder, "stocks.csv"))],
  ]);
  for (const [year, csv] of await strikesByYear()) {
    if (year < NEW_YEAR) files.set(strikesPath(year), csv);
  }
  let bytes = 0;
  for (const [path, content] of files) {
    await container.getBlockBlobClient(path).uploadData(content);
    bytes += content.length;
  }
  return bytes;
}

/** Uploads one more year of bird strikes, as a nightly job would. */
export async function uploadNewYear(container: ContainerClient): Promise<void> {
  const csv = (await strikesByYear()).get(NEW_YEAR);
  if (csv === undefined) throw new Error(`birdstrikes.csv has no rows of ${NEW_YEAR}`);
  await container.getBlockBlobClient(strikesPath(NEW_YEAR)).uploadData(csv);
}

/** Puts the stock prices back as they were. */
export async function uploadStocks(container: ContainerClient): Promise<void> {
  await container.getBlockBlobClient(stocksPath).uploadFile(join(folder, "stocks.csv"));
}

const stocksPath = "stocks/stocks.csv";
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
