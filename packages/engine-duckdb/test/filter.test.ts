import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Expr } from "@aml/core";
import { parseFilter } from "@aml/core/plan";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { randomRuns } from "@aml/kit/runs";
import { expect, test } from "vitest";
import { createHarness, failureOf } from "./harness.ts";

const h = await createHarness();
const rows = [
  { n: 0, i: 5, f: 1.5, s: "abc", b: true, t: "2020-01-01T00:00:00Z" },
  { n: 1, i: -7, f: -0.5, s: "", b: false, t: "2020-06-01T12:30:00Z" },
  { n: 2, i: null, f: null, s: null, b: null, t: null },
  { n: 3, i: 0, f: 2, s: "ABC é", b: true, t: "2021-01-01T00:00:00Z" },
  { n: 4, i: 3, f: 3, s: "5", b: false, t: "2019-12-31T23:59:59Z" },
];
const content = rows.map((row) => JSON.stringify(row)).join("\n");
const typed = [
  { op: "read_json_lines" },
  {
    op: "convert_column_types",
    columns: [{ columns: "t", column_type: { datetime: { formats: ["%Y-%m-%dT%H:%M:%SZ"] } } }],
  },
];

async function kept(where: Expr): Promise<number[]> {
  const files = await h.files({ "a.jsonl": content });
  return (await h.rows([...typed, { op: "filter", where }], files)).map(({ n }) => Number(n));
}

test.each([
  ["i > 0", [0, 4]],
  ["not (i > 0)", [1, 3]],
  ["not (i != 5)", [0]],
  ["not (s < 5)", []],
  ["not (s == 5)", [0, 1, 3, 4]],
  ["not (i in (5, 0))", [1, 4]],
  ["not (i not in (5, 0))", [0, 3]],
  ["not (i > 0 and s == 'x')", [0, 1, 3, 4]],
  ["i != 5", [1, 3, 4]],
  ["i == None", [2]],
  ["i != None", [0, 1, 3, 4]],
  ["s == 5", []],
  ["s != 5", [0, 1, 3, 4]],
  ["s < 5", []],
  ["s == '5'", [4]],
  ["s == ''", [1]],
  ["s > '5'", [0, 3]],
  ["i // 2 == -4", [1]],
  ["i % 3 == 2", [0, 1]],
  ["i / 2 == 2.5", [0]],
  ["f % 1 == 0.5", [0, 1]],
  ["f // 1 == -1", [1]],
  ["i ** 2 == 49", [1]],
  ["-i == 7", [1]],
  ["i + f > 6", [0]],
  ["i in (5, 0)", [0, 3]],
  ["i not in (5, 0)", [1, 4]],
  ["b", [0, 3]],
  ["not b", [1, 4]],
  ["b == True", [0, 3]],
  ["b == 1", [0, 3]],
  ["t >= datetime(2020, 1, 1)", [0, 1, 3]],
  ["t == '2020-01-01'", []],
  ["t > datetime(2020, 6, 1, 12) and t < datetime(2021, 1, 1)", [1]],
  ["s.startswith('A')", [3]],
  ["s.endswith('c')", [0]],
  ["s.contains('b')", [0]],
  ["s.lower() == 'abc'", [0]],
  ["s.upper().startswith('ABC')", [0, 3]],
  ["len(s) == 5", [3]],
  ["s + 'x' == 'abcx'", [0]],
  ["0 < i < 5", [4]],
  ["i > 0 or s == ''", [0, 1, 4]],
])("%s", async (filter, expected) => {
  expect(await kept(parseFilter(filter))).toEqual(expected);
});

test("functions that filters of version 1 have", async () => {
  const substring: Expr = { fn: "substring", args: [{ col: "s" }, { lit: 1 }, { lit: 1 }] };
  expect(await kept({ fn: "==", args: [substring, { lit: "b" }] })).toEqual([0]);
  const index: Expr = { fn: "index_of", args: [{ col: "s" }, { lit: "é" }] };
  expect(await kept({ fn: "==", args: [index, { lit: 4 }] })).toEqual([3]);
});

