import { type Kind, NOTHING, type Sql } from "./compile-literal.ts";

export const NUMERIC: ReadonlySet<Kind> = new Set(["int", "float", "decimal", "boolean"]);

export type ArithmeticFunction = "+" | "-" | "*" | "/" | "//" | "%" | "**";

/** As Python calculates, but what has no value is null: a division by zero, and what are no numbers. */
export function arithmetic(fn: ArithmeticFunction, left: Sql, right: Sql): Sql {
  const a = left.kind === "json" ? ofJson(left, "float") : asNumber(left);
  const b = right.kind === "json" ? ofJson(right, "float") : asNumber(right);
  if (a === undefined || b === undefined || !NUMERIC.has(a.kind) || !NUMERIC.has(b.kind)) return NOTHING;
  if (a.kind === "int" && b.kind === "int" && fn !== "/" && fn !== "**") {
    return { sql: wholeNumbers(fn, `${a.sql}::BIGINT`, `${b.sql}::BIGINT`), kind: "int" };
  }
  const decimal = a.kind !== "float" && b.kind !== "float" && "+-*".includes(fn);
  if (decimal) return { sql: `(${a.sql} ${fn} ${b.sql})`, kind: "decimal" };
  return { sql: fractions(fn, `${a.sql}::DOUBLE`, `${b.sql}::DOUBLE`), kind: "float" };
}

/** DuckDB cuts towards zero; Python rounds down, and its modulo has the divisor's sign. */
function wholeNumbers(fn: Exclude<ArithmeticFunction, "/" | "**">, a: string, b: string): string {
  if (fn !== "//" && fn !== "%") return `(${a} ${fn} ${b})`;
  const divisor = /^\((\d{1,15})\)::BIGINT::BIGINT$/.exec(b)?.[1];
  if (divisor !== undefined && divisor !== "0") {
    // Most divisors are: repeating the left side in a chain would make it grow beyond all bounds.
    const modulo = `((${a} % ${divisor} + ${divisor}) % ${divisor})`;
    return fn === "%" ? modulo : `(${a} // ${divisor} - (${a} % ${divisor} < 0)::BIGINT)`;
  }
  const uneven = `((${a}) % (${b}) <> 0 AND ((${a}) < 0) <> ((${b}) < 0))`;
  if (fn === "//") return `((${a}) // (${b}) - ${uneven}::BIGINT)`;
  return `((${a}) % (${b}) + CASE WHEN ${uneven} THEN (${b}) ELSE 0 END)`;
}

function fractions(fn: ArithmeticFunction, a: string, b: string): string {
  const divisor = `nullif(${b}, 0)`;
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
      return `pow(CASE WHEN ${b} < 0 THEN nullif(${a}, 0) ELSE ${a} END, ${b})`;
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
