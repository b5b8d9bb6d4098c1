import { isAmlError, type Expr, type ExprFunction } from "@aml/core";
import { parseFilter, parsePlan } from "@aml/core/plan";
import { sample } from "@aml/kit/runs";
import { expect, test } from "vitest";
import { compileFilter } from "../src/compile-expr.ts";
import type { PlanColumn } from "../src/plan-column.ts";
import { createHarness, failureOf, listed } from "./harness.ts";

const h = await createHarness();
const columns = ["s", "i"].map((name): PlanColumn => {
  return { name, id: name, sqlType: name === "s" ? "VARCHAR" : "BIGINT", nullable: true };
});
const col = (name: string): Expr => ({ col: name });

/** What people try against a filter: on Python, on SQL, on DuckDB, on JavaScript, and on memory. */
const HOSTILE = [
  "repeat('x', 4000000000) == s",
  "s.repeat(4000000000) == 'x'",
  "'x' * 4000000000 == s and repeat(s, 2)",
  "lpad(s, 4000000000, 'x') == ''",
  "s.rjust(4000000000) == ''",
  "s.replace('', s) == ''",
  "range(1000000000000)",
  "list(range(10 ** 10))",
  "(select 1) == 1",
  "s in (select s from t)",
  "exists (select 1)",
  "i = any([1, 2])",
  "read_text('/etc/passwd') == s",
  "read_csv('/etc/passwd')",
  "read_blob('x').contains('y')",
  "glob('/*')",
  "getenv('HOME') == s",
  "current_setting('home_directory') == s",
  "getvariable('x') == 1",
  "nextval('seq') == 1",
  "random() < 0.5",
  "error('x')",
  "hash(s) == 1",
  "row_number() over () == 1",
  "sum(i) over (order by i) > 1",
  "columns('.*') == 1",
  "* == 1",
  "#1 == 1",
  "$1 == 1",
  "? == 1",
  "s::blob == 'x'",
  "cast(s as blob) == 'x'",
  "s collate nocase == 'x'",
  "case when i then s end == 'x'",
  "list_transform([i], x -> x + 1)",
  "[x for x in [1, 2]]",
  "{'a': i}.a == 1",
  "s[1:2] == 'x'",
  "1; attach 'x.db'",
  "i == 1 union select 1",
  "i == 1 limit 0",
  "i == 1 /* comment */",
  "s == 'x' escape '\\'",
  '"s" == "x"; drop table t',
  "__import__('os').system('id')",
  "(lambda: open('/etc/passwd').read())() == s",
  "s.__class__.__mro__[1].__subclasses__()",
  "getattr(s, 'lower')()",
  "eval('1') or exec('1') or compile('1', '', 'eval')",
  "globals()['x'] == 1",
  "print(s)",
  "process.exit(1)",
  "globalThis.constructor.constructor('return 1')()",
  "this.constructor == 1",
  "`${s}` == 'x'",
  "s.matches('(a+)+$')",
  "re.match('(a+)+$', s)",
  "t.strftime('%Y' * 1000)",
  "s.format(i)",
  "f'{s}' == 'x'",
  "s % (1, 2) == 'x'",
  "i if i else s",
  "(i := 1) == 1",
  "await s",
  "i << 60",
  "10 ** 10 ** 10 ** 10 ** 10 == i; 1",
  "s == 'a' 'b'",
  "\u202Es == 'x'",
  "ｓ.lower() == 'x' ; ｄ",
  "s == \u2018x\u2019",
];

test.each(HOSTILE)("refused before anything runs: %s", (filter) => {
  expect(() => parseFilter(filter)).toThrow(expect.objectContaining({ code: "plan_invalid" }));
});

test("there are at least the 49 expressions that DuckDB's own parser was tried with", () => {
  expect(new Set(HOSTILE).size).toBeGreaterThanOrEqual(49);
});

const FUNCTIONS = [
  "repeat",
  "lpad",
  "read_text",
  "constructor",
  "__proto__",
  "toString",
  "hasOwnProperty",
  "OR 1=1 --",
  "",
  "0",
];

