import type { Expr, ExprFunction } from "@aml/core";
import { formatFilter, parseFilter } from "@aml/core/plan";
import { runs } from "@aml/kit/runs";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, expect, test } from "vitest";
import { compileFilter } from "../src/compile-expr.ts";
import { toAmlError } from "../src/errors.ts";
import type { PlanColumn } from "../src/plan-column.ts";
import { evaluate, type Outcome, type Time, type Value } from "./filter-evaluator.ts";

const EXPRESSIONS = runs(100_000);
const AT_ONCE = 100;
const REFUSED = /\(filter\) (calculates with|takes) (a number|a text|a time|bytes)/;

const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
const connection = await instance.connect();
afterAll(() => {
  connection.disconnectSync();
  instance.closeSync();
});

const TYPES = {
  i: "BIGINT",
  j: "INTEGER",
  f: "DOUBLE",
  s: "VARCHAR",
  u: "VARCHAR",
  b: "BOOLEAN",
  c: "BOOLEAN",
};
const columns = Object.entries({ ...TYPES, t: "TIMESTAMP", d: "DATE" }).map(
  ([name, sqlType]): PlanColumn => ({ name, id: name, sqlType, nullable: true }),
);
const at = (text: string): Time => ({
  micros: BigInt(Date.parse(`${text.slice(0, 19)}Z`)) * 1000n + BigInt(text.slice(20) || 0),
});
const rows: readonly Readonly<Record<string, Value>>[] = [
  {
    i: 5n,
    j: -3n,
    f: 1.5,
    s: "abc",
    u: "b",
    b: true,
    c: false,
    t: at("2020-01-01 00:00:00"),
    d: at("2020-01-01 00:00:00"),
  },
  {
    i: -7n,
    j: 0n,
    f: -0.1,
    s: "",
    u: "",
    b: false,
    c: true,
    t: at("1969-12-31 23:59:59.250000"),
    d: at("2024-02-29 00:00:00"),
  },
  { i: null, j: null, f: null, s: null, u: null, b: null, c: null, t: null, d: null },
  {
    i: 0n,
    j: 2n,
    f: Number.NaN,
    s: "Ä😀ñ\u0301",
    u: "😀",
    b: true,
    c: null,
    t: at("9999-12-31 23:59:59.999999"),
    d: null,
  },
  {
    i: 9_007_199_254_740_993n,
    j: 2_147_483_647n,
    f: Number.POSITIVE_INFINITY,
    s: "\uFF5Ez",
    u: " \u00a0x\n",
    b: null,
    c: true,
    t: at("0004-02-29 12:30:45.000001"),
    d: at("0001-01-01 00:00:00"),
  },
  { i: 3n, j: null, f: 3, s: "5", u: null, b: false, c: false, t: null, d: at("2026-11-25 00:00:00") },
];

function sqlOf(value: Value, type: string): string {
  if (value === null) return `NULL::${type}`;
  if (typeof value === "object") return `make_timestamp(${value.micros}::BIGINT)::${type}`;
  return `'${String(value)}'::${type}`;
}
await connection.run(
  `CREATE TABLE t AS SELECT * FROM (VALUES ${rows
    .map((row) => `(${columns.map(({ name, sqlType }) => sqlOf(row[name] ?? null, sqlType)).join(", ")})`)
    .join(", ")}) AS v(${columns.map(({ name }) => name).join(", ")})`,
);

type Kind = "int" | "float" | "text" | "boolean" | "time";
const KINDS: readonly Kind[] = ["int", "float", "text", "boolean", "time"];

