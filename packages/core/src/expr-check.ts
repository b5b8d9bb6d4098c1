import type { ExprFunction } from "./expr.ts";
import { isPlainObject, quote, type Check } from "./value-check.ts";

const MAX_DEPTH = 1_000;

/** Least and most arguments. */
const ARITY: { readonly [Name in ExprFunction]: readonly [number, number] } = {
  and: [2, Infinity],
  or: [2, Infinity],
  not: [1, 1],
  "==": [2, 2],
  "!=": [2, 2],
  "<": [2, 2],
  "<=": [2, 2],
  ">": [2, 2],
  ">=": [2, 2],
  in: [1, Infinity],
  not_in: [1, Infinity],
  is_null: [1, 1],
  is_not_null: [1, 1],
  is_error: [1, 1],
  "+": [2, 2],
  "-": [2, 2],
  "*": [2, 2],
  "/": [2, 2],
  "//": [2, 2],
  "%": [2, 2],
  "**": [2, 2],
  negate: [1, 1],
  contains: [2, 2],
  starts_with: [2, 2],
  ends_with: [2, 2],
  substring: [2, 3],
  index_of: [2, 2],
  length: [1, 1],
  to_upper: [1, 1],
  to_lower: [1, 1],
  datetime: [3, 7],
};

/** Checks a filter's tree: known shapes, known functions, the right number of arguments. */
export const exprCheck: Check = (value, at, report) => {
  if (at.length > 2 * MAX_DEPTH)
    return report({ pointer: at, message: `is nested over ${MAX_DEPTH} levels deep` });
  const [key, ...more] = isPlainObject(value) ? Object.keys(value).sort() : [];
  const { col, lit, int, fn, args } = value as Record<string, unknown>;
  if (more.length === 0) {
    if (key === "col" && typeof col === "string") return Object.freeze({ col });
    if (key === "lit" && (lit === null || /^(string|boolean)$/.test(typeof lit) || Number.isFinite(lit))) {
      return Object.freeze({ lit: lit === 0 ? 0 : lit });
    }
    if (key === "int" && typeof int === "string" && /^(0|-?[1-9]\d*)$/.test(int)) {
      return Object.freeze(Number.isSafeInteger(Number(int)) ? { lit: Number(int) } : { int });
    }
  }
  if (key === "args" && more.length === 1 && typeof fn === "string" && Array.isArray(args)) {
    if (!Object.hasOwn(ARITY, fn)) {
      return report({
        pointer: at,
        key: fn,
        known: Object.keys(ARITY),
        message: `has no function ${quote(fn)}`,
      });
    }
    const [least, most] = ARITY[fn as ExprFunction];
    if (args.length < least || args.length > most) {
      return report({ pointer: at, message: `gives ${quote(fn)} ${args.length} arguments` });
    }
    const checked = Array.from(args, (arg, index) => exprCheck(arg, [...at, "args", index], report));
    return Object.freeze({ fn, args: Object.freeze(checked) });
  }
  report({ pointer: at, message: `must be { col }, { lit }, { int } or { fn, args }, not ${quote(value)}` });
};
