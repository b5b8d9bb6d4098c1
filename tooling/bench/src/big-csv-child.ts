// Run by big-csv.ts: reads a folder of CSV through a bounded engine, and prints what it found and what memory that took.
import process from "node:process";
import type { Row } from "@aml/core";
import { createDuckDBEngine } from "@aml/engine-duckdb";
import { openWorkspace } from "@aml/workspace";
import type { BigCsvFound } from "./big-csv.ts";
import { peakOfProcess } from "./peak-of-process.ts";

const [way = "", folder = ""] = process.argv.slice(2);
const started = performance.now();
const limits = way === "rows" ? { memoryLimit: "300MB" } : { memoryLimit: "1GB", threads: 1 };
const engine = createDuckDBEngine({ ...limits, tempLimit: "60GB" });
await using workspace = await openWorkspace({ folder, engine });
const trips = workspace.tabular.fromDelimitedFiles("files/*.csv");
const WAYS: Readonly<Record<string, () => AsyncIterable<Row>>> = {
  rows: () => trips.rows(),
  sorted: () => workspace.sql("select * from trips order by total_amount, pickup_at", { trips }).rows(),
  joined: () =>
    workspace
      .sql(
        "select a.* from trips a join (select distinct pickup_at from trips) b on a.pickup_at = b.pickup_at",
        { trips },
      )
      .rows(),
};
let rows = 0;
let cents = 0n;
for await (const row of (WAYS[way] as () => AsyncIterable<Row>)()) {
  rows += 1;
  cents += BigInt(Math.round(Number(row["total_amount"]) * 100));
}
const found: BigCsvFound = {
  ms: performance.now() - started,
  peak: peakOfProcess(),
  rows,
  cents: String(cents),
};
process.stdout.write(JSON.stringify(found));
