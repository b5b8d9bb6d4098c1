import {
  AmlError,
  type ColumnSelector,
  type ColumnTypeSpec,
  type Step,
  type StepOf,
  type TabularPlan,
} from "@aml/core";
import { checkTimestamp } from "./check-timestamp.ts";
import { compileConversion } from "./compile-convert.ts";
import { compileFilter } from "./compile-expr.ts";
import { compileRead } from "./compile-read.ts";
import { compileDraw, drawBound } from "./compile-sample.ts";
import { withInstantTexts } from "./instant-texts.ts";
import type { Inspected } from "./inspected.ts";
import { distinctIds, type PlanColumn } from "./plan-column.ts";
import { checked, PLACE_IDS, PLACES, type CompileOptions, type Relation } from "./relation.ts";
import { refuseToPart, selectedPartitions } from "./select-partitions.ts";
import { quoteIdentifier } from "./sql-text.ts";

export interface CompiledPlan {
  /** One CTE a step, in the plan's order; ends with the name of the last. */
  readonly ctes: string;
  readonly from: string;
  readonly columns: readonly PlanColumn[];
  /** With `places`: the columns of the file's index and of the row. Rows of a database have no file. */
  readonly places: readonly PlanColumn[];
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
  if (options.places === true) relation = numbered(relation);
  if (probed !== undefined) {
    relation = append(relation, "probed", `SELECT * FROM ${relation.from} LIMIT ${probed}`, relation.columns);
  }
  for (const [index, step] of plan.steps.entries()) {
    // Before the read step, steps choose files: the engine has run them.
    if (index < readAt && step.op !== "extract_columns_from_partition_format") continue;
    if (index === readAt) continue;
    if (probed !== undefined && (step.op === "take" || step.op === "skip")) continue;
    checkTimestamp(plan.traits, step, index, relation.columns);
    relation =
      step.op === "extract_columns_from_partition_format"
        ? withPartitions(relation, index, placeOfPartitions(relation, index, readAt, inspected))
        : compileStep(relation, step, index, plan, inspected, options);
  }
  return relation;
}

/** With the row as a column that is carried along. */
function numbered(relation: Relation): Relation {
  const before = relation.pending.get(PLACES) ?? [];
  const known = [...relation.columns, ...[...relation.pending.values()].flat()].map(({ id }) => id);
  const [, name] = PLACE_IDS;
  const [id = name] = distinctIds([name], known);
  const sql = `SELECT *, row_number() OVER () - 1 AS ${quoteIdentifier(id)} FROM ${relation.from}`;
  const row: PlanColumn = { name, id, sqlType: "BIGINT", nullable: false };
  const pending = new Map(relation.pending).set(PLACES, [...before, row]);
  return { ...append(relation, "numbered", sql, relation.columns), pending };
}

function finish(relation: Relation): CompiledPlan {
  const list = relation.columns.map(({ id, name }) =>
    id === name
      ? quoteIdentifier(id)
      : `${quoteIdentifier(id)} AS ${quoteIdentifier(name.replaceAll("\0", ""))}`,
  );
  const ctes = `WITH ${relation.ctes.join(",\n")}`;
  const { from, columns } = relation;
  const places = relation.pending.get(PLACES) ?? [];
  return { ctes, from, columns, places, sql: `${ctes}\nSELECT ${list.join(", ") || "NULL"}\nFROM ${from}` };
}

function compileStep(
  relation: Relation,
  step: Step,
  index: number,
  plan: TabularPlan,
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
      if (kept.length === 0 && relation.columns.length > 0 && relation.pending.size === 0)
        refuseNoColumn(relation.columns, step, index);
      return next(`SELECT ${carried(relation, kept)} FROM ${from}`, kept);
    }
    case "convert_column_types":
      return convert(relation, step, index, inspected, options);
    case "select_partitions":
      return inPartitions(relation, index, plan, inspected);
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

/** A column with what belongs to it. */
function idsOf({ id, errorId, originalId }: PlanColumn): string[] {
  return [id, errorId, originalId].filter((one) => one !== undefined);
}

function refuseNoColumn(columns: readonly PlanColumn[], { op }: Step, index: number): never {
  const names = columns.map(({ name }) => name);
  throw new AmlError("plan_invalid", `Step ${index} (${op}) leaves no column.`, {
    hint: `Columns are: ${names.join(", ")}.`,
    context: { step: index, columns: names },
  });
}

