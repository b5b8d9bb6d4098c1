import type { TableFormat } from "@aml/core";
import { arrowColumn } from "./arrow-type.ts";
import type { CompiledPlan } from "./compile-plan.ts";
import { columnTypeOf, distinctIds, jsonSafeType, type PlanColumn } from "./plan-column.ts";
import { SENTINEL } from "./scope.ts";
import { withInstantTexts } from "./instant-texts.ts";
import { NO_JSON_NUMBER } from "./relation.ts";
import { quoteIdentifier, quoteText } from "./sql-text.ts";

/** Columns whose conversion errors one mask column holds: a double is exact to 2⁵³. */
export const MASK_BITS = 52;

export interface StreamQuery {
  readonly sql: string;
  readonly columns: readonly PlanColumn[];
  /** Columns that can have conversion errors, in the order of the masks' bits. */
  readonly failing: readonly PlanColumn[];
  readonly masks: number;
}

/**
 * The query behind `batches`: the columns, in the few types that rows are decoded from unless `valueOf` gives others,
 * masks of conversion errors, and the sentinel. DuckDB's streams end in the same way when the query failed and when it is done (T1), so the last
 * row, and only it, has true in the last column. It comes from a table: behind a bare SELECT, which has no place in
 * the order of a parallel scan, DuckDB would run the whole query on one thread.
 */
export function streamQuery(
  plan: CompiledPlan,
  valueOf: (column: PlanColumn) => string = plainValue,
): StreamQuery {
  const failing = plan.columns.filter(({ errorId }) => errorId !== undefined);
  const values = plan.columns.map((column) => valueOf(column));
  const masks: string[] = [];
  for (let from = 0; from < failing.length; from += MASK_BITS) {
    const bits = failing.slice(from, from + MASK_BITS).map(({ errorId = "" }, at) => {
      return `CASE WHEN ${quoteIdentifier(errorId)} THEN ${2 ** at} ELSE 0 END::BIGINT`;
    });
    masks.push(bits.join(" | "));
  }
  const all = [...values, ...masks];
  const ids = all.map((_, at) => `c${at}`);
  const list = all.map((value, at) => `${value} AS ${ids[at]}`);
  const sql =
    `${plan.ctes}\nSELECT ${[...list, "false AS done"].join(",\n  ")}\nFROM ${plan.from}\n` +
    `UNION ALL\nSELECT ${[...ids.map(() => "NULL"), "done"].join(", ")} FROM ${SENTINEL}`;
  return { sql, columns: plan.columns, failing, masks: masks.length };
}

/** A value in the type that its Arrow vector is made of. */
export function arrowValue(column: PlanColumn): string {
  const { cast } = arrowColumn(column);
  const value = quoteIdentifier(column.id);
  return cast === undefined ? value : `${value}::${cast}`;
}

/** A value in the type that it is decoded from. */
export function plainValue(column: PlanColumn): string {
  const { id, sqlType } = column;
  const value = quoteIdentifier(id);
  switch (columnTypeOf(sqlType)) {
    case "int32":
      return sqlType === "INTEGER" ? value : `${value}::INTEGER`;
    case "int64":
      return sqlType === "BIGINT" ? value : `${value}::BIGINT`;
    case "float64":
      return sqlType === "DOUBLE" ? value : `${value}::DOUBLE`;
    case "decimal":
    case "string":
      return sqlType === "VARCHAR" ? value : `${value}::VARCHAR`;
    case "timestamp":
      return instant(value, sqlType);
    case "json":
      return sqlType === "JSON" ? `${value}::VARCHAR` : `${nestedJson(column)}::VARCHAR`;
    default:
      return value;
  }
}

function nestedJson(column: PlanColumn): string {
  const { id, sqlType } = column;
  const safe = jsonSafeType(sqlType);
  const value = safe === sqlType ? quoteIdentifier(id) : `${quoteIdentifier(id)}::${safe}`;
  return `to_json(${withInstantTexts(value, column)})`;
}

/** JSON has no NaN and no infinity, but DuckDB writes them into it. */
function strictJson(column: PlanColumn): string {
  const json = nestedJson(column);
  if (!/\b(FLOAT|DOUBLE)\b/.test(column.sqlType)) return json;
  const bare = `regexp_replace(${json}::VARCHAR, '"(?:[^"\\\\]|\\\\.)*"', '', 'g')`;
  const message = quoteText(`${NO_JSON_NUMBER}${JSON.stringify(column.name)}`);
  return `CASE WHEN regexp_matches(${bare}, 'NaN|Infinity') THEN error(${message}) ELSE ${json} END`;
}

export function instant(value: string, sqlType: string): string {
  if (sqlType === "TIMESTAMP") return value;
  if (sqlType === "TIMESTAMP WITH TIME ZONE") return `(${value} AT TIME ZONE 'UTC')`;
  return `${value}::TIMESTAMP`;
}

