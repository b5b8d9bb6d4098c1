import type { Expr } from "@aml/core";
import { filterColumns } from "@aml/core/plan";
import { compileFilter } from "./compile-expr.ts";
import type { PlanColumn } from "./plan-column.ts";
import { quoteText } from "./sql-text.ts";

/** A column of which statistics are known of some rows together: those of a file, or of a row group. */
export interface BoundedColumn {
  readonly name: string;
  /** Of the rows' values. */
  readonly sqlType: string;
  /** Of its bounds: one that compares with constants as the values do. */
  readonly boundType: string;
  /**
   * Its number N in the relation of statistics. `least N` and `most N` are at most and at least as great as all values
   * but NaN, or NULL; of texts beginnings do. `nulls N` is 'none', 'all', or NULL for what lies between or is unknown.
   */
  readonly at: number;
}

/** What a relation of statistics has, in which each row stands for some rows of the table. */
export interface Statistics {
  /** Columns of one value for all of these rows. */
  readonly partitions: ReadonlyMap<string, PlanColumn>;
  readonly bounded: ReadonlyMap<string, BoundedColumn>;
}

type Test = string | undefined;
type Order = "<" | "<=" | ">" | ">=";

const OPPOSITE: Readonly<Record<Order, Order>> = { "<": ">=", "<=": ">", ">": "<=", ">=": "<" };

/**
 * A condition over a relation of statistics, never NULL: false only where no row fulfils the filter. Undefined where
 * none can tell.
 */
export function mayHold(expr: Expr, known: Statistics, step: number): Test {
  return may(expr, true, known, step);
}

/**
 * Whether the filter may be true of a row, or whether it may be false. NULL is neither, which is why the one is not the
 * opposite of the other.
 */
function may(expr: Expr, value: boolean, known: Statistics, step: number): Test {
  const used = filterColumns(expr);
  if (used.length > 0 && used.every((name) => known.partitions.has(name))) {
    const asked: Expr = value ? expr : { fn: "not", args: [expr] };
    return `coalesce(${compileFilter(asked, [...known.partitions.values()], step)}, false)`;
  }
  if ("col" in expr) return mayBe(expr, value, known, step);
  if (!("fn" in expr)) return undefined;
  const { fn, args } = expr;
  const [a, b] = args;
  const all = (): readonly Test[] => args.map((arg) => may(arg, value, known, step));
  switch (fn) {
    case "and":
      return value ? allOf(all()) : anyOf(all());
    case "or":
      return value ? anyOf(all()) : allOf(all());
    case "not":
      return a && may(a, !value, known, step);
    case "in":
    case "not_in": {
      const tests = args.slice(1).map((item) => a && mayEqual(a, item, value === (fn === "in"), known, step));
      return value === (fn === "in") ? anyOf(tests) : allOf(tests);
    }
    case "==":
    case "!=": {
      const equal = value === (fn === "==");
      return a && b && (mayEqual(a, b, equal, known, step) ?? mayEqual(b, a, equal, known, step));
    }
    case "<":
    case "<=":
    case ">":
    case ">=":
      return a && b && mayCompare(fn, value, [a, b], known, step);
    case "starts_with":
      return a && b && value ? mayBegin(boundedOf(a, known), b) : undefined;
    case "is_null":
    case "is_not_null": {
      const column = boundedOf(a, known);
      return column && hasNulls(column, value === (fn === "is_null"));
    }
    default:
      return undefined;
  }
}

function anyOf(tests: readonly Test[]): Test {
  return tests.length === 0 || tests.includes(undefined) ? undefined : `(${tests.join(" OR ")})`;
}

function allOf(tests: readonly Test[]): Test {
  const some = tests.filter((test) => test !== undefined);
  return some.length === 0 ? undefined : `(${some.join(" AND ")})`;
}

function boundedOf(expr: Expr | undefined, { bounded }: Statistics): BoundedColumn | undefined {
  return expr !== undefined && "col" in expr ? bounded.get(expr.col) : undefined;
}

function isConstant(expr: Expr): boolean {
  return "lit" in expr ? expr.lit !== null : "int" in expr || ("fn" in expr && expr.fn === "datetime");
}

