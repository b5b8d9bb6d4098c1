import type { ExplainedBytes, ExplainOptions, FileRef, PrunedFile, TabularPlan } from "@aml/core";
import { compilePlan } from "./compile-plan.ts";
import { chooseRows } from "./choose-rows.ts";
import { rowsWanted } from "./inspect-context.ts";
import { matchesWanted } from "./first-matches.ts";
import { cutColumns } from "./cut-timestamps.ts";
import type { DeltaTable, ParquetTable } from "./inspected.ts";
import type { Unencoded } from "./open-table.ts";
import { withConditions } from "./statement-conditions.ts";
import { createPartialFiles } from "./partial-files.ts";

export interface ParquetFetch {
  readonly bytes: Pick<ExplainedBytes, "fetch" | "cached">;
  /** Files whose row groups can have no row of the table. */
  readonly pruned: readonly PrunedFile[];
  readonly notes: readonly string[];
  /** The files have all rows that the plan takes. */
  readonly isEnough: boolean;
}

export const ENOUGH = "take: the files in front of it have as many rows";

/**
 * What a plan fetches of remote Parquet files of which the footers are here.
 *
 * @param files - those that were looked at.
 * @param wholeBytes - what fetching a file whole takes: 0 for one that is here.
 */
export async function explainParquet(
  asked: TabularPlan,
  table: ParquetTable | DeltaTable,
  files: readonly FileRef[],
  { scope, signal, compile, partial, columns, conditions }: Unencoded & Pick<ExplainOptions, "columns">,
  wholeBytes: (file: FileRef) => number,
): Promise<ParquetFetch> {
  const plan = withConditions(asked, compilePlan(asked, table, compile).columns, conditions);
  const { files: first, read, rowGroups } = await chooseRows(table, plan, partial, scope, signal);
  const all = compilePlan(plan, read, compile).columns.map(({ name }) => name);
  const given = columns === undefined ? all : all.filter((name) => columns.has(name.toLowerCase()));
  const parts = createPartialFiles({
    steps: plan.steps,
    table: first,
    rowGroups,
    given,
    files: partial,
    scope,
  });
  const found = await parts.describe(signal);
  const cut = new Set<string>();
  for (const group of table.groups)
    for (const name of (await cutColumns(group, table, all, scope, signal)).keys()) cut.add(name);
  const inPart = new Set([...partial.values()].map(({ file }) => file.uri));
  const whole = files.filter(({ uri }) => !inPart.has(uri)).map(wholeBytes);
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const wanted = matchesWanted(plan);
  const named = new Set(found.map(({ uri }) => uri));
  const skipped = found.filter(({ skippedRowGroups }) => skippedRowGroups > 0);
  const isGone = (file: (typeof found)[number]): boolean => file.skippedRowGroups === file.rowGroups;
  const groups = sum(skipped.map(({ skippedRowGroups }) => skippedRowGroups));
  const reasons = [...new Set(skipped.flatMap((file) => file.reasons))].join("; ");
  return {
    bytes: {
      fetch: sum([...whole, ...found.map(({ fetchBytes }) => fetchBytes)]),
      cached: sum(found.map(({ cachedBytes }) => cachedBytes)),
    },
    // The last of them is read in part.
    isEnough: rowsWanted(plan) !== undefined && first.groups.some(({ rows }) => rows !== undefined),
    pruned: [
      ...skipped
        .filter(isGone)
        .map(({ uri, reasons: own }) => ({ uri, reason: `none of its row groups: ${own.join("; ")}` })),
      ...[...inPart].filter((uri) => !named.has(uri)).map((uri) => ({ uri, reason: ENOUGH })),
    ],
    notes: [
      ...(groups === 0
        ? []
        : [
            `${groups} of ${sum(found.map((file) => file.rowGroups))} row groups are left out by what their footers ` +
              `say of values and nulls: ${reasons}.`,
          ]),
      ...(wanted === undefined || found.length === 0
        ? []
        : [
            `Row groups are looked into in turn until the filters have let ${wanted.count} rows pass; ` +
              "these bytes are those of all of them.",
          ]),
      ...(cut.size === 0
        ? []
        : [
            `Timestamps of ${[...cut]
              .toSorted()
              .map((name) => JSON.stringify(name))
              .join(", ")} are stored in ` +
              (table.kind === "delta"
                ? "nanoseconds, against Delta's rules; they are read to the microsecond, and digits behind that are cut off."
                : "nanoseconds: they are looked through first, and files with digits behind the microsecond are copied to be read."),
          ]),
    ],
  };
}
