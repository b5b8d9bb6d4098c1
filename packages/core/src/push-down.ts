import { filterColumns } from "./filter.ts";
import type { ColumnSelector, Step, StepOf } from "./plan.ts";
import { pushCondition, type ComparedColumn } from "./push-condition.ts";
import type { SqlCondition, SqlPart, SqlParts } from "./sql-part.ts";
import type { Schema } from "./table.ts";

/** What of a plan's steps the database does. */
export interface PushedDown {
  /** Undefined when it gives the query whole. */
  readonly part: SqlPart | undefined;
  /** Steps that are left for the engine. */
  readonly rest: readonly Step[];
  /** Indexes of the steps that the database does wholly. */
  readonly pushedSteps: readonly number[];
  /** Why the first step that is left is. */
  readonly why?: string | undefined;
}

/** Constants of one query; SQL Server takes 2,100. */
const MOST_CONSTANTS = 500;

/**
 * Decimals that a filter looks at and that the engine has as texts once a row has NaN, or more digits than it computes with:
 * then it must get such a row though another step drops it, or each filter would mean something else.
 */
function unsettled(
  steps: readonly Step[],
  columns: readonly ComparedColumn[],
): { readonly nan: readonly string[]; readonly digits: readonly string[] } {
  const looked = new Set(steps.flatMap((step) => (step.op === "filter" ? filterColumns(step.where) : [])));
  const decimals = columns.filter(({ column }) => column.type === "decimal" && looked.has(column.name));
  const namesOf = (some: readonly ComparedColumn[]): string[] => some.map(({ column }) => column.name);
  return {
    nan: namesOf(decimals.filter(({ comparison }) => comparison?.nan === "kept")),
    digits: namesOf(decimals.filter(({ comparison }) => comparison === undefined)),
  };
}

/** Whether filters mean the same whichever rows of a query the engine gets. */
export function isSettled(steps: readonly Step[], { columns }: Schema, parts: SqlParts): boolean {
  const { nan, digits } = unsettled(steps, compare(columns, parts));
  return nan.length + digits.length === 0;
}

function compare(columns: Schema["columns"], parts: SqlParts): readonly ComparedColumn[] {
  return columns.map((column) => ({ column, comparison: parts.comparisonOf(column) }));
}

/**
 * Gives a database the longest run of steps that means the same there. Behind it, filters that mean almost the same are
 * given to it as well, such that they let no row too few pass, and run again in the engine.
 */
export function pushDown(steps: readonly Step[], { columns }: Schema, parts: SqlParts): PushedDown {
  const compared = compare(columns, parts);
  const known = new Map(compared.map((item) => [item.column.name, item]));
  const all = columns.map(({ name }) => name);
  let selected: readonly string[] = all;
  let visible: readonly string[] = all;
  let why: string | undefined;
  let constants = 0;
  const where: SqlCondition[] = [];
  const window = createWindow();
  const rest: Step[] = [];
  const pushedSteps: number[] = [];
  const { nan, digits } = unsettled(steps, compared);
  const settled = nan.length + digits.length === 0;
  let at = 0;
  const leave = (step: Step, reason: string): void => {
    why ??= `step ${at} (${step.op}) ${reason}`;
    rest.push(step);
  };
  scan: for (; at < steps.length; at += 1) {
    const step = steps[at] as Step;
    switch (step.op) {
      case "keep_columns":
      case "drop_columns": {
        const left = chosen(step, visible);
        if (left === undefined || left.length === 0) break scan;
        visible = left;
        if (rest.length > 0) rest.push(step);
        else {
          selected = left;
          pushedSteps.push(at);
        }
        break;
      }
      case "filter": {
        const used = filterColumns(step.where);
        if (!window.open() || !used.every((name) => visible.includes(name))) break scan;
        const pushed = pushCondition(step.where, known);
        const count = pushed === undefined ? 0 : sizeOf(pushed.condition);
        constants += count;
        if (pushed === undefined) leave(step, "is no comparison that the database makes alike");
        else if (constants > MOST_CONSTANTS) break scan;
        else if (digits.length > 0)
          leave(step, `is one for the engine: what "${digits[0]}" is, all rows tell`);
        else {
          const kept = nan.map((column): SqlCondition => ({ column, is: "nan" }));
          where.push(settled ? pushed.condition : { any: [pushed.condition, ...kept] });
          if (pushed.weaker || !settled)
            leave(step, "runs again in the engine: the database may keep more rows");
          else if (rest.length > 0) rest.push(step);
          else pushedSteps.push(at);
        }
        break;
      }
      case "take":
      case "skip":
        if (rest.length > 0 || !settled) break scan;
        window.add(step);
        pushedSteps.push(at);
        break;
      default:
        break scan;
    }
  }
  for (const step of steps.slice(at))
    leave(step, window.open() ? "is one for the engine" : "comes behind take or skip");
  const needed = neededColumns(rest, selected);
  const isAll = needed.length === all.length;
  const part: SqlPart = {
    ...(isAll ? {} : { columns: needed }),
    ...(where.length > 0 ? { where } : {}),
    ...window.part(),
  };
  return { part: Object.keys(part).length === 0 ? undefined : part, rest, pushedSteps, why };
}

