import type { ColumnTypeSpec } from "@aml/core";
import { columnTypeOf } from "./plan-column.ts";
import { quoteList, quoteText } from "./sql-text.ts";

export interface Conversion {
  /** The converted value of `x`, NULL where it cannot be converted. */
  readonly sql: string;
  readonly sqlType: string;
  /** False when every value converts. */
  readonly canFail: boolean;
}

/**
 * A conversion as SQL over `x`, an expression of type `from`. Exact where DuckDB's own casts are lenient: `1.5`, `1e3`
 * and `0x1F` are not integers, `1_000` is no number, `yes` is no boolean.
 */
export function compileConversion(x: string, from: string, to: ColumnTypeSpec): Conversion {
  if (to === "string" || to === "stream_info") return toText(x, from);
  if (to === "int") return toInt(x, from);
  if (to === "float") return toFloat(x, from, ".");
  if (to === "boolean") return toBoolean(x, from);
  if ("float" in to) return toFloat(x, from, to.float.decimal_mark);
  if ("datetime" in to) return toDatetime(x, from, to.datetime.formats, to.datetime.date_constant ?? "");
  if ("boolean" in to) return toWords(x, from, to.boolean);
  return toText(x, from);
}

function toText(x: string, from: string): Conversion {
  const type = columnTypeOf(from);
  const nested = type === "json" && from !== "JSON";
  const sql =
    from === "VARCHAR"
      ? x
      : from === "JSON"
        ? `CASE WHEN json_type(${x}) = 'VARCHAR' THEN ${x} ->> '$' ELSE ${x}::VARCHAR END`
        : nested
          ? `to_json(${x})::VARCHAR`
          : `${x}::VARCHAR`;
  return { sql, sqlType: "VARCHAR", canFail: false };
}

/** JSON values convert as their text does. */
function textOf(x: string, from: string): string | undefined {
  if (from === "VARCHAR") return x;
  return columnTypeOf(from) === "string" || from === "JSON" ? `(${toText(x, from).sql})` : undefined;
}

function toInt(x: string, from: string): Conversion {
  const text = textOf(x, from);
  const result = (sql: string, canFail = true): Conversion => ({ sql, sqlType: "BIGINT", canFail });
  if (text !== undefined) {
    const cast = `try_cast(${text} AS BIGINT)`;
    // Almost every integer is written as it prints, which is cheaper to see than to match.
    return result(
      `CASE WHEN ${cast}::VARCHAR = ${text} THEN ${cast} ` +
        `WHEN regexp_full_match(${text}, '\\s*[+-]?[0-9]+\\s*') THEN ${cast} END`,
    );
  }
  switch (columnTypeOf(from)) {
    case "int32":
    case "int64":
    case "boolean":
      return result(`${x}::BIGINT`, false);
    case "float64":
    case "decimal":
      return result(`CASE WHEN ${x} = trunc(${x}) THEN try_cast(${x} AS BIGINT) END`);
    default:
      return result("NULL::BIGINT");
  }
}

function toFloat(x: string, from: string, mark: "." | ","): Conversion {
  const text = textOf(x, from);
  const result = (sql: string, canFail = true): Conversion => ({ sql, sqlType: "DOUBLE", canFail });
  if (text !== undefined) {
    const source = mark === "," ? `replace(${text}, ',', '.')` : text;
    const cast = `try_cast(${source} AS DOUBLE)`;
    const strict = mark === "," ? ` AND NOT contains(${text}, '.')` : "";
    return result(`CASE WHEN isfinite(${cast}) AND NOT contains(${text}, '_')${strict} THEN ${cast} END`);
  }
  const type = columnTypeOf(from);
  const numeric = ["int32", "int64", "boolean", "float64", "decimal"].includes(type);
  return numeric ? result(`${x}::DOUBLE`, false) : result("NULL::DOUBLE");
}

