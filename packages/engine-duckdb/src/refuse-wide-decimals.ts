import { AmlError } from "@aml/core";
import type { DeltaTable, ParquetTable } from "./inspected.ts";
import { readFooter } from "./parquet-copy.ts";
import { leavesOf } from "./parquet-leaves.ts";
import { sourceOf } from "./parquet-source.ts";
import { wideDecimals } from "./parquet-types.ts";
import type { Scope } from "./scope.ts";

/**
 * Refuses decimals of more than 38 digits: DuckDB reads them as floats, and as other numbers.
 *
 * @throws `unsupported` with the column.
 */
export async function refuseWideDecimals(
  table: ParquetTable | DeltaTable,
  used: ReadonlySet<string>,
  scope: Scope,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const group of table.groups) {
    const own = (name: string): string => sourceOf(name, group, table) ?? "";
    const floats = [...used].filter((name) => group.types.get(own(name))?.includes("DOUBLE"));
    const [path] = group.paths;
    if (floats.length === 0 || path === undefined) continue;
    const wide = wideDecimals(await readFooter(path));
    if (wide.size === 0) continue;
    const leaves = await leavesOf(group, scope, signal);
    for (const column of floats) {
      const digits = (leaves.get(own(column)) ?? []).flatMap((leaf) => wide.get(leaf) ?? []);
      if (digits.length === 0) continue;
      const uri = scope.origins().get(path) ?? "A file";
      throw new AmlError(
        "unsupported",
        `${uri}: column ${JSON.stringify(column)} is a decimal of ${Math.max(...digits)} digits, and tables have 38.`,
        {
          hint: "Leave the column out with dropColumns, or write it as text or with fewer digits.",
          context: { uri, column },
        },
      );
    }
  }
}
