import {
  AmlError,
  type ColumnSelector,
  type ColumnTypeSpec,
  type Step,
  type StepOf,
  type TabularPlan,
} from "@aml/core";
import { compileConversion } from "./compile-convert.ts";
import { compileFilter } from "./compile-expr.ts";
import { compileRead } from "./compile-read.ts";
import { compileDraw, drawBound } from "./compile-sample.ts";
import type { Inspected } from "./inspected.ts";
import { distinctIds, type PlanColumn } from "./plan-column.ts";
import { checked, type CompileOptions, type Relation } from "./relation.ts";
import { quoteIdentifier } from "./sql-text.ts";

export interface CompiledPlan {
  /** One CTE a step, in the plan's order; ends with the name of the last. */
  readonly ctes: string;
  readonly from: string;
  readonly columns: readonly PlanColumn[];
  /** The plan as one statement with its columns under their own names, for people and for `encode`. */
  readonly sql: string;
}

/**
 * Compiles a plan to SQL. Pure: the same plan and files always give the same text.
 *
 * Names are quoted by one function; constants are literals quoted by another. Nothing of a plan is SQL.
 *
 * @throws `plan_invalid` for a filter over a column that does not exist; `schema_mismatch` when a path or partition
 * column has the name of a data column; `unsupported` for a step that this engine does not run.
 */
export function compilePlan(plan: TabularPlan, inspected: Inspected, options: CompileOptions): CompiledPlan {
  return finish(compileSteps(plan, inspected, options));
}

/**
 * A query of one number: how many of the source's first `rows` rows the plan's filters and samples let pass. Steps that
 * take and skip rows by their place are left out, since they tell nothing about the rest.
 */
export function compileProbe(
  plan: TabularPlan,
  inspected: Inspected,
  options: CompileOptions,
  rows: number,
): string {
  const { ctes, from } = finish(compileSteps(plan, inspected, options, rows));
  return `${ctes}\nSELECT count(*) FROM ${from}`;
}

/** The plan's relation; of the source's first `probed` rows, if given, and then without `take` and `skip`. */
function compileSteps(
  plan: TabularPlan,
  inspected: Inspected,
  options: CompileOptions,
  probed?: number,
): Relation {
  const readAt = plan.steps.findIndex((step) => step.op.startsWith("read_"));
  let relation = compileRead(plan, inspected, Math.max(readAt, 0), options);
  if (probed !== undefined) {
    relation = append(relation, "probed", `SELECT * FROM ${relation.from} LIMIT ${probed}`, relation.columns);
  }
  for (const [index, step] of plan.steps.entries()) {
    // Before the read step, steps choose files: the engine has run them.
    if (index < readAt && step.op !== "extract_columns_from_partition_format") continue;
    if (index === readAt) continue;
    if (probed !== undefined && (step.op === "take" || step.op === "skip")) continue;
    relation = compileStep(relation, step, index, inspected, options);
  }
  return relation;
}

function finish(relation: Relation): CompiledPlan {
  const list = relation.columns.map(({ id, name }) =>
    id === name
      ? quoteIdentifier(id)
      : `${quoteIdentifier(id)} AS ${quoteIdentifier(name.replaceAll("\0", ""))}`,
  );
  const ctes = `WITH ${relation.ctes.join(",\n")}`;
  const { from, columns } = relation;
  return { ctes, from, columns, sql: `${ctes}\nSELECT ${list.join(", ") || "NULL"}\nFROM ${from}` };
}

function compileStep(
  relation: Relation,
  step: Step,
  index: number,
  inspected: Inspected,
  options: CompileOptions,
): Relation {
  const next = (sql: string, columns: readonly PlanColumn[] = relation.columns): Relation =>
    append(relation, `step_${index}_${step.op}`, sql, columns);
  const { from } = relation;
  switch (step.op) {
    case "take":
      return next(`SELECT * FROM ${from} LIMIT ${count(step.count, index, step.op)}`);
    case "skip":
      return next(`SELECT * FROM ${from} OFFSET ${count(step.count, index, step.op)}`);
    case "filter":
      return next(`SELECT * FROM ${from} WHERE ${compileFilter(step.where, relation.columns, index)}`);
    case "take_random_sample":
      return next(sampled(from, 0, step.probability, step.seed ?? options.seed + index));
    case "sample": {
      const { probability, probability_lower_bound = 0, seed } = step.sampler_arguments;
      return next(sampled(from, probability_lower_bound, probability, seed ?? options.seed + index));
    }
    case "keep_columns":
    case "drop_columns": {
      const chosen = selected(step.columns, relation.columns, inspected);
      const kept = relation.columns.filter(({ name }) => chosen.has(name) === (step.op === "keep_columns"));
      return next(`SELECT ${carried(relation, kept)} FROM ${from}`, kept);
    }
    case "convert_column_types":
      return convert(relation, step, index, inspected, options);
    case "extract_columns_from_partition_format":
      return { ...relation, columns: withPartitions(relation, index) };
    default:
      throw new AmlError("unsupported", `Step ${index} (${step.op}) is not run by this engine.`, {
        context: { step: index, op: step.op },
      });
  }
}