function toBoolean(x: string, from: string): Conversion {
  const text = textOf(x, from);
  const result = (sql: string, canFail = true): Conversion => ({ sql, sqlType: "BOOLEAN", canFail });
  if (text !== undefined) {
    return result(
      `CASE lower(${text}) WHEN 'true' THEN true WHEN 'false' THEN false WHEN '1' THEN true WHEN '0' THEN false END`,
    );
  }
  const type = columnTypeOf(from);
  if (type === "boolean") return result(x, false);
  const numeric = ["int32", "int64", "float64", "decimal"].includes(type);
  return result(numeric ? `CASE ${x} WHEN 1 THEN true WHEN 0 THEN false END` : "NULL::BOOLEAN");
}

type Words = Extract<ColumnTypeSpec, { boolean: unknown }>["boolean"];

function toWords(x: string, from: string, words: Words): Conversion {
  const mismatch = words.mismatch_as ?? "error";
  const otherwise = mismatch === "error" ? "" : ` WHEN ${x} IS NOT NULL THEN ${mismatch === "true"}`;
  const { true_values, false_values } = words;
  if (true_values === undefined || false_values === undefined) {
    const plain = toBoolean(x, from).sql;
    return {
      sql: otherwise === "" ? plain : `CASE WHEN ${plain} IS NOT NULL THEN ${plain}${otherwise} END`,
      sqlType: "BOOLEAN",
      canFail: mismatch === "error",
    };
  }
  const text = toText(x, from).sql;
  const isOneOf = (values: readonly string[]): string =>
    `list_contains(${quoteList(values)}::VARCHAR[], ${text})`;
  return {
    sql: `CASE WHEN ${isOneOf(true_values)} THEN true WHEN ${isOneOf(false_values)} THEN false${otherwise} END`,
    sqlType: "BOOLEAN",
    canFail: mismatch === "error",
  };
}

function toDatetime(x: string, from: string, formats: readonly string[], prefix: string): Conversion {
  const result = (sql: string, canFail = true): Conversion => ({ sql, sqlType: "TIMESTAMP", canFail });
  if (from === "TIMESTAMP") return result(x, false);
  if (from === "TIMESTAMP WITH TIME ZONE") return result(`${x} AT TIME ZONE 'UTC'`, false);
  if (columnTypeOf(from) === "date" || columnTypeOf(from) === "timestamp")
    return result(`${x}::TIMESTAMP`, false);
  const bare = textOf(x, from);
  if (bare === undefined) return result("NULL::TIMESTAMP");
  const text = prefix === "" ? bare : `(${quoteText(prefix)} || ${bare})`;
  // Formats with an offset give an instant, the others a wall clock, taken as UTC, in microseconds or
  // nanoseconds; a list must be of one sort.
  const parts: string[] = [];
  for (const run of runsOf(formats)) {
    const list = run.length === 1 ? quoteText(run[0] ?? "") : quoteList(run);
    const parsed = `try_strptime(${text}, ${list})`;
    const sort = sortOf(run[0] ?? "");
    const plain = sort === "nanoseconds" ? `${parsed}::TIMESTAMP` : parsed;
    parts.push(sort === "instant" ? `(${parsed} AT TIME ZONE 'UTC')` : plain);
  }
  return result(parts.length === 1 ? `${parts[0]}` : `coalesce(${parts.join(", ")})`);
}

/** What `strptime` gives for a format. */
function sortOf(format: string): "instant" | "nanoseconds" | "plain" {
  const directives = format.replaceAll("%%", "");
  if (directives.includes("%z")) return "instant";
  return directives.includes("%n") ? "nanoseconds" : "plain";
}

function runsOf(formats: readonly string[]): string[][] {
  const runs: string[][] = [];
  for (const format of formats) {
    const last = runs.at(-1);
    if (last !== undefined && sortOf(last[0] ?? "") === sortOf(format)) last.push(format);
    else runs.push([format]);
  }
  return runs;
}
