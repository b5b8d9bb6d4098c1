import type { Cell, Column } from "./table.ts";

/** A part of a query's rows, which the database picks: those that the conditions let pass, of them some, of those some columns. */
export interface SqlPart {
  /** Columns of the result, in this order; all unless given. */
  readonly columns?: readonly string[] | undefined;
  /** All must hold. */
  readonly where?: readonly SqlCondition[] | undefined;
  readonly skip?: number | undefined;
  readonly take?: number | undefined;
}

/** A condition over columns of a query, in SQL's logic of three values: rows pass for which it is true. */
export type SqlCondition =
  | { readonly column: string; readonly is: "null" | "not_null" | "nan" }
  | {
      readonly column: string;
      readonly sign: "=" | "<>" | "<" | "<=" | ">" | ">=";
      readonly value: Cell;
      readonly comparison: SqlComparison;
    }
  | { readonly all: readonly SqlCondition[] }
  | { readonly any: readonly SqlCondition[] }
  | { readonly not: SqlCondition };

/** What a constant is to a database: `instant` is a time in UTC, `timestamp` one without a zone; both are ISO 8601 texts. */
export type ConstantKind = "integer" | "float" | "boolean" | "text" | "timestamp" | "instant";

/** How a column of a database compares with constants. */
export interface SqlComparison {
  readonly constant: ConstantKind;
  /** Equality and order may hold for more values than they do by code units and digits, and never for fewer. */
  readonly weaker?: boolean | undefined;
  /** Only `=` is of use: the database has an order of its own. */
  readonly equalityOnly?: boolean | undefined;
  /** There may be NaN, greater than all numbers: a comparison leaves it `out`, or its rows are `kept` for the engine. */
  readonly nan?: "out" | "kept" | undefined;
}

/** Why a statement takes what part: `rows` stands for any, `window` for `skip` and `take` alone. */
export interface PartSupport {
  readonly takes: "rows" | "window" | "nothing";
  readonly why?: string | undefined;
}

/** What a database can be asked of a query. */
export interface SqlParts {
  support(text: string): PartSupport;
  /** Undefined for a column that does not compare as its rows do. */
  comparisonOf(column: Column): SqlComparison | undefined;
  /** The statement that is run for a part, for people: `:constant_1` and so on where constants of these kinds are bound. */
  shown(text: string, part: SqlPart): { readonly text: string; readonly constants: readonly ConstantKind[] };
}
