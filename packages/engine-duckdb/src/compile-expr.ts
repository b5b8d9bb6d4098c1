import { AmlError, type Expr, type ExprFunction } from "@aml/core";
import { arithmetic, asNumber, NUMERIC, ofJson, type ArithmeticFunction } from "./compile-arithmetic.ts";
import { asText, textFunction } from "./compile-text.ts";
import { columnTypeOf, type PlanColumn } from "./plan-column.ts";
import { datetime, integer, literal, NOTHING, type Kind, type Sql } from "./compile-literal.ts";
import { parseSqlType, sqlTypeText } from "./parse-sql-type.ts";
import { quoteIdentifier, quoteText } from "./sql-text.ts";

const KINDS: Readonly<Record<string, Kind>> = {
  boolean: "boolean",
  int32: "int",
  int64: "int",
  float64: "float",
  decimal: "decimal",
  string: "text",
  bytes: "bytes",
  date: "time",
  timestamp: "time",
  json: "json",
};
const FALSE: Sql = { sql: "false", kind: "boolean", exact: true };
const NULL_TEST: Sql = { sql: "NULL::BOOLEAN", kind: "boolean" };
/** As Python counts them; DuckDB's microseconds hold the seconds, too. */
const TIME_PARTS = {
  year: (time: string): string => `year(${time})`,
  month: (time: string): string => `month(${time})`,
  day: (time: string): string => `day(${time})`,
  hour: (time: string): string => `hour(${time})`,
  minute: (time: string): string => `minute(${time})`,
  second: (time: string): string => `second(${time})`,
  microsecond: (time: string): string => `(microsecond(${time}) % 1000000)`,
  weekday: (time: string): string => `(isodow(${time}) - 1)`,
};

/**
 * A filter as a condition in SQL: true keeps the row, false and NULL drop it.
 *
 * A comparison with null is null, also `!=`, and so is its opposite; values of different kinds (text and number) are
 * never equal, and have no order: null. Integer division and modulo round down, as in Python. A division by zero ends the
 * query, unless `and` or `or` has decided before.
 *
 * @throws `plan_invalid` for a column that does not exist, for what is no condition in the place of one, and for
 * arithmetic of texts, times or bytes.
 */
export function compileFilter(where: Expr, columns: readonly PlanColumn[], step: number): string {
  const compiled = compile(where, {
    columns: new Map(columns.map((column) => [column.name, column])),
    step,
    negated: false,
  });
  return condition(compiled, step).sql;
}

interface Scope {
  readonly columns: ReadonlyMap<string, PlanColumn>;
  readonly step: number;
  /** Below a `not`. */
  readonly negated: boolean;
}

function compile(expr: Expr, scope: Scope): Sql {
  if ("col" in expr) return column(expr.col, scope);
  if ("int" in expr) return integer(expr.int);
  if ("lit" in expr) return literal(expr.lit);
  if (expr.fn === "is_error") return isError(expr.args[0], scope);
  if (expr.fn === "datetime") return datetime(expr.args, scope.step);
  if (expr.fn === "field") return field(expr, scope);
  const within = expr.fn === "not" ? { ...scope, negated: true } : scope;
  const args = expr.args.map((arg) => compile(arg, within));
  const value = call(expr.fn, args, scope);
  return bounded(args.some(({ fails }) => fails) ? { ...value, fails: true } : value, scope);
}

/** Some functions need an argument several times over, so that nested ones could grow beyond all bounds. */
const MAX_SQL_LENGTH = 2 ** 20;
const MAX_TEXTS = 100;

function bounded(value: Sql, { step }: Scope): Sql {
  const { length } = value.sql;
  if (length <= MAX_SQL_LENGTH && (value.texts ?? 1) <= MAX_TEXTS) return value;
  const what = length > MAX_SQL_LENGTH ? "is too complex" : `puts more than ${MAX_TEXTS} texts together`;
  throw new AmlError("plan_invalid", `Step ${step} (filter) ${what}.`, {
    hint: "Split it into several filters.",
    context: { step },
  });
}

function column(name: string, scope: Scope): Sql {
  const found = scope.columns.get(name);
  if (found === undefined) {
    throw new AmlError(
      "plan_invalid",
      `Step ${scope.step} (filter) names a column that does not exist: ${name}.`,
      {
        hint: `Columns are: ${[...scope.columns.keys()].join(", ")}.`,
        context: { step: scope.step, column: name, columns: [...scope.columns.keys()] },
      },
    );
  }
  return typed(quoteIdentifier(found.id), found.sqlType);
}

