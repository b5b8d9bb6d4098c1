import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { ArrowType, ArrowVector, ColumnBatch, TabularDataset } from "@aml/core";
import { fromArrow, toArrow, toArrowIpc, type ArrowSource } from "@aml/arrow";
import {
  DurationSecond,
  Int32,
  List,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  Field,
  tableToIPC,
  TimestampNanosecond,
  Vector,
  vectorFromArray,
  type Data,
} from "apache-arrow";
import { size } from "@aml/kit/runs";
import { expect, test } from "vitest";
import { everything } from "./everything.ts";
import { plainRows, type Plain } from "./values.ts";
import { createWorkbench } from "./workbench.ts";

const bench = await createWorkbench();
const { workspace } = bench;

const taken = (source: ArrowSource): Promise<TabularDataset> =>
  workspace.tabular.fromColumnBatches(fromArrow(source), "in");

async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Chunks of any size, as a network gives them. */
async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0, length = 1; at < bytes.length; at += length, length = ((length * 7919) % 100_003) + 1)
    yield bytes.subarray(at, at + length);
}

test("every type, null and text comes back as it went, from a table and from bytes", async () => {
  await bench.parquet("all.parquet", everything(size(4000, 2500)));
  const dataset = workspace.tabular.fromParquetFiles("all.parquet");
  const table = await toArrow(dataset);
  const types = (of: Table): string[] => of.schema.fields.map(({ name, type }) => `${name}: ${type}`);
  const stream = await bytesOf(toArrowIpc(dataset));
  const file = await bytesOf(toArrowIpc(dataset, { format: "file" }));
  const rows = plainRows(table);
  const sources: [ArrowSource, Plain[][]][] = [
    [table.concat(table), [...rows, ...rows]],
    [stream, rows],
    [inPieces(stream), rows],
    [file, rows],
    [inPieces(file), rows],
    [toArrowIpc(dataset), rows],
  ];
  for (const [source, expected] of sources) {
    const again = await toArrow(await taken(source));
    expect(types(again)).toEqual(types(table));
    same(plainRows(again), expected);
  }
});

test("slices start in the middle of bytes, bits and lists", async () => {
  await bench.parquet("some.parquet", everything(5000));
  const table = await toArrow(workspace.tabular.fromParquetFiles("some.parquet"));
  const expected = plainRows(table);
  for (const [from, to] of [
    [3, 50],
    [1027, 4999],
    [2048, 2049],
  ] as const) {
    const rows = plainRows(await toArrow(await taken(table.slice(from, to))));
    same(rows, expected.slice(from, to));
  }
});

test("a table without rows keeps its columns", async () => {
  await bench.parquet("none.parquet", everything(0));
  const table = await toArrow(workspace.tabular.fromParquetFiles("none.parquet"));
  const names = table.schema.fields.map(({ name }) => name);
  const again = await toArrow(await taken(new Table(table.schema)));
  expect(again.numRows).toBe(0);
  expect(again.schema.fields.map(({ name }) => name)).toEqual(names);
});

test("what the fields of a null hold is no value of the rows behind it", async () => {
  const x = makeData({ type: new Int32(), data: Int32Array.of(7, 1, 2) });
  const inner = new Struct([new Field("x", x.type, true)]);
  const field = makeData({ type: inner, length: 3, nullCount: 0, children: [x] });
  const outer = new Struct([new Field("s", inner, true)]);
  const nullBitmap = Uint8Array.of(0b110);
  const flat = makeData({ type: inner, length: 3, nullBitmap, children: [x] });
  const deep = makeData({ type: outer, length: 3, nullBitmap, children: [field] });
  expect(plainRows(await toArrow(await taken(tableOf("a", flat))))).toEqual([[null], [[1]], [[2]]]);
  expect(plainRows(await toArrow(await taken(tableOf("a", deep))))).toEqual([[null], [[[1]]], [[[2]]]]);
});

test("columns of no rows keep their names in bytes, lists too", async () => {
  const list = new List(new Field("item", new Int32(), true));
  const table = new Table(new Schema([new Field("a", list, true), new Field("b", new Int32(), true)]), []);
  for (const format of ["stream", "file"] as const) {
    const again = await toArrow(await taken(tableToIPC(table, format)));
    expect([again.numRows, String(again.schema)]).toEqual([0, String(table.schema)]);
  }
});

test("it is a table like any other", async () => {
  const table = new Table({
    id: vectorFromArray([1, 2, 3].map(Number)),
    city: vectorFromArray(["Oslo", null, "Bergen"]),
  });
  const dataset = (await taken(table)).filter('city == "Oslo"');
  const rows: unknown[] = [];
  for await (const row of dataset.rows()) rows.push(row);
  expect(rows).toEqual([{ id: 1, city: "Oslo" }]);
  expect((await dataset.register("cities")).version).toBe(1);
});

test.each([
  ["cut within a batch", (bytes: Uint8Array) => bytes.subarray(0, bytes.length / 2)],
  ["without its end mark", (bytes: Uint8Array) => bytes.subarray(0, -8)],
  ["of something else", () => new TextEncoder().encode("PAR1 and so on, and on, and on")],
  ["of nothing", () => new Uint8Array(0)],
])("bytes %s are refused, and leave nothing", async (name, change) => {
  await bench.parquet("few.parquet", everything(3000));
  const bytes = change(await bytesOf(toArrowIpc(workspace.tabular.fromParquetFiles("few.parquet"))));
  const into = `refused-${name}`.replaceAll(" ", "-");
  for (const source of [bytes, inPieces(bytes)]) {
    const reading = workspace.tabular.fromColumnBatches(fromArrow(source), into);
    await expect(reading).rejects.toMatchObject({ code: "parse_failed" });
  }
  expect(await readdir(join(bench.folder, into)).catch(() => [])).toEqual([]);
});

