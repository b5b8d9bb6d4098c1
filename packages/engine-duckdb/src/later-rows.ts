import type { TabularPlan } from "@aml/core";
import type { SparseFile } from "@aml/staging";
import type { ChosenRows } from "./choose-rows.ts";
import { fewStretches } from "./few-stretches.ts";
import { firstMatches, matchesWanted } from "./first-matches.ts";
import type { DeltaTable, ParquetTable } from "./inspected.ts";
import { onlyRowGroups } from "./only-row-groups.ts";
import type { CompileOptions } from "./relation.ts";
import type { RowGroups } from "./row-groups.ts";
import type { Scope } from "./scope.ts";

/** What turns out to be read of a table, once its rows are asked for. */
export interface LaterRows {
  /** Fetches what tells. */
  leaveOutMore(signal: AbortSignal | undefined): Promise<RowGroups>;
  /** The table of what it told. */
  read(): ParquetTable | DeltaTable;
}

/** Undefined for a plan of which nothing more can be known. */
export function laterRows({
  plan,
  rows,
  files,
  scope,
  compile,
}: {
  readonly plan: TabularPlan;
  readonly rows: ChosenRows<ParquetTable | DeltaTable>;
  readonly files: ReadonlyMap<string, SparseFile>;
  readonly scope: Scope;
  readonly compile: CompileOptions;
}): LaterRows | undefined {
  const wanted = matchesWanted(plan);
  if (wanted === undefined || files.size === 0) return undefined;
  let known: RowGroups = rows.rowGroups;
  return {
    async leaveOutMore(signal) {
      const { files: table, rowGroups } = rows;
      known = fewStretches(
        await firstMatches({ plan, table, rowGroups, files, scope, compile }, wanted, signal),
      );
      return known;
    },
    read: () => onlyRowGroups(rows.files, known),
  };
}
