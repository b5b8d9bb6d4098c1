import { AmlError, type Expr, type ExprFunction } from "@aml/core";
import { columnTypeOf, type PlanColumn } from "./plan-column.ts";
import { datetime, integer, literal, NOTHING, type Kind, type Sql } from "./compile-literal.ts";
import { quoteIdentifier } from "./sql-text.ts";

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
const NUMERIC: ReadonlySet<Kind> = new Set(["int", "float", "decimal", "boolean"]);

/**
 * A filter as a condition in SQL: true keeps the row, false and NULL drop it.
 *
 * Comparisons with null are false, also `!=`; values of different kinds (text and number) are never equal and have
 * no order. Integer division and modulo round down, as in Python; what has no value (division by zero, text minus
 * number) is null.
 *
 * @throws `plan_invalid` for a column that does not exist, and for a filter that is not a condition.
 */
export function compileFilter(where: Expr, columns: readonly PlanColumn[], step: number): string {
  const compiled = compile(where, { columns: new Map(columns.map((column) => [column.name, column])), step });
  return condition(compiled).sql;
}

interface Scope {
  readonly columns: ReadonlyMap<string, PlanColumn>;
  readonly step: number;
}

function compile(expr: Expr, scope: Scope): Sql {
  if ("col" in expr) return column(expr.col, scope);
  if ("int" in expr) return integer(expr.int);
  if ("lit" in expr) return literal(expr.lit);
  if (expr.fn === "is_error") return isError(expr.args[0], scope);
  if (expr.fn === "datetime") return datetime(expr.args, scope.step);
  const args = expr.args.map((arg) => compile(arg, scope));
  return call(expr.fn, args);
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
  const kind = KINDS[columnTypeOf(found.sqlType)] ?? "null";
  const id = quoteIdentifier(found.id);
  // Nested values of Parquet have no counterpart in a filter; only JSON values can turn out to be text or numbers.
  if (kind === "json" && found.sqlType !== "JSON") return { sql: id, kind: "bytes" };
  return { sql: kind === "text" && found.sqlType !== "VARCHAR" ? `${id}::VARCHAR` : id, kind };
}

function isError(arg: Expr | undefined, scope: Scope): Sql {
  if (arg === undefined || !("col" in arg)) return FALSE;
  column(arg.col, scope);
  const errorId = scope.columns.get(arg.col)?.errorId;
  return errorId === undefined ? FALSE : { sql: quoteIdentifier(errorId), kind: "boolean", exact: true };
}

function call(fn: Exclude<ExprFunction, "is_error" | "datetime">, args: readonly Sql[]): Sql {
  const [a = NOTHING, b = NOTHING, c] = args;
  switch (fn) {
    case "and":
    case "or":
      return {
        sql: `(${args.map((arg) => condition(arg).sql).join(` ${fn.toUpperCase()} `)})`,
        kind: "boolean",
        exact: args.every((arg) => condition(arg).exact === true),
      };
    case "not":
      return { sql: `(NOT ${exactly(condition(a))})`, kind: "boolean", exact: true };
    case "==":
    case "!=":
    case "<":
    case "<=":
    case ">":
    case ">=":
      return compare(fn, a, b);
    case "in":
      return { ...anyOf(a, args.slice(1)), kind: "boolean" };
    case "not_in": {
      const found = anyOf(a, args.slice(1));
      return { sql: `(${a.sql} IS NOT NULL AND NOT ${exactly(found)})`, kind: "boolean", exact: true };
    }
    case "is_null":
      return { sql: `(${a.sql} IS NULL)`, kind: "boolean", exact: true };
    case "is_not_null":
      return { sql: `(${a.sql} IS NOT NULL)`, kind: "boolean", exact: true };
    case "+":
      if (asText(a) && asText(b) && (a.kind === "text" || b.kind === "text")) {
        return { sql: `(${asText(a)} || ${asText(b)})`, kind: "text" };
      }
      return arithmetic(fn, a, b);
    case "-":
    case "*":
    case "/":
    case "//":
    case "%":
    case "**":
      return arithmetic(fn, a, b);
    case "negate":
      return arithmetic("-", { sql: "0::BIGINT", kind: "int", exact: true }, a);
    default:
      return textFunction(fn, a, b, c);
  }
}

