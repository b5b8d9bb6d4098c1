import type { Step } from "@aml/core";
import { filterColumns } from "@aml/core/plan";

/** The columns that a plan's rows are made of: those that it gives, and those that its filters look at. */
export function usedColumns(steps: readonly Step[], given: readonly string[]): ReadonlySet<string> {
  return new Set([
    ...given,
    ...steps.flatMap((step) => (step.op === "filter" ? filterColumns(step.where) : [])),
  ]);
}
