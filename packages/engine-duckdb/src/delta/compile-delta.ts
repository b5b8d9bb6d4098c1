import { countedRow } from "../counted-row.ts";
import { rowsFrom } from "../row-range.ts";
import type { DeltaTable } from "../inspected.ts";
import { NO_COLUMN, noRows } from "../no-rows.ts";
import type { PlanColumn } from "../plan-column.ts";
import { constants, type SharedColumn } from "../shared-columns.ts";
import { escapeGlob, quoteIdentifier, quoteList } from "../sql-text.ts";

/** The rows of a Delta table's files, without those that its deletion vectors name. */
function selectDelta(
  table: DeltaTable,
  columns: readonly PlanColumn[],
  sharedIds: readonly string[],
  shared: readonly SharedColumn[],
): string {
  const counted = countedRow(table, [...sharedIds, ...columns.map(({ id }) => id)]);
  const arms = table.groups.map(({ places, paths, valuesOf, condition, rows }) => {
    const values = valuesOf(places);
    const list = [
      ...counted,
      ...constants(sharedIds, shared, "file_index", places),
      ...columns.map(({ id }, at) => `${values[at] ?? "NULL"} AS ${quoteIdentifier(id)}`),
    ];
    const source = `read_parquet(${quoteList(paths.map(escapeGlob))}, hive_partitioning = false)`;
    const arm = `SELECT ${list.join(",\n    ") || NO_COLUMN}\n  FROM ${source}`;
    const tests = [
      ...(rows === undefined ? [] : [rowsFrom(rows)]),
      ...(condition === undefined ? [] : [condition]),
    ];
    return tests.length === 0 ? arm : `${arm} WHERE ${tests.join(" AND ")}`;
  });
  return arms.join("\n  UNION ALL\n  ");
}

/** A Delta table's columns, and the SELECT of its rows. */
export function deltaReader(table: DeltaTable, ids: readonly string[]): DeltaReader {
  const columns = table.columns.map(({ name, sqlType, nullable }, at): PlanColumn => {
    return { name, id: ids[at] ?? "", sqlType, nullable };
  });
  return {
    columns,
    select(sharedIds, shared) {
      if (table.groups.length > 0) return selectDelta(table, columns, sharedIds, shared);
      return noRows(
        [...sharedIds, ...ids],
        [...shared, ...columns].map(({ sqlType }) => sqlType),
      );
    },
  };
}

interface DeltaReader {
  readonly columns: readonly PlanColumn[];
  select(sharedIds: readonly string[], shared: readonly SharedColumn[]): string;
}
