import { spawnSync } from "node:child_process";
import { mkdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { DuckDBInstance } from "@duckdb/node-api";
import type { Bench } from "./bench.ts";
import { ms } from "./report.ts";
import { TAXI_COLUMNS, writeTaxi } from "./taxi.ts";

const FILES = 10;
const ROWS = 9_200_000;
const MIB = 2 ** 20;
/** Of the process. A sort and a join have a limit of 1 GB for themselves. */
const MOST_MIB = { rows: 700, sorted: 1700, joined: 1700 };

/** What the child does with the table, and finds. */
export interface BigCsvFound {
  readonly ms: number;
  readonly peak: number;
  readonly rows: number;
  readonly cents: string;
}

/** Ten large files of CSV in little memory: read to the last row, sorted, joined. Asked for by name. */
export const bigCsv: Bench = async ({ folder, scale, report }) => {
  const files = join(folder, "files");
  await mkdir(files);
  const instance = await DuckDBInstance.create(":memory:", { memory_limit: "1GB" });
  const connection = await instance.connect();
  let bytes = 0;
  let expected: Pick<BigCsvFound, "rows" | "cents">;
  try {
    for (let index = 0; index < FILES; index += 1) {
      // The same rows in each, but for the last: what is read, sorted and joined need not differ.
      const path = await writeTaxi(connection, folder, "csv", Math.round(ROWS * scale) + index);
      await rename(path, join(files, `part-${index}.csv`));
      bytes += (await stat(join(files, `part-${index}.csv`))).size;
    }
    const columns = Object.entries(TAXI_COLUMNS).map(([name, type]) => `${name}: '${type}'`);
    const read = `read_csv('${files}/*.csv', auto_detect = false, header = true, columns = {${columns.join(", ")}})`;
    const sums = await connection.runAndReadAll(
      `SELECT count(*), sum(round(total_amount * 100)::BIGINT) FROM ${read}`,
    );
    const [row] = sums.getRowsJson() as [string, string][];
    expected = { rows: Number(row?.[0]), cents: row?.[1] ?? "" };
  } finally {
    connection.disconnectSync();
    instance.closeSync();
  }
  for (const [way, what] of WAYS) {
    const child = fileURLToPath(new URL("big-csv-child.ts", import.meta.url));
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [...process.execArgv, child, way, folder],
      { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] },
    );
    if (status !== 0) throw new Error(`${way} ended with ${status}: ${stderr.slice(-800)}`);
    const found = JSON.parse(stdout) as BigCsvFound;
    if (found.rows !== expected.rows || found.cents !== expected.cents) {
      throw new Error(`${way} found ${JSON.stringify(found)}, DuckDB itself ${JSON.stringify(expected)}`);
    }
    const peak = found.peak / MIB;
    report({
      what: `${(bytes / 1e9).toFixed(1)} GB of CSV, ${what}`,
      ours: `${peak.toFixed(0)} MiB`,
      peer: "",
      ratio: ms(found.ms),
      bar: `≤ ${MOST_MIB[way]} MiB`,
      met: peak <= MOST_MIB[way],
    });
  }
};

const WAYS = [
  ["rows", "every row as an object"],
  ["sorted", "sorted, every row as an object"],
  ["joined", "joined with 8 million moments, every row as an object"],
] as const;