test("rows stay in their order, whatever list a value is looked for in, and whatever words it converts to", async () => {
  const files = await h.files({ "a.csv": "n,b\n10,true\n", "b.csv": "n,b\n2,true\n3,false\n" });
  const list = Array.from({ length: 12 }, (_, at) => at).join(", ");
  const steps = [
    { op: "read_delimited" },
    { op: "convert_column_types", columns: [{ columns: "b", column_type: "boolean" }] },
    { op: "filter", where: parseFilter(`n in (${list}) and n not in (20, 21, 22, 23, 24, 25)`) },
  ];
  for (let round = 0; round < 40; round += 1)
    expect((await h.rows(steps, files)).map(({ n }) => n)).toEqual([10n, 2n, 3n]);
});

test("is_error sees values that could not be converted", async () => {
  const files = await h.files({ "a.jsonl": '{"v":"1"}\n{"v":"x"}\n{"v":null}\n' });
  const convert = { op: "convert_column_types", columns: [{ columns: "v", column_type: "int" }] };
  const isError = { op: "filter", where: { fn: "is_error", args: [{ col: "v" }] } };
  expect(await h.rows([{ op: "read_json_lines" }, convert, isError], files)).toEqual([{ v: null }]);
});

test("integers beyond what JSON numbers hold", async () => {
  const files = await h.files({ "a.jsonl": '{"v":9007199254740993}\n{"v":9007199254740992}\n' });
  const where = { fn: "==", args: [{ col: "v" }, { int: "9007199254740993" }] };
  expect(await h.rows([{ op: "read_json_lines" }, { op: "filter", where }], files)).toEqual([
    { v: 9007199254740993n },
  ]);
});

test("columns of several kinds: a value is compared if it is of the other side's kind", async () => {
  const files = await h.files({
    "a.jsonl": '{"v":1,"n":1}\n{"v":"1","n":2}\n{"v":[1],"n":3}\n{"v":null,"n":4}\n',
  });
  const ns = async (filter: string) =>
    (await h.rows([{ op: "read_json_lines" }, { op: "filter", where: parseFilter(filter) }], files)).map(
      ({ n }) => n,
    );
  expect(await ns("v == 1")).toEqual([1n]);
  expect(await ns("v == '1'")).toEqual([2n]);
  expect(await ns("v != 1")).toEqual([2n, 3n]);
  expect(await ns("v > 0")).toEqual([1n]);
});

test("an unknown column names those that exist", async () => {
  expect(await failureOf(kept(parseFilter("nope == 1")))).toMatchObject({
    code: "plan_invalid",
    message: "Step 2 (filter) names a column that does not exist: nope.",
    hint: "Columns are: n, i, f, s, b, t.",
  });
});

test.each([
  ["i", "takes a number for a condition."],
  ["s", "takes a text for a condition."],
  ["5", "takes a number for a condition."],
  ["not t", "takes a time for a condition."],
  ["b and f", "takes a number for a condition."],
  ["b or i + 1", "takes a number for a condition."],
  ["i + s == 1", "calculates with a text: +."],
  ["s - 1 is None", "calculates with a text: -."],
  ["t + 1 is None", "calculates with a time: +."],
  ["-s == 1", "calculates with a text: -."],
  ["i * '2' == 4", "calculates with a text: *."],
])("a filter that says nothing is refused: %s", async (filter, message) => {
  expect(await failureOf(kept(parseFilter(filter)))).toMatchObject({
    code: "plan_invalid",
    message: `Step 2 (filter) ${message}`,
    hint: expect.any(String),
  });
});

test("hostile names and values are names and values", async () => {
  const hostile = `x"; DROP TABLE t; --'`;
  const files = await h.files({ "a.jsonl": JSON.stringify({ [hostile]: hostile, n: 1 }) });
  const where: Expr = { fn: "==", args: [{ col: hostile }, { lit: hostile }] };
  expect(
    await h.rows(
      [{ op: "read_json_lines" }, { op: "filter", where }, { op: "keep_columns", columns: [hostile] }],
      files,
    ),
  ).toEqual([{ [hostile]: hostile }]);
  expect(
    await h.rows(
      [
        { op: "read_json_lines" },
        { op: "filter", where: { fn: "==", args: [{ col: "n" }, { lit: "a\0b'" }] } },
      ],
      files,
    ),
  ).toEqual([]);
});