/** The same trees in each run: a failure names its tree. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) % below;
  };
}

const random = createRandom(20_261_125);
const pick = <T>(items: readonly T[]): T => items[random(items.length)] as T;
const lit = (value: string | number | boolean | null): Expr => ({ lit: value });
const call = (fn: string, ...args: readonly Expr[]): Expr => ({ fn: fn as ExprFunction, args });

function leaf(kind: Kind): Expr {
  const column = random(2) === 0;
  switch (kind) {
    case "int":
      if (column) return { col: pick(["i", "j"]) };
      if (random(40) === 0) return { int: pick(["9223372036854775807", "-9223372036854775808"]) };
      return lit(pick([0, 1, 2, 3, -1, -2, 7, 10, 2_147_483_648]));
    case "float":
      return column ? { col: "f" } : lit(pick([0.5, -0.1, 2.25, 1e300, 1e-9]));
    case "text":
      return column
        ? { col: pick(["s", "u"]) }
        : lit(pick(["", "a", "b", "c", "x", "😀", "5", "'", '"; DROP TABLE t; --', "%", "\\", "\n"]));
    case "boolean":
      return column ? { col: pick(["b", "c"]) } : lit(pick([true, false]));
    case "time":
      return column
        ? { col: pick(["t", "d"]) }
        : call(
            "datetime",
            ...pick([
              [2020, 1, 1],
              [1969, 12, 31, 23, 59, 59, 250_000],
              [9999, 12, 31],
            ]).map(lit),
          );
  }
}

const notNone = (expr: Expr): boolean => !("lit" in expr && expr.lit === null);

/** Mostly of the kind that is asked for, and at times of any other. */
function tree(wanted: Kind, depth: number): Expr {
  const kind = random(12) === 0 ? pick(KINDS) : wanted;
  if (depth <= 0 || random(5) === 0) return random(25) === 0 ? lit(null) : leaf(kind);
  const of = (next: Kind): Expr => tree(next, depth - 1);
  const number = (): Expr => of(pick(["int", "float"]));
  switch (kind) {
    case "int":
      switch (random(6)) {
        case 0:
          return call("length", of("text"));
        case 1:
          return call("index_of", of("text"), of("text"));
        case 2:
          return call(
            pick(["year", "month", "day", "hour", "minute", "second", "microsecond", "weekday"]),
            of("time"),
          );
        case 3:
          return call(pick(["negate", "abs"]), of("int"));
        default:
          return call(pick(["+", "-", "*", "//", "%"]), of("int"), of("int"));
      }
    case "float":
      if (random(4) === 0) return call(pick(["negate", "abs"]), of("float"));
      return call(pick(["+", "-", "*", "/", "//", "%", "**"]), number(), number());
    case "text":
      switch (random(4)) {
        case 0:
          return call("substring", of("text"), of("int"), ...(random(2) === 0 ? [of("int")] : []));
        case 1:
          return call("+", of("text"), of("text"));
        default:
          return call(pick(["to_upper", "to_lower", "strip"]), of("text"));
      }
    case "time":
      return leaf("time");
    case "boolean":
      return condition(depth);
  }
}

function condition(depth: number): Expr {
  const of = (next: Kind): Expr => tree(next, depth - 1);
  const any = pick(KINDS);
  switch (random(8)) {
    case 0:
      return call(pick(["and", "or"]), ...Array.from({ length: 2 + random(2) }, () => of("boolean")));
    case 1:
      return call("not", of("boolean"));
    case 2:
      return call(pick(["is_null", "is_not_null", "is_error"]), of(any));
    case 3:
      return call(pick(["in", "not_in"]), of(any), ...Array.from({ length: random(4) }, () => literal(any)));
    case 4:
      return call(pick(["contains", "starts_with", "ends_with"]), of("text"), of("text"));
    default: {
      const sides = [of(any), of(any)];
      const fn = pick(["==", "!=", "<", "<=", ">", ">="]);
      return sides.every(notNone) || !fn.endsWith("=") || fn.length < 2 || /[<>]/.test(fn)
        ? call(fn, ...sides)
        : call("is_null", of(any));
    }
  }
}

function literal(kind: Kind): Expr {
  for (;;) {
    const found = random(10) === 0 ? lit(null) : leaf(random(6) === 0 ? pick(KINDS) : kind);
    if (!("col" in found)) return found;
  }
}

const select = (list: readonly string[]): string =>
  `SELECT ${list.map((sql, index) => `${sql} AS c${index}`).join(", ")} FROM t ORDER BY rowid`;

