import { isAmlError, type TabularPlan } from "@aml/core";
import { filterColumns, formatFilter } from "@aml/core/plan";
import { hidesRowNumbers } from "./row-range.ts";
import type { DeltaTable, ParquetGroup, ParquetTable } from "./inspected.ts";
import { leadingConditions } from "./leading-conditions.ts";
import { mayHold, type BoundedColumn } from "./may-hold.ts";
import { sourceOf } from "./parquet-source.ts";
import { leavesOf } from "./parquet-leaves.ts";
import type { Scope } from "./scope.ts";
import { escapeGlob, quoteList } from "./sql-text.ts";

/** A row group of a Parquet file. */
export interface RowGroup {
  readonly rows: number;
  /** Why no row of it is of use to the plan: a part of a filter. Undefined for one that is read. */
  readonly leftOut: string | undefined;
}

/** The row groups of files, in order, by the file's path. Of a file that is not among them all are read. */
export type RowGroups = ReadonlyMap<string, readonly RowGroup[]>;

/**
 * The row groups of files whose rows the filters behind the read step may let pass, by the statistics of their footers. A
 * statistic that is missing, or none of its column's type, leaves nothing out.
 *
 * @param paths - of the files that it may be asked for; of others all row groups are read.
 */
export async function chooseRowGroups(
  plan: TabularPlan,
  table: ParquetTable | DeltaTable,
  paths: { has(path: string): boolean },
  scope: Scope,
  signal: AbortSignal | undefined,
): Promise<RowGroups> {
  const conditions = leadingConditions(plan);
  const out = new Map<string, RowGroup[]>();
  if (conditions.length === 0) return out;
  const names = [...new Set(conditions.flatMap(({ expr }) => filterColumns(expr)))];
  for (const group of table.groups) {
    const own = group.paths.filter((path) => paths.has(path));
    // A column of that name hides the numbers of rows, by which row groups are left out.
    if (own.length === 0 || hidesRowNumbers(group.types)) continue;
    const columns = await columnsOf(names, group, table, scope, signal);
    const known = {
      partitions: new Map(),
      bounded: new Map(columns.map((column) => [column.name, column])),
    };
    const tests = conditions.flatMap(({ expr, step }) => {
      const sql = mayHold(expr, known, step);
      return sql === undefined ? [] : [{ sql, reason: formatFilter(expr) }];
    });
    if (tests.length === 0) continue;
    const cases = tests.map(({ sql }, at) => `WHEN NOT (${sql}) THEN ${at}`).join(" ");
    const source = statisticsOf(own, columns);
    const sql =
      `SELECT file_name, "row group"::INTEGER, rows::DOUBLE, (CASE ${cases} END)::INTEGER\n` +
      `FROM (${source}) ORDER BY file_name, "row group"`;
    try {
      for (const [path, at, rows, test] of await (await scope.run(sql, signal)).getRows()) {
        const groups = out.get(String(path)) ?? [];
        out.set(String(path), groups);
        const leftOut = test === null ? undefined : tests[Number(test)]?.reason;
        groups[Number(at)] = { rows: Number(rows), leftOut };
      }
    } catch (error) {
      // A filter that fails says so when rows are read, of which there may be none.
      if (!isAmlError(error)) throw error;
      for (const path of own) out.delete(path);
    }
  }
  return out;
}

interface FooterColumn extends BoundedColumn {
  /** Its place in the footer; undefined for a column that these files do not have, of which all rows are null. */
  readonly leaf: number | undefined;
  /** The type that it has in these files; undefined where only its nulls are of use. */
  readonly from: string | undefined;
}

async function columnsOf(
  names: readonly string[],
  group: ParquetGroup,
  table: ParquetTable | DeltaTable,
  scope: Scope,
  signal: AbortSignal | undefined,
): Promise<readonly FooterColumn[]> {
  const leaves = await leavesOf(group, scope, signal);
  return names.flatMap((name, at): FooterColumn[] => {
    const sqlType = table.columns.find((column) => column.name === name)?.sqlType;
    const source = sourceOf(name, group, table);
    const from = group.types.get(source ?? "");
    if (sqlType === undefined) return [];
    const base = { name, sqlType, at };
    if (from === undefined) {
      // A column of a Delta table that no file has may be one of its partitions.
      return table.kind === "parquet" ? [{ ...base, boundType: sqlType, leaf: undefined, from }] : [];
    }
    const [leaf, ...more] = leaves.get(source ?? "") ?? [];
    if (leaf === undefined || more.length > 0 || !FLAT.test(from)) return [];
    const boundType = boundTypeOf(from, sqlType);
    return [{ ...base, boundType: boundType ?? sqlType, leaf, from: boundType && from }];
  });
}

