import type { Expr } from "./expr.ts";
import { parseFilter } from "./filter.ts";
import { formatFilter } from "./format-filter.ts";
import { isPlainObject, must, sortedJson, type Check } from "./value-check.ts";

const isTree = must("a filter's tree", isPlainObject);

/** Checks a filter's tree by writing it out and reading it again: what comes back is what was meant. */
export const exprCheck: Check = (value, pointer, report) => {
  if (!isTree(value, pointer, report)) return undefined;
  try {
    const expr = parseFilter(formatFilter(value as Expr));
    if (sortedJson(expr) === sortedJson(value)) return freeze(expr);
    return void report({ pointer, message: "has something that is no part of a filter" });
  } catch (error) {
    return void report({ pointer, message: `is no filter: ${(error as Error).message}` });
  }
};

function freeze(expr: Expr): Expr {
  if ("args" in expr) Object.freeze(expr.args).forEach(freeze);
  return Object.freeze(expr);
}
