import type { ParquetGroup } from "./inspected.ts";
import { leavesOf } from "./parquet-leaves.ts";
import type { Scope } from "./scope.ts";
import { escapeGlob, quoteList } from "./sql-text.ts";

/** Those of some columns that hold instants in nanoseconds: DuckDB has no type with a zone that is finer than microseconds. */
export async function cutInstants(
  groups: readonly ParquetGroup[],
  names: readonly string[],
  scope: Scope,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const cut = new Set<string>();
  for (const group of groups) {
    const zoned = names.filter((name) => group.types.get(name)?.includes("WITH TIME ZONE"));
    if (zoned.length === 0) continue;
    const leaves = await leavesOf(group, scope, signal);
    const result = await scope.run(
      "SELECT coalesce(logical_type LIKE 'TimestampType(isAdjustedToUTC=1,%NANOS=NanoSeconds()%', false)\n" +
        `FROM parquet_schema(${quoteList(group.paths.slice(0, 1).map(escapeGlob))})\n` +
        "WHERE coalesce(num_children, 0) = 0 ORDER BY column_id",
      signal,
    );
    const isFine = (await result.getRows()).map(([fine]) => fine === true);
    for (const name of zoned) if (leaves.get(name)?.some((leaf) => isFine[leaf])) cut.add(name);
  }
  return [...cut].toSorted();
}