const NUMBER = /^(U?(TINY|SMALL|BIG)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.*\))$/;
const ORDERED = /^(VARCHAR|BOOLEAN|DATE|TIMESTAMP.*)$/;
/** Types whose nulls are those of their one leaf. */
const FLAT =
  /^(U?(TINY|SMALL|BIG)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\)|VARCHAR|BOOLEAN|DATE|TIMESTAMP[A-Z_ ]*|BLOB|UUID|TIME)$/;

/** The type of a column's bounds; undefined for types whose footers and filters may have different orders. */
function boundTypeOf(from: string, to: string): string | undefined {
  if (NUMBER.test(from) && NUMBER.test(to)) return isFloat(from) || isFloat(to) ? "DOUBLE" : to;
  return from === to && ORDERED.test(from) ? to : undefined;
}

function isFloat(sqlType: string): boolean {
  return sqlType === "FLOAT" || sqlType === "DOUBLE";
}

/** A row a row group: its file, number and rows, and what the footer says of the columns. */
function statisticsOf(paths: readonly string[], columns: readonly FooterColumn[]): string {
  const list = columns.flatMap(({ leaf, from, boundType, at }) => {
    if (leaf === undefined) {
      const none = `NULL::${boundType}`;
      return [`${none} AS "least ${at}"`, `${none} AS "most ${at}"`, `'all' AS "nulls ${at}"`];
    }
    const own = (value: string): string => `max(${value}) FILTER (column_id = ${leaf})`;
    const bound = (text: string, end: "least" | "most"): string =>
      from === undefined ? `NULL::${boundType}` : boundOf(own(text), from, boundType, end);
    const nulls = "CASE stats_null_count WHEN 0 THEN 'none' WHEN row_group_num_rows THEN 'all' END";
    return [
      `${bound(MIN, "least")} AS "least ${at}"`,
      `${bound(MAX, "most")} AS "most ${at}"`,
      `${own(nulls)} AS "nulls ${at}"`,
    ];
  });
  const leaves = [...new Set(columns.flatMap(({ leaf }) => leaf ?? []))];
  // Some row of each row group has to be there.
  const where = leaves.length === 0 ? "column_id = 0" : `column_id IN (${leaves.join(", ")})`;
  return (
    `SELECT file_name, row_group_id AS "row group", max(row_group_num_rows) AS rows, ${list.join(",\n  ")}\n` +
    `FROM parquet_metadata(${quoteList(paths.map(escapeGlob))}) WHERE ${where} GROUP BY file_name, row_group_id`
  );
}

// Times of 96 bits have no order that writers agree on.
const MIN = "CASE WHEN type <> 'INT96' THEN stats_min_value END";
const MAX = "CASE WHEN type <> 'INT96' THEN stats_max_value END";

function boundOf(text: string, from: string, boundType: string, end: "least" | "most"): string {
  if (boundType === "VARCHAR") {
    // Bytes that are no text, such as those of one that was cut within a character, are shown as escapes.
    return `CASE WHEN NOT contains(${text}, '\\x') AND NOT contains(${text}, chr(0)) THEN ${text} END`;
  }
  const value = `try_cast(${text} AS ${from})`;
  // Footers may have nanoseconds, which are cut off here.
  if (from === "TIMESTAMP WITH TIME ZONE" && end === "most")
    return `try_cast(${value} + INTERVAL 1 MICROSECOND AS ${boundType})`;
  if (boundType !== "DOUBLE") return `try_cast(${value} AS ${boundType})`;
  // Numbers of 32 bits are compared with constants that are rounded to such.
  const sign = end === "least" ? "-" : "+";
  const double = `try_cast(${text} AS DOUBLE)`;
  const far = `${double} ${sign} abs(${double}) * 1e-6 ${sign} 1e-37`;
  return `CASE WHEN isfinite(${double}) THEN ${far} END`;
}
