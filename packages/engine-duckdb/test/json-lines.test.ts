import type { AmlError } from "@aml/core";
import { expect, test } from "vitest";
import { allRows, createHarness, failureOf } from "./harness.ts";

const h = await createHarness();
const read = { op: "read_json_lines" };

test("types come from JSON, columns in order of first appearance over all rows", async () => {
  const late = '{"z":null,"late":true}';
  const content = `{"z":"2020-01-01","i":9007199254740993,"f":1,"n":{"b":[1,{"c":null}],"a":9007199254740993}}\n${'{"f":2.5}\n'.repeat(5000)}${late}`;
  const table = await h.open([read], await h.files({ "a.jsonl": content }));
  expect(table.schema.columns.map(({ name, type }) => `${name}: ${type}`)).toEqual([
    "z: string",
    "i: int64",
    "f: float64",
    "n: json",
    "late: boolean",
  ]);
  const rows = await allRows(table);
  expect(rows).toHaveLength(5002);
  expect(rows[0]).toEqual({
    z: "2020-01-01",
    i: 9007199254740993n,
    f: 1,
    n: { b: [1, { c: null }], a: 9007199254740993n },
    late: null,
  });
  expect(rows[5001]).toEqual({ z: null, i: null, f: null, n: null, late: true });
});

test("values of several kinds keep their kind", async () => {
  const rows = await h.rows(
    [read],
    await h.files({ "a.jsonl": '{"v":1}\n{"v":"null"}\n{"v":null}\n{"v":[true]}\n{"v":false}\n' }),
  );
  expect(rows.map(({ v }) => v)).toEqual([1, "null", null, [true], false]);
});

test("names of all sorts", async () => {
  const content = '{"a.b":1,"A":2,"a":3,"x\\"y":4,"":5,"__proto__":6,"c/d~e":7,"é":8}\n';
  const rows = await h.rows([read], await h.files({ "a.jsonl": content }));
  expect(Object.entries(rows[0] ?? {})).toEqual([
    ["a.b", 1n],
    ["A", 2n],
    ["a", 3n],
    ['x"y', 4n],
    ["", 5n],
    ["__proto__", 6n],
    ["c/d~e", 7n],
    ["é", 8n],
  ]);
});

test("whole numbers beyond int64 are an error, unless the column has fractions", async () => {
  for (const big of ["9223372036854775808", "-9223372036854775809", "123456789012345678901234567890"]) {
    const files = await h.files({ "a.jsonl": `{"a":1}\n{"a":${big}}\n` });
    expect(await failureOf(h.rows([read], files))).toMatchObject({
      code: "parse_failed",
      context: { line: 2, column: "a" },
    });
  }
  expect(
    await h.rows(
      [read],
      await h.files({ "a.jsonl": '{"a":9223372036854775807}\n{"a":-9223372036854775808}\n' }),
    ),
  ).toEqual([{ a: 9223372036854775807n }, { a: -9223372036854775808n }]);
  expect(
    await h.rows([read], await h.files({ "a.jsonl": '{"a":1e3}\n{"a":1000000000000000000000}\n' })),
  ).toEqual([{ a: 1000 }, { a: 1e21 }]);
});

test.each([
  ["cut", '{"a":1}\n\n{"a":2', 3],
  ["an array", '{"a":1}\r\n[1,2]\n{"a":2}', 2],
  ["null", '{"a":1}\nnull\n', 2],
  ["a text", '"x"\n{"a":1}', 1],
  ["two objects", '{"a":1}\n{"a":2}{"a":3}\n', 2],
  ["no quotes", '{"a":1}\n{a:2}\n', 2],
])("a line that is no object: %s", async (_, content, line) => {
  const files = await h.files({ "a.jsonl": content });
  const failure = await failureOf(h.rows([read], files));
  expect(failure).toMatchObject({ code: "parse_failed", context: { uri: files[0]?.uri, line } });
  const good = content.match(/^\{"a":\d\}\r?$/gm)?.map((text) => ({ a: BigInt(/\d/.exec(text)?.[0] ?? 0) }));
  expect(await h.rows([{ ...read, invalid_lines: "drop" }], files)).toEqual(good);
});

test("what only DuckDB sees is wrong is an error with its line too", async () => {
  const files = await h.files({ "a.jsonl": '{"a":"x"}\n{"a":"\\q"}\n' });
  expect(await failureOf(h.rows([read], files))).toMatchObject({
    code: "parse_failed",
    context: { line: 2 },
  });
});

test("the line of what only DuckDB sees counts blank lines, and is not that of a part", async () => {
  const bad = '{"a":"\\q"}\n';
  const line = async (content: string, ...steps: object[]): Promise<unknown> => {
    const files = await h.files({ "0.jsonl": '{"a":"x"}\n', "a.jsonl": content });
    const failure = (await failureOf(h.rows([read, ...steps], files))) as AmlError;
    expect(failure).toMatchObject({ code: "parse_failed", context: { uri: files[1]?.uri, column: 8 } });
    const { line: told } = failure.context;
    expect(failure.message).toContain(`a.jsonl, line ${Number(told)}: invalid`);
    return told;
  };
  const good = '{"a":"x"}\n';
  expect(await line(good + bad)).toBe(2);
  expect(await line(`\n\n${good} \t\r\n${bad}`)).toBe(5);
  expect(await line(`\ufeff\n${good}\n${bad}`)).toBe(4);
  expect(await line(`\n${good}\n${bad}`, { op: "take", count: 3 })).toBe(4);
  expect(await line(`${good.repeat(300_000)}\n${bad}`)).toBe(300_002);
  expect(await line(`${good.repeat(300_000)}\n${bad}`, { op: "select_partitions", partitions: [1] })).toBe(
    300_002,
  );
  const files = await h.files({ "a.jsonl": `${good.repeat(9)}${bad}` });
  const parted = [
    { ...read, partition_size: 40 },
    { op: "select_partitions", partitions: [1, 2] },
  ];
  const failure = (await failureOf(h.rows(parted, files))) as AmlError;
  expect(failure.context).toEqual({ uri: files[0]?.uri, column: 8 });
});

test("byte order mark, blank lines, empty files, path column, take", async () => {
  const files = await h.files({
    "0.jsonl": "",
    "1.jsonl": '\ufeff{"a":1}\n\n{"a":2}\n',
    "2.jsonl": "\n",
    "3.jsonl": '{"b":3}',
  });
  const rows = [
    { a: 1n, b: null },
    { a: 2n, b: null },
    { a: null, b: 3n },
  ];
  expect(await h.rows([read], files)).toEqual(rows);
  const paths = await h.rows([{ ...read, include_path_column: true }], files);
  expect(paths.map(({ Path }) => Path)).toEqual([files[1]?.uri, files[1]?.uri, files[3]?.uri]);
  expect(await h.rows([read, { op: "take", count: 2 }], files)).toEqual([{ a: 1n }, { a: 2n }]);
  expect(await h.rows([read], await h.files({ "0.jsonl": "" }))).toEqual([]);
});
