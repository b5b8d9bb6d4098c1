import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { TableFormat } from "@aml/core";
import { sample } from "@aml/kit/runs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Bench } from "../../../engine-duckdb/test/push-down.ts";
import { openBench } from "./open-bench.ts";
import { sharedPostgres } from "./postgres.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench.close());

const textOf = (query: string, format: TableFormat): Promise<string> =>
  new Response(bench.pushed(query).encode(format)).text();

const ids = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);

describe.each([0, 1, ...sample([262_145, 262_144, 600_000], 3)])("a query of %d rows", (count) => {
  const query = `SELECT n AS id, CASE WHEN n % 3 > 0 THEN 'a "b"' || chr(10) || n END AS "na""me, and
more" FROM generate_series(1, ${count}) n`;

  test("is a CSV file with its names once", async () => {
    const lines = ids(count).map((id) => `${id},${id % 3 > 0 ? `"a ""b""\n${id}"` : ""}\n`);
    expect((await textOf(query, "csv")) === `id,"na""me, and\nmore"\n${lines.join("")}`).toBe(true);
  });

  test("is JSON lines", async () => {
    const text = await textOf(query, "jsonl");
    const rows = text.split("\n").slice(0, -1);
    const expected = ids(count).map((id) =>
      JSON.stringify({ id, 'na"me, and\nmore': id % 3 > 0 ? `a "b"\n${id}` : null }),
    );
    expect(rows.length).toBe(count);
    expect(rows.find((row, at) => row !== expected[at])).toBe(undefined);
  });
});

test("the first bytes are there before the rows are; who leaves, ends the query", async () => {
  bench.received();
  const endless = "SELECT generate_series(1, 1000000000) AS id";
  const reader = bench.pushed(endless).filter("id > 5").encode("csv").getReader();
  expect(new TextDecoder().decode((await reader.read()).value)).toMatch(/^id\n/);
  expect(bench.received()).toBeLessThan(2 * 262_144);
  await reader.cancel();
  const { admin } = await sharedPostgres();
  const running = "SELECT query FROM pg_stat_activity WHERE state <> 'idle' AND pid <> pg_backend_pid()";
  await expect.poll(async () => (await admin.query(running)).rows).toEqual([]);
});

test.each(["csv", "jsonl", "parquet"] as const)("%s ends with the failure of its query", async (format) => {
  const failing = "SELECT 1 / (300000 - n) AS one FROM generate_series(1, 400000) n";
  await expect(textOf(failing, format)).rejects.toMatchObject({ code: "query_failed" });
});

test("a file of a query that fails midway is not there", async () => {
  const folder = await mkdtemp(join(tmpdir(), "aml-encode-"));
  try {
    const failing = "SELECT n AS id, 1 / (300000 - n) AS one FROM generate_series(1, 400000) n";
    const written = bench.pushed(failing).write(pathToFileURL(join(folder, "rows.csv")).href, "csv");
    await expect(written).rejects.toMatchObject({ code: "query_failed" });
    expect(await readdir(folder)).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a signal ends it with its reason", async () => {
  const stop = new AbortController();
  const endless = "SELECT generate_series(1, 1000000000) AS id";
  const reader = bench.pushed(endless).encode("jsonl", { signal: stop.signal }).getReader();
  await reader.read();
  stop.abort(new Error("enough"));
  const rest = async (): Promise<void> => {
    while (!(await reader.read()).done);
  };
  await expect(rest()).rejects.toThrow("enough");
});

describe("decimals", () => {
  const amounts = (type: string, last: string): string =>
    `SELECT CASE WHEN n = 300000 THEN ${last} ELSE n * 0.125 END::${type} AS d FROM generate_series(1, 300000) n`;

  test("have one scale in all lines, also where none is declared", async () => {
    for (const [type, last, first, end] of [
      ["numeric(12,3)", "-1.5", "0.125", "-1.500"],
      ["numeric", "12345.67891", "0.12500", "12345.67891"],
    ] as const) {
      const lines = (await textOf(amounts(type, last), "csv")).split("\n");
      expect([lines[0], lines[1], lines.at(-2), lines.length]).toEqual(["d", first, end, 300_002]);
    }
  });

  test("and NaN are text in CSV, and are refused in JSON lines, whose numbers are gone already", async () => {
    const lines = (await textOf(amounts("numeric(12,3)", "'NaN'"), "csv")).split("\n");
    expect([lines[1], lines.at(-2)]).toEqual(["0.125", "NaN"]);
    await expect(textOf(amounts("numeric(12,3)", "'NaN'"), "jsonl")).rejects.toMatchObject({
      code: "schema_mismatch",
      context: { column: "d" },
    });
  });
});
