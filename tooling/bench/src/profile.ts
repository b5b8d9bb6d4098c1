import type { Bench } from "./bench.ts";
import { assertSame, compare } from "./measure.ts";
import { timeLine } from "./report.ts";
import { firstRows, openTableSession } from "./table-session.ts";
import { readTyped, TAXI_COLUMNS, writeTaxi } from "./taxi.ts";

/** A profile, from the path to the last number, against `SUMMARIZE`, which has fewer of them. */
export const profile: Bench = async ({ folder, scale, repetitions, report }) => {
  const session = await openTableSession();
  const { connection } = session;
  try {
    const rows = Math.round(8_000_000 * scale);
    const path = await writeTaxi(connection, folder, "parquet", rows);
    const profiled = async () => {
      await using table = await session.open(path, [{ op: "read_parquet" }]);
      return await table.profile?.();
    };
    const what = `profile: Parquet, ${(rows / 1e6).toFixed(1)} M rows, 14 columns`;
    const ours = (await profiled())?.columns.map(({ name, missing }) => [name, missing]);
    const names = Object.keys(TAXI_COLUMNS);
    const nulls = names.map((name) => `count(*) - count(${name}) AS ${name}`).join(", ");
    const theirs = (await firstRows(connection, `SELECT ${nulls} FROM ${readTyped(path)}`)) as Record<
      string,
      string
    >[];
    assertSame(
      what,
      ours,
      names.map((name) => [name, Number(theirs[0]?.[name])]),
    );
    const peers = { SUMMARIZE: () => connection.run(`SUMMARIZE SELECT * FROM ${readTyped(path)}`) };
    report(timeLine(what, await compare(repetitions, profiled, peers), 0.3));
  } finally {
    await session.close();
  }
};
