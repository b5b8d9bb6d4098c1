import { isAmlError, type FileRef, type TabularPlan } from "@aml/core";
import type { DuckDBConnection, DuckDBResult } from "@duckdb/node-api";
import { compileProbe } from "./compile-plan.ts";
import { rowsWanted } from "./inspect-context.ts";
import type { Inspected } from "./inspected.ts";
import type { CompileOptions } from "./relation.ts";

/** Rows that are looked at to learn how many are kept: two chunks. */
const PROBED_ROWS = 4096;

/** Below one row in 16 kept, that is 128 rows a chunk, fetching a chunk costs as much as what is in it. */
const SPARSE = PROBED_ROWS / 16;

/** From this many bytes there are enough chunks to make up for the probe, which takes some milliseconds. */
const PROBE_FROM_BYTES = 8 * 2 ** 20;

/** Up to this many bytes the first row may wait for the last: a scan takes about a second. */
const GATHER_UP_TO_BYTES = 2 ** 30;

const GATHERED = 'temp."gathered rows"';

/** Answers that are remembered; a program has few queries, and asking again costs milliseconds. */
const MAX_KNOWN = 1000;

/** The query that counts how many of a source's first rows are kept, and what it said before. */
export interface Probe {
  readonly sql: string;
  /** By the probe's SQL, which names the files. */
  readonly known: Map<string, boolean>;
}

/** The query that `startQuery` decides by, for plans and files where there is something to decide. */
export function probeFor(
  plan: TabularPlan,
  files: readonly FileRef[],
  inspected: Inspected,
  options: CompileOptions,
): string | undefined {
  const bytes = files.reduce((sum, { stat }) => sum + stat.size, 0);
  const scanned = ["parquet", "delimited", "json_lines"].includes(inspected.kind);
  if (!scanned || bytes < PROBE_FROM_BYTES || bytes > GATHER_UP_TO_BYTES) return undefined;
  const drops = plan.steps.some(
    ({ op }) => op === "filter" || op === "sample" || op === "take_random_sample",
  );
  if (!drops || rowsWanted(plan) !== undefined) return undefined;
  return compileProbe(plan, inspected, options, PROBED_ROWS);
}

/**
 * Starts a query whose rows are fetched one chunk after the other. DuckDB streams what is left of each chunk of the
 * source: where few rows are kept, thousands of chunks of some rows each, and fetching them takes longer than the scan.
 * Such rows are first gathered in a temporary table, which keeps their order, counts as memory of the query, and goes
 * to disk when there is too little of it. (A result that is not streamed is gathered too,
 * but in memory without limit.) Where there is no room for the table, the rows are streamed after all.
 */
export async function startQuery(
  connection: DuckDBConnection,
  sql: string,
  probe: Probe | undefined,
  run: <T>(task: () => Promise<T>) => Promise<T>,
): Promise<DuckDBResult> {
  if (probe !== undefined && (await isSparse(connection, probe, run))) {
    try {
      await run(() => connection.run(`CREATE TEMP TABLE ${GATHERED} AS ${sql}`));
      return await run(() => connection.stream(`FROM ${GATHERED}`));
    } catch (error) {
      if (!isAmlError(error, "resource_exhausted")) throw error;
    }
  }
  return run(() => connection.stream(sql));
}

/** Frees what was gathered: a stream that is left early would keep it for as long as Node keeps the stream. */
export async function endQuery(connection: DuckDBConnection): Promise<void> {
  await connection.run(`DROP TABLE IF EXISTS ${GATHERED}`);
}

/** A guess about speed alone: a file that was changed meanwhile is read right either way. */
async function isSparse(
  connection: DuckDBConnection,
  { sql, known }: Probe,
  run: <T>(task: () => Promise<T>) => Promise<T>,
): Promise<boolean> {
  const before = known.get(sql);
  if (before !== undefined) return before;
  const sparse = (await run(() => countOf(connection, sql))) < SPARSE;
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(sql, sparse);
  return sparse;
}

async function countOf(connection: DuckDBConnection, sql: string): Promise<number> {
  const [row = []] = await (await connection.run(sql)).getRows();
  return Number(row[0]);
}
