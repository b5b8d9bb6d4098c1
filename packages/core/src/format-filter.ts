import type { Expr, ExprFunction } from "./expr.ts";

/** Operators between two operands, with the least precedence of the left one, of the right one, and their own. */
const BINARY: ReadonlyMap<string, readonly [left: number, right: number, own: number]> = new Map(
  [
    ["== != < <= > >=", 5, 5, 4] as const,
    ["+ -", 7, 8, 7] as const,
    ["* / // %", 8, 9, 8] as const,
    ["**", 10.5, 9, 10] as const,
  ].flatMap(([operators, ...powers]) => operators.split(" ").map((operator) => [operator, powers] as const)),
);

/** Where the canonical spelling is Python's. */
const METHODS: Partial<Record<ExprFunction, string>> = {
  starts_with: "startswith",
  ends_with: "endswith",
  to_lower: "lower",
  to_upper: "upper",
};

/** Prints a filter in its one canonical form: `parseFilter` gives an equal tree back. */
export function formatFilter(expr: Expr): string {
  return print(expr, 1);
}

function print(expr: Expr, least: number): string {
  const [text, power] = "fn" in expr ? printCall(expr.fn, expr.args) : printLeaf(expr);
  return power < least ? `(${text})` : text;
}

function printLeaf(expr: Exclude<Expr, { fn: unknown }>): [text: string, power: number] {
  if ("col" in expr) return [`col(${JSON.stringify(expr.col)})`, 11];
  const value = "int" in expr ? expr.int : expr.lit;
  if (value === null) return ["None", 11];
  if (typeof value === "boolean") return [value ? "True" : "False", 11];
  if (typeof value === "string" && "lit" in expr) return [JSON.stringify(value), 11];
  // A large float must not read as an integer, nor a number with a method as a fraction.
  const large = typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
  const digits = large ? value.toExponential() : String(value);
  return [digits, digits.startsWith("-") ? 9 : 10.5];
}

function printCall(fn: ExprFunction, args: readonly Expr[]): [text: string, power: number] {
  const [first, second] = args as readonly [Expr, Expr];
  const join = (by: string, least: number, from: number): string =>
    args
      .slice(from)
      .map((arg) => print(arg, least))
      .join(by);
  const powers = BINARY.get(fn);
  if (powers) return [`${print(first, powers[0])} ${fn} ${print(second, powers[1])}`, powers[2]];
  switch (fn) {
    case "or":
      return [join(" or ", 2, 0), 1];
    case "and":
      return [join(" and ", 3, 0), 2];
    case "not":
      return [`not ${print(first, 3)}`, 3];
    case "in":
    case "not_in":
      return [`${print(first, 5)} ${fn.replace("_", " ")} [${join(", ", 1, 1)}]`, 4];
    case "is_null":
    case "is_not_null":
      return [`${print(first, 5)} is ${fn === "is_null" ? "" : "not "}None`, 4];
    case "negate":
      // Without parentheses a number would take the sign in.
      return [`-${print(first, "fn" in first ? 9 : 11)}`, 9];
    case "datetime":
      return [`datetime(${join(", ", 1, 0)})`, 11];
    default:
      return [`${print(first, 11)}.${METHODS[fn] ?? fn}(${join(", ", 1, 1)})`, 11];
  }
}