/** NaN is in no bound, and less and greater than nothing. */
function mayBeNan({ sqlType }: BoundedColumn): boolean {
  return sqlType === "FLOAT" || sqlType === "DOUBLE";
}

/** A column that is a condition by itself. */
function mayBe(expr: Expr, value: boolean, known: Statistics, step: number): Test {
  if (boundedOf(expr, known)?.sqlType !== "BOOLEAN") return undefined;
  return mayEqual(expr, { lit: value }, true, known, step);
}

/** Whether a row may have the value, or may have another. */
function mayEqual(a: Expr, b: Expr, equal: boolean, known: Statistics, step: number): Test {
  const column = boundedOf(a, known);
  if (column === undefined || !isConstant(b)) return undefined;
  // Of cut texts it is not known whether they are all the same.
  if (column.sqlType === "VARCHAR") return equal ? mayBegin(column, b) : hasValue(column, "true");
  if (!equal && mayBeNan(column)) return hasValue(column, "true");
  const within = (fn: "least" | "most", none: boolean): string =>
    compared(column, fn, { fn: (fn === "least") === equal ? "<=" : ">=", args: [a, b] }, step, none);
  return equal
    ? hasValue(column, `${within("least", true)} AND ${within("most", true)}`)
    : hasValue(column, `NOT (${within("least", false)} AND ${within("most", false)})`);
}

/** Whether a row may compare so, or may not and yet have a value. */
function mayCompare(
  asked: Order,
  value: boolean,
  [a, b]: readonly [Expr, Expr],
  known: Statistics,
  step: number,
): Test {
  const left = boundedOf(a, known);
  const column = left ?? boundedOf(b, known);
  const constant = left === undefined ? a : b;
  if (column === undefined || !isConstant(constant)) return undefined;
  if (!value && mayBeNan(column)) return hasValue(column, "true");
  const fn = value ? asked : OPPOSITE[asked];
  const end = fn.startsWith("<") === (left !== undefined) ? "least" : "most";
  if (column.sqlType !== "VARCHAR") {
    return hasValue(column, compared(column, end, { fn, args: [a, b] }, step, true));
  }
  const text = textOf(constant);
  return text && hasValue(column, notBeyond(column, end, text));
}

/** Whether a text may be equal to a constant, or begin with it: of cut bounds one cannot be told from the other. */
function mayBegin(column: BoundedColumn | undefined, constant: Expr): Test {
  const text = textOf(constant);
  if (column?.sqlType !== "VARCHAR" || text === undefined) return undefined;
  return hasValue(column, `${notBeyond(column, "least", text)} AND ${notBeyond(column, "most", text)}`);
}

function textOf(constant: Expr): string | undefined {
  return "lit" in constant && typeof constant.lit === "string" ? quoteText(constant.lit) : undefined;
}

/** Whether a row may be null, or may be none. */
function hasNulls({ at }: BoundedColumn, value: boolean): string {
  return `("nulls ${at}" IS DISTINCT FROM '${value ? "none" : "all"}')`;
}

/** A row that is compared has a value. */
function hasValue(column: BoundedColumn, sql: string): string {
  return `(${hasNulls(column, false)} AND ${sql})`;
}

/**
 * A comparison of the column as one of its bound, by the SQL that is asked of rows.
 *
 * @param none - what it is without a bound, or where the constant is none of the column's type.
 */
function compared(
  { name, boundType, at }: BoundedColumn,
  end: "least" | "most",
  expr: Expr,
  step: number,
  none: boolean,
): string {
  const bound = { name, id: `${end} ${at}`, sqlType: boundType, nullable: true };
  return `coalesce(TRY(${compileFilter(expr, [bound], step)}), ${none})`;
}

/** Of texts as many characters are compared as both have. */
function notBeyond({ at }: BoundedColumn, end: "least" | "most", text: string): string {
  const bound = `"${end} ${at}"`;
  const cut = (value: string, other: string): string => `left(${value}, length(${other})::BIGINT)`;
  const [a, b] = end === "least" ? [bound, text] : [text, bound];
  return `coalesce(${cut(a, b)} <= ${cut(b, a)}, true)`;
}
