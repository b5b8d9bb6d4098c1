import { writeFile } from "node:fs/promises";
import { AmlError } from "@aml/core";
import { arrowBatches, toArrow, toArrowIpc } from "@aml/arrow";
import type { DuckDBValue } from "@duckdb/node-api";
import { tableFromIPC } from "apache-arrow";
import { expect, test } from "vitest";
import { everything } from "./everything.ts";
import { plainOfDuckDB, plainRows, type Plain } from "./values.ts";
import { createWorkbench } from "./workbench.ts";

const bench = await createWorkbench();
const { workspace } = bench;

test("every type, null and text comes out as DuckDB's own reader has it, over many batches", async () => {
  const path = await bench.parquet("all.parquet", everything(70_000), ", ROW_GROUP_SIZE 20000");
  const table = await toArrow(workspace.tabular.fromParquetFiles("all.parquet"));
  const rows = await bench.sql(`FROM '${path}'`);
  expect(table.numRows).toBe(70_000);
  expect(table.batches.length).toBeGreaterThan(1);
  same(plainRows(table), plain(rows));
});

test("rows that a filter leaves, from the middle of vectors and of shared lists", async () => {
  const path = await bench.parquet("some.parquet", everything(20_000));
  const dataset = workspace.tabular.fromParquetFiles("some.parquet").filter("i16 > 100");
  const rows = await bench.sql(`FROM '${path}' WHERE i16 > 100`);
  same(plainRows(await toArrow(dataset)), plain(rows));
});

test("types are the source's; what Arrow has no type for is text", async () => {
  await bench.parquet(
    "types.parquet",
    `SELECT 1::UTINYINT AS u8, 1::DECIMAL(38,10) AS d, TIMESTAMPTZ '2020-01-01 00:00:00+00' AS z,
      make_timestamp_ns(1) AS ns, '5d0a86c2-9f5a-4d3c-9b5e-1f2a3b4c5d6e'::UUID AS u, INTERVAL '1 day' AS iv,
      {'id': '5d0a86c2-9f5a-4d3c-9b5e-1f2a3b4c5d6e'::UUID, 'TIMESTAMP': [1]} AS s, MAP {1: 'x'} AS m, '{"a": 1}'::JSON AS j`,
  );
  const table = await toArrow(workspace.tabular.fromParquetFiles("types.parquet"));
  expect(Object.fromEntries(table.schema.fields.map(({ name, type }) => [name, String(type)]))).toEqual({
    u8: "Uint8",
    d: "Decimal[38e+10]",
    z: "Timestamp<MICROSECOND, UTC>",
    ns: "Timestamp<NANOSECOND>",
    u: "Utf8",
    iv: "Utf8",
    s: "Struct<{id:Utf8, TIMESTAMP:List<Int32>}>",
    m: "Map<{key:Int32, value:Utf8}>",
    j: "Utf8",
  });
  expect(plainRows(table)[0]?.slice(4)).toEqual([
    "5d0a86c2-9f5a-4d3c-9b5e-1f2a3b4c5d6e",
    "1 day",
    ["5d0a86c2-9f5a-4d3c-9b5e-1f2a3b4c5d6e", [1]],
    [[1, "x"]],
    '{"a": 1}',
  ]);
});

test("a table without rows has its types, in a table and in a stream", async () => {
  await bench.parquet("none.parquet", "SELECT 1 AS a, ['x'] AS b WHERE false");
  const dataset = workspace.tabular.fromParquetFiles("none.parquet");
  for (const table of [await toArrow(dataset), tableFromIPC(await bytesOf(toArrowIpc(dataset)))]) {
    expect(String(table.schema)).toBe("Schema<{ 0: a: Int32, 1: b: List<Utf8> }>");
    expect(table.numRows).toBe(0);
  }
});

test("streams and files of IPC hold the same table; metadata goes with the schema", async () => {
  await bench.parquet("ipc.parquet", `SELECT id, long, list, struct, d38 FROM (${everything(70_000)})`);
  const dataset = workspace.tabular.fromParquetFiles("ipc.parquet");
  const whole = plainRows(await toArrow(dataset));
  for (const format of ["stream", "file"] as const) {
    const table = tableFromIPC(await bytesOf(toArrowIpc(dataset, { format, metadata: { by: "aml" } })));
    expect(table.schema.metadata.get("by")).toBe("aml");
    same(plainRows(table), whole);
  }
});

test("a value that fails late ends the stream with the error, not with fewer rows", async () => {
  const rows = Array.from({ length: 200_000 }, (_, at) => (at === 199_000 ? "1,2,3" : `${at},${at}`));
  await writeFile(`${bench.folder}/late.csv`, `a,b\n${rows.join("\n")}\n`);
  const dataset = workspace.tabular.fromDelimitedFiles("late.csv");
  await expect(toArrow(dataset)).rejects.toMatchObject({ code: "parse_failed" });
  await expect(bytesOf(toArrowIpc(dataset))).rejects.toMatchObject({ code: "parse_failed" });
});

test("an infinite date or timestamp, which Arrow has not, is an error", async () => {
  await bench.parquet("endless.parquet", "SELECT 'infinity'::TIMESTAMP AS t, 'infinity'::DATE AS d");
  for (const column of ["t", "d"]) {
    const dataset = workspace.tabular.fromParquetFiles("endless.parquet").keepColumns([column]);
    await expect(toArrow(dataset)).rejects.toMatchObject({ code: "parse_failed" });
  }
});

test("an abort ends it with its reason; leaving early ends the query", async () => {
  await bench.parquet("big.parquet", "SELECT i, i::VARCHAR AS s FROM range(1000000) r(i)");
  const dataset = workspace.tabular.fromParquetFiles("big.parquet");
  const reason = new Error("enough");
  const stop = new AbortController();
  const all = (async () => {
    for await (const _ of arrowBatches(dataset, { signal: stop.signal })) stop.abort(reason);
  })();
  await expect(all).rejects.toBe(reason);
  for await (const batch of arrowBatches(dataset)) {
    expect(batch.numRows).toBe(65_536);
    break;
  }
  const reader = toArrowIpc(dataset).getReader();
  expect((await reader.read()).done).toBe(false);
  await reader.cancel();
});

test("a batch of long texts ends before its row count does", async () => {
  await bench.parquet("long.parquet", "SELECT repeat('x', 20000) || i AS s FROM range(5000) r(i)");
  const sizes: number[] = [];
  for await (const batch of arrowBatches(workspace.tabular.fromParquetFiles("long.parquet")))
    sizes.push(batch.numRows);
  expect(sizes.length).toBeGreaterThan(1);
  expect(sizes.reduce((sum, rows) => sum + rows)).toBe(5000);
});

test("an engine without columns is unsupported", async () => {
  await expect(toArrow({})).rejects.toBeInstanceOf(AmlError);
});

const plain = (rows: readonly DuckDBValue[][]): Plain[][] => rows.map((row) => row.map(plainOfDuckDB));

/** As `toEqual`, which takes minutes for this many values. */
function same(ours: readonly Plain[][], theirs: readonly Plain[][]): void {
  expect(ours.length).toBe(theirs.length);
  for (const [at, row] of ours.entries()) {
    if (JSON.stringify(row) !== JSON.stringify(theirs[at])) expect(row).toEqual(theirs[at]);
  }
}

async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
