import type { ExprFunction } from "./expr.ts";

/** Python's precedences of the binary operators: the higher, the tighter. */
export const POWER: ReadonlyMap<string, number> = new Map(
  "or:and::== != < <= > >= in not is:|:&:+ -:* / // %::**"
    .split(":")
    .flatMap((operators, level) => operators.split(" ").map((operator) => [operator, level + 1])),
);
/** Of the prefix `not`. */
export const NOT = 3;
export const COMPARE = 4;
/** Of the prefixes `-` and `~`. */
export const SIGN = 9;
const RAISE = 10;
/** Of what needs no parentheses anywhere. */
export const TIGHTEST = 11;

/** The least power that the left and the right operand of an operator need to stand without parentheses. */
export function operandPowers(own: number): readonly [left: number, right: number] {
  // Chains of and, or and comparisons are flat; `**` groups from the right, and takes a sign on that side only.
  if (own === RAISE) return [RAISE + 0.5, SIGN];
  return [own > COMPARE ? own : own + 1, own + 1];
}

/** A function, its least and most arguments (the receiver included), and its spellings, the canonical one first. */
export type Callable = readonly [fn: ExprFunction, least: number, most: number, ...names: string[]];

/** Of the callables, those that stand alone: `len(x)`. All others are methods. */
export const ALONE: RegExp = /^(len|abs|datetime)$/;
/** What a time has without parentheses, as in Python: `When.year`. */
export const PART: RegExp = /^(year|month|day|hour|minute|(micro)?second)$/;

/** All that can be called. */
export const CALLABLES: readonly Callable[] = [
  ["starts_with", 2, 2, "startswith", "starts_with"],
  ["ends_with", 2, 2, "endswith", "ends_with"],
  ["contains", 2, 2, "contains"],
  ["to_lower", 1, 1, "lower", "to_lower"],
  ["to_upper", 1, 1, "upper", "to_upper"],
  ["strip", 1, 1, "strip"],
  ["substring", 2, 3, "substring"],
  ["index_of", 2, 2, "index_of", "find"],
  ["length", 1, 1, "length", "len"],
  ["is_null", 1, 1, "is_null"],
  ["is_error", 1, 1, "is_error"],
  ["weekday", 1, 1, "weekday"],
  ["abs", 1, 1, "abs"],
  ["datetime", 3, 7, "datetime"],
];

/** The words that are values. */
export const VALUES: ReadonlyMap<unknown, boolean | null> = new Map([
  ["True", true],
  ["False", false],
  ["None", null],
]);
