import type { ConversionErrors, ReadTableOptions } from "@aml/core";
import { size } from "@aml/kit/runs";
import { expect, test } from "vitest";
import { allRows, createHarness, failureOf, listed, textOf } from "./harness.ts";
import { planOf } from "./workbench.ts";

const h = await createHarness();
const text = { op: "read_delimited", infer_column_types: false };
const convert = (column_type: unknown, ...columns: string[]) => ({
  op: "convert_column_types",
  columns: [{ columns, column_type }],
});

async function errorsOf(
  steps: readonly unknown[],
  files: Awaited<ReturnType<typeof h.files>>,
): Promise<readonly ConversionErrors[]> {
  const heard: ConversionErrors[] = [];
  await h.rows(steps, files, { onConversionErrors: (errors) => heard.push(...errors) });
  return heard;
}

test("tells column, count, and the file, row and value of the first ten, over all files", async () => {
  const files = await h.files({
    "a.csv": "n,s\n1,x\n2,y\n",
    "empty.csv": "n,s\n",
    "b.csv": `n,s\n3,x\nbad,y\n\n${Array.from({ length: 20 }, (_, at) => `bad ${at},z`).join("\n")}\n`,
    "c.csv": 'n,s\n"1\n2",z\n',
  });
  const uri = files[2]?.uri;
  const steps = [{ ...text, support_multi_line: true }, convert("int", "n")];
  expect(await errorsOf(steps, files)).toEqual([
    {
      column: "n",
      count: 22,
      first: [
        { uri, row: 2, value: "bad" },
        ...Array.from({ length: 9 }, (_, at) => ({ uri, row: at + 3, value: `bad ${at}` })),
      ],
    },
  ]);
});

test("steps in between change neither the file nor the row that is told", async () => {
  const files = await h.files({
    "2020/a.csv": "n,k,place row\n1,a,\nx,b,\n2,a,\n",
    "2021/b.csv": "n,k,place row\ny,a,?\nz,b,\n3,a,\n",
  });
  const steps = [
    { op: "extract_columns_from_partition_format", partition_format: "/{year}/{name}.csv" },
    { ...text, include_path_column: true },
    { op: "filter", where: { fn: "==", args: [{ col: "k" }, { lit: "b" }] } },
    convert("int", "n", "place row"),
    { op: "keep_columns", columns: ["n", "year"] },
    { op: "skip", count: 1 },
  ];
  expect(await errorsOf(steps, files)).toEqual([
    { column: "n", count: 1, first: [{ uri: files[1]?.uri, row: 2, value: "z" }] },
  ]);
});

test("of a column converted twice the text that failed first", async () => {
  const files = await h.files({ "a.csv": "n\n1\n1.5\nx\n7\n" });
  const steps = [
    text,
    convert("float", "n"),
    convert("int", "n"),
    convert({ boolean: { true_values: ["1"], false_values: ["0"] } }, "n"),
  ];
  const { uri } = files[0] ?? {};
  expect(await errorsOf(steps, files)).toEqual([
    {
      column: "n",
      count: 2,
      first: [
        { uri, row: 2, value: "1.5" },
        { uri, row: 3, value: "x" },
      ],
    },
  ]);
});

test("JSON lines and Parquet tell theirs too, files alone as well", async () => {
  const lines = await h.files({ "a.jsonl": '{"a":"1"}\n{"a":"x"}\n', "b.jsonl": '{"a":"1"}\n\n{"a":"y"}\n' });
  const found = [
    { uri: lines[0]?.uri, row: 2, value: "x" },
    { uri: lines[1]?.uri, row: 2, value: "y" },
  ];
  const steps = [{ op: "read_json_lines" }, convert("int", "a")];
  expect(await errorsOf(steps, lines)).toEqual([{ column: "a", count: 2, first: found }]);
  const table = await h.open([{ op: "read_json_lines" }], lines);
  const parquet = new Uint8Array(await new Response(table.encode("parquet")).arrayBuffer());
  const files = await h.files({ "a.parquet": parquet });
  const { uri } = files[0] ?? {};
  expect(await errorsOf([{ op: "read_parquet" }, convert("int", "a")], files)).toEqual([
    {
      column: "a",
      count: 2,
      first: [
        { uri, row: 2, value: "x" },
        { uri, row: 4, value: "y" },
      ],
    },
  ]);
  expect(await errorsOf([convert("int", "Path")], files)).toEqual([
    { column: "Path", count: 1, first: [{ uri, row: 1, value: uri }] },
  ]);
});

