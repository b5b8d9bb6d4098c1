import { isAmlError, type TabularPlan } from "@aml/core";
import { filterColumns } from "@aml/core/plan";
import type { SparseFile } from "@aml/staging";
import { compilePlan } from "./compile-plan.ts";
import type { DeltaTable, ParquetGroup, ParquetTable } from "./inspected.ts";
import { createPartialFiles } from "./partial-files.ts";
import type { CompileOptions } from "./relation.ts";
import { hidesRowNumbers } from "./row-range.ts";
import type { RowGroup, RowGroups } from "./row-groups.ts";
import type { Scope } from "./scope.ts";
import { escapeGlob, quoteList } from "./sql-text.ts";

/** Rows that a plan takes of those that its filters let pass. */
export interface Matches {
  readonly count: number;
  /** Steps in front of those that count them. */
  readonly before: number;
}

/** The rows of filters that a plan takes, where it takes some and drops rows by their values alone. */
export function matchesWanted({ steps }: Pick<TabularPlan, "steps">): Matches | undefined {
  const read = steps.findIndex(({ op }) => op.startsWith("read_"));
  let filters = 0;
  let skip: Matches | undefined;
  for (const [at, step] of steps.entries()) {
    if (at <= read || /^(keep|drop)_columns$|^extract_|^convert_/.test(step.op)) continue;
    if (step.op === "filter" && skip === undefined) filters += 1;
    else if (step.op === "skip")
      skip = { count: (skip?.count ?? 0) + step.count, before: skip?.before ?? at };
    else if (step.op !== "take" || step.count === 0 || filters === 0) return undefined;
    else return { count: (skip?.count ?? 0) + step.count, before: skip?.before ?? at };
  }
  return undefined;
}

export interface MatchSearch {
  readonly plan: TabularPlan;
  readonly table: ParquetTable | DeltaTable;
  readonly rowGroups: RowGroups;
  readonly files: ReadonlyMap<string, SparseFile>;
  readonly scope: Scope;
  readonly compile: CompileOptions;
}

/** Row groups that are looked into together: of most files one, of those that are read whole all. */
interface Unit {
  readonly group: ParquetGroup;
  readonly path: string;
  readonly place: number;
  /** Its row groups in the file. */
  readonly first: number;
  readonly last: number;
  readonly count: number;
  /** Undefined for a whole file. */
  readonly rows: ParquetGroup["rows"];
}

/** Units that are looked into with one query. */
const MOST_UNITS = 256;

/**
 * The row groups with the first rows that filters let pass, as many as the plan takes. Fetches of one row group after the
 * other the columns that the filters look at, of more in each turn, until there are enough rows; those without any are left
 * out, and all behind the last. What fails in a row is for the plan's own query to tell: then all row groups are read.
 */