function typed(value: string, sqlType: string): Sql {
  const kind = KINDS[columnTypeOf(sqlType)] ?? "null";
  // Nested values of Parquet have no counterpart in a filter; only JSON values can turn out to be text or numbers.
  if (kind === "json" && sqlType !== "JSON") return { sql: value, kind: "bytes" };
  return { sql: kind === "text" && sqlType !== "VARCHAR" ? `${value}::VARCHAR` : value, kind };
}

/** A field within a column: of JSON, a structure, or a map of texts; null where there is none, or none of this name. */
function field(expr: Expr, scope: Scope): Sql {
  const names: string[] = [];
  let at = expr;
  while ("fn" in at && at.fn === "field") {
    const [of, name] = at.args as readonly [Expr, Expr | undefined];
    names.unshift(name !== undefined && "lit" in name ? String(name.lit) : "");
    at = of;
  }
  const name = "col" in at ? at.col : "";
  column(name, scope);
  const found = scope.columns.get(name);
  return fieldOf(quoteIdentifier(found?.id ?? ""), found?.sqlType ?? "", names, name, scope.step);
}

function fieldOf(
  value: string,
  sqlType: string,
  [name, ...rest]: readonly string[],
  path: string,
  step: number,
): Sql {
  if (name === undefined) return typed(value, sqlType);
  const below = `${path}[${JSON.stringify(name)}]`;
  if (sqlType === "JSON") {
    const pointer = [name, ...rest]
      .map((one) => `/${one.replaceAll("~", "~0").replaceAll("/", "~1")}`)
      .join("");
    const json = `json_extract(${value}, ${quoteText(pointer)})`;
    return { sql: `(CASE WHEN json_type(${json}) <> 'NULL' THEN ${json} END)`, kind: "json" };
  }
  const type = parseSqlType(sqlType);
  if (type?.kind === "map" && type.key.kind === "leaf" && type.key.name === "VARCHAR")
    return fieldOf(
      `map_extract_value(${value}, ${quoteText(name)})`,
      sqlTypeText(type.value),
      rest,
      below,
      step,
    );
  const known = type?.kind === "struct" ? type.fields : [];
  const [, own] = known.find(([one]) => one === name) ?? [];
  if (own !== undefined)
    return fieldOf(`struct_extract(${value}, ${quoteText(name)})`, sqlTypeText(own), rest, below, step);
  throw new AmlError("plan_invalid", `Step ${step} (filter) names a field that does not exist: ${below}.`, {
    hint:
      known.length === 0
        ? `${path} has no fields.`
        : `Fields of ${path} are: ${known.map(([one]) => one).join(", ")}.`,
    context: { step, column: below },
  });
}

function isError(arg: Expr | undefined, scope: Scope): Sql {
  if (arg === undefined || !("col" in arg)) return FALSE;
  column(arg.col, scope);
  const errorId = scope.columns.get(arg.col)?.errorId;
  return errorId === undefined ? FALSE : { sql: quoteIdentifier(errorId), kind: "boolean", exact: true };
}

function call(
  fn: Exclude<ExprFunction, "is_error" | "datetime" | "field">,
  args: readonly Sql[],
  scope: Scope,
): Sql {
  const { step } = scope;
  switch (fn) {
    case "and":
    case "or":
      return { sql: args.map((arg) => condition(arg, step)).reduce(joinedBy(fn)).sql, kind: "boolean" };
    case "not":
      return { sql: `(NOT ${condition(args[0] ?? NOTHING, step).sql})`, kind: "boolean" };
    default:
      return callOnValues(fn, args, scope);
  }
}

/**
 * Two conditions as one. What may fail is asked only where the first leaves it open, as in Python; DuckDB asks both of all
 * rows within other expressions.
 */
function joinedBy(fn: "and" | "or"): (left: Sql, right: Sql) => Sql {
  const decided = fn === "or";
  return (left, right) => {
    const both = `(${left.sql} ${fn.toUpperCase()} ${right.sql})`;
    const lazy = `(CASE WHEN ${left.sql} IS ${decided} THEN ${decided} ELSE ${both} END)`;
    return { sql: right.fails === true ? lazy : both, kind: "boolean", fails: left.fails || right.fails };
  };
}

