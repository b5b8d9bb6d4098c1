import type { TabularResult } from "@aml/core";
import { parseFilter } from "@aml/core/plan";
import pl, { type LazyDataFrame } from "nodejs-polars";
import type { Bench, BenchInput } from "./bench.ts";
import { assertSame, compare } from "./measure.ts";
import { timeLine } from "./report.ts";
import { compiledSql, openTableSession, type TableSession } from "./table-session.ts";
import { readTyped, writeTaxi } from "./taxi.ts";

const KEPT = ["pickup_at", "passenger_count", "pickup_zone", "total_amount"];
const GROUPED = ["payment_type", "passenger_count"];

/**
 * The queries of the other subjects against polars' lazy frames, from the path to a result in columns. Its threads are
 * those of the machine, as ours are; its types are inferred, as ours are.
 */
export const polars: Bench = async (input) => {
  const session = await openTableSession();
  try {
    for (const [format, rows, most] of [
      ["csv", 1_700_000, 1.2],
      ["parquet", 8_000_000, 1],
    ] as const) {
      const count = Math.round(rows * input.scale);
      const path = await writeTaxi(session.connection, input.folder, format, count);
      const read = { op: format === "csv" ? "read_delimited" : "read_parquet" };
      const scan = (): LazyDataFrame =>
        format === "csv" ? pl.scanCSV(path, { parseDates: true }) : pl.scanParquet(path);
      const label = `${format === "csv" ? "CSV" : "Parquet"}, ${(count / 1e6).toFixed(1)} M rows`;
      await filterAndProject(label, session, path, read, scan, most, input);
      await group(label, session, path, read, scan, most, input);
    }
  } finally {
    await session.close();
  }
};

async function filterAndProject(
  label: string,
  session: TableSession,
  path: string,
  read: object,
  scan: () => LazyDataFrame,
  most: number,
  { repetitions, report }: BenchInput,
): Promise<void> {
  const what = `polars: ${label}: filter and project`;
  const where = parseFilter("trip_distance > 29 and passenger_count == 2");
  const steps = [read, { op: "filter", where }, { op: "keep_columns", columns: KEPT }];
  const theirs = (): Promise<{ height: number }> =>
    scan()
      .filter(pl.col("trip_distance").gt(29).and(pl.col("passenger_count").eq(2)))
      .select(...KEPT)
      .collect();
  const ours = async (): Promise<number> => countRows(await session.open(path, steps));
  assertSame(what, await ours(), (await theirs()).height);
  report(timeLine(what, await compare(repetitions, ours, { "polars lazy": theirs }), most));
  const sql = `SELECT ${KEPT.join(", ")} FROM ${readTyped(path)} WHERE trip_distance > 29 AND passenger_count = 2`;
  const alone = (): Promise<unknown> => session.connection.run(sql);
  report(timeLine(`${what}, DuckDB alone`, await compare(repetitions, alone, { "polars lazy": theirs })));
}

/** Our side groups in DuckDB, since a plan has no such step: what the engine adds is the reading. */
async function group(
  label: string,
  session: TableSession,
  path: string,
  read: object,
  scan: () => LazyDataFrame,
  most: number,
  { repetitions, report }: BenchInput,
): Promise<void> {
  const what = `polars: ${label}: group (compiled SQL)`;
  const columns = [...GROUPED, "total_amount"];
  const from = await compiledSql(session, path, [read, { op: "keep_columns", columns }]);
  const sqlOver = (table: string): string =>
    `SELECT ${GROUPED.join(", ")}, max(total_amount) AS most FROM ${table} GROUP BY ALL`;
  const theirs = (): Promise<{ height: number }> =>
    scan().groupBy(GROUPED).agg(pl.col("total_amount").max()).collect();
  const rowsOver = async (table: string): Promise<number> =>
    (await session.connection.runAndReadAll(sqlOver(table))).currentRowCount;
  const ours = (): Promise<number> => rowsOver(`(${from})`);
  assertSame(what, await ours(), (await theirs()).height);
  report(timeLine(what, await compare(repetitions, ours, { "polars lazy": theirs }), most));
  const alone = (): Promise<number> => rowsOver(readTyped(path));
  report(timeLine(`${what}, DuckDB alone`, await compare(repetitions, alone, { "polars lazy": theirs })));
}

async function countRows(table: TabularResult): Promise<number> {
  await using open = table;
  let rows = 0;
  for await (const batch of open.columnBatches?.() ?? []) rows += batch.rowCount;
  return rows;
}