/** The columns of a SELECT that keeps some of them, with what belongs to them. */
function carried(relation: Relation, columns: readonly PlanColumn[]): string {
  const ids = columns.flatMap(idsOf);
  for (const pending of relation.pending.values()) ids.push(...pending.map(({ id }) => id));
  const list = [...new Set(ids)].map(quoteIdentifier);
  return list.length === 0 ? 'NULL AS "no column"' : list.join(", ");
}

function inPartitions(relation: Relation, index: number, plan: TabularPlan, inspected: Inspected): Relation {
  if (inspected.kind === "rows") refuseToPart("A query");
  const chosen = selectedPartitions(plan, inspected.partitionCount ?? 1).get(index) ?? [];
  const pending = new Map(relation.pending);
  const [number] = pending.get(index) ?? [];
  pending.delete(index);
  const next = { ...relation, pending };
  // Of files that nothing reads there is one partition.
  const test =
    number === undefined || chosen.length === 0
      ? String(chosen.length > 0)
      : `list_contains([${chosen.join(", ")}], ${quoteIdentifier(number.id)})`;
  const list = carried(next, relation.columns);
  const own = inspected.kind === "files" ? "*" : list;
  return append(
    next,
    `step_${index}_select_partitions`,
    `SELECT ${own} FROM ${relation.from} WHERE ${test}`,
    relation.columns,
  );
}

/**
 * Partition columns come last, but for those of delimited text by a step before the reading step: these stand behind the
 * path column, before the data.
 */
function placeOfPartitions(
  { columns, pathColumn }: Relation,
  index: number,
  readAt: number,
  { kind, partitions }: Inspected,
): number {
  if (index > readAt || kind !== "delimited") return columns.length;
  let place = columns.findIndex(({ name }) => name === pathColumn) + 1;
  for (const [step, values] of partitions)
    if (step < index) place += values.filter(({ hidden }) => hidden !== true).length;
  return place;
}

/** From here on partition columns are columns like others. */
function withPartitions(relation: Relation, index: number, at: number): Relation {
  const { columns } = relation;
  const pending = new Map(relation.pending);
  const added = pending.get(index) ?? [];
  pending.delete(index);
  return { ...relation, columns: [...columns.slice(0, at), ...added, ...columns.slice(at)], pending };
}

/** An empty text is no number and no date: null, and not an error. */
function emptyIsNull({ sqlType }: PlanColumn, spec: ColumnTypeSpec): boolean {
  const parsed =
    spec === "int" ||
    spec === "float" ||
    spec === "boolean" ||
    (typeof spec === "object" && !("boolean" in spec));
  return sqlType === "VARCHAR" && parsed;
}

/** The text as it was before the first conversion that failed. */
function originalOf({ errorId, originalId }: PlanColumn, value: string): string {
  if (errorId === undefined || originalId === undefined) return `${value}::VARCHAR`;
  return `CASE WHEN ${quoteIdentifier(errorId)} THEN ${quoteIdentifier(originalId)} ELSE ${value}::VARCHAR END`;
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
  const known = relation.columns.flatMap(idsOf);
  const inner: string[] = [];
  const outer: string[] = [];
  const columns = relation.columns.map((column): PlanColumn => {
    const spec = specs.get(column.name);
    if (spec === undefined) return column;
    const id = quoteIdentifier(column.id);
    const original = withInstantTexts(emptyIsNull(column, spec) ? `nullif(${id}, '')` : id, column);
    const conversion = compileConversion(original, column.sqlType, spec);
    const { sqlType } = conversion;
    if (!conversion.canFail) {
      outer.push(`${conversion.sql} AS ${id}`);
      outer.push(...idsOf(column).slice(1).map(quoteIdentifier));
      return { ...column, sqlType, arrowType: undefined };
    }
    const [value = "", errorId = "", originalId = ""] = distinctIds(
      [`${column.id} value`, `${column.id} error`, `${column.id} original`],
      known,
    );
    known.push(value, errorId, originalId);
    inner.push(`${conversion.sql} AS ${quoteIdentifier(value)}`);
    outer.push(`${checked(column.name, original, quoteIdentifier(value), options)} AS ${id}`);
    const before = column.errorId === undefined ? "" : `${quoteIdentifier(column.errorId)} OR `;
    outer.push(
      `(${before}${original} IS NOT NULL AND ${quoteIdentifier(value)} IS NULL) AS ${quoteIdentifier(errorId)}`,
    );
    const changed = { ...column, sqlType, nullable: true, arrowType: undefined };
    if (options.places !== true) return { ...changed, errorId };
    outer.push(`${originalOf(column, original)} AS ${quoteIdentifier(originalId)}`);
    return { ...changed, errorId, originalId };
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
