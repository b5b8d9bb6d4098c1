import type { Expr } from "./expr.ts";
import type { SqlComparison, SqlCondition } from "./sql-part.ts";
import type { Cell, Column } from "./table.ts";

/** A condition for a database; `weaker`: it may let more rows pass than the filter, and never fewer. */
export interface Pushed {
  readonly condition: SqlCondition;
  readonly weaker: boolean;
}

export interface ComparedColumn {
  readonly column: Column;
  readonly comparison: SqlComparison | undefined;
}

type Columns = ReadonlyMap<string, ComparedColumn>;
type Sign = "=" | "<>" | "<" | "<=" | ">" | ">=";

/**
 * A filter as a condition that lets at least the same rows pass in the database, by the engine's rules: what is null is
 * not kept, kinds do not mix, texts are equal by their code units. Undefined where nothing of the kind can be said.
 */
export function pushCondition(expr: Expr, columns: Columns): Pushed | undefined {
  if ("col" in expr) return compare(expr, "=", { lit: true }, columns);
  if (!("fn" in expr)) return undefined;
  const { fn, args } = expr;
  const [a, b] = args;
  switch (fn) {
    case "and": {
      const some = args.map((arg) => pushCondition(arg, columns)).filter((item) => item !== undefined);
      if (some.length === 0) return undefined;
      const whole = some.length === args.length && some.every(({ weaker }) => !weaker);
      return { condition: { all: some.map(({ condition }) => condition) }, weaker: !whole };
    }
    case "or":
      return anyOf(args.map((arg) => pushCondition(arg, columns)));
    case "not":
      return negated(a === undefined ? undefined : pushCondition(a, columns));
    case "is_null":
    case "is_not_null":
      return a !== undefined && "col" in a ? nullTest(a.col, fn === "is_null", columns) : undefined;
    case "in":
      return anyOf(args.slice(1).map((item) => compare(a, "=", item, columns)));
    case "not_in":
      return negated(anyOf(args.slice(1).map((item) => compare(a, "=", item, columns))));
    case "==":
    case "!=":
    case "<":
    case "<=":
    case ">":
    case ">=": {
      const sign = fn === "==" ? "=" : fn === "!=" ? "<>" : fn;
      return compare(a, sign, b, columns) ?? compare(b, FLIPPED[sign], a, columns);
    }
    default:
      return undefined;
  }
}

const FLIPPED: Readonly<Record<Sign, Sign>> = {
  "=": "=",
  "<>": "<>",
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
};

function anyOf(items: readonly (Pushed | undefined)[]): Pushed | undefined {
  const all = items.filter((item) => item !== undefined);
  if (all.length < items.length || all.length === 0) return undefined;
  return {
    condition: { any: all.map(({ condition }) => condition) },
    weaker: all.some(({ weaker }) => weaker),
  };
}

/** Of a condition that lets too many rows pass, the opposite would let too few. */
function negated(inner: Pushed | undefined): Pushed | undefined {
  return inner === undefined || inner.weaker
    ? undefined
    : { condition: { not: inner.condition }, weaker: false };
}

/** Of times and documents, the database's null is not in all cases ours. */
function nullTest(name: string, isNull: boolean, columns: Columns): Pushed | undefined {
  const comparison = columns.get(name)?.comparison;
  if (comparison === undefined) return undefined;
  if (comparison.weaker === true && comparison.constant !== "text") return undefined;
  return { condition: { column: name, is: isNull ? "null" : "not_null" }, weaker: false };
}

function compare(
  left: Expr | undefined,
  sign: Sign,
  right: Expr | undefined,
  columns: Columns,
): Pushed | undefined {
  if (left === undefined || right === undefined || !("col" in left)) return undefined;
  const { column, comparison } = columns.get(left.col) ?? {};
  if (column === undefined || comparison === undefined) return undefined;
  const weaker = comparison.weaker === true;
  if ((weaker && sign === "<>") || (comparison.equalityOnly === true && sign !== "=")) return undefined;
  const found = constantOf(right, sign, comparison, column);
  if (found === undefined) return undefined;
  return { condition: { column: column.name, comparison, ...found }, weaker };
}

const INT64 = 2n ** 63n;

function constantOf(
  expr: Expr,
  sign: Sign,
  { constant }: SqlComparison,
  column: Column,
): { readonly sign: Sign; readonly value: Cell } | undefined {
  if ("fn" in expr) {
    if (expr.fn !== "datetime" || (constant !== "timestamp" && constant !== "instant")) return undefined;
    const text = datetimeText(expr.args);
    return text === undefined ? undefined : { sign, value: constant === "instant" ? `${text}Z` : text };
  }
  if ("col" in expr) return undefined;
  const value = "int" in expr ? BigInt(expr.int) : expr.lit;
  switch (constant) {
    case "integer":
      return integer(value, sign, column);
    case "float":
      return typeof value === "number" ? { sign, value } : undefined;
    case "boolean":
      return typeof value === "boolean" && (sign === "=" || sign === "<>") ? { sign, value } : undefined;
    case "text":
      return typeof value === "string" && isPlain(value) ? { sign, value } : undefined;
    default:
      return undefined;
  }
}

function integer(
  value: bigint | string | number | boolean | null,
  sign: Sign,
  { type }: Column,
): { readonly sign: Sign; readonly value: bigint } | undefined {
  if (typeof value === "bigint") return value >= -INT64 && value < INT64 ? { sign, value } : undefined;
  if (typeof value !== "number") return undefined;
  if (Number.isSafeInteger(value)) return { sign, value: BigInt(value) };
  // Of larger integers and decimals the engine compares a double.
  if (type !== "int32" || Math.abs(value) > 2 ** 40) return undefined;
  if (sign === "<" || sign === "<=") return { sign: "<=", value: BigInt(Math.floor(value)) };
  return sign === ">" || sign === ">=" ? { sign: ">=", value: BigInt(Math.ceil(value)) } : undefined;
}

/** What every database takes for text. */
function isPlain(text: string): boolean {
  return !text.includes("\0") && !/[\ud800-\udfff]/u.test(text);
}

/** ISO 8601 without a zone; undefined for what no calendar has, which the engine refuses. */
function datetimeText(args: readonly Expr[]): string | undefined {
  const numbers = args.map((arg) => ("lit" in arg ? Number(arg.lit) : Number.NaN));
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, micro = 0] = numbers;
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const exact =
    numbers.every(Number.isInteger) &&
    date.getUTCFullYear() === year &&
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day &&
    date.getUTCHours() === hour &&
    micro >= 0 &&
    micro < 1e6;
  // Years of which all databases have a calendar alike.
  if (!exact || numbers.length < 3 || year < 1900 || year > 9999) return undefined;
  return `${date.toISOString().slice(0, 19)}.${String(micro).padStart(6, "0")}`;
}
