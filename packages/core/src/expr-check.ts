import { isAmlError } from "./aml-error.ts";
import type { Expr } from "./expr.ts";
import { isSmall, parseFilter } from "./filter.ts";
import { formatFilter } from "./format-filter.ts";
import { isPlainObject, must, sortedJson, type Check } from "./value-check.ts";

const isTree = must("a filter's tree", isPlainObject);

/**
 * Checks a filter's tree by writing it out and reading it again: what comes back is what was meant. So a tree takes
 * just what the text takes, and to the same depth.
 */
export const exprCheck: Check = (value, pointer, report) => {
  if (!isTree(value, pointer, report)) return undefined;
  let fault = "has something that is no part of a filter";
  try {
    // First, as a tree that shares its branches could be written out without end.
    if (!isSmall(value as Expr)) fault = "is no filter: it is too long or nested too deeply";
    else {
      const expr = parseFilter(formatFilter(value as Expr));
      if (sortedJson(expr) === sortedJson(value)) return freeze(expr);
    }
  } catch (error) {
    // Of a thing that is no expression at all, there is nothing to tell but that.
    if (isAmlError(error)) fault = `is no filter: ${error.message}`;
  }
  return void report({ pointer, message: fault });
};

function freeze(expr: Expr): Expr {
  if ("args" in expr) Object.freeze(expr.args).forEach(freeze);
  return Object.freeze(expr);
}
