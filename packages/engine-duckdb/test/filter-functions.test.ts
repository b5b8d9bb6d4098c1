import type { Expr } from "@aml/core";
import { parseFilter } from "@aml/core/plan";
import { expect, test } from "vitest";
import { createHarness, failureOf } from "./harness.ts";

const h = await createHarness();
const LARGEST = "9223372036854775807";
const rows = [
  { n: 0, i: 5, f: 7.5, s: "abc", b: true, t: "2020-02-29T13:14:15.250001" },
  { n: 1, i: -5, f: -7.5, s: " Ä😀ñ\u0301\t", b: false, t: "1969-12-31T23:59:59" },
  { n: 2, i: null, f: null, s: null, b: null, t: null },
  { n: 3, i: 0, f: 0, s: "", b: true, t: "2024-12-30T00:00:00" },
];
const content = rows.map((row) => JSON.stringify(row)).join("\n");
const typed = [
  { op: "read_json_lines" },
  {
    op: "convert_column_types",
    columns: [
      { columns: "t", column_type: { datetime: { formats: ["%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S"] } } },
      { columns: "f", column_type: "float" },
    ],
  },
];
test.each(["1 / i > 0", "1 // i > 0", "1 % i > 0", "1.0 % i > 0", "i / 0 > 1", "not (1 / i > 0 and i != 0)"])(
  "%s divides by zero, which is an error with its step",
  async (filter) => {
    expect(await failureOf(kept(filter))).toMatchObject({
      code: "query_failed",
      message: "Step 2 (filter) divides by zero in a row.",
      hint: expect.stringContaining("!= 0 and") as string,
      context: { step: 2 },
    });
  },
);

test("a filter in front leaves out what would be divided", async () => {
  const files = await h.files({ "a.jsonl": content });
  const filters = ["i != 0", "f / i == 1.5"].map((text) => ({ op: "filter", where: parseFilter(text) }));
  expect((await h.rows([...typed, ...filters], files)).map(({ n }) => Number(n))).toEqual([0, 1]);
});

async function kept(filter: string | Expr): Promise<number[]> {
  const where = typeof filter === "string" ? parseFilter(filter) : filter;
  const files = await h.files({ "a.jsonl": content });
  return (await h.rows([...typed, { op: "filter", where }], files)).map(({ n }) => Number(n));
}