/** What a filter means, written a second time and much more simply. */
type Value = number | string | boolean | null;
function evaluate(expr: Expr, row: Readonly<Record<string, Value>>, onZero: () => void): Value {
  if ("col" in expr) return row[expr.col] ?? null;
  if ("lit" in expr) return expr.lit;
  if ("int" in expr) return Number(expr.int);
  if (expr.fn === "and" || expr.fn === "or") {
    const values = [];
    for (const arg of expr.args) {
      values.push(evaluate(arg, row, onZero));
      if (values.at(-1) === (expr.fn === "or")) return expr.fn === "or";
    }
    return values.includes(null) ? null : expr.fn === "and";
  }
  const [a = null, b = null] = expr.args.map((arg) => evaluate(arg, row, onZero));
  if ((expr.fn === "//" || expr.fn === "%") && typeof a === "number" && b === 0) {
    onZero();
    return null;
  }
  const both = typeof a === "number" && typeof b === "number";
  const known = a !== null && b !== null;
  const comparable = known && typeof a === typeof b;
  switch (expr.fn) {
    case "not":
      return a === null ? null : a !== true;
    case "==":
      return known ? a === b : null;
    case "!=":
      return known ? a !== b : null;
    case "<":
      return comparable ? a < b : null;
    case ">=":
      return comparable ? a >= b : null;
    case "is_null":
      return a === null;
    case "+":
      return both ? a + b : null;
    case "*":
      return both ? a * b : null;
    case "//":
      return both ? Math.floor(a / b) : null;
    case "%":
      return both ? a - Math.floor(a / b) * b : null;
    default:
      throw new Error(expr.fn);
  }
}

const leaf = fc.oneof(
  fc.constantFrom("i", "j").map((col): Expr => ({ col })),
  fc.integer({ min: -4, max: 4 }).map((lit): Expr => ({ lit })),
);
const number: fc.Arbitrary<Expr> = fc.letrec<{ n: Expr }>((tie) => ({
  n: fc.oneof(
    { depthSize: "small" },
    leaf,
    fc
      .tuple(fc.constantFrom("+", "*", "//", "%"), tie("n"), tie("n"))
      .map(([fn, a, b]): Expr => ({ fn: fn as "+", args: [a, b] })),
  ),
})).n;
const text = fc.oneof(
  fc.constant<Expr>({ col: "s" }),
  fc.constantFrom("", "a", "b").map((lit): Expr => ({ lit })),
);
const side = fc.oneof(number, text);
const condition: fc.Arbitrary<Expr> = fc.letrec<{ c: Expr }>((tie) => ({
  c: fc.oneof(
    { depthSize: "small" },
    fc
      .tuple(fc.constantFrom("==", "!="), side, side)
      .map(([fn, a, b]): Expr => ({ fn: fn as "==", args: [a, b] })),
    // Of a number and a text there is no order, so that neither is looked at.
    fc
      .tuple(fc.constantFrom("<", ">="), fc.oneof(fc.tuple(number, number), fc.tuple(text, text)))
      .map(([fn, args]): Expr => ({ fn: fn as "<", args })),
    side.map((a): Expr => ({ fn: "is_null", args: [a] })),
    fc
      .tuple(fc.constantFrom("and", "or"), tie("c"), tie("c"))
      .map(([fn, a, b]): Expr => ({ fn: fn as "and", args: [a, b] })),
    tie("c").map((a): Expr => ({ fn: "not", args: [a] })),
  ),
})).c;