/** For each condition the rows that it keeps; or the error of each, where one of them fails. */
async function run(list: readonly string[]): Promise<readonly (readonly boolean[] | Error)[]> {
  try {
    const result = await connection.runAndReadAll(select(list));
    const columnsJS = result.getColumnsJS();
    return list.map((_, index) => (columnsJS[index] ?? []).map((value) => value === true));
  } catch (error) {
    if (list.length === 1) return [error as Error];
    const half = list.length >> 1;
    return [...(await run(list.slice(0, half))), ...(await run(list.slice(half)))];
  }
}

test(`${EXPRESSIONS.toLocaleString("en")} random filters: read, written, compiled, run, and kept as an evaluator keeps`, async () => {
  const used = new Set<string>();
  const counts = { kept: 0, dropped: 0, unsure: 0, overflow: 0, refused: 0 };
  const count = (expr: Expr): void => {
    if (!("fn" in expr)) return;
    used.add(expr.fn);
    expr.args.forEach(count);
  };
  for (let done = 0; done < EXPRESSIONS; done += AT_ONCE) {
    const drawn = Array.from({ length: AT_ONCE }, () => condition(random(20) === 0 ? 6 : 1 + random(3)));
    const trees: { readonly expr: Expr; readonly outcomes: readonly Outcome[] }[] = [];
    const conditions = drawn.flatMap((expr) => {
      count(expr);
      const text = formatFilter(expr);
      const read = parseFilter(text);
      if (JSON.stringify(read) !== JSON.stringify(expr)) expect(read, text).toEqual(expr);
      try {
        const compiled = compileFilter(read, columns, 0);
        trees.push({ expr, outcomes: rows.map((row) => evaluate(expr, row)) });
        return [compiled];
      } catch (error) {
        expect(error, text).toMatchObject({ code: "plan_invalid", message: expect.stringMatching(REFUSED) });
        counts.refused += 1;
        return [];
      }
    });
    // One that fails would take the others with it.
    const mayFail = trees.map(({ outcomes }) => outcomes.some(({ overflow }) => overflow));
    const together = (await run(conditions.filter((_, index) => mayFail[index] !== true))).values();
    for (const [index, { expr, outcomes }] of trees.entries()) {
      const alone = mayFail[index] === true ? await run([conditions[index] ?? ""]) : undefined;
      const got = alone === undefined ? together.next().value : alone[0];
      if (got instanceof Error) {
        counts.overflow += 1;
        const error = toAmlError(got, new Map());
        if (alone === undefined || error.code !== "query_failed" || error.hint === undefined) {
          throw new Error(`${formatFilter(expr)}\n${conditions[index]}`, { cause: got });
        }
        continue;
      }
      for (const [place, { value, unsure, overflow, refused }] of outcomes.entries()) {
        if (refused) throw new Error(`Not refused: ${formatFilter(expr)}\n${conditions[index]}`);
        if (unsure || overflow) counts.unsure += 1;
        else if (got?.[place] !== (value === true)) {
          throw new Error(`Row ${place}: ${got?.[place]} for ${formatFilter(expr)}\n${conditions[index]}`);
        } else if (value === true) counts.kept += 1;
        else counts.dropped += 1;
      }
    }
  }
  const all = counts.kept + counts.dropped + counts.unsure;
  expect(counts.refused).toBeLessThan(EXPRESSIONS / 2);
  expect(counts.kept / all).toBeGreaterThan(0.2);
  expect(counts.unsure / all).toBeLessThan(0.1);
  expect(counts.overflow).toBeGreaterThan(EXPRESSIONS / 1000);
  expect([...used].toSorted()).toMatchInlineSnapshot(`
    [
      "!=",
      "%",
      "*",
      "**",
      "+",
      "-",
      "/",
      "//",
      "<",
      "<=",
      "==",
      ">",
      ">=",
      "abs",
      "and",
      "contains",
      "datetime",
      "day",
      "ends_with",
      "hour",
      "in",
      "index_of",
      "is_error",
      "is_not_null",
      "is_null",
      "length",
      "microsecond",
      "minute",
      "month",
      "negate",
      "not",
      "not_in",
      "or",
      "second",
      "starts_with",
      "strip",
      "substring",
      "to_lower",
      "to_upper",
      "weekday",
      "year",
    ]
  `);
}, 600_000);
