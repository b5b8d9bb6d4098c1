import { isAmlError, type Expr, type TabularPlan } from "@aml/core";
import { filterColumns, formatFilter } from "@aml/core/plan";
import { leadingConditions } from "../leading-conditions.ts";
import { mayHold, type Statistics } from "../may-hold.ts";
import { distinctIds } from "../plan-column.ts";
import type { Scope } from "../scope.ts";
import { quoteIdentifier, quoteText } from "../sql-text.ts";
import { boundSql, columnBounds } from "./column-bounds.ts";
import type { AddFile } from "./delta-actions.ts";
import { partitionList, type LeafColumn } from "./partition-values.ts";

export interface ChosenFiles {
  readonly active: readonly AddFile[];
  readonly pruned: readonly { readonly file: AddFile; readonly reason: string }[];
}

/** Whether statistics of the log could be of use to a plan. */
export function looksAtFiles(plan: TabularPlan): boolean {
  return leadingConditions(plan).length > 0;
}

/** Files that are asked at a time: what the log says of them is a constant in SQL. */
const AT_A_TIME = 10_000;

/**
 * The files whose rows the filters behind the read step may let pass. What a filter says of partition columns alone is
 * asked of each file, by the same SQL that is asked of rows: where it does not hold, it holds for no row of the file. What
 * it says of another column is asked of the bounds that the log has, where those can tell.
 */
export async function chooseFiles(
  plan: TabularPlan,
  partitions: readonly LeafColumn[],
  columns: readonly LeafColumn[],
  files: readonly AddFile[],
  scope: Scope,
  signal: AbortSignal | undefined,
): Promise<ChosenFiles> {
  const conditions = leadingConditions(plan);
  const named = new Set(conditions.flatMap(({ expr }) => filterColumns(expr)));
  const used = columns.filter(({ name }) => named.has(name));
  const ids = distinctIds(
    partitions.map(({ name }) => name),
    ["file number", ...used.flatMap((_, at) => [`least ${at}`, `most ${at}`, `nulls ${at}`])],
  );
  const known: Statistics = {
    partitions: new Map(
      partitions.map(({ name, sqlType }, at) => [name, { name, id: ids[at] ?? "", sqlType, nullable: true }]),
    ),
    bounded: new Map(
      used.map(({ name, sqlType }, at) => {
        return [name, { name, sqlType, boundType: boundSql("", sqlType, "least").sqlType, at }];
      }),
    ),
  };
  const tests = conditions.flatMap(({ expr, step }) => {
    const sql = mayHold(expr, known, step);
    return sql === undefined ? [] : [{ sql, reason: reasonOf(expr, known) }];
  });
  if (tests.length === 0) return { active: files, pruned: [] };
  const cases = tests.map(({ sql }, at) => `WHEN NOT (${sql}) THEN ${at}`).join(" ");
  const reasons = new Map<AddFile, string>();
  try {
    for (let from = 0; from < files.length; from += AT_A_TIME) {
      const some = files.slice(from, from + AT_A_TIME);
      const source = fileRows(some, partitions, ids, used);
      const sql = `SELECT "file number"::INTEGER, test FROM (SELECT "file number", CASE ${cases} END AS test FROM (${source}))`;
      const result = await scope.run(`${sql} WHERE test IS NOT NULL`, signal);
      for (const [at, test] of await result.getRows()) {
        const file = some[Number(at)];
        if (file !== undefined) reasons.set(file, tests[Number(test)]?.reason ?? "");
      }
    }
  } catch (error) {
    // A filter that fails says so when rows are read, of which there may be none.
    if (!isAmlError(error, "query_failed")) throw error;
    return { active: files, pruned: [] };
  }
  return {
    active: files.filter((file) => !reasons.has(file)),
    pruned: [...reasons].map(([file, reason]) => ({ file, reason })),
  };
}

/** A row a file: its number, partition values, and what the log says of the columns. */
function fileRows(
  files: readonly AddFile[],
  partitions: readonly LeafColumn[],
  ids: readonly string[],
  used: readonly LeafColumn[],
): string {
  const names = used.map(({ physicalName }) => physicalName);
  const keys = ["least", "most", "nulls"] as const;
  const rows = files.map(({ stats }) =>
    columnBounds(stats, names).flatMap((bounds) => keys.map((key) => bounds[key] ?? null)),
  );
  // As one constant: DuckDB takes far longer to parse a list of as many.
  const texts = `from_json(${quoteText(JSON.stringify(rows))}::JSON, '[["VARCHAR"]]')`;
  const raw = used.flatMap((_, at) => keys.map((key, of) => `x[${at * 3 + of + 1}] AS "${key} ${at}"`));
  const typed = used.flatMap(({ sqlType }, at) =>
    (["least", "most"] as const).map(
      (end) => `${boundSql(`"${end} ${at}"`, sqlType, end).sql} AS "${end} ${at}"`,
    ),
  );
  const values = partitions.map((column, at) => {
    return `${partitionList(column, files, '"file number"')} AS ${quoteIdentifier(ids[at] ?? "")}`;
  });
  const nulls = used.map((_, at) => `"nulls ${at}"`);
  const each = `SELECT unnest(range(${files.length})) AS "file number", unnest(${texts}) AS x`;
  const split = `SELECT ${['"file number"', ...raw].join(", ")} FROM (${each})`;
  return `SELECT ${['"file number"', ...values, ...typed, ...nulls].join(", ")} FROM (${split})`;
}

function reasonOf(expr: Expr, { partitions }: Statistics): string {
  const isPartitions = filterColumns(expr).every((name) => partitions.has(name));
  const by = isPartitions ? "partition values" : "statistics of the log";
  return `filter: ${formatFilter(expr)}, by ${by}`;
}