/** A value as a condition: whatever is no boolean keeps no row. */
function condition(value: Sql): Sql {
  if (value.kind === "boolean") return value;
  if (value.kind === "json")
    return { sql: `(json_type(${value.sql}) = 'BOOLEAN' AND ${value.sql}::BOOLEAN)`, kind: "boolean" };
  return FALSE;
}

/** NULL as false: only where a NOT would turn it over. Elsewhere the bare comparison lets DuckDB skip row groups. */
function exactly(value: Sql): string {
  return value.exact === true ? value.sql : `coalesce(${value.sql}, false)`;
}

function anyOf(needle: Sql, items: readonly Sql[]): Sql {
  if (items.length === 0) return FALSE;
  return { sql: `(${items.map((item) => compare("==", needle, item).sql).join(" OR ")})`, kind: "boolean" };
}

function compare(fn: "==" | "!=" | "<" | "<=" | ">" | ">=", left: Sql, right: Sql): Sql {
  const operator = fn === "==" ? "=" : fn === "!=" ? "<>" : fn;
  const [a, b] = alike(left, right);
  if (a === undefined || b === undefined) {
    if (fn !== "!=" || left.kind === "null" || right.kind === "null") return FALSE;
    return { sql: `(${left.sql} IS NOT NULL AND ${right.sql} IS NOT NULL)`, kind: "boolean", exact: true };
  }
  const bare = `(${a.sql} ${operator} ${b.sql})`;
  const different = left.kind === "json" || right.kind === "json";
  // A JSON value of another kind than the other side is unequal to it, though it has no value of that kind.
  if (fn === "!=" && different && left.kind !== right.kind) {
    const both = `${left.sql} IS NOT NULL AND ${right.sql} IS NOT NULL`;
    return { sql: `(${both} AND ${a.sql} IS DISTINCT FROM ${b.sql})`, kind: "boolean", exact: true };
  }
  const nan = nanSide(fn, a, b);
  if (nan !== undefined) return { sql: `(${bare} AND NOT isnan(${nan.sql}))`, kind: "boolean" };
  return { sql: bare, kind: "boolean", ...(a.exact && b.exact ? { exact: true } : {}) };
}

