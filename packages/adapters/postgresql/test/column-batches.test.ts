import type { ArrowVector, ColumnBatch } from "@aml/core";
import { sample, size } from "@aml/kit/runs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Bench } from "../../../engine-duckdb/test/push-down.ts";
import { openBench } from "./open-bench.ts";
import { sharedPostgres } from "./postgres.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench.close());

const query = (rows: number): string =>
  `SELECT n AS id, CASE WHEN n % 3 > 0 THEN 'zone ' || n END AS zone FROM generate_series(1, ${rows}) n`;

function ids(batches: readonly ColumnBatch[]): number[] {
  return batches.flatMap(({ rowCount, columns: [column] }) => {
    expect(column).toMatchObject({ length: rowCount });
    return [...((column as ArrowVector).data as Int32Array).subarray(0, rowCount)];
  });
}

const COUNTS = [0, 1, ...sample([65_537, 65_536, 131_072, 150_000], 4)];

test.each(COUNTS)("%d rows come as columns, in order", async (count) => {
  const batches: ColumnBatch[] = [];
  for await (const batch of bench.pushed(query(count)).columnBatches()) batches.push(batch);
  expect(ids(batches)).toEqual(Array.from({ length: count }, (_, at) => at + 1));
  expect(batches.every(({ rowCount }) => rowCount > 0)).toBe(count > 0);
  expect(batches[0]?.fields.map(({ name }) => name)).toEqual(["id", "zone"]);
});

test("no more rows are asked for than the columns that are read have", async () => {
  bench.received();
  // The server makes all of them before it gives the first.
  const many = query(size(10_000_000, 1_000_000));
  for await (const { rowCount } of bench.pushed(many).filter("id > 5").columnBatches()) {
    expect(rowCount).toBe(65_536);
    break;
  }
  expect(bench.received()).toBeLessThan(2 * 65_536);
  // Nor does the server go on.
  const { admin } = await sharedPostgres();
  const { rows } = await admin.query(
    "SELECT query FROM pg_stat_activity WHERE state <> 'idle' AND pid <> pg_backend_pid()",
  );
  expect(rows).toEqual([]);
});

test("what fails behind the first batch is an error, not an end", async () => {
  const failing = "SELECT 1 / (100000 - n) AS one FROM generate_series(1, 200000) n";
  let batches = 0;
  const read = async (): Promise<void> => {
    for await (const _ of bench.pushed(failing).columnBatches()) batches += 1;
  };
  await expect(read()).rejects.toMatchObject({ code: "query_failed" });
  expect(batches).toBe(1);
});

test("decimals of no declared width have one type in all batches", async () => {
  const widening =
    "SELECT CASE WHEN n = 100000 THEN 12345.6789 ELSE 1.5 END AS d FROM generate_series(1, 100000) n";
  const types = new Set<string>();
  for await (const { fields } of bench.pushed(widening).columnBatches())
    types.add(JSON.stringify(fields[0]?.type));
  expect([...types]).toHaveLength(1);
});

describe("decimals of declared width", () => {
  const amounts = (last: string): string =>
    `SELECT n AS id, CASE WHEN n = 100000 THEN ${last} ELSE n / 8.0 END::numeric(12,3) AS d FROM generate_series(1, 100000) n`;

  test("stream as they are declared", async () => {
    bench.received();
    const types = new Set<string>();
    let rows = 0;
    for await (const { fields, rowCount, columns } of bench.pushed(amounts("-1.5")).columnBatches()) {
      types.add(JSON.stringify(fields[1]?.type));
      if (rows === 0) expect(bench.received()).toBeLessThan(70_000);
      rows += rowCount;
      expect(columns[1]?.nullCount).toBe(0);
    }
    expect(rows).toBe(100_000);
    expect([...types].map((type) => JSON.parse(type) as object)).toEqual([
      expect.objectContaining({ kind: "decimal", precision: 12, scale: 3 }),
    ]);
  });

  test("are refused where NaN comes behind numbers", async () => {
    const read = async (): Promise<void> => {
      for await (const _ of bench.pushed(amounts("'NaN'")).columnBatches());
    };
    await expect(read()).rejects.toMatchObject({ code: "schema_mismatch", context: { column: "d" } });
  });
});
