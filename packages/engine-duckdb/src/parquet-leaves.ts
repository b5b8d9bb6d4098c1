import type { ParquetGroup } from "./inspected.ts";
import type { Scope } from "./scope.ts";
import { escapeGlob, quoteList } from "./sql-text.ts";

/** The places of each column's leaves in the footers of a group of files. */
export async function leavesOf(
  { paths, types }: ParquetGroup,
  scope: Scope,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const result = await scope.run(
    "SELECT coalesce(num_children, 0)::INTEGER, column_id::INTEGER AS place\n" +
      `FROM parquet_schema(${quoteList(paths.slice(0, 1).map(escapeGlob))}) ORDER BY place`,
    signal,
  );
  const children = (await result.getRows()).map(([count]) => Number(count));
  let at = 0;
  let leaf = 0;
  const next = (): readonly number[] => {
    const count = children[at] ?? 0;
    at += 1;
    if (count > 0) return Array.from({ length: count }, next).flat();
    leaf += 1;
    return [leaf - 1];
  };
  const columns = Array.from({ length: children[at++] ?? 0 }, next);
  const names = [...types.keys()];
  // A name twice: any of them may be meant.
  if (names.length !== columns.length) return new Map(names.map((name) => [name, columns.flat()]));
  return new Map(names.map((name, index) => [name, columns[index] ?? []]));
}