/** The side that must not be NaN: for DuckDB it equals itself and is the greatest value, in Python it is neither. */
function nanSide(fn: string, a: Sql, b: Sql): Sql | undefined {
  const open = [a, b].map((side) => side.kind === "float" && side.exact !== true);
  if (fn === "==") return open[0] && open[1] ? a : undefined;
  if (fn.startsWith(">")) return open[0] ? a : undefined;
  return fn.startsWith("<") && open[1] ? b : undefined;
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

function ofJson(value: Sql, kind: Kind): Sql | undefined {
  const typed = (types: string, sql: string): Sql => ({
    sql: `(CASE WHEN json_type(${value.sql}) IN (${types}) THEN ${sql} END)`,
    kind,
  });
  if (kind === "text") return typed("'VARCHAR'", `${value.sql} ->> '$'`);
  if (kind === "boolean") return typed("'BOOLEAN'", `${value.sql}::BOOLEAN`);
  if (kind === "int") return typed("'BIGINT', 'UBIGINT', 'DOUBLE'", `${value.sql}::DECIMAL(38, 9)`);
  if (NUMERIC.has(kind)) return typed("'BIGINT', 'UBIGINT', 'DOUBLE'", `${value.sql}::DOUBLE`);
  return undefined;
}

function asNumber(value: Sql): Sql {
  return value.kind === "boolean" ? { ...value, sql: `${value.sql}::BIGINT`, kind: "int" } : value;
}

function asText(value: Sql): string | undefined {
  if (value.kind === "text") return value.sql;
  return value.kind === "json" ? ofJson(value, "text")?.sql : undefined;
}

function arithmetic(fn: "+" | "-" | "*" | "/" | "//" | "%" | "**", left: Sql, right: Sql): Sql {
  const a = left.kind === "json" ? ofJson(left, "float") : asNumber(left);
  const b = right.kind === "json" ? ofJson(right, "float") : asNumber(right);
  if (a === undefined || b === undefined || !NUMERIC.has(a.kind) || !NUMERIC.has(b.kind)) return NOTHING;
  const whole = a.kind === "int" && b.kind === "int";
  const float = (side: Sql): string => `${side.sql}::DOUBLE`;
  if (fn === "/") return { sql: `(${float(a)} / nullif(${float(b)}, 0))`, kind: "float" };
  if (fn === "**") return { sql: `pow(${float(a)}, ${float(b)})`, kind: "float" };
  if (whole) return { sql: wholeNumbers(fn, `${a.sql}::BIGINT`, `${b.sql}::BIGINT`), kind: "int" };
  const exact = a.kind !== "float" && b.kind !== "float" && fn !== "//" && fn !== "%";
  const [x, y] = exact ? [a.sql, b.sql] : [float(a), float(b)];
  if (fn === "//") return { sql: `floor(${x} / nullif(${y}, 0))`, kind: "float" };
  if (fn === "%") return { sql: `(${x} - floor(${x} / nullif(${y}, 0)) * ${y})`, kind: "float" };
  return { sql: `(${x} ${fn} ${y})`, kind: exact ? "decimal" : "float" };
}

/** DuckDB cuts towards zero; Python rounds down, and its modulo has the divisor's sign. */
function wholeNumbers(fn: "+" | "-" | "*" | "//" | "%", a: string, b: string): string {
  if (fn !== "//" && fn !== "%") return `(${a} ${fn} ${b})`;
  const uneven = `((${a}) % (${b}) <> 0 AND ((${a}) < 0) <> ((${b}) < 0))`;
  if (fn === "//") return `((${a}) // (${b}) - ${uneven}::BIGINT)`;
  return `((${a}) % (${b}) + CASE WHEN ${uneven} THEN (${b}) ELSE 0 END)`;
}

function textFunction(
  fn:
    | "contains"
    | "starts_with"
    | "ends_with"
    | "substring"
    | "index_of"
    | "length"
    | "to_upper"
    | "to_lower",
  text: Sql,
  second: Sql,
  third: Sql | undefined,
): Sql {
  const value = asText(text) ?? "NULL::VARCHAR";
  switch (fn) {
    case "length":
      return { sql: `length(${value})`, kind: "int" };
    case "to_upper":
      return { sql: `upper(${value})`, kind: "text" };
    case "to_lower":
      return { sql: `lower(${value})`, kind: "text" };
    case "substring": {
      if (second.kind !== "int" || (third !== undefined && third.kind !== "int")) return NOTHING;
      const start = `(${second.sql})`;
      // A negative start counts from the end, in Python's slices as here.
      const from = `(CASE WHEN ${start} < 0 THEN greatest(length(${value}) + ${start}, 0) ELSE ${start} END + 1)`;
      const length = third === undefined ? "" : `, greatest(${third.sql}, 0)`;
      return { sql: `substring(${value}, ${from}${length})`, kind: "text" };
    }
    case "contains":
    case "starts_with":
    case "ends_with":
    case "index_of": {
      const part = asText(second);
      if (part === undefined) return NOTHING;
      if (fn === "index_of") return { sql: `(instr(${value}, ${part}) - 1)`, kind: "int" };
      return { sql: `${PART_TESTS[fn]}(${value}, ${part})`, kind: "boolean" };
    }
    default:
      return unknownFunction(fn);
  }
}

const PART_TESTS = { contains: "contains", starts_with: "starts_with", ends_with: "suffix" } as const;

/** A plan may come from a file and bypass its parser: no name in it becomes a name in SQL. */
function unknownFunction(fn: never): never {
  throw new AmlError("plan_invalid", `A filter has an unknown function: ${JSON.stringify(fn)}.`);
}