function callOnValues(
  fn: Exclude<ExprFunction, "is_error" | "datetime" | "field" | "and" | "or" | "not">,
  args: readonly Sql[],
  { step, negated }: Scope,
): Sql {
  const [a = NOTHING, b = NOTHING, c] = args;
  switch (fn) {
    case "==":
    case "!=":
    case "<":
    case "<=":
    case ">":
    case ">=":
      return compare(fn, a, b, negated);
    case "in":
      return anyOf(a, args.slice(1), negated);
    case "not_in": {
      const found = anyOf(a, args.slice(1), true);
      return { sql: `(NOT ${found.sql})`, kind: "boolean" };
    }
    case "is_null":
      return { sql: `(${a.sql} IS NULL)`, kind: "boolean", exact: true };
    case "is_not_null":
      return { sql: `(${a.sql} IS NOT NULL)`, kind: "boolean", exact: true };
    case "+":
      if (asText(a) && asText(b) && (a.kind === "text" || b.kind === "text")) {
        const texts = (a.texts ?? 1) + (b.texts ?? 1);
        return { sql: `(${asText(a)} || ${asText(b)})`, kind: "text", texts };
      }
      return calculate(fn, a, b, step);
    case "-":
    case "*":
    case "/":
    case "//":
    case "%":
    case "**":
      return calculate(fn, a, b, step);
    case "negate":
      return calculate("-", { sql: "0::BIGINT", kind: "int", exact: true }, a, step);
    case "abs": {
      const value = a.kind === "json" ? ofJson(a, "float") : asNumber(a);
      return value && NUMERIC.has(value.kind) ? { sql: `abs(${value.sql})`, kind: value.kind } : NOTHING;
    }
    case "year":
    case "month":
    case "day":
    case "hour":
    case "minute":
    case "second":
    case "microsecond":
    case "weekday":
      return a.kind === "time"
        ? { sql: TIME_PARTS[fn](`try_cast(${a.sql} AS TIMESTAMP)`), kind: "int" }
        : NOTHING;
    default:
      return textFunction(fn, a, b, c);
  }
}

/** What a filter calls a kind that is neither a number nor a condition, or not both. */
const NAMES: Readonly<Partial<Record<Kind, string>>> = {
  int: "a number",
  float: "a number",
  decimal: "a number",
  text: "a text",
  time: "a time",
  bytes: "bytes",
};

/** A value as a condition; a JSON value that is no boolean keeps no row, nor does its opposite. */
function condition(value: Sql, step: number): Sql {
  if (value.kind === "boolean") return value;
  if (value.kind === "null") return NULL_TEST;
  const boolean = value.kind === "json" ? ofJson(value, "boolean") : undefined;
  if (boolean !== undefined) return boolean;
  throw new AmlError("plan_invalid", `Step ${step} (filter) takes ${NAMES[value.kind]} for a condition.`, {
    hint: "Compare it with something, as in x != 0 or x is not None.",
    context: { step },
  });
}

/** Arithmetic, but never of what cannot be a number. */
function calculate(fn: ArithmeticFunction, a: Sql, b: Sql, step: number): Sql {
  if (a.kind === "null" || b.kind === "null") return NOTHING;
  const wrong = [a, b].find(({ kind }) => kind === "text" || kind === "time" || kind === "bytes");
  if (wrong === undefined) return arithmetic(fn, a, b, step);
  throw new AmlError("plan_invalid", `Step ${step} (filter) calculates with ${NAMES[wrong.kind]}: ${fn}.`, {
    hint: "Convert the column to a number before, with convert_column_types.",
    context: { step },
  });
}

/** A test in place of one that is null for values of another kind, of which it is false. */
function falseUnlessNull(test: string | undefined, values: readonly Sql[]): Sql {
  const known = values.filter(({ exact }) => exact !== true).map(({ sql }) => `${sql} IS NOT NULL`);
  const value = test === undefined ? "false" : `coalesce(${test}, false)`;
  return {
    sql: known.length === 0 ? value : `(CASE WHEN ${known.join(" AND ")} THEN ${value} END)`,
    kind: "boolean",
  };
}

/**
 * The items by kind, so that the needle stands there once for each. Not by `IN`: DuckDB makes a join of it, and rows come
 * out in another order now and then.
 */
