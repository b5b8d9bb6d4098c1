import { distinctIds } from "./plan-column.ts";
import { quoteIdentifier } from "./sql-text.ts";

/**
 * A first column that is nothing, for several groups of files. Of a UNION ALL that is only counted DuckDB reads the first
 * column, which would have to be there.
 *
 * @param taken - the columns behind it.
 */
export function countedRow(
  { groups }: { readonly groups: readonly unknown[] },
  taken: readonly string[],
): readonly string[] {
  if (groups.length < 2 || taken.length === 0) return [];
  return distinctIds(["counted"], taken).map((id) => `true AS ${quoteIdentifier(id)}`);
}
