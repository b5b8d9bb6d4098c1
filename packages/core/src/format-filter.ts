import type { Expr, ExprFunction } from "./expr.ts";
import {
  ALONE,
  CALLABLES,
  COMPARE,
  NOT,
  operandPowers,
  PART,
  POWER,
  SIGN,
  TIGHTEST,
  VALUES,
} from "./filter-vocabulary.ts";

/** Prints a filter in its one canonical form: `parseFilter` gives an equal tree back. */
export function formatFilter(expr: Expr): string {
  return print(expr, 1);
}

function print(expr: Expr, least: number): string {
  const [text, power] = "fn" in expr ? printCall(expr.fn, expr.args) : printLeaf(expr);
  return power < least ? `(${text})` : text;
}

function printLeaf(expr: Exclude<Expr, { fn: unknown }>): [text: string, power: number] {
  if ("col" in expr) return [`col(${JSON.stringify(expr.col)})`, TIGHTEST];
  const value = "int" in expr ? expr.int : expr.lit;
  for (const [word, meaning] of VALUES) if (value === meaning) return [String(word), TIGHTEST];
  if (typeof value === "string" && "lit" in expr) return [JSON.stringify(value), TIGHTEST];
  // A large float must not read as an integer, nor a number with a method as a fraction.
  const large = typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
  const digits = large ? value.toExponential() : String(value);
  return [digits, digits.startsWith("-") ? SIGN : TIGHTEST - 0.5];
}

function printCall(fn: ExprFunction, args: readonly Expr[]): [text: string, power: number] {
  const [first, ...rest] = args as readonly [Expr];
  const join = (list: readonly Expr[]): string => list.map((arg) => print(arg, 1)).join(", ");
  switch (fn) {
    case "not":
      return [`not ${print(first, NOT)}`, NOT];
    case "in":
    case "not_in":
      return [`${print(first, COMPARE + 1)} ${fn.replace("_", " ")} [${join(rest)}]`, COMPARE];
    case "is_null":
    case "is_not_null":
      return [`${print(first, COMPARE + 1)} is ${fn === "is_null" ? "" : "not "}None`, COMPARE];
    case "field":
      return [`${print(first, TIGHTEST)}[${join(rest)}]`, TIGHTEST];
    case "negate":
      // Without parentheses a number would take the sign in.
      return [`-${print(first, "fn" in first ? SIGN : TIGHTEST)}`, SIGN];
  }
  const own = POWER.get(fn);
  if (own !== undefined) {
    const [left, right] = operandPowers(own);
    return [args.map((arg, index) => print(arg, index ? right : left)).join(` ${fn} `), own];
  }
  const name = CALLABLES.find(([callable]) => callable === fn)?.[3] ?? fn;
  if (ALONE.test(name)) return [`${name}(${join(args)})`, TIGHTEST];
  if (PART.test(fn)) return [`${print(first, TIGHTEST)}.${fn}`, TIGHTEST];
  return [`${print(first, TIGHTEST)}.${name}(${join(rest)})`, TIGHTEST];
}
