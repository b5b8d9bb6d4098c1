import { AmlError } from "@aml/core";
import { ofJson } from "./compile-arithmetic.ts";
import { NOTHING, type Sql } from "./compile-literal.ts";
import { quoteText } from "./sql-text.ts";

/** The text that a value is, or of a JSON value the text that it may be; undefined for what is no text. */
export function asText(value: Sql): string | undefined {
  if (value.kind === "text") return value.sql;
  return value.kind === "json" ? ofJson(value, "text")?.sql : undefined;
}

export function textFunction(
  fn:
    | "contains"
    | "starts_with"
    | "ends_with"
    | "substring"
    | "index_of"
    | "length"
    | "strip"
    | "to_upper"
    | "to_lower",
  text: Sql,
  second: Sql,
  third: Sql | undefined,
): Sql {
  const value = asText(text);
  if (value === undefined) return NOTHING;
  switch (fn) {
    case "length":
      return { sql: `length(${value})`, kind: "int" };
    case "strip":
      return { sql: `trim(${value}, ${WHITE_SPACE})`, kind: "text" };
    case "to_upper":
      return { sql: `upper(${value})`, kind: "text" };
    case "to_lower":
      return { sql: `lower(${value})`, kind: "text" };
    case "substring": {
      if (second.kind !== "int" || (third !== undefined && third.kind !== "int")) return NOTHING;
      const start = placeOf(second, `greatest(length(${value}) + ${second.sql}, 0)`);
      const length = third === undefined ? "" : `, ${placeOf(third, "0")}`;
      return { sql: `substring(${value}, ${start} + 1${length})`, kind: "text" };
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

/** The farthest that DuckDB looks into a text. */
const FARTHEST = 2 ** 31;

/** A place in a text, or a length. A negative start counts from the end, as in Python's slices. */
function placeOf({ sql }: Sql, ifNegative: string): string {
  const digits = /^\((\d+)\)::BIGINT$/.exec(sql)?.[1];
  if (digits !== undefined) return `(${Math.min(Number(digits), FARTHEST)})`;
  return `(CASE WHEN ${sql} < 0 THEN ${ifNegative} WHEN ${sql} >= 0 THEN least(${sql}, ${FARTHEST}) END)`;
}

/** What Python strips, and no more than that. */
const WHITE_SPACE = quoteText(
  "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000",
);
const PART_TESTS = { contains: "contains", starts_with: "starts_with", ends_with: "suffix" } as const;

/** A plan may come from a file and bypass its parser: no name in it becomes a name in SQL. */
function unknownFunction(fn: never): never {
  throw new AmlError("plan_invalid", `A filter has an unknown function: ${JSON.stringify(fn)}.`);
}
