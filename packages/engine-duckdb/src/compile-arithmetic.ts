import { type Kind, NOTHING, type Sql } from "./compile-literal.ts";
import { DIVISION_BY_ZERO } from "./relation.ts";

export const NUMERIC: ReadonlySet<Kind> = new Set(["int", "float", "decimal", "boolean"]);

export type ArithmeticFunction = "+" | "-" | "*" | "/" | "//" | "%" | "**";

/**
 * As Python calculates; what are no numbers is null. A division by zero ends the query, as in Azure ML's Python package, and
 * as there zero to a negative power is infinite.
 */
export function arithmetic(fn: ArithmeticFunction, left: Sql, right: Sql, step: number): Sql {
  const divides = fn === "/" || fn === "//" || fn === "%";
  const value = calculation(fn, left, right, divides ? (a, b) => guarded(a, b, step) : (_, b) => b);
  return divides && value !== NOTHING ? { ...value, fails: true } : value;
}

type Guard = (a: string, b: string) => string;

/** A divisor that is not zero. */
function guarded(a: string, b: string, step: number): string {
  if (isNonzero(b)) return b;
  return `CASE WHEN (${b}) = 0 AND (${a}) IS NOT NULL THEN error('${DIVISION_BY_ZERO}${step}') ELSE (${b}) END`;
}

function isNonzero(divisor: string): boolean {
  const [, whole, fraction] = /^(?:\((-?\d+)\)|'(-?[\d.e+-]+)')(?:::BIGINT|::DOUBLE)+$/.exec(divisor) ?? [];
  return Number(whole ?? fraction ?? 0) !== 0;
}

function calculation(fn: ArithmeticFunction, left: Sql, right: Sql, guard: Guard): Sql {
  const a = left.kind === "json" ? ofJson(left, "float") : asNumber(left);
  const b = right.kind === "json" ? ofJson(right, "float") : asNumber(right);
  if (a === undefined || b === undefined || !NUMERIC.has(a.kind) || !NUMERIC.has(b.kind)) return NOTHING;
  if (a.kind === "int" && b.kind === "int" && fn !== "/" && fn !== "**") {
    return { sql: wholeNumbers(fn, `${a.sql}::BIGINT`, `${b.sql}::BIGINT`, guard), kind: "int" };
  }
  const decimal = a.kind !== "float" && b.kind !== "float" && "+-*".includes(fn);
  if (decimal) return { sql: `(${a.sql} ${fn} ${b.sql})`, kind: "decimal" };
  return { sql: fractions(fn, `${a.sql}::DOUBLE`, `${b.sql}::DOUBLE`, guard), kind: "float" };
}

/** DuckDB cuts towards zero; Python rounds down, and its modulo has the divisor's sign. */
function wholeNumbers(
  fn: Exclude<ArithmeticFunction, "/" | "**">,
  a: string,
  b: string,
  guard: Guard,
): string {
  if (fn !== "//" && fn !== "%") return `(${a} ${fn} ${b})`;
  const constant = /^\((\d{1,15})\)::BIGINT::BIGINT$/.exec(b)?.[1];
  if (constant !== undefined && constant !== "0") {
    // Most divisors are: repeating the left side in a chain would make it grow beyond all bounds.
    const modulo = `((${a} % ${constant} + ${constant}) % ${constant})`;
    return fn === "%" ? modulo : `(${a} // ${constant} - (${a} % ${constant} < 0)::BIGINT)`;
  }
  const uneven = `((${a}) % (${b}) <> 0 AND ((${a}) < 0) <> ((${b}) < 0))`;
  const divisor = `(${guard(a, b)})`;
  if (fn === "//") return `((${a}) // ${divisor} - ${uneven}::BIGINT)`;
  return `((${a}) % ${divisor} + CASE WHEN ${uneven} THEN (${b}) ELSE 0 END)`;
}

function fractions(fn: ArithmeticFunction, a: string, b: string, guard: Guard): string {
  const divisor = `(${guard(a, b)})`;
  // The rest comes first: 1 / 0.1 rounds to 10, though 0.1 is in 1 nine times and leaves a rest.
  const rest = `(${a} % ${divisor})`;
  const below = `${rest} <> 0 AND (${rest} < 0) <> (${b} < 0)`;
  switch (fn) {
    case "/":
      return `(${a} / ${divisor})`;
    case "%":
      return `(${rest} + CASE WHEN ${below} THEN ${b} ELSE 0 END)`;
    case "//":
      return `(round((${a} - ${rest}) / ${divisor}) - CASE WHEN ${below} THEN 1 ELSE 0 END)`;
    case "**":
      return `pow(${a}, ${b})`;
    default:
      return `(${a} ${fn} ${b})`;
  }
}

export function asNumber(value: Sql): Sql {
  return value.kind === "boolean" ? { ...value, sql: `${value.sql}::BIGINT`, kind: "int" } : value;
}

/** A JSON value as one of a kind; null where it is of another. Undefined: no JSON value is of the kind. */
export function ofJson(value: Sql, kind: Kind): Sql | undefined {
  const typed = (types: string, sql: string): Sql => ({
    sql: `(CASE WHEN json_type(${value.sql}) IN (${types}) THEN ${sql} END)`,
    kind,
  });
  if (kind === "text") return typed("'VARCHAR'", `${value.sql} ->> '$'`);
  if (kind === "boolean") return typed("'BOOLEAN'", `${value.sql}::BOOLEAN`);
  if (kind === "int") {
    // Exact for whole numbers; fractions beyond all of them are cut to what a decimal holds.
    const fraction = `greatest(least(${value.sql}::DOUBLE, 9e19), -9e19)`;
    const number = `CASE WHEN json_type(${value.sql}) = 'DOUBLE' THEN ${fraction}::DECIMAL(38, 18) ELSE ${value.sql}::DECIMAL(38, 18) END`;
    return typed("'BIGINT', 'UBIGINT', 'DOUBLE'", number);
  }
  if (NUMERIC.has(kind)) return typed("'BIGINT', 'UBIGINT', 'DOUBLE'", `${value.sql}::DOUBLE`);
  return undefined;
}
