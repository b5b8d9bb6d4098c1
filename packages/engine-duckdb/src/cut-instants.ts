import type { ParquetGroup } from "./inspected.ts";
import type { Scope } from "./scope.ts";
import { escapeGlob, quoteList } from "./sql-text.ts";

/** Columns, and fields in them, whose instants have nanoseconds in the files: DuckDB has no finer type with a zone than microseconds. */
export async function cutInstants(
  groups: readonly ParquetGroup[],
  names: readonly string[],
  scope: Scope,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const wanted = new Set(names);
  const isZoned = (type: string): boolean => type.includes("WITH TIME ZONE");
  const zoned = groups.filter(({ types }) =>
    [...types].some(([name, type]) => wanted.has(name) && isZoned(type)),
  );
  if (zoned.length === 0) return [];
  const paths = zoned.flatMap((group) => group.paths.slice(0, 1));
  const result = await scope.run(
    `SELECT DISTINCT name FROM parquet_schema(${quoteList(paths.map(escapeGlob))})\n` +
      "WHERE logical_type LIKE 'TimestampType(isAdjustedToUTC=1,%NANOS=NanoSeconds()%' ORDER BY name",
    signal,
  );
  const columns = new Map(zoned.flatMap(({ types }) => [...types]));
  const isNested = names.some((name) => {
    const type = columns.get(name) ?? "";
    return isZoned(type) && /[([]/.test(type);
  });
  // The names of fields within columns do not say of which.
  return (await result.getRows())
    .map(([name]) => String(name))
    .filter((name) => (columns.has(name) ? wanted.has(name) : isNested));
}