function anyOf(needle: Sql, items: readonly Sql[], negated: boolean): Sql {
  const groups = new Map<Kind, Sql[]>();
  for (const item of items) {
    const group = groups.get(item.kind);
    if (group === undefined) groups.set(item.kind, [item]);
    else group.push(item);
  }
  const tests = [...groups.values()].flatMap((group): string[] => {
    const pairs = group.map((item) => alike(needle, item));
    const [left] = pairs[0] ?? [];
    const list = pairs.flatMap(([, right]) => (right === undefined ? [] : [right.sql]));
    return left === undefined || list.length === 0
      ? []
      : [`list_contains([${list.join(", ")}], ${left.sql})`];
  });
  if (tests.length > 0 && needle.kind !== "json") {
    const found = `(${tests.join(" OR ")})`;
    const sql = negated && isOpen(needle) ? `(${found} AND NOT isnan(${needle.sql}))` : found;
    return { sql, kind: "boolean" };
  }
  return needle.kind === "null"
    ? NULL_TEST
    : falseUnlessNull(tests.length === 0 ? undefined : tests.join(" OR "), [needle]);
}

function compare(fn: "==" | "!=" | "<" | "<=" | ">" | ">=", left: Sql, right: Sql, negated: boolean): Sql {
  const operator = fn === "==" ? "=" : fn === "!=" ? "<>" : fn;
  const [a, b] = alike(left, right);
  const isEquality = fn === "==" || fn === "!=";
  if (left.kind === "null" || right.kind === "null") return NULL_TEST;
  if (a === undefined || b === undefined) {
    if (!isEquality) return NULL_TEST;
    const equal = falseUnlessNull(undefined, [left, right]);
    return fn === "==" ? equal : { sql: `(NOT ${equal.sql})`, kind: "boolean" };
  }
  // A JSON value of another kind than the other side is unequal to it, though it has no value of that kind.
  if (isEquality && left.kind !== right.kind && (left.kind === "json" || right.kind === "json")) {
    const equal = falseUnlessNull(`${a.sql} = ${b.sql}`, [left, right]);
    return fn === "==" ? equal : { sql: `(NOT ${equal.sql})`, kind: "boolean" };
  }
  const bare = `(${a.sql} ${operator} ${b.sql})`;
  const tests = nanSides(fn, a, b, negated).map((nan) => {
    const other = nan === a ? b : a;
    return `isnan(${nan.sql})${other.exact === true ? "" : ` AND ${other.sql} IS NOT NULL`}`;
  });
  if (tests.length === 0) return { sql: bare, kind: "boolean" };
  // The bare comparison alone is what DuckDB skips row groups by.
  const sql =
    fn === "!="
      ? `(${bare} OR ${tests.join(" OR ")})`
      : `(${[bare, ...tests.map((test) => `NOT (${test})`)].join(" AND ")})`;
  return { sql, kind: "boolean" };
}

/**
 * The sides that are told to be no NaN, or with `!=` that may be: for DuckDB it equals itself and is the greatest value, in
 * Python it is neither. And for what DuckDB leaves out by the least and greatest value of a column it is no value at all,
 * though it is not equal to any other, and what is not less need not be greater.
 */
function nanSides(fn: string, a: Sql, b: Sql, negated: boolean): readonly Sql[] {
  const sides = [a, b].filter(isOpen);
  if (negated && fn !== "!=") return sides;
  if (fn === "==") return sides.length === 2 ? [a] : [];
  if (fn === "!=") return sides.length === 2 || a.exact === true || b.exact === true ? sides.slice(0, 1) : [];
  return sides.filter((side) => side === (fn.startsWith(">") ? a : b));
}

/** May be NaN. */
function isOpen({ kind, exact }: Sql): boolean {
  return kind === "float" && exact !== true;
}

/** Both sides as values of one kind; nothing when there is no such kind. */
function alike(a: Sql, b: Sql): readonly [Sql | undefined, Sql | undefined] {
  if (a.kind === "null" || b.kind === "null") return [undefined, undefined];
  if (a.kind === "json" && b.kind === "json") {
    return [
      { sql: `${a.sql}::VARCHAR`, kind: "text" },
      { sql: `${b.sql}::VARCHAR`, kind: "text" },
    ];
  }
  if (a.kind === "json") return [ofJson(a, b.kind), b];
  if (b.kind === "json") return [a, ofJson(b, a.kind)];
  if (a.kind === b.kind) return a.kind === "bytes" ? [undefined, undefined] : [a, b];
  if (NUMERIC.has(a.kind) && NUMERIC.has(b.kind)) return [asNumber(a), asNumber(b)];
  return [undefined, undefined];
}
