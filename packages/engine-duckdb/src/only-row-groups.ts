import type { DeltaTable, ParquetGroup, ParquetTable } from "./inspected.ts";
import type { RowGroups } from "./row-groups.ts";

/**
 * A table of the row groups that are read. DuckDB keeps to a range of a file's rows whatever else is asked of them, but not
 * to several: each stretch of row groups is read as a file of its own.
 */
export function onlyRowGroups<T extends ParquetTable | DeltaTable>(table: T, rowGroups: RowGroups): T {
  const groups: ParquetGroup[] = [];
  for (const group of table.groups) {
    let whole: { places: number[]; paths: string[] } | undefined;
    for (const [at, path] of group.paths.entries()) {
      const place = group.places[at] ?? 0;
      const parts = rowGroups.get(path);
      if (parts?.some(({ leftOut }) => leftOut !== undefined) !== true) {
        if (whole === undefined) {
          whole = { places: [], paths: [] };
          groups.push({ ...group, ...whole });
        }
        whole.places.push(place);
        whole.paths.push(path);
        continue;
      }
      whole = undefined;
      for (const rows of stretches(parts)) groups.push({ ...group, places: [place], paths: [path], rows });
    }
  }
  const [first] = table.groups;
  if (groups.length > 0 || first === undefined) return { ...table, groups };
  const rows = { from: 0, to: 0 };
  return {
    ...table,
    groups: [{ ...first, places: first.places.slice(0, 1), paths: first.paths.slice(0, 1), rows }],
  };
}

/** The rows of consecutive row groups that are read. */
function stretches(parts: NonNullable<ReturnType<RowGroups["get"]>>): NonNullable<ParquetGroup["rows"]>[] {
  const out: { from: number; to: number }[] = [];
  let row = 0;
  for (const { rows, leftOut } of parts) {
    const last = out.at(-1);
    if (leftOut === undefined && last?.to === row) last.to += rows;
    else if (leftOut === undefined) out.push({ from: row, to: row + rows });
    row += rows;
  }
  return out;
}
