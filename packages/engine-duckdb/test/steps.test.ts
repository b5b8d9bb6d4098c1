import { parseFilter } from "@aml/core/plan";
import { expect, test } from "vitest";
import { createDuckDBEngine } from "../src/index.ts";
import { createHarness, failureOf, listed } from "./harness.ts";

const h = await createHarness();
const read = { op: "read_delimited" };
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, at) => from + at);
const csv = (from: number, to: number): string => `n\n${range(from, to).join("\n")}\n`;
const numbers = async (steps: readonly unknown[], options?: object): Promise<number[]> => {
  const files = await h.files({ "a.csv": csv(0, 30_000), "b.csv": csv(30_000, 60_000) });
  return (await h.rows([read, ...steps], files, options)).map(({ n }) => Number(n));
};

test("take and skip count rows of all files, in order", async () => {
  expect(
    await numbers([
      { op: "skip", count: 29_999 },
      { op: "take", count: 3 },
    ]),
  ).toEqual([29_999, 30_000, 30_001]);
  expect(
    await numbers([
      { op: "take", count: 5 },
      { op: "skip", count: 3 },
    ]),
  ).toEqual([3, 4]);
  expect(await numbers([{ op: "skip", count: 59_999 }])).toEqual([59_999]);
  const where = parseFilter("n % 2 == 0");
  expect(
    await numbers([
      { op: "take", count: 20_000 },
      { op: "filter", where },
    ]),
  ).toEqual(range(0, 10_000).map((n) => 2 * n));
  expect(
    await numbers([
      { op: "filter", where },
      { op: "take", count: 3 },
    ]),
  ).toEqual([0, 2, 4]);
});

test("samples are the same on any number of threads, and split exactly", async () => {
  const sample = (lower: number, upper: number, seed: number): unknown => ({
    op: "sample",
    sampler: "random_percent",
    sampler_arguments: { probability: upper, probability_lower_bound: lower, seed },
  });
  const first = await numbers([sample(0, 0.3, 7)], { threads: 1 });
  expect(await numbers([sample(0, 0.3, 7)], { threads: 4 })).toEqual(first);
  const second = await numbers([sample(0.3, 1, 7)]);
  expect([...first, ...second].toSorted((a, b) => a - b)).toEqual(range(0, 60_000));
  expect(first.length / 60_000).toBeCloseTo(0.3, 2);
  expect(first.slice(0, 8)).toMatchInlineSnapshot(`
    [
      3,
      5,
      10,
      14,
      15,
      21,
      24,
      26,
    ]
  `);
  const other = new Set(await numbers([sample(0, 0.3, 8)]));
  expect(first.filter((n) => other.has(n)).length / first.length).toBeCloseTo(0.3, 1);
  expect(await numbers([{ op: "take_random_sample", probability: 0.3, seed: 7 }])).toEqual(first);
});

test("keep and drop ignore unknown names, keep the order, and take patterns", async () => {
  const files = await h.files({ "a.csv": "ab,Ac,b,c\n1,2,3,4\n" });
  const keys = async (step: unknown): Promise<string[]> =>
    Object.keys((await h.rows([read, step], files))[0] ?? {});
  expect(await keys({ op: "keep_columns", columns: ["c", "ab", "none"] })).toEqual(["ab", "c"]);
  expect(await keys({ op: "drop_columns", columns: "b" })).toEqual(["ab", "Ac", "c"]);
  expect(await keys({ op: "keep_columns", columns: { pattern: "a." } })).toEqual(["ab"]);
  expect(await keys({ op: "keep_columns", columns: { pattern: "b" } })).toEqual(["ab", "b"]);
  expect(await keys({ op: "keep_columns", columns: { pattern: "a.", ignore_case: true } })).toEqual([
    "ab",
    "Ac",
  ]);
  expect(await keys({ op: "drop_columns", columns: { pattern: "a.", invert: true } })).toEqual(["ab"]);
  expect(await failureOf(keys({ op: "drop_columns", columns: { pattern: "(" } }))).toMatchObject({
    code: "plan_invalid",
  });
});