test("onError and onConversionErrors of one reading go before the engine's", async () => {
  const files = await h.files({ "a.csv": "n\n1\n", "b.csv": "n\n2\n3\nx\ny\n" });
  const plan = planOf([text, convert("int", "n")]);
  const engine = h.engine({ onError: "fail" });
  const read = async (options?: ReadTableOptions) => allRows(await engine.open(plan, listed(files), options));
  const heard: unknown[] = [];
  const rows = await read({ onError: "null", onConversionErrors: (errors) => heard.push(errors) });
  expect(rows).toEqual([{ n: 1n }, { n: 2n }, { n: 3n }, { n: null }, { n: null }]);
  expect(heard).toMatchObject([[{ count: 2, first: [{ row: 3 }, { row: 4 }] }]]);
  const uri = files[1]?.uri;
  const failure = {
    code: "parse_failed",
    message: `${uri}, row 3: A value of column n cannot be converted: "x".`,
    context: { uri, row: 3, column: "n", value: "x" },
  };
  expect(await failureOf(read())).toMatchObject(failure);
  const table = await h.engine().open(plan, listed(files), { onError: "fail" });
  expect(await failureOf(textOf(table.encode("csv")))).toMatchObject(failure);
  expect(await failureOf(table.profile?.() ?? Promise.resolve())).toMatchObject(failure);
});

test("long values are told by their first 200 characters", async () => {
  const files = await h.files({ "a.csv": `n\n${"é".repeat(5000)}\n` });
  const [found] = await errorsOf([text, convert("int", "n")], files);
  expect(found?.first).toEqual([{ uri: files[0]?.uri, row: 1, value: "é".repeat(200) }]);
});

test("of remote Parquet of which parts are left out, also by take and by filters", async () => {
  // The last third begins behind the first row group.
  const third = size(100_000, 65_000);
  const lines = Array.from(
    { length: 3 * third },
    (_, at) => `{"id":${at},"n":"${at % third === 7 ? "x" : at}"}`,
  );
  const local = await h.open([{ op: "read_json_lines" }], await h.files({ "a.jsonl": lines.join("\n") }));
  const bytes = new Uint8Array(await new Response(local.encode("parquet")).arrayBuffer());
  const files = await h.remote({ "a.parquet": bytes, "b.parquet": bytes });
  const above = { op: "filter", where: { fn: ">", args: [{ col: "id" }, { lit: 2 * third + 5 }] } };
  const place = (at: number, row: number) => ({ uri: files[at]?.uri, row, value: "x" });
  const read = { op: "read_parquet" };
  const filtered = await errorsOf([read, above, convert("int", "n")], files);
  expect(filtered).toEqual([
    { column: "n", count: 2, first: [place(0, 2 * third + 8), place(1, 2 * third + 8)] },
  ]);
  const taken = await errorsOf([read, convert("int", "n"), { op: "take", count: 10 }], files);
  expect(taken).toEqual([{ column: "n", count: 1, first: [place(0, 8)] }]);
  expect(
    await failureOf(h.rows([read, above, convert("int", "n")], files, { onError: "fail" })),
  ).toMatchObject({
    code: "parse_failed",
    context: { ...place(0, 2 * third + 8), column: "n" },
  });
});

test("values whose rows a filter drops, since they are null, are told", async () => {
  const files = await h.files({ "a.csv": "c,d,k\n1,5,a\nx,6,b\n9,y,c\nz,7,d\n2,z,a\n" });
  const uri = files[0]?.uri ?? "";
  const at = (row: number, value: string) => ({ uri, row, value });
  const more = (name: string): object => ({
    op: "filter",
    where: { fn: ">", args: [{ col: name }, { lit: 0 }] },
  });
  const steps = [text, convert("int", "c", "d")];
  const c = { column: "c", count: 2, first: [at(2, "x"), at(4, "z")] };
  expect(await errorsOf([...steps, more("c")], files)).toEqual([
    c,
    { column: "d", count: 2, first: [at(3, "y"), at(5, "z")] },
  ]);
  // Each column in front of the first filter that looks at it, whether the table has it in the end or not.
  const twice = [...steps, more("c"), more("d"), { op: "keep_columns", columns: ["k"] }];
  expect(await errorsOf(twice, files)).toEqual([
    c,
    { column: "d", count: 2, first: [at(3, "y"), at(5, "z")] },
  ]);
  expect(await errorsOf([...steps, more("d"), more("c")], files)).toEqual([
    { column: "d", count: 2, first: [at(3, "y"), at(5, "z")] },
    c,
  ]);
  // Of rows that nobody has looked at nothing is known.
  expect(await errorsOf([...steps, more("c"), { op: "take", count: 1 }], files)).toEqual([]);
  // Inferred types can meet what their sample had not.
  const inferred = { op: "read_delimited", infer_column_types: { sample_size: 1 } };
  expect(await errorsOf([inferred, more("c"), { op: "keep_columns", columns: ["c"] }], files)).toEqual([c]);
});
