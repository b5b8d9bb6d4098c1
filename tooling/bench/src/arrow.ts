import { toArrow } from "@aml/arrow";
import {
  Float64,
  Int64,
  Table,
  TimestampMillisecond,
  Utf8,
  vectorFromArray,
  type DataType,
} from "apache-arrow";
import type { DuckDBConnection } from "@duckdb/node-api";
import type { Bench } from "./bench.ts";
import { digestRows } from "./digest.ts";
import { assertSame, compare } from "./measure.ts";
import { speedLine } from "./report.ts";
import { openTableSession } from "./table-session.ts";
import { readTyped, TAXI_COLUMNS, writeTaxi } from "./taxi.ts";

const ROWS = 400_000;

/** All rows of a file as an Arrow table: `toArrow` against what the vendor's packages have for the same. */
export const arrow: Bench = async ({ folder, repetitions, scale, report }) => {
  const session = await openTableSession();
  const { connection } = session;
  try {
    const count = Math.round(ROWS * scale);
    const path = await writeTaxi(connection, folder, "parquet", count);
    const sql = `SELECT * FROM ${readTyped(path)}`;
    const what = `Arrow table, ${(count / 1e6).toFixed(1)} M × 14 columns`;
    const ours = async (): Promise<Table> => {
      await using table = await session.open(path, [{ op: "read_parquet" }]);
      return await toArrow(table);
    };
    const theirs = (): Promise<Table> => fromArrays(connection, sql);
    assertSame(what, await digestRows(rowsOf(await ours())), await digestRows(rowsOf(await theirs())));
    const arrays = await compare(repetitions, ours, { "getColumnsJS, vectorFromArray": theirs });
    report(speedLine(what, arrays, count / 1e6, "M rows", 7));
    const objects = await compare(repetitions, ours, {
      yieldRowObjectJs: async () => {
        let read = 0;
        for await (const batch of (await connection.stream(sql)).yieldRowObjectJs()) read += batch.length;
        return read;
      },
    });
    report(speedLine(`${what}, against row objects`, objects, count / 1e6, "M rows", 4));
  } finally {
    await session.close();
  }
};

const TYPES: Readonly<Record<string, DataType>> = {
  BIGINT: new Int64(),
  DOUBLE: new Float64(),
  TIMESTAMP: new TimestampMillisecond(),
  VARCHAR: new Utf8(),
};

/** A table as the two packages make one together: columns of JavaScript's values, and vectors of these. */
async function fromArrays(connection: DuckDBConnection, sql: string): Promise<Table> {
  const columns = (await connection.runAndReadAll(sql)).getColumnsJS();
  const vectors = Object.entries(TAXI_COLUMNS).map(([name, type], at) => {
    return [name, vectorFromArray(columns[at] ?? [], TYPES[type] as DataType)] as const;
  });
  return new Table(Object.fromEntries(vectors));
}

async function* rowsOf(table: Table): AsyncGenerator<Record<string, unknown>[]> {
  const columns = table.schema.fields.map(({ name }, at) => [name, table.getChildAt(at)] as const);
  for (let row = 0; row < table.numRows; row += 1)
    yield [Object.fromEntries(columns.map(([name, vector]) => [name, vector?.get(row)]))];
}