test("convert_column_types", async () => {
  const files = await h.files({
    "a.csv": 'a,b,c,d,e,f\n1.5,1,"1,5",10:15:00,Y,1\n2,x,1.5,,N,2\n,0,z,1:2,?,x\n',
  });
  const columns = [
    { columns: "a", column_type: "int" },
    { columns: "b", column_type: "boolean" },
    { columns: "c", column_type: { float: { decimal_mark: "," } } },
    {
      columns: "d",
      column_type: {
        datetime: { formats: ["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"], date_constant: "2020-01-01 " },
      },
    },
    {
      columns: "e",
      column_type: { boolean: { true_values: ["Y"], false_values: ["N"], mismatch_as: "error" } },
    },
    { columns: ["f", "none"], column_type: "int" },
  ];
  const reports: unknown[] = [];
  const text = { ...read, infer_column_types: false };
  const rows = await h.rows([text, { op: "convert_column_types", columns }], files, {
    onConversionErrors: (errors: unknown) => reports.push(errors),
  });
  expect(rows).toEqual([
    { a: null, b: true, c: 1.5, d: new Date("2020-01-01T10:15:00Z"), e: true, f: 1n },
    { a: 2n, b: null, c: null, d: null, e: false, f: 2n },
    { a: null, b: false, c: null, d: new Date("2020-01-01T01:02:00Z"), e: null, f: null },
  ]);
  expect(reports).toMatchObject([
    [
      { column: "a", count: 1 },
      { column: "b", count: 1 },
      { column: "c", count: 2 },
      { column: "e", count: 1 },
      { column: "f", count: 1 },
    ],
  ]);
  const back = [{ columns: { pattern: ".*" }, column_type: "string" }];
  expect((await h.rows([read, { op: "convert_column_types", columns: back }], files))[0]).toMatchObject({
    a: "1.5",
    e: "Y",
  });
});

test("without a read step the table has a row a file", async () => {
  const files = await h.files({ "cats/1.txt": "x", "dogs/2.txt": "y", "dogs/3.txt": "z" });
  const format = { op: "extract_columns_from_partition_format", partition_format: "/{kind}/{name}.txt" };
  const uris = files.map(({ uri }) => uri);
  expect(await h.rows([format, { op: "filter", where: parseFilter("kind == 'dogs'") }], files)).toEqual([
    { Path: uris[1], kind: "dogs", name: "2" },
    { Path: uris[2], kind: "dogs", name: "3" },
  ]);
  expect(
    await h.rows(
      [
        { op: "skip", count: 1 },
        { op: "take", count: 1 },
      ],
      files,
    ),
  ).toEqual([{ Path: uris[1] }]);
});

test("steps in front of the read step choose files", async () => {
  const files = await h.files({ "a.csv": "n\n1\n2\n", "b.csv": "n\n3\n", "c.csv": "n\n4\n" });
  const name = { op: "extract_columns_from_partition_format", partition_format: "/{file}.csv" };
  expect(await h.rows([{ op: "skip", count: 1 }, { op: "take", count: 1 }, read], files)).toEqual([
    { n: 3n },
  ]);
  expect(await h.rows([name, { op: "filter", where: parseFilter("file == 'c'") }, read], files)).toEqual([
    { file: "c", n: 4n },
  ]);
});

test("what this engine does not run is refused by index", async () => {
  const files = await h.files({ "a.csv": "n\n1\n" });
  const engine = createDuckDBEngine();
  const open = (steps: readonly unknown[]) =>
    engine.open({ version: 1, source: { from: "paths", paths: [] }, steps: steps as [] }, listed(files));
  await expect(open([read, { op: "rename_columns" }])).rejects.toMatchObject({
    code: "unsupported",
    context: { step: 1 },
  });
  await expect(open([{ op: "read_delta_lake" }])).rejects.toMatchObject({
    code: "not_found",
  });
  await expect(open([read, read])).rejects.toMatchObject({ code: "plan_invalid" });
  await expect(
    engine.open({ version: 1, source: { from: "paths", paths: [] }, steps: [] }, listed([])),
  ).rejects.toMatchObject({ code: "not_found" });
  await engine[Symbol.asyncDispose]();
});