test("random filters keep what a plain evaluator keeps", async () => {
  const table = [-3, -1, 0, 2, null].flatMap((i) =>
    [-2, 0, 3, null].flatMap((j) => ["", "a", null].map((s) => ({ i, j, s }))),
  );
  const files = await h.files({ "a.jsonl": table.map((row, n) => JSON.stringify({ ...row, n })).join("\n") });
  await fc.assert(
    fc.asyncProperty(condition, async (where) => {
      const reading = h.rows([{ op: "read_json_lines" }, { op: "filter", where }], files);
      let divided = false;
      const expected = table.flatMap((row, n) =>
        evaluate(where, row, () => (divided = true)) === true ? [n] : [],
      );
      const got = await reading.then((all) => all.map(({ n }) => Number(n))).catch((error: unknown) => error);
      // What does not matter for any row need not be calculated.
      if (Array.isArray(got)) expect(got).toEqual(expected);
      else {
        expect(divided).toBe(true);
        expect(got).toMatchObject({
          code: "query_failed",
          message: "Step 1 (filter) divides by zero in a row.",
        });
      }
    }),
    randomRuns(200),
  );
});

test("fields within columns: of JSON lines, whatever kinds they are", async () => {
  const lines = [
    { n: 0, label: { isCrowd: true, "a/b~c": 5, box: { x: 1.5 }, name: "é" } },
    { n: 1, label: { isCrowd: false, "a/b~c": "5", box: { x: -1 } } },
    { n: 2, label: { isCrowd: null, box: null } },
    { n: 3, label: null },
    { n: 4, label: { isCrowd: 1, box: [7] } },
  ];
  const files = await h.files({ "a.jsonl": lines.map((line) => JSON.stringify(line)).join("\n") });
  const matching = async (filter: string): Promise<number[]> => {
    const step = { op: "filter", where: parseFilter(filter) };
    return (await h.rows([{ op: "read_json_lines" }, step], files)).map(({ n }) => Number(n));
  };
  expect(await matching("label['isCrowd'] == True")).toEqual([0]);
  expect(await matching("col('label')['isCrowd']")).toEqual([0]);
  expect(await matching("label['isCrowd'] is None")).toEqual([2, 3]);
  expect(await matching("label['a/b~c'] == 5")).toEqual([0]);
  expect(await matching("label['a/b~c'] in [5, '5']")).toEqual([0, 1]);
  expect(await matching("label['box']['x'] > 0")).toEqual([0]);
  expect(await matching("label['name'].startswith('é')")).toEqual([0]);
  expect(await matching("label['none'] is not None or n == 4")).toEqual([4]);
});

test("fields within columns: of structures and maps, by their types", async () => {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const path = join(h.folder, "nested.parquet");
  await connection.run(
    `COPY (SELECT range AS n, {'d': (range * 0.5)::DECIMAL(10, 1), 'In ner': {'t': TIMESTAMP '2026-01-01' + to_days(range::INTEGER)},
      'm': map(['k', 'l'], [range, NULL]), 'list': [1]} AS s FROM range(4) UNION ALL SELECT 9, NULL) TO '${path}' (FORMAT parquet)`,
  );
  connection.disconnectSync();
  instance.closeSync();
  const files = await h.files({ "a.parquet": await readFile(path) });
  const opened = async (filter: string): Promise<number[]> => {
    const step = { op: "filter", where: parseFilter(filter) };
    return (await h.rows([{ op: "read_parquet" }, step], files)).map(({ n }) => Number(n));
  };
  expect(await opened("s['d'] == 0.5")).toEqual([1]);
  expect(await opened("s['In ner']['t'] >= datetime(2026, 1, 3)")).toEqual([2, 3]);
  expect(await opened("s['m']['k'] > 1")).toEqual([2, 3]);
  expect(await opened("s['m']['none'] is None and n < 9")).toEqual([0, 1, 2, 3]);
  expect(await opened("s['d'] is None")).toEqual([9]);
  for (const [filter, hint] of [
    ["s['D'] == 1", "Fields of s are: d, In ner, m, list."],
    ["s['d']['x'] == 1", 's["d"] has no fields.'],
    ["s['list']['x'] == 1", 's["list"] has no fields.'],
    ["n['x'] == 1", "n has no fields."],
  ] as const)
    expect(await failureOf(opened(filter))).toMatchObject({ code: "plan_invalid", hint });
  expect(await failureOf(opened("none['x'] == 1"))).toMatchObject({ code: "plan_invalid" });
});
