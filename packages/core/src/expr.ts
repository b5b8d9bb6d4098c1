/**
 * A filter as a tree: columns, literals and named functions, nothing else. Plain JSON.
 *
 * `lit` numbers are finite, integers among them exact (at most 2^53 - 1); `int` holds the digits of a larger one.
 */
export type Expr =
  | { readonly col: string }
  | { readonly lit: string | number | boolean | null }
  | { readonly int: string }
  | { readonly fn: ExprFunction; readonly args: readonly Expr[] };

/** Each with its arguments in order; `x…` is one or more of them. */
export type ExprFunction =
  /** Two or more. A chain `a < b < c` becomes `and(a < b, b < c)`. */
  | "and"
  | "or"
  | "not"
  /** Two, of which none is the literal None: that is `is_null` or `is_not_null`. */
  | "=="
  | "!="
  | "<"
  | "<="
  | ">"
  | ">="
  /** What to look for, then any number of literals or datetimes. */
  | "in"
  | "not_in"
  | "is_null"
  | "is_not_null"
  /** The value failed its type conversion. */
  | "is_error"
  | "+"
  | "-"
  | "*"
  /** True division; `//` rounds down and `%` takes the sign of the divisor, as in Python. */
  | "/"
  | "//"
  | "%"
  | "**"
  | "negate"
  /** Text, then what to find in it. */
  | "contains"
  | "starts_with"
  | "ends_with"
  /** Text, start (zero-based), and a length in characters or else up to the end. */
  | "substring"
  /** Text, then what to find in it: the zero-based place, or -1. */
  | "index_of"
  | "length"
  | "to_upper"
  | "to_lower"
  /** Without the white space at both ends. */
  | "strip"
  | "abs"
  /** A column or a field of one, then the name of a field within it: a text literal. */
  | "field"
  /** A part of a time, in UTC; the weekday of Monday is 0. */
  | "year"
  | "month"
  | "day"
  | "hour"
  | "minute"
  | "second"
  | "microsecond"
  | "weekday"
  /** Year, month, day, then hour, minute, second, microsecond or fewer of these: integer literals of a real date. */
  | "datetime";
