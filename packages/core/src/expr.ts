/**
 * A filter as a tree: columns, literals and named functions, nothing else. Plain JSON.
 *
 * `int` holds digits of an integer that a JSON number cannot hold exactly.
 */
export type Expr =
  | { readonly col: string }
  | { readonly lit: string | number | boolean | null }
  | { readonly int: string }
  | { readonly fn: ExprFunction; readonly args: readonly Expr[] };

export type ExprFunction =
  | "and"
  | "or"
  | "not"
  | "=="
  | "!="
  | "<"
  | "<="
  | ">"
  | ">="
  | "in"
  | "not_in"
  | "is_null"
  | "is_not_null"
  | "is_error"
  | "+"
  | "-"
  | "*"
  | "/"
  | "//"
  | "%"
  | "**"
  | "negate"
  | "contains"
  | "starts_with"
  | "ends_with"
  | "substring"
  | "index_of"
  | "length"
  | "to_upper"
  | "to_lower"
  | "datetime";
