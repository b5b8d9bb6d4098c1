import type { ParquetGroup } from "./inspected.ts";

/** Rows of a file, by their numbers in it. */
export type RowRange = NonNullable<ParquetGroup["rows"]>;

/** A condition on the numbers of a file's rows. */
export function rowsFrom({ from, to }: RowRange): string {
  return from === 0 ? `file_row_number < ${to}` : `file_row_number >= ${from} AND file_row_number < ${to}`;
}

/** A column of a file by the name of DuckDB's own number of a row. */
export function hidesRowNumbers(types: ParquetGroup["types"]): boolean {
  return [...types.keys()].some((name) => name.toLowerCase() === "file_row_number");
}