/** Names that cannot be columns of one written file: two that differ by case only, or twice the one that no file has. */
export function caseConflict(columns: readonly PlanColumn[]): readonly [string, string] | undefined {
  const ids = distinctIds(columns.map(({ name }) => name));
  const at = columns.findIndex(({ name }, index) => ids[index] !== name);
  const second = columns[at];
  if (second === undefined) return undefined;
  const first = columns.find(({ name }) => name.toLowerCase() === second.name.toLowerCase());
  return [first?.name ?? second.name, second.name];
}

/** A `COPY` of the whole table to a file; for CSV without the header line. */
export function copyQuery(plan: CompiledPlan, format: TableFormat, path: string): string {
  const list = plan.columns.map((column) => {
    const value = format === "parquet" ? parquetValue(column) : textValue(column, format);
    // A line without anything is none to readers.
    if (format === "csv" && plan.columns.length === 1)
      return `coalesce(${value}::VARCHAR, '') AS ${quoteIdentifier(column.id)}`;
    return `${value} AS ${quoteIdentifier(format === "csv" ? column.id : column.name)}`;
  });
  const options = {
    parquet: "FORMAT parquet, COMPRESSION zstd",
    csv: "FORMAT csv, HEADER false",
    jsonl: "FORMAT json, ARRAY false",
  }[format];
  return `COPY (${plan.ctes}\nSELECT ${list.join(",\n  ")}\nFROM ${plan.from})\nTO ${quoteText(path)} (${options})`;
}

/** How many values of each column could not be converted. */
export function errorCounts(plan: CompiledPlan): { readonly sql: string; readonly names: readonly string[] } {
  const failing = plan.columns.filter(({ errorId }) => errorId !== undefined);
  const counts = failing.map(({ errorId = "" }) => `count(*) FILTER (WHERE ${quoteIdentifier(errorId)})`);
  return {
    sql: `${plan.ctes}\nSELECT ${counts.join(", ")}\nFROM ${plan.from}`,
    names: failing.map(({ name }) => name),
  };
}

/** What few readers of Parquet know (uuid, interval, time with zone) is text there as it is in rows. */
function parquetValue(column: PlanColumn): string {
  const id = quoteIdentifier(column.id);
  if (column.sqlType === "UHUGEINT" || column.sqlType === "HUGEINT") return `${id}::VARCHAR`;
  return column.sqlType === "JSON" ? id : arrowValue(column);
}

function textValue(column: PlanColumn, format: "csv" | "jsonl"): string {
  const id = quoteIdentifier(column.id);
  switch (columnTypeOf(column.sqlType)) {
    case "timestamp":
      return column.sqlType === "TIMESTAMP_NS"
        ? isoText(id, "%n")
        : isoText(instant(id, column.sqlType), "%f");
    // As a JSON number a decimal would be read as a double.
    case "decimal":
      return `${id}::VARCHAR`;
    case "bytes":
      return `to_base64(${id})`;
    case "float64":
      return format === "jsonl" ? jsonFloat(id) : id;
    case "date":
      return dateText(id);
    case "json":
      if (format === "csv") return plainValue(column);
      return column.sqlType === "JSON" ? id : strictJson(column);
    case "string":
      return plainValue(column);
    default:
      return id;
  }
}

/** Numbers; what JSON has no number for is text: "NaN", "Infinity", "-Infinity". */
function jsonFloat(id: string): string {
  return (
    `CASE WHEN isfinite(${id}) THEN to_json(${id}) WHEN isnan(${id}) THEN to_json('NaN') ` +
    `WHEN ${id} > 0 THEN to_json('Infinity') WHEN ${id} < 0 THEN to_json('-Infinity') END`
  );
}

/** ISO 8601 with Z; the fraction of a second only where there is one. */
export function isoText(value: string, fraction: "%f" | "%n"): string {
  const whole = `(${yearOf(value)}) || strftime(${value}, '-%m-%dT%H:%M:%S')`;
  const rest = `rtrim(rtrim(strftime(${value}, '.${fraction}'), '0'), '.')`;
  return `CASE WHEN isfinite(${value}) THEN ${whole} || ${rest} || 'Z' ELSE ${value}::VARCHAR END`;
}

/** As `Date` writes it: YYYY-MM-DD, and six digits with a sign before the year 0 and behind 9999. */
export function dateText(value: string): string {
  return `CASE WHEN isfinite(${value}) THEN (${yearOf(value)}) || strftime(${value}, '-%m-%d') ELSE ${value}::VARCHAR END`;
}

function yearOf(value: string): string {
  return (
    `CASE WHEN year(${value}) BETWEEN 0 AND 9999 THEN format('{:04d}', year(${value})) ` +
    `ELSE format('{:+07d}', year(${value})) END`
  );
}
