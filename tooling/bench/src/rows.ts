import type { Bench } from "./bench.ts";
import { digestRows } from "./digest.ts";
import { assertSame, compare } from "./measure.ts";
import { speedLine } from "./report.ts";
import { drain, openTableSession } from "./table-session.ts";
import { readTyped, writeTaxi } from "./taxi.ts";

const ROWS = 800_000;

/** All rows of a file as JavaScript objects: `batches()` against what the vendor's package has for the same. */
export const rows: Bench = async ({ folder, repetitions, scale, report }) => {
  const session = await openTableSession();
  const { connection } = session;
  try {
    const count = Math.round(ROWS * scale);
    const path = await writeTaxi(connection, folder, "parquet", count);
    const steps = [{ op: "read_parquet" }];
    const sql = `SELECT * FROM ${readTyped(path)}`;
    const what = `Row objects, ${(count / 1e6).toFixed(1)} M × 14 columns`;
    const table = await session.open(path, steps);
    const ours = await digestRows(table.batches());
    await table[Symbol.asyncDispose]();
    assertSame(what, ours, await digestRows((await connection.stream(sql)).yieldRowObjectJs()));
    const result = await compare(repetitions, async () => drain(await session.open(path, steps)), {
      yieldRowObjectJs: async () => {
        let read = 0;
        for await (const batch of (await connection.stream(sql)).yieldRowObjectJs()) read += batch.length;
        return read;
      },
    });
    report(speedLine(what, result, count / 1e6, "M rows", 4));
  } finally {
    await session.close();
  }
};