/** Gives a database that sorts the rows of a query the steps that take some of them by their place. */
export function pushWindow(steps: readonly Step[], reason: string): PushedDown {
  const window = createWindow();
  const pushedSteps: number[] = [];
  const rest: Step[] = [];
  let at = 0;
  for (; at < steps.length; at += 1) {
    const step = steps[at] as Step;
    if (step.op === "take" || step.op === "skip") {
      window.add(step);
      pushedSteps.push(at);
    } else if (step.op === "keep_columns" || step.op === "drop_columns") rest.push(step);
    else break;
  }
  rest.push(...steps.slice(at));
  const part = window.part();
  const why = rest.length > 0 ? reason : undefined;
  // FETCH NEXT 0 is a mistake to SQL Server.
  if (window.open() || part.take === 0) return { part: undefined, rest: steps, pushedSteps: [], why: reason };
  return { part, rest, pushedSteps, why };
}

interface Window {
  open(): boolean;
  add(step: StepOf<"take" | "skip">): void;
  part(): Pick<SqlPart, "skip" | "take">;
}

/** The rows that takes and skips leave, one after the other. */
function createWindow(): Window {
  let skip = 0;
  let take: number | undefined;
  let touched = false;
  return {
    open: () => !touched,
    add({ op, count }) {
      touched = true;
      if (op === "take") take = Math.min(take ?? count, count);
      else {
        skip += count;
        if (take !== undefined) take = Math.max(0, take - count);
      }
    },
    part: () => ({ ...(skip > 0 ? { skip } : {}), ...(take === undefined ? {} : { take }) }),
  };
}

/** Of these columns, what a step leaves; undefined for a pattern, which the engine reads. */
function chosen(
  { op, columns }: StepOf<"keep_columns" | "drop_columns">,
  names: readonly string[],
): readonly string[] | undefined {
  const wanted = namesOf(columns);
  if (wanted === undefined) return undefined;
  return names.filter((name) => wanted.has(name) === (op === "keep_columns"));
}

function namesOf(selector: ColumnSelector): ReadonlySet<string> | undefined {
  if (typeof selector === "string") return new Set([selector]);
  return "pattern" in selector ? undefined : new Set(selector);
}

/** Of the columns that the steps get, those that they use or give. */
function neededColumns(steps: readonly Step[], columns: readonly string[]): readonly string[] {
  const used = new Set<string>();
  let given = columns;
  for (const step of steps) {
    if (step.op === "filter") for (const name of filterColumns(step.where)) used.add(name);
    else if (step.op === "keep_columns" || step.op === "drop_columns") {
      const left = chosen(step, given);
      if (left === undefined) break;
      given = left;
    } else if (step.op !== "take" && step.op !== "skip") break;
  }
  const needed = columns.filter((name) => used.has(name) || given.includes(name));
  return needed.length === 0 ? columns.slice(0, 1) : needed;
}

function sizeOf(condition: SqlCondition): number {
  if ("all" in condition) return condition.all.reduce((sum, item) => sum + sizeOf(item), 0);
  if ("any" in condition) return condition.any.reduce((sum, item) => sum + sizeOf(item), 0);
  return "not" in condition ? sizeOf(condition.not) : 1;
}
