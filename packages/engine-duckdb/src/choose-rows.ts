import type { TabularPlan } from "@aml/core";
import { fewStretches } from "./few-stretches.ts";
import { firstGroups } from "./first-groups.ts";
import { rowsWanted } from "./inspect-context.ts";
import type { DeltaTable, ParquetTable } from "./inspected.ts";
import { onlyRowGroups } from "./only-row-groups.ts";
import { chooseRowGroups, type RowGroups } from "./row-groups.ts";
import type { Scope } from "./scope.ts";

/** What a plan reads of a table with remote Parquet files. */
export interface ChosenRows<T> {
  /** The files that the plan may look into, with all of their rows. */
  readonly files: T;
  /** Of these what it reads. */
  readonly read: T;
  /** Which row groups of the files that is, where some are left out. */
  readonly rowGroups: RowGroups;
}

/** @param paths - of the files that can be fetched in parts. */
export async function chooseRows<T extends ParquetTable | DeltaTable>(
  table: T,
  plan: TabularPlan,
  paths: { readonly size: number; has(path: string): boolean },
  scope: Scope,
  signal: AbortSignal | undefined,
): Promise<ChosenRows<T>> {
  if (paths.size === 0) return { files: table, read: table, rowGroups: new Map() };
  if (rowsWanted(plan) !== undefined) {
    const files = await firstGroups(table, plan, scope, signal);
    return { files, read: files, rowGroups: new Map() };
  }
  const rowGroups = fewStretches(await chooseRowGroups(plan, table, paths, scope, signal));
  return { files: table, read: onlyRowGroups(table, rowGroups), rowGroups };
}
