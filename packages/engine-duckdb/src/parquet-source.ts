import type { DeltaTable, ParquetGroup, ParquetTable } from "./inspected.ts";

/** The column of the files of a group, as DuckDB calls it, that a column of the table is read from. */
export function sourceOf(
  name: string,
  group: ParquetGroup,
  table: ParquetTable | DeltaTable,
): string | undefined {
  if (table.kind === "parquet") return group.renamed?.get(name) ?? name;
  const at = table.columns.findIndex((column) => column.name === name);
  return table.groups.find((one) => one === group)?.sources[at];
}