export async function firstMatches(
  search: MatchSearch,
  wanted: Matches,
  signal: AbortSignal | undefined,
): Promise<RowGroups> {
  const { plan, rowGroups, table } = search;
  const known = await countRows(search, signal);
  const units = unitsOf(search, known);
  const filters = plan.steps.slice(0, wanted.before).filter((step) => step.op === "filter");
  const names = new Set(filters.flatMap(({ where }) => filterColumns(where)));
  const looks = table.columns.some(({ name }) => names.has(name));
  // A file that is there twice has one choice of row groups.
  const isTwice = known.size < table.groups.reduce((sum, { paths }) => sum + paths.length, 0);
  if (units.length < 2 || !looks || isTwice) return rowGroups;
  const none = new Map(
    units.map((unit) => [unit, `take(${wanted.count}): row groups in front have as many`]),
  );
  let found = 0;
  let at = 0;
  let size = 0;
  try {
    while (at < units.length && found < wanted.count) {
      size = size === 0 ? firstTurn(units, wanted.count) : Math.min(size * 2, MOST_UNITS);
      const turn = units.slice(at, at + size);
      const counts = await countMatches(turn, search, wanted, [...names], known, signal);
      for (const [nth, unit] of turn.entries()) {
        const matches = counts[nth] ?? 0;
        if (found < wanted.count && matches > 0) none.delete(unit);
        else if (found < wanted.count) none.set(unit, "filter: none of its rows");
        found += matches;
      }
      at += size;
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (!isAmlError(error, "query_failed") && !isAmlError(error, "parse_failed")) throw error;
    return rowGroups;
  }
  const out = new Map<string, readonly RowGroup[]>();
  for (const [path, groups] of known) {
    const own = [...none].filter(([unit]) => unit.path === path);
    const chosen = rowGroups.get(path);
    out.set(
      path,
      groups.map((rows, index) => {
        const reason = own.find(([{ first, last }]) => first <= index && index < last)?.[1];
        return { rows, leftOut: chosen?.[index]?.leftOut ?? reason };
      }),
    );
  }
  return out;
}

function firstTurn(units: readonly Unit[], count: number): number {
  let rows = 0;
  const at = units.findIndex((unit) => (rows += unit.count) >= count);
  return Math.min(at < 0 ? units.length : at + 1, MOST_UNITS);
}

/** For each file the rows of its row groups. */
async function countRows(
  { table, scope }: MatchSearch,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const paths = [...new Set(table.groups.flatMap((group) => group.paths))];
  const result = await scope.run(
    "SELECT DISTINCT file_name, row_group_id::INTEGER, row_group_num_rows::DOUBLE\n" +
      `FROM parquet_metadata(${quoteList(paths.map(escapeGlob))})`,
    signal,
  );
  const out = new Map<string, number[]>(paths.map((path) => [path, []]));
  for (const [path, group, rows] of await result.getRows()) {
    const own = out.get(String(path));
    if (own !== undefined) own[Number(group)] = Number(rows);
  }
  return out;
}

function unitsOf(
  { table, rowGroups, files }: MatchSearch,
  known: ReadonlyMap<string, readonly number[]>,
): readonly Unit[] {
  return table.groups.flatMap((group) =>
    group.paths.flatMap((path, at): Unit[] => {
      const rows = known.get(path) ?? [];
      const base = { group, path, place: group.places[at] ?? 0 };
      if (!files.has(path) || hidesRowNumbers(group.types)) {
        const count = rows.reduce((sum, one) => sum + one, 0);
        return [{ ...base, first: 0, last: rows.length, count, rows: undefined }];
      }
      let from = 0;
      return rows.flatMap((count, index): Unit[] => {
        const range = { from, to: from + count };
        from += count;
        if (rowGroups.get(path)?.[index]?.leftOut !== undefined) return [];
        return [{ ...base, first: index, last: index + 1, count, rows: range }];
      });
    }),
  );
}

/** How many rows of each unit the filters let pass. */
async function countMatches(
  units: readonly Unit[],
  { plan, table, files, scope, compile }: MatchSearch,
  { before }: Matches,
  names: readonly string[],
  known: ReadonlyMap<string, readonly number[]>,
  signal: AbortSignal | undefined,
): Promise<readonly number[]> {
  const asked = { ...plan, steps: plan.steps.slice(0, before) };
  const paths = new Set(units.map(({ path }) => path));
  const groups = table.groups.flatMap((group) => {
    const at = [...group.paths.keys()].filter((index) => paths.has(group.paths[index] ?? ""));
    const some = <T>(list: readonly T[]): T[] => at.map((index) => list[index] as T);
    return at.length === 0 ? [] : [{ ...group, paths: some(group.paths), places: some(group.places) }];
  });
  const inTurn = new Map(
    [...paths].map((path) => {
      const own = units.filter((unit) => unit.path === path);
      return [
        path,
        (known.get(path) ?? []).map((rows, index): RowGroup => {
          const isIn = own.some(({ first, last }) => first <= index && index < last);
          return { rows, leftOut: isIn ? undefined : "not now" };
        }),
      ];
    }),
  );
  const parts = createPartialFiles({
    steps: asked.steps,
    table: { ...table, groups } as ParquetTable | DeltaTable,
    rowGroups: inTurn,
    given: names,
    files,
    scope,
  });
  await parts.prepare(signal);
  const counts = units.map(({ group, path, place, rows }, at) => {
    const own = [{ ...group, paths: [path], places: [place], ...(rows === undefined ? {} : { rows }) }];
    const { ctes, from } = compilePlan(
      asked,
      { ...table, groups: own } as ParquetTable | DeltaTable,
      compile,
    );
    return `(${ctes}\nSELECT ${at} AS unit, count(*)::DOUBLE AS matches FROM ${from})`;
  });
  const result = await scope.run(counts.join("\nUNION ALL\n"), signal);
  const out: number[] = [];
  for (const [unit, matches] of await result.getRows()) out[Number(unit)] = Number(matches);
  return out;
}