test.each(FUNCTIONS)(
  "a tree with the function %j is refused by the plan, and by the engine that is given it unparsed",
  async (fn) => {
    const where: Expr = { fn: fn as ExprFunction, args: [col("s"), { lit: 4e9 }] };
    const source = { from: "paths", paths: [{ file: "file:///x" }] } as const;
    expect(() => parsePlan({ version: 1, source, steps: [{ op: "filter", where }] })).toThrow(
      expect.objectContaining({ code: "plan_invalid" }),
    );
    const files = await h.files({ "a.csv": "s,i\nx,1\n" });
    const plan = { version: 1, source, steps: [{ op: "read_delimited" }, { op: "filter", where }] } as const;
    expect(await failureOf(h.engine().open(plan, listed(files)))).toMatchObject({ code: "plan_invalid" });
  },
);

test("10 ** 10 ** 10 is infinity, not a number of ten billion digits", async () => {
  const files = await h.files({ "a.csv": "s,i\nx,1\n" });
  const where = parseFilter("10 ** 10 ** 10 > i");
  expect(await h.rows([{ op: "read_delimited" }, { op: "filter", where }], files)).toHaveLength(1);
});

/** An expression around itself, again and again. */
const nested = (levels: number, wrap: (inner: Expr) => Expr, start: Expr): Expr =>
  Array.from({ length: levels }).reduce<Expr>((inner) => wrap(inner), start);
const call = (fn: ExprFunction, ...args: readonly Expr[]): Expr => ({ fn, args });

test.each<[string, Expr]>([
  ["rests of rests", nested(150, (x) => call("%", x, col("i")), col("i"))],
  ["rests by rests", nested(150, (x) => call("%", col("i"), x), col("i"))],
  ["quotients", nested(150, (x) => call("//", x, col("i")), col("i"))],
  ["fractions", nested(150, (x) => call("%", x, { lit: 0.5 }), col("i"))],
  ["parts of parts", nested(150, (x) => call("substring", x, col("i"), col("i")), col("s"))],
  ["places of places", nested(150, (x) => call("substring", col("s"), call("length", x)), col("s"))],
  [
    "lists of lists",
    nested(100, (x) => call("in", x, ...[true, 1, "x", 0.5].map((lit) => ({ lit }))), col("i")),
  ],
])("%s do not grow beyond all bounds", async (_, value) => {
  const started = performance.now();
  try {
    const sql = compileFilter(call("is_null", value), columns, 3);
    expect(sql.length).toBeLessThan(2 ** 21);
  } catch (error) {
    expect(error).toMatchObject({ code: "plan_invalid", message: "Step 3 (filter) is too complex." });
  }
  expect(performance.now() - started).toBeLessThan(30_000);
});

test("a text is not made long by putting it together with itself", async () => {
  const doubled = (levels: number): Expr => nested(levels, (x) => call("+", x, x), col("s"));
  expect(() => compileFilter(call("==", doubled(7), col("s")), columns, 1)).toThrow(
    expect.objectContaining({
      code: "plan_invalid",
      message: "Step 1 (filter) puts more than 100 texts together.",
    }),
  );
  expect(compileFilter(call("==", doubled(6), col("s")), columns, 1)).toContain("||");
});

test("what is as deep as a filter may be is run, or refused with a code", async () => {
  const files = await h.files({ "a.csv": "s,i\nx,1\n" });
  const deep = [
    parseFilter(`${"not ".repeat(150)}(i == 1)`),
    parseFilter(`${"-".repeat(150)}i == 1`),
    parseFilter(`i${" + 1".repeat(150)} == 151`),
    parseFilter(`s${".lower().upper()".repeat(80)} == 'X'`),
    parseFilter(Array.from({ length: 2000 }, (__, n) => `i == ${n}`).join(" or ")),
    parseFilter(`i in [${Array.from({ length: 10_000 }, (__, n) => n).join(", ")}]`),
    nested(
      90,
      (x) => call("and", call("==", col("i"), { lit: 1 }), call("or", x, call("<", col("i"), { lit: 0 }))),
      call("==", col("i"), { lit: 1 }),
    ),
  ];
  for (const where of sample(deep, 2)) {
    const result = await h
      .rows([{ op: "read_delimited" }, { op: "filter", where }], files)
      .catch((error: unknown) => error);
    if (Array.isArray(result)) expect(result).toHaveLength(1);
    else expect(isAmlError(result) && result.code).toBe("plan_invalid");
  }
});
