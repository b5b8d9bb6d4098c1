import type { StepOf, TabularPlan } from "@aml/core";
import { compilePlan } from "./compile-plan.ts";
import { compileRepresentative } from "./compile-representative.ts";
import { inferColumns } from "./csv-columns.ts";
import type { Observation } from "./infer-types.ts";
import type { DelimitedEvidence } from "./inspect-delimited.ts";
import type { DelimitedTable } from "./inspected.ts";
import type { CompileOptions } from "./relation.ts";
import type { Scope } from "./scope.ts";
import { quoteIdentifier } from "./sql-text.ts";

type ReadDelimited = StepOf<"read_delimited">;

/** Up to so many rows are looked at in memory; beyond that DuckDB goes through them. */
export const ROWS_IN_MEMORY = 10_000;

/** The step, made to look at no row, for types that come from more than are held in memory. */
export function withoutSample(step: ReadDelimited): ReadDelimited {
  return { ...step, infer_column_types: false };
}

/** The types of a table of texts, from so many of its first rows. The files of the table are all here. */
export async function inferFromRows<T extends DelimitedTable>(
  plan: TabularPlan,
  step: ReadDelimited,
  table: T,
  {
    rows,
    lossless = false,
    ...observing
  }: ObserveOptions & { readonly rows: number; readonly lossless?: boolean },
): Promise<T & DelimitedEvidence> {
  const seen = await observeRows(plan, table, rows, observing);
  const names = table.columns.map(({ name }) => name);
  const inferred = inferColumns(step, names, (at) => seen.columns[at] ?? [], lossless);
  const columns = names.map((name, at) => ({ name, type: inferred[at]?.inference.type ?? "string" }));
  return { ...table, columns, inferred, sampled: seen.rows };
}

interface ObserveOptions {
  readonly scope: Scope;
  readonly signal: AbortSignal | undefined;
  readonly compile: CompileOptions;
}

interface ObservedRows {
  readonly rows: number;
  /** By column. */
  readonly columns: readonly (readonly Observation[])[];
}

/** Columns that one query looks at: each of them is a table of values to DuckDB. */
const AT_ONCE = 24;

/**
 * Goes through the first rows of a table of texts and gives what type inference needs of them: for each column a few
 * values that stand for all, with their number and where the first of them is. All of it happens in DuckDB.
 */
async function observeRows(
  plan: TabularPlan,
  table: DelimitedTable,
  rows: number,
  { scope, signal, compile }: ObserveOptions,
): Promise<ObservedRows> {
  const { ctes, from, columns, places } = compilePlan(plan, table, { ...compile, places: true });
  // The path and partitions stand before them.
  const ids = columns.slice(columns.length - table.columns.length).map(({ id }) => quoteIdentifier(id));
  const [file = "", row = ""] = places.map(({ id }) => quoteIdentifier(id));
  const limit = Number.isFinite(rows) ? ` LIMIT ${rows}` : "";
  const observed: Observation[][] = ids.map(() => []);
  let starts: ReadonlyMap<number, number> = new Map();
  let total = 0;
  for (let start = 0; start === 0 || start < ids.length; start += AT_ONCE) {
    const some = ids.slice(start, start + AT_ONCE);
    const inner = some.flatMap((id, at) => [
      `CASE WHEN ${id} IS NOT NULL THEN ${compileRepresentative(id)} END AS r${at}`,
      `left(${id}, 400) AS v${at}`,
    ]);
    const keys = [...some.map((_, at) => `r${at}`), "g"];
    const values = some.map((_, at) => `v${at}`).join(", ");
    const result = await scope.run(
      `${ctes}\nSELECT ${keys.join(", ")}, count(*), min(n), arg_min(f, n), arg_min([${values}]::VARCHAR[], n)\n` +
        `FROM (SELECT ${[...inner, `${file} AS g`, `${file} AS f`, `${row} AS n`].join(",\n  ")} FROM ${from}${limit})\n` +
        `GROUP BY GROUPING SETS (${keys.map((key) => `(${key})`).join(", ")})`,
      signal,
    );
    const groups = (await result.getRowsJson()) as (string | null | string[])[][];
    const read = groups.map((cells): Group => readGroup(cells, some.length));
    const files = read.filter(({ key }) => key === some.length);
    starts = new Map(files.map(({ file: of, order }) => [of, order]));
    total = files.reduce((sum, { count }) => sum + count, 0);
    for (const { key, text, count, file: of, order, value } of read) {
      const first = { file: of, order, row: order - (starts.get(of) ?? 0) + 1, value };
      if (key >= 0 && key < some.length) observed[start + key]?.push({ text, count, first });
    }
  }
  return {
    rows: total,
    columns: observed.map((seen) => seen.toSorted((a, b) => a.first.order - b.first.order)),
  };
}

interface Group {
  /** Which key it is of; -1 for nulls. */
  readonly key: number;
  readonly text: string;
  readonly count: number;
  readonly order: number;
  readonly file: number;
  readonly value: string;
}

function readGroup(cells: readonly (string | null | readonly string[])[], columns: number): Group {
  const key = cells.slice(0, columns + 1).findIndex((cell) => cell !== null);
  const [count, order, file, values] = cells.slice(columns + 1);
  return {
    key,
    text: String(cells[key]),
    count: Number(count),
    order: Number(order),
    file: Number(file),
    value: (values as readonly string[] | null)?.[key] ?? "",
  };
}
