import type { TabularPlan } from "@aml/core";
import { rowsWanted } from "./inspect-context.ts";
import type { DeltaTable, ParquetGroup, ParquetTable } from "./inspected.ts";
import type { Scope } from "./scope.ts";
import { escapeGlob, quoteList } from "./sql-text.ts";

/**
 * A table of no more files than the plan can use rows of. DuckDB reads several groups of files at once, and would look
 * into those behind the last row that is wanted.
 */
export async function firstGroups<T extends ParquetTable | DeltaTable>(
  table: T,
  plan: TabularPlan,
  scope: Scope,
  signal: AbortSignal | undefined,
): Promise<T> {
  const wanted = rowsWanted(plan);
  // How many rows of a group are deleted is not known in advance.
  const hasDeleted = table.kind === "delta" && table.groups.some(({ condition }) => condition !== undefined);
  if (wanted === undefined || hasDeleted) return table;
  const counts = await countRows(table.groups, scope, signal);
  const groups: ParquetGroup[] = [];
  let left = wanted;
  for (const group of table.groups) {
    if (left <= 0 && groups.length > 0) break;
    const paths: string[] = [];
    const places: number[] = [];
    const flush = (): void => {
      if (paths.length > 0) groups.push({ ...group, places: places.splice(0), paths: paths.splice(0) });
    };
    for (const [at, path] of group.paths.entries()) {
      const rows = counts.get(path) ?? 0;
      const place = group.places[at] ?? 0;
      if (rows <= left) {
        paths.push(path);
        places.push(place);
      }
      // The file of the last row stands alone.
      else if (left > 0 || groups.length + paths.length === 0) {
        flush();
        groups.push({ ...group, places: [place], paths: [path], rows: { from: 0, to: Math.max(left, 0) } });
      }
      left -= rows;
    }
    flush();
  }
  return { ...table, groups };
}

async function countRows(
  groups: readonly ParquetGroup[],
  scope: Scope,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, number>> {
  const paths = quoteList(groups.flatMap((group) => group.paths.map(escapeGlob)));
  const sql = `SELECT file_name, num_rows::DOUBLE FROM parquet_file_metadata(${paths})`;
  const rows = await (await scope.run(sql, signal)).getRows();
  return new Map(rows.map(([path, count]) => [String(path), Number(count)]));
}
