import { isPlainObject, list, quote, type Check } from "./value-check.ts";

const MAX_DEPTH = 1_000;

/** Function, least and most arguments (no figure: the same; `+`: any). */
const ARITY = new Map(
  (
    "and 2+,or 2+,not 1,== 2,!= 2,< 2,<= 2,> 2,>= 2,in 1+,not_in 1+,is_null 1,is_not_null 1,is_error 1," +
    "+ 2,- 2,* 2,/ 2,// 2,% 2,** 2,negate 1,contains 2,starts_with 2,ends_with 2,substring 23,index_of 2," +
    "length 1,to_upper 1,to_lower 1,datetime 37"
  )
    .split(",")
    .map((entry) => entry.split(" ") as [string, string]),
);

/** Checks a filter's tree: known shapes, known functions, the right number of arguments. */
export const exprCheck: Check = (value, pointer, report) => {
  const { col, lit, int, fn, args } = isPlainObject(value) ? value : {};
  const keys = isPlainObject(value) ? Object.keys(value).sort().join(" ") : "";
  if (keys === "col" && typeof col === "string") return Object.freeze({ col });
  if (keys === "lit" && (lit === null || /^[sb]/.test(typeof lit) || Number.isFinite(lit))) {
    return Object.freeze({ lit: lit === 0 ? 0 : lit });
  }
  if (keys === "int" && typeof int === "string" && /^(0|-?[1-9]\d*)$/.test(int)) {
    return Object.freeze(Number.isSafeInteger(Number(int)) ? { lit: Number(int) } : { int });
  }
  if (keys !== "args fn" || typeof fn !== "string" || !Array.isArray(args)) {
    return report({
      pointer,
      message: `must be { col }, { lit }, { int } or { fn, args }, not ${quote(value)}`,
    });
  }
  const arity = ARITY.get(fn);
  if (arity === undefined) {
    return report({ pointer, key: fn, known: [...ARITY.keys()], message: `has no function ${quote(fn)}` });
  }
  const least = Number(arity[0]);
  const most = arity[1] === "+" ? Infinity : Number(arity[1] ?? least);
  if (args.length < least || args.length > most) {
    return report({ pointer, message: `gives ${args.length} arguments to ${quote(fn)}` });
  }
  // Two keys of the pointer to a level.
  if (pointer.length > 2 * MAX_DEPTH) return report({ pointer, message: "is nested too deep" });
  return Object.freeze({ fn, args: list(exprCheck)(args, [...pointer, "args"], report) });
};