function tableOf(name: string, data: Data): Table {
  const schema = new Schema([new Field(name, data.type, true)]);
  const struct = makeData({
    type: new Struct(schema.fields),
    length: data.length,
    nullCount: 0,
    children: [data],
  });
  return new Table([new RecordBatch(schema, struct)]);
}

test("what no column holds is refused by name", async () => {
  const durations = tableOf("wait", makeData({ type: new DurationSecond(), data: new BigInt64Array([1n]) }));
  await expect(taken(durations)).rejects.toMatchObject({ code: "unsupported", context: { column: "wait" } });
});

test("instants keep their nanoseconds, within structures too", async () => {
  const value = 1_795_599_000_123_456_789n;
  const made = (zone: string): Data => {
    return makeData({ type: new TimestampNanosecond(zone), data: BigInt64Array.of(value, 0n, -1n) });
  };
  const at = new Vector([made("Europe/Oslo")]);
  const pair = new Struct([new Field("t", new TimestampNanosecond("UTC"))]);
  const within = makeData({ type: pair, length: 3, nullCount: 0, children: [made("UTC")] });
  const source = new Table({ at, within: new Vector([within]) });
  const table = await taken(source);
  const out = await toArrow(table);
  expect(String(out.schema.fields[0]?.type)).toBe("Timestamp<NANOSECOND, UTC>");
  expect(String(out.schema.fields[1]?.type)).toBe("Struct<{t:Timestamp<NANOSECOND, UTC>}>");
  const [first, , last] = plainRows(out);
  expect([first?.[0], last?.[0]]).toEqual([String(value), "-1"]);
  expect(first?.[1]).toEqual([String(value)]);
});

test.each<[string, Partial<ArrowVector>, ArrowType]>([
  ["values", { data: new Int32Array(1) }, { kind: "int", bits: 32, signed: true }],
  ["bits", { data: new Uint8Array(0) }, { kind: "bool" }],
  ["validity", { data: new Int32Array(2), nullCount: 1, validity: new Uint8Array(0) }, { kind: "date" }],
  ["texts", { offsets: Int32Array.of(0, 1, 9), data: new Uint8Array(2) }, { kind: "utf8" }],
  ["places in order", { offsets: Int32Array.of(0, 2, 1), data: new Uint8Array(2) }, { kind: "binary" }],
  ["places", { offsets: Int32Array.of(0), data: new Uint8Array(2) }, { kind: "utf8" }],
  [
    "items",
    {
      offsets: Int32Array.of(0, 1, 2 ** 30),
      children: [{ length: 1, nullCount: 0, data: new Int8Array(1) }],
    },
    { kind: "list", item: { name: "item", nullable: true, type: { kind: "int", bits: 8, signed: true } } },
  ],
])("buffers without all %s are refused, not read beyond", async (_, column, type) => {
  async function* batches(): AsyncGenerator<ColumnBatch> {
    const fields = [{ name: "x", nullable: true, type }];
    yield { fields, rowCount: 2, columns: [{ length: 2, nullCount: 0, ...column }] };
  }
  await expect(workspace.tabular.fromColumnBatches(batches(), "in")).rejects.toMatchObject({
    code: "parse_failed",
    message: "Column x is damaged: its buffers do not hold its values.",
  });
});

test("batches that differ, and a name twice, are refused", async () => {
  const a = tableOf("a", vectorFromArray([1]).data[0] as Data);
  const b = tableOf("b", vectorFromArray([1]).data[0] as Data);
  async function* both() {
    yield* fromArrow(a);
    yield* fromArrow(b);
  }
  await expect(workspace.tabular.fromColumnBatches(both(), "in")).rejects.toMatchObject({
    code: "schema_mismatch",
  });
  const twice = new Schema([...a.schema.fields, ...a.schema.fields]);
  const data = a.batches[0]?.data.children[0] as Data;
  const struct = makeData({
    type: new Struct(twice.fields),
    length: 1,
    nullCount: 0,
    children: [data, data],
  });
  await expect(taken(new Table([new RecordBatch(twice, struct)]))).rejects.toMatchObject({
    code: "schema_mismatch",
    message: "The batches have column a twice.",
  });
});

test("an abort ends it with its reason", async () => {
  await bench.parquet("many.parquet", everything(5000));
  const controller = new AbortController();
  async function* batches() {
    for await (const batch of fromArrow(await toArrow(workspace.tabular.fromParquetFiles("many.parquet")))) {
      yield batch;
      controller.abort(new Error("enough"));
    }
  }
  const { signal } = controller;
  await expect(workspace.tabular.fromColumnBatches(batches(), "in", { signal })).rejects.toThrow("enough");
});

/** Thousands of rows at once would be shown as one difference of megabytes. */
function same(actual: readonly (readonly Plain[])[], expected: readonly (readonly Plain[])[]): void {
  expect(actual.length).toBe(expected.length);
  const at = actual.findIndex((row, index) => JSON.stringify(row) !== JSON.stringify(expected[index]));
  if (at >= 0) expect({ at, row: actual[at] }).toEqual({ at, row: expected[at] });
}
