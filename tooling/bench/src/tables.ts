import { type Step } from "@aml/core";
import { parseFilter } from "@aml/core/plan";
import { createDuckDBEngine } from "@aml/engine-duckdb";
import type { DuckDBConnection } from "@duckdb/node-api";
import type { Bench, BenchInput } from "./bench.ts";
import { digestRows } from "./digest.ts";
import { assertSame, compare } from "./measure.ts";
import { timeLine } from "./report.ts";
import { compiledSql, drain, firstRows, openTableSession, type TableSession } from "./table-session.ts";
import { readTyped, writeTaxi } from "./taxi.ts";

const FILTER = 'col("trip_distance") > 29 and col("passenger_count") == 2';
const WHERE = "trip_distance > 29 AND passenger_count = 2";
/** In the order of the file, in which both sides give them. */
const KEPT = ["pickup_at", "passenger_count", "pickup_zone", "total_amount"];
const GROUPED = ["payment_type", "passenger_count", "total_amount", "pickup_at"];
const group = (from: string): string =>
  "SELECT payment_type, passenger_count, count(*) AS rides, max(total_amount) AS most, max(pickup_at) AS latest " +
  `FROM ${from} GROUP BY ALL ORDER BY ALL`;
const counted = (from: string): string => `SELECT count(*) AS rows FROM ${from}`;
const everything = (from: string): string =>
  `SELECT count(*) AS rows, bit_xor(hash(t)) AS hash FROM ${from} t`;

export const parquet: Bench = async (input) => {
  await benchTables(input, { format: "parquet", rows: 8_000_000, most: 1.05, read: { op: "read_parquet" } });
};

export const csv: Bench = async (input) => {
  // Left to itself a column of Y and N is one of booleans.
  const column_type_overrides = [{ columns: ["store_and_forward"], column_type: "string" as const }];
  const read: Step = { op: "read_delimited", infer_column_types: { column_type_overrides } };
  await benchTables(input, { format: "csv", rows: 9_200_000, most: 1.3, read });
};

interface Subject {
  readonly format: "csv" | "parquet";
  readonly rows: number;
  /** The bar for what DuckDB does alone, and of CSV for the filter as well. */
  readonly most: number;
  readonly read: Step;
}

async function benchTables(input: BenchInput, { format, rows, most, read }: Subject): Promise<void> {
  const session = await openTableSession();
  try {
    const count = Math.round(rows * input.scale);
    const path = await writeTaxi(session.connection, input.folder, format, count);
    const label = `${format === "csv" ? "CSV" : "Parquet"}, ${(count / 1e6).toFixed(1)} M rows`;
    // From the path to rows as objects, which is more than a scan.
    const mostRows = format === "csv" ? most : 1.2;
    await filterAndProject(`${label}: filter and project`, session, path, read, mostRows, input);
    for (const [what, steps, sql, bar] of [
      // Of Parquet both sides answer it from the footer, within a millisecond or two: no bar.
      ["count", [], counted, format === "csv" ? most : undefined],
      ["group", [{ op: "keep_columns", columns: GROUPED }], group, most],
      // The guide's goal for all columns; of Parquet nothing is converted.
      ["all 14 columns", [], everything, format === "csv" ? 2.2 : most],
    ] as const) {
      const ours = sql(`(${await compiledSql(session, path, [read, ...steps])})`);
      const peer = sql(readTyped(path));
      await asSubquery(`${label}: ${what} (compiled SQL)`, session.connection, ours, peer, bar, input);
    }
  } finally {
    await session.close();
  }
}

/**
 * From the path to the last row as objects, with an engine that has never seen the file and with one that has; against
 * the same query on an open connection, its values read by the fastest way that node-api has, in columns; and, for a
 * look, against its chunks fetched and no value read.
 */
async function filterAndProject(
  what: string,
  session: TableSession,
  path: string,
  read: Step,
  most: number,
  { repetitions, report }: BenchInput,
): Promise<void> {
  const { connection } = session;
  const steps = [read, { op: "filter", where: parseFilter(FILTER) }, { op: "keep_columns", columns: KEPT }];
  const sql = `SELECT ${KEPT.join(", ")} FROM ${readTyped(path)} WHERE ${WHERE}`;
  const table = await session.open(path, steps);
  const ours = await digestRows(table.batches());
  await table[Symbol.asyncDispose]();
  assertSame(what, ours, await digestRows((await connection.stream(sql)).yieldRowObjectJs()));
  const peers = { "node-api columns": () => readAll(connection, sql) };
  const again = async (): Promise<number> => drain(await session.open(path, steps));
  report(timeLine(what, await compare(repetitions, again, peers), most));
  const unread = { "node-api chunks, no value read": () => fetchAll(connection, sql) };
  report(timeLine(`${what}, against unread chunks`, await compare(repetitions, again, unread)));
  const fresh = async (): Promise<void> => {
    const engine = createDuckDBEngine();
    await drain(await session.open(path, steps, engine));
    await engine[Symbol.asyncDispose]();
  };
  report(timeLine(`${what}, first time`, await compare(repetitions, fresh, peers)));
}

async function readAll(connection: DuckDBConnection, sql: string): Promise<number> {
  const result = await connection.run(sql);
  let values = 0;
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) return values;
    for (const column of chunk.getColumns()) values += column.length;
  }
}

async function fetchAll(connection: DuckDBConnection, sql: string): Promise<number> {
  const result = await connection.run(sql);
  let rows = 0;
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) return rows;
    rows += chunk.rowCount;
  }
}

/** Two queries on one connection, ours around the SQL that the plan compiled to. */
async function asSubquery(
  what: string,
  connection: DuckDBConnection,
  ours: string,
  peer: string,
  most: number | undefined,
  { repetitions, report }: BenchInput,
): Promise<void> {
  assertSame(what, await firstRows(connection, ours), await firstRows(connection, peer));
  const result = await compare(repetitions, () => connection.run(ours), {
    "typed read": () => connection.run(peer),
  });
  report(timeLine(what, result, most));
}