function append(relation: Relation, name: string, sql: string, columns: readonly PlanColumn[]): Relation {
  const id = quoteIdentifier(name);
  return {
    ...relation,
    ctes: [...relation.ctes, `${id} AS NOT MATERIALIZED (\n  ${sql}\n)`],
    from: id,
    columns,
  };
}

function count(value: number, index: number, op: string): string {
  if (Number.isSafeInteger(value) && value >= 0) return String(value);
  throw new AmlError("plan_invalid", `Step ${index} (${op}) has no whole number of rows: ${value}.`, {
    context: { step: index },
  });
}

function sampled(from: string, lower: number, upper: number, seed: number): string {
  const draw = compileDraw('"row number"', seed);
  return (
    `SELECT * EXCLUDE ("row number") FROM (SELECT *, row_number() OVER () - 1 AS "row number" FROM ${from}) ` +
    `WHERE ${draw} >= ${drawBound(lower)} AND ${draw} < ${drawBound(upper)}`
  );
}

/** Names of a selector; unknown ones stand for nothing. */
function selected(
  selector: ColumnSelector,
  columns: readonly PlanColumn[],
  inspected: Inspected,
): ReadonlySet<string> {
  if (typeof selector === "string") return new Set([selector]);
  if (!("pattern" in selector)) return new Set(selector);
  const matching = inspected.patterns.get(JSON.stringify(selector)) ?? new Set();
  const names = columns.map(({ name }) => name);
  return new Set(names.filter((name) => matching.has(name) !== (selector.invert ?? false)));
}

/** The columns of a SELECT that keeps some of them, with what belongs to them. */
function carried(relation: Relation, columns: readonly PlanColumn[]): string {
  const ids = columns.flatMap(({ id, errorId }) => (errorId === undefined ? [id] : [id, errorId]));
  for (const pending of relation.pending.values()) ids.push(...pending.map(({ id }) => id));
  const list = [...new Set(ids)].map(quoteIdentifier);
  return list.length === 0 ? 'NULL AS "no column"' : list.join(", ");
}

/** Partition columns stand behind the path column, before the data. */
function withPartitions(relation: Relation, index: number): readonly PlanColumn[] {
  const { columns, pathColumn } = relation;
  const at = columns.findIndex(({ name }) => name === pathColumn) + 1;
  return [...columns.slice(0, at), ...(relation.pending.get(index) ?? []), ...columns.slice(at)];
}

/** An empty text is no number and no date: null, and not an error. */
function emptyIsNull({ sqlType }: PlanColumn, spec: ColumnTypeSpec): boolean {
  const parsed = spec === "int" || spec === "float" || (typeof spec === "object" && !("boolean" in spec));
  return sqlType === "VARCHAR" && parsed;
}

type ConvertStep = StepOf<"convert_column_types">;

function convert(
  relation: Relation,
  step: ConvertStep,
  index: number,
  inspected: Inspected,
  options: CompileOptions,
): Relation {
  const specs = new Map<string, ConvertStep["columns"][number]["column_type"]>();
  for (const item of step.columns) {
    for (const name of selected(item.columns, relation.columns, inspected)) specs.set(name, item.column_type);
  }
  const known = relation.columns.flatMap(({ id, errorId }) => (errorId === undefined ? [id] : [id, errorId]));
  const inner: string[] = [];
  const outer: string[] = [];
  const columns = relation.columns.map((column): PlanColumn => {
    const spec = specs.get(column.name);
    if (spec === undefined) return column;
    const id = quoteIdentifier(column.id);
    const original = emptyIsNull(column, spec) ? `nullif(${id}, '')` : id;
    const conversion = compileConversion(original, column.sqlType, spec);
    const { sqlType } = conversion;
    if (!conversion.canFail) {
      outer.push(`${conversion.sql} AS ${id}`);
      if (column.errorId !== undefined) outer.push(quoteIdentifier(column.errorId));
      return { ...column, sqlType };
    }
    const [value = "", errorId = ""] = distinctIds([`${column.id} value`, `${column.id} error`], known);
    known.push(value, errorId);
    inner.push(`${conversion.sql} AS ${quoteIdentifier(value)}`);
    outer.push(`${checked(column.name, original, quoteIdentifier(value), options)} AS ${id}`);
    const before = column.errorId === undefined ? "" : `${quoteIdentifier(column.errorId)} OR `;
    outer.push(
      `(${before}${original} IS NOT NULL AND ${quoteIdentifier(value)} IS NULL) AS ${quoteIdentifier(errorId)}`,
    );
    return { ...column, sqlType, nullable: true, errorId };
  });
  if (outer.length === 0) return relation;
  const source = inner.length === 0 ? relation.from : `(SELECT *, ${inner.join(", ")} FROM ${relation.from})`;
  const changed = new Set(
    columns.filter((column, at) => column !== relation.columns[at]).map(({ id }) => id),
  );
  const same = carried(
    relation,
    columns.filter(({ id }) => !changed.has(id)),
  );
  const list = same.startsWith("NULL") ? outer : [same, ...outer];
  return append(
    relation,
    `step_${index}_${step.op}`,
    `SELECT ${list.join(",\n    ")}\n  FROM ${source}`,
    columns,
  );
}