test.each<[string, number[]]>([
  // Arithmetic, as Python has it: division rounds down, the rest has the divisor's sign, null stays null.
  ["i + 1 == 6", [0]],
  ["i - 1.5 == 3.5", [0]],
  ["i * -2 == 10", [1]],
  ["i / 2 == -2.5", [1]],
  ["i // 2 == -3", [1]],
  ["i // -2 == -3", [0]],
  ["i % 3 == 1", [1]],
  ["i % -3 == -1", [0]],
  ["f // 2 == -4", [1]],
  ["f % 2 == 0.5", [1]],
  ["f % -2 == -0.5", [0]],
  ["1 // 0.1 == 9", [0, 1, 2, 3]],
  ["1 % 0.1 < 0.1 and 1 % 0.1 > 0.09", [0, 1, 2, 3]],
  ["i ** 2 == 25", [0, 1]],
  ["i ** 0 == 1", [0, 1, 3]],
  ["i ** -1 > 0", [0, 3]],
  ["-i == 5", [1]],
  ["abs(i) == 5", [0, 1]],
  ["abs(f) == 7.5", [0, 1]],
  ["abs(b) == 1", [0, 3]],
  ["abs(s) is None", [0, 1, 2, 3]],
  ["b + b == 2", [0, 3]],
  ["i ** -1 == 0.2 or i ** -1 > 1e300", [0, 3]],
  // What is decided before is not divided.
  ["i != 0 and 1 / i > 0", [0]],
  ["not (i == 0 or 1 // i >= 0)", [1]],
  ["(i != 0 and 1 % i == 1) == True", [0]],
  ["b and (i is None or i == 0 or 1.0 % i > 0)", [0, 3]],
  ["None / i is None", [0, 1, 2, 3]],
  // Without a value: text with number, time with number.
  ["i + None is None", [0, 1, 2, 3]],
  ["s + None is None", [0, 1, 2, 3]],
  // Texts count by code points.
  ["len(s) == 6", [1]],
  ["s.length() == 0", [3]],
  ["len(i) is None", [0, 1, 2, 3]],
  ["s.strip() == 'Ä😀ñ\u0301'", [1]],
  ["s.strip().lower() == 'ä😀ñ\u0301'", [1]],
  ["s.upper() == 'ABC'", [0]],
  ["s.lower() == 'abc'", [0]],
  ["s.contains('😀')", [1]],
  ["s.contains('')", [0, 1, 3]],
  ["s.contains('B')", []],
  ["s.startswith('ab')", [0]],
  ["s.endswith('bc')", [0]],
  ["not s.startswith('ab')", [1, 3]],
  ["s.startswith(None) is None", [0, 1, 2, 3]],
  ["s.startswith(i) is None", [0, 1, 2, 3]],
  ["s.find('ñ') == 3", [1]],
  ["s.index_of('z') == -1", [0, 1, 3]],
  ["s.find('') == 0", [0, 1, 3]],
  ["s.find(None) is None", [0, 1, 2, 3]],
  ["s.substring(1) == 'bc'", [0]],
  ["s.substring(2, 1) == '😀'", [1]],
  ["s.substring(-2) == 'bc'", [0]],
  ["s.substring(-20, 1) == 'a'", [0]],
  ["s.substring(1, -1) == ''", [0, 1, 3]],
  ["s.substring(9007199254740991) == ''", [0, 1, 3]],
  ["s.substring(0, 9007199254740991) == 'abc'", [0]],
  ["s.substring(i) == ''", [0, 3]],
  ["s.substring(0, i) is None", [2]],
  ["s.substring(0.5) is None", [0, 1, 2, 3]],
  ["s.substring(None) is None", [0, 1, 2, 3]],
  ["'x' + s == 'xabc'", [0]],
  // Times are UTC, and before 1970 as well.
  ["t.year == 2020", [0]],
  ["t.month == 12", [1, 3]],
  ["t.day == 29", [0]],
  ["t.hour == 23", [1]],
  ["t.minute == 14", [0]],
  ["t.second == 15", [0]],
  ["t.microsecond == 250001", [0]],
  ["t.microsecond == 0", [1, 3]],
  ["t.weekday() == 0", [3]],
  ["t.weekday() in [2, 5]", [0, 1]],
  ["t.year is None", [2]],
  ["s.year is None", [0, 1, 2, 3]],
  ["i.weekday() is None", [0, 1, 2, 3]],
  ["datetime(2025, 1, 5).weekday() == 6", [0, 1, 2, 3]],
  ["t in [datetime(2024, 12, 30)]", [3]],
  // Lists and null.
  ["i in [5, 0, None]", [0, 3]],
  ["i in [5.0, 'x', True]", [0]],
  ["i not in []", [0, 1, 3]],
  ["i in []", []],
  ["s in ['abc', 'ABC', '']", [0, 3]],
  ["s not in ['abc']", [1, 3]],
  ["f in [0]", [3]],
  ["b in [1]", [0, 3]],
  ["None in [None]", []],
  // A test is a value, too, and never null.
  ["(i > 0) is None", [2]],
  ["(i > 0) == False", [1, 3]],
  ["(i > 0) != (i < 0)", [0, 1]],
  ["(i > 0 and b) is not None", [0, 1, 3]],
  ["(i > 0) in [False]", [1, 3]],
  ["(i > 0) + 1 == 1", [1, 3]],
  ["b is None", [2]],
  ["s.is_error()", []],
])("%s", async (filter, expected) => {
  expect(await kept(filter)).toEqual(expected);
});

