import type { TableFormat } from "@aml/core";
import type { CompiledPlan } from "./compile-plan.ts";
import { columnTypeOf, distinctIds, type PlanColumn } from "./plan-column.ts";
import { SENTINEL } from "./scope.ts";
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
 * The query behind `batches`: the columns in the few types that rows are decoded from, masks of conversion errors,
 * and the sentinel. DuckDB's streams end in the same way when the query failed and when it is done (T1), so the last
 * row, and only it, has true in the last column. It comes from a table: behind a bare SELECT, which has no place in
 * the order of a parallel scan, DuckDB would run the whole query on one thread.
 */
export function streamQuery(plan: CompiledPlan): StreamQuery {
  const failing = plan.columns.filter(({ errorId }) => errorId !== undefined);
  const values = plan.columns.map((column) => plainValue(column));
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

/** A value in the type that it is decoded from. */
function plainValue({ id, sqlType }: PlanColumn): string {
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
      return sqlType === "JSON" ? `${value}::VARCHAR` : `to_json(${value})::VARCHAR`;
    default:
      return value;
  }
}

function instant(value: string, sqlType: string): string {
  if (sqlType === "TIMESTAMP") return value;
  if (sqlType === "TIMESTAMP WITH TIME ZONE") return `(${value} AT TIME ZONE 'UTC')`;
  return `${value}::TIMESTAMP`;
}

/** Names that are columns of a written file, but not when they differ by case only. */
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
    return `${value} AS ${quoteIdentifier(format === "csv" ? column.id : column.name)}`;
  });
  const options = {
    parquet: "FORMAT parquet, COMPRESSION zstd",
    csv: "FORMAT csv, HEADER false",
    jsonl: "FORMAT json, ARRAY false",
  }[format];
  return `COPY (${plan.ctes}\nSELECT ${list.join(",\n  ")}\nFROM ${plan.from})\nTO ${quoteText(path)} (${options})`;
}

function parquetValue(column: PlanColumn): string {
  const id = quoteIdentifier(column.id);
  return column.sqlType === "UHUGEINT" || column.sqlType === "HUGEINT" ? `${id}::VARCHAR` : id;
}

function textValue(column: PlanColumn, format: "csv" | "jsonl"): string {
  const id = quoteIdentifier(column.id);
  switch (columnTypeOf(column.sqlType)) {
    case "timestamp":
      return isoText(instant(id, column.sqlType));
    // As a JSON number a decimal would be read as a double.
    case "decimal":
      return `${id}::VARCHAR`;
    case "bytes":
      return `to_base64(${id})`;
    case "float64":
      return format === "jsonl" ? `CASE WHEN isfinite(${id}) THEN ${id} END` : id;
    case "json":
      return format === "csv" ? plainValue(column) : id;
    case "string":
      return plainValue(column);
    default:
      return id;
  }
}

/** ISO 8601 with Z; the fraction of a second only where there is one. */
function isoText(value: string): string {
  const whole = `strftime(${value}, '%Y-%m-%dT%H:%M:%S')`;
  const fraction = `rtrim(strftime(${value}, '.%f'), '0')`;
  return `CASE WHEN date_part('microsecond', ${value}) % 1000000 = 0 THEN ${whole} || 'Z' ELSE ${whole} || ${fraction} || 'Z' END`;
}
