import { isAmlError, type Expr, type TabularPlan } from "@aml/core";
import { filterColumns, formatFilter } from "@aml/core/plan";
import { compileFilter } from "../compile-expr.ts";
import { distinctIds, type PlanColumn } from "../plan-column.ts";
import type { Scope } from "../scope.ts";
import { quoteIdentifier, quoteText } from "../sql-text.ts";
import { boundSql, columnBounds } from "./column-bounds.ts";
import type { AddFile } from "./delta-actions.ts";
import { partitionList, type LeafColumn } from "./partition-values.ts";

export interface ChosenFiles {
  readonly active: readonly AddFile[];
  readonly pruned: readonly { readonly file: AddFile; readonly reason: string }[];
}

interface Condition {
  readonly expr: Expr;
  /** Of the filter, in the plan. */
  readonly step: number;
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
  const known: Known = {
    partitions: new Map(
      partitions.map(({ name, sqlType }, at) => [name, { name, id: ids[at] ?? "", sqlType, nullable: true }]),
    ),
    bounded: new Map(used.map((column, at) => [column.name, { ...column, at }])),
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

interface Known {
  readonly partitions: ReadonlyMap<string, PlanColumn>;
  readonly bounded: ReadonlyMap<string, LeafColumn & { readonly at: number }>;
}

/** A condition over `fileRows`, never NULL: false only where no row of the file fulfils the filter. Undefined: none can tell. */
function mayHold(expr: Expr, known: Known, step: number): string | undefined {
  const used = filterColumns(expr);
  if (used.length > 0 && used.every((name) => known.partitions.has(name))) {
    return `coalesce(${compileFilter(expr, [...known.partitions.values()], step)}, false)`;
  }
  if (!("fn" in expr)) return undefined;
  const { fn, args } = expr;
  const [a, b] = args;
  switch (fn) {
    case "and": {
      const some = args.flatMap((arg) => mayHold(arg, known, step) ?? []);
      return some.length === 0 ? undefined : `(${some.join(" AND ")})`;
    }
    case "or":
      return anyOf(args.map((arg) => mayHold(arg, known, step)));
    case "in":
      return a && anyOf(args.slice(1).map((item) => mayEqual(a, item, known, step)));
    case "==":
      return a && b && (mayEqual(a, b, known, step) ?? mayEqual(b, a, known, step));
    case "<":
    case "<=":
    case ">":
    case ">=":
      return a && b && mayCompare(fn, a, b, known, step);
    case "starts_with":
      return a && b && mayBegin(boundedOf(a, known), b);
    case "is_null":
    case "is_not_null": {
      const column = boundedOf(a, known);
      const none = fn === "is_null" ? "none" : "all";
      return column && `("nulls ${column.at}" IS DISTINCT FROM '${none}')`;
    }
    default:
      return undefined;
  }
}

function anyOf(tests: readonly (string | undefined)[]): string | undefined {
  return tests.length === 0 || tests.includes(undefined) ? undefined : `(${tests.join(" OR ")})`;
}

type Bounded = LeafColumn & { readonly at: number };

function boundedOf(expr: Expr | undefined, { bounded }: Known): Bounded | undefined {
  return expr !== undefined && "col" in expr ? bounded.get(expr.col) : undefined;
}

function isConstant(expr: Expr): boolean {
  return "lit" in expr || "int" in expr || ("fn" in expr && expr.fn === "datetime");
}

function mayEqual(a: Expr, b: Expr, known: Known, step: number): string | undefined {
  const column = boundedOf(a, known);
  if (column === undefined || !isConstant(b)) return undefined;
  if (column.sqlType === "VARCHAR") return mayBegin(column, b);
  const least = compared(column, "least", { fn: "<=", args: [a, b] }, step);
  const most = compared(column, "most", { fn: ">=", args: [a, b] }, step);
  return hasValue(column, `${least} AND ${most}`);
}

function mayCompare(
  fn: "<" | "<=" | ">" | ">=",
  a: Expr,
  b: Expr,
  known: Known,
  step: number,
): string | undefined {
  const left = boundedOf(a, known);
  const column = left ?? boundedOf(b, known);
  const constant = left === undefined ? a : b;
  if (column === undefined || !isConstant(constant)) return undefined;
  const end = fn.startsWith("<") === (left !== undefined) ? "least" : "most";
  if (column.sqlType !== "VARCHAR")
    return hasValue(column, compared(column, end, { fn, args: [a, b] }, step));
  const text = textOf(constant);
  return text && hasValue(column, notBeyond(column, end, text));
}

/** Whether a text may be equal to a constant, or begin with it: of cut bounds one cannot be told from the other. */
function mayBegin(column: Bounded | undefined, constant: Expr): string | undefined {
  const text = textOf(constant);
  if (column?.sqlType !== "VARCHAR" || text === undefined) return undefined;
  return hasValue(column, `${notBeyond(column, "least", text)} AND ${notBeyond(column, "most", text)}`);
}

function textOf(constant: Expr): string | undefined {
  return "lit" in constant && typeof constant.lit === "string" ? quoteText(constant.lit) : undefined;
}

/** A row that is compared has a value. */
function hasValue({ at }: Bounded, sql: string): string {
  return `("nulls ${at}" IS DISTINCT FROM 'all' AND ${sql})`;
}

/** A comparison of the column as one of its bound, by the SQL that is asked of rows. */
function compared({ name, sqlType, at }: Bounded, end: "least" | "most", expr: Expr, step: number): string {
  const bound = { name, id: `${end} ${at}`, sqlType: boundSql("", sqlType, end).sqlType, nullable: true };
  return `coalesce(${compileFilter(expr, [bound], step)}, true)`;
}

/** Of texts as many characters are compared as both have. */
function notBeyond({ at }: Bounded, end: "least" | "most", text: string): string {
  const bound = `"${end} ${at}"`;
  const cut = (value: string, other: string): string => `left(${value}, length(${other})::BIGINT)`;
  const [a, b] = end === "least" ? [bound, text] : [text, bound];
  return `coalesce(${cut(a, b)} <= ${cut(b, a)}, true)`;
}

function reasonOf(expr: Expr, { partitions }: Known): string {
  const isPartitions = filterColumns(expr).every((name) => partitions.has(name));
  const by = isPartitions ? "partition values" : "statistics of the log";
  return `filter: ${formatFilter(expr)}, by ${by}`;
}

/** What all rows must satisfy, whatever comes later: filters in front of steps that count rows, taken apart at `and`. */
function leadingConditions(plan: TabularPlan): readonly Condition[] {
  const read = plan.steps.findIndex(({ op }) => op === "read_delta_lake");
  const out: Condition[] = [];
  for (const [step, one] of plan.steps.entries()) {
    if (step <= read || one.op === "keep_columns" || one.op === "drop_columns") continue;
    if (one.op !== "filter") break;
    out.push(...conjuncts(one.where).map((expr) => ({ expr, step })));
  }
  return out;
}

function conjuncts(expr: Expr): readonly Expr[] {
  return "fn" in expr && expr.fn === "and" ? expr.args.flatMap(conjuncts) : [expr];
}