test("whole numbers go to the end of 64 bits, and beyond it there is an error", async () => {
  expect(await kept(`i * ${LARGEST} + i > 0`).catch((error: unknown) => error)).toMatchObject({
    code: "query_failed",
    message: expect.stringMatching(/beyond the largest whole number.*Overflow in multiplication/),
    hint: expect.stringContaining("x / 1 * y"),
  });
  for (const filter of [`i * ${LARGEST} + i == 0`, `0 - i * i * ${LARGEST} < 5`, `abs(i * ${LARGEST}) > 1`]) {
    expect(await failureOf(kept(filter)), filter).toMatchObject({ code: "query_failed" });
  }
  expect(await kept(`i / 1 * ${LARGEST} > 1e19`)).toEqual([0]);
  // Floats go to infinity, as IEEE has it.
  expect(await kept("f * 1e308 * 1e308 > 1e308")).toEqual([0]);
  expect(await kept(`i < 170141183460469231731687303715884105728`)).toEqual([0, 1, 3]);
});

test("decimals are calculated exactly, and compared with whole numbers and fractions", async () => {
  const path = h.folder;
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const { readFile } = await import("node:fs/promises");
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(
    `COPY (SELECT * FROM (VALUES (1, 0.10::DECIMAL(9, 2)), (2, 0.20), (3, NULL), (4, -0.30)) v(n, m)) TO '${path}/m.parquet'`,
  );
  connection.disconnectSync();
  instance.closeSync();
  const files = await h.files({ "m.parquet": await readFile(`${path}/m.parquet`) });
  const ns = async (filter: string): Promise<number[]> =>
    (await h.rows([{ op: "read_parquet" }, { op: "filter", where: parseFilter(filter) }], files)).map(
      ({ n }) => Number(n),
    );
  expect(await ns("m + m + m == 0.3 * 1")).toEqual([1]);
  expect(await ns("m + m == m * 2")).toEqual([1, 2, 4]);
  expect(await ns("m < 0")).toEqual([4]);
  expect(await ns("abs(m) > 0.15")).toEqual([2, 4]);
  expect(await ns("m % 0.25 > 0.19")).toEqual([2, 4]);
  expect(await ns("m in [0.2]")).toEqual([2]);
  expect(await ns("m == 'x' or m != 'x'")).toEqual([1, 2, 4]);
});

test("values of several kinds are taken for what each is, also where no kind fits", async () => {
  const files = await h.files({
    "a.jsonl": '{"v":true,"n":1}\n{"v":"true","n":2}\n{"v":[1],"n":3}\n{"v":1e300,"n":4}\n{"v":2,"n":5}\n',
  });
  const ns = async (filter: string): Promise<number[]> =>
    (await h.rows([{ op: "read_json_lines" }, { op: "filter", where: parseFilter(filter) }], files)).map(
      ({ n }) => Number(n),
    );
  expect(await ns("v")).toEqual([1]);
  expect(await ns("not v")).toEqual([]);
  expect(await ns("not (v == 2)")).toEqual([1, 2, 3, 4]);
  expect(await ns("not (v != 2)")).toEqual([5]);
  expect(await ns("not (v in [2, 'true', True])")).toEqual([3, 4]);
  expect(await ns("v == 2")).toEqual([5]);
  expect(await ns("v > 9223372036854775806")).toEqual([4]);
  expect(await ns("v != 2")).toEqual([1, 2, 3, 4]);
  expect(await ns("v in [2, 'true', True]")).toEqual([1, 2, 5]);
  expect(await ns("abs(v) > 1")).toEqual([4, 5]);
  expect(await ns("v.upper() == 'TRUE'")).toEqual([2]);
  expect(await ns("v.year is None")).toEqual([1, 2, 3, 4, 5]);
});
