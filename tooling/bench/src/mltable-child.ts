// Run by mltable-python.ts: reads an MLTable folder into an Arrow table, and prints what that took.
import { dirname } from "node:path";
import process from "node:process";
import { toArrow } from "@aml/arrow";
import { openWorkspace } from "@aml/workspace";
// Else imported when it is needed: that of Python is imported with its package, whose import does not count either.
import "@aml/engine-duckdb";
import { peakOfProcess } from "./peak-of-process.ts";

const [folder = ""] = process.argv.slice(2);
const before = process.cpuUsage();
const started = performance.now();
const workspace = await openWorkspace({ folder: dirname(folder) });
const source = await workspace.openSource(folder);
if (source.kind !== "tabular") throw new Error(`${folder} is no table.`);
const table = await toArrow(source);
const ms = performance.now() - started;
const { user, system } = process.cpuUsage(before);
const rss = peakOfProcess();
let sum = 0;
for (const fare of table.getChild("fare_amount") ?? []) sum += Number(fare);
process.stdout.write(
  JSON.stringify({
    ms,
    cpu: (user + system) / 1000,
    rss,
    rows: table.numRows,
    columns: table.numCols,
    nulls: table.getChild("passenger_count")?.nullCount,
    cents: Math.round(sum * 100),
  }),
);
await workspace[Symbol.asyncDispose]();
