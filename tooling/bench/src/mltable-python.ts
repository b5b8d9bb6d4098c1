import { spawnSync } from "node:child_process";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { makePythonVenv, pythonVenv } from "@aml/kit/python-venv";
import type { Bench } from "./bench.ts";
import { assertSame, median } from "./measure.ts";
import { ms, type Line } from "./report.ts";
import { openTableSession } from "./table-session.ts";
import { readTyped, writeTaxi } from "./taxi.ts";

const ROWS = 1_000_000;
const ROUNDS = 3;
const MIB = 2 ** 20;

interface Reading {
  readonly ms: number;
  /** Of all cores, in milliseconds: what a busy machine does not change. */
  readonly cpu: number;
  /** The most that the process held, its runtime with it. */
  readonly rss: number;
}

/**
 * An MLTable folder into an Arrow table, against `to_pandas_dataframe()` of the Python package `mltable` over the same
 * folder: each in a fresh process, what is imported not counted as time. Medians of three.
 */
export const mltablePython: Bench = async ({ folder, scale, report }) => {
  const lacks = await makePythonVenv("mltable");
  const python = pythonVenv("mltable");
  if (python === undefined) {
    const what = "MLTable to a frame (needs mltable of PyPI)";
    report({ what, ours: "", peer: "", ratio: `not measured: ${lacks}`, bar: "" });
    return;
  }
  const count = Math.round(ROWS * scale);
  const session = await openTableSession();
  try {
    for (const format of ["csv", "parquet"] as const) {
      const table = join(folder, format);
      await mkdir(table);
      await rename(await writeTaxi(session.connection, folder, format, count), join(table, `taxi.${format}`));
      const read = format === "csv" ? "read_delimited" : "read_parquet";
      const recipe = `paths:\n- file: ./taxi.${format}\ntransformations:\n- ${read}: {}\n`;
      await writeFile(join(table, "MLTable"), recipe);
      const what = `MLTable to a frame, ${format}, ${(count / 1e6).toFixed(1)} M rows`;
      const theirs = compareReaders(what, python, table, report);
      const sql = `SELECT * FROM ${readTyped(join(table, `taxi.${format}`))}`;
      const alone: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        const started = performance.now();
        await session.connection.run(sql);
        alone.push(performance.now() - started);
      }
      report({
        what: `${what}: time of DuckDB alone, types told, no value read`,
        ours: ms(median(alone)),
        peer: `${ms(theirs)} (${PEER})`,
        ratio: `${(theirs / median(alone)).toFixed(1)}× as fast`,
        bar: "",
      });
    }
  } finally {
    await session.close();
  }
};

const PEER = "to_pandas_dataframe";

/** The milliseconds of Python. */
function compareReaders(what: string, python: string, table: string, report: (line: Line) => void): number {
  const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
  const ours: Reading[] = [];
  const theirs: Reading[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const own = run(table, process.execPath, [...process.execArgv, here("mltable-child.ts"), table]);
    const other = run(table, python, [here("mltable-child.py"), table]);
    assertSame(what, own.found, other.found);
    ours.push(own);
    theirs.push(other);
  }
  const middle = (all: readonly Reading[], of: keyof Reading): number => median(all.map((one) => one[of]));
  const faster = middle(theirs, "ms") / middle(ours, "ms");
  const share = middle(ours, "rss") / middle(theirs, "rss");
  report({
    what: `${what}: time`,
    ours: ms(middle(ours, "ms")),
    peer: `${ms(middle(theirs, "ms"))} (${PEER})`,
    ratio: `${faster.toFixed(1)}× as fast`,
    bar: "≥ 5×",
    met: faster >= 5,
  });
  const less = middle(theirs, "cpu") / middle(ours, "cpu");
  report({
    what: `${what}: processor time`,
    ours: ms(middle(ours, "cpu")),
    peer: `${ms(middle(theirs, "cpu"))} (${PEER})`,
    ratio: `${less.toFixed(1)}× less`,
    bar: "",
  });
  const mib = (bytes: number): string => `${(bytes / MIB).toFixed(0)} MiB`;
  report({
    what: `${what}: memory of the process`,
    ours: mib(middle(ours, "rss")),
    peer: `${mib(middle(theirs, "rss"))} (${PEER})`,
    ratio: `${share.toFixed(2)}×`,
    bar: "≤ 0.33×",
    met: share <= 1 / 3,
  });
  return middle(theirs, "ms");
}

function run(folder: string, command: string, args: readonly string[]): Reading & { readonly found: object } {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: "utf8",
    // The Python package leaves files among the temporary ones.
    env: { ...process.env, TMPDIR: folder },
  });
  if (status !== 0)
    throw new Error(`${command} ended with ${status}: ${error?.message ?? stderr.slice(-500)}`);
  const { ms: taken, cpu, rss, ...found } = JSON.parse(stdout) as Reading & Record<string, number>;
  return { ms: taken, cpu, rss, found };
}
