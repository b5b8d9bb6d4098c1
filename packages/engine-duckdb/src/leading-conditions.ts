import type { Expr, TabularPlan } from "@aml/core";

/** A part of a filter that every row of the table fulfils. */
export interface Condition {
  readonly expr: Expr;
  /** Of the filter, in the plan. */
  readonly step: number;
}

/**
 * What all rows must fulfil, whatever comes later: filters over columns as the files have them, in front of steps that
 * count rows, taken apart at `and`.
 */
export function leadingConditions({ steps }: Pick<TabularPlan, "steps">): readonly Condition[] {
  const read = steps.findIndex(({ op }) => op.startsWith("read_"));
  const out: Condition[] = [];
  for (const [step, one] of steps.entries()) {
    if (step <= read || /^(keep|drop)_columns$|^extract_/.test(one.op)) continue;
    // A conversion changes the type of its columns; which those are, a pattern may say.
    if (one.op !== "filter") break;
    out.push(...conjuncts(one.where).map((expr) => ({ expr, step })));
  }
  return out;
}

function conjuncts(expr: Expr): readonly Expr[] {
  return "fn" in expr && expr.fn === "and" ? expr.args.flatMap(conjuncts) : [expr];
}
