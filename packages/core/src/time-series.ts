import { AmlError } from "./aml-error.ts";
import type { TimeFilterOptions, TimeSeriesVerbs } from "./dataset.ts";
import type { Expr } from "./expr.ts";
import { parsePlan } from "./parse-plan.ts";
import { parsePartitionFormat, TOKENS } from "./partition-format.ts";
import type { ColumnSelector, Plan, PlanTraits, Step } from "./plan.ts";
import { before, datetimeLiteral, wholeSecond } from "./time-bound.ts";

interface Range {
  readonly from?: Date;
  readonly to?: Date;
}

/** Steps whose result depends on the rows of other files: leaving a file out would change it. */
const POSITIONAL = /^(take|skip|take_random_sample|sample|select_partitions)$/;

/** The verbs of a table with a timestamp column. */
export function timeSeries<Self>(plan: Plan, bind: (plan: Plan) => Self): TimeSeriesVerbs<Self> {
  const keep = (range: Range, options?: TimeFilterOptions): Self =>
    bind(parsePlan(filterByTime(plan, range, options)));
  return {
    withTimestampColumns: (columns = {}) => bind(parsePlan(withTraits(plan, traitsOf(columns)))),
    timeAfter: (start, options) => keep({ from: wholeSecond(start, "lower") }, options),
    timeBefore: (end, options) => keep({ to: wholeSecond(end, "upper") }, options),
    timeBetween: (start, end, options) =>
      keep({ from: wholeSecond(start, "lower"), to: wholeSecond(end, "upper") }, options),
    timeRecent: (span, options) =>
      keep({ from: wholeSecond(before(options?.now ?? new Date(), span), "lower") }, options),
  };
}

/** The plan without the traits whose columns go: with the timestamp both, with the partition timestamp that one. */
export function withoutLostTraits(
  plan: Plan,
  op: "keep_columns" | "drop_columns",
  columns: ColumnSelector,
): Plan {
  const { traits } = plan;
  // What a pattern selects is known when the table is opened; a filter by time then names a column that is not there.
  if (traits === undefined || (typeof columns === "object" && "pattern" in columns)) return plan;
  const named = typeof columns === "string" ? [columns] : columns;
  const stays = (column: string | undefined): boolean =>
    column !== undefined && named.includes(column) === (op === "keep_columns");
  const { timestamp_column, partition_timestamp_column: partition } = traits;
  if (!stays(timestamp_column)) return withTraits(plan, undefined);
  return stays(partition) ? plan : withTraits(plan, { timestamp_column });
}

function withTraits({ version, source, steps, mltable }: Plan, traits: PlanTraits | undefined): Plan {
  const notes = mltable === undefined ? {} : { mltable };
  return { version, source, steps, ...notes, ...(traits === undefined ? {} : { traits }) };
}

function traitsOf({
  timestamp,
  partitionTimestamp,
}: NonNullable<Parameters<TimeSeriesVerbs<unknown>["withTimestampColumns"]>[0]>): PlanTraits | undefined {
  if (timestamp === undefined && partitionTimestamp === undefined) return undefined;
  const fault =
    timestamp === undefined
      ? "A partition timestamp needs a timestamp column."
      : timestamp === partitionTimestamp && "The two timestamp columns must be different columns.";
  if (timestamp === undefined || fault) {
    throw new AmlError("plan_invalid", String(fault), {
      hint: "Name the column of the rows' own times as timestamp, that of their files as partitionTimestamp.",
    });
  }
  return {
    timestamp_column: timestamp,
    ...(partitionTimestamp === undefined ? {} : { partition_timestamp_column: partitionTimestamp }),
  };
}

function filterByTime(
  plan: Plan,
  range: Range,
  { includeBoundary = true, partitions = "overlap" }: TimeFilterOptions = {},
): Plan {
  const { traits, steps } = plan;
  if (traits === undefined) {
    throw new AmlError("plan_invalid", "The dataset has no timestamp column.", {
      hint: "Name it first: withTimestampColumns({ timestamp }).",
    });
  }
  const { timestamp_column: timestamp, partition_timestamp_column: partition } = traits;
  const rows = within(timestamp, range, includeBoundary);
  const add = (where: readonly Expr[]): Plan => ({ ...plan, steps: [...steps, filterOf(where)] });
  if (partition === undefined || partitions === "ignore") return add(rows);
  const literal = partitions === "literal";
  const files = prunable(steps, partition);
  if (files === undefined)
    return add(literal ? [...rows, ...within(partition, range, includeBoundary)] : rows);
  const { from } = range;
  const whole = literal || from === undefined ? range : { ...range, from: startOf(from, files.tokens) };
  const prune = filterOf(within(partition, whole, includeBoundary, literal));
  return {
    ...plan,
    steps: [...steps.slice(0, files.read), prune, ...steps.slice(files.read), filterOf(rows)],
  };
}

/** Where files can be left out by a partition column, and of which tokens its time is; undefined if not at all. */
function prunable(
  steps: readonly Step[],
  column: string,
): { readonly read: number; readonly tokens: ReadonlySet<string> } | undefined {
  const read = steps.findIndex(({ op }) => op.startsWith("read_"));
  const reader = steps[read];
  if (reader === undefined || steps.slice(read).some(({ op }) => POSITIONAL.test(op))) return undefined;
  // The first file alone has the names; without it a row would be taken for them.
  if (reader.op === "read_delimited" && reader.header === "from_first_file") return undefined;
  for (const step of steps.slice(0, read)) {
    if (step.op !== "extract_columns_from_partition_format") continue;
    const tokens = parsePartitionFormat(step.partition_format).parts.flatMap((part) =>
      part.column === column && part.token !== undefined ? [part.token] : [],
    );
    if (tokens.length > 0) return { read, tokens: new Set(tokens) };
  }
  return undefined;
}

/** The start of the period that holds an instant: of a month for the tokens yyyy and MM. */
function startOf(instant: Date, tokens: ReadonlySet<string>): Date {
  const missing = TOKENS.findIndex((token) => !tokens.has(token));
  const kept = missing < 0 ? TOKENS.length : missing;
  // Each token but the first is two digits and what stands before them.
  const text = instant.toISOString().slice(0, 1 + 3 * kept);
  return new Date(`${text}${"0001-01-01T00:00:00Z".slice(text.length)}`);
}

function within(
  column: string,
  { from, to }: Range,
  closed: boolean,
  exclusiveStart = true,
): readonly Expr[] {
  const compare = (fn: "<" | "<=" | ">" | ">=", date: Date): Expr => ({
    fn,
    args: [{ col: column }, datetimeLiteral(date)],
  });
  return [
    ...(from === undefined ? [] : [compare(closed || !exclusiveStart ? ">=" : ">", from)]),
    ...(to === undefined ? [] : [compare(closed ? "<=" : "<", to)]),
  ];
}

function filterOf(tests: readonly Expr[]): Step {
  return { op: "filter", where: tests.length === 1 ? (tests[0] as Expr) : { fn: "and", args: tests } };
}
