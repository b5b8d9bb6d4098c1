/**
 * One value of a row. int64 is bigint, decimal is a string, date is `YYYY-MM-DD`, timestamp is a Date (milliseconds) or,
 * where a database was asked for text, ISO 8601 with all digits.
 */
export type Cell =
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | Uint8Array
  | readonly Cell[]
  | { readonly [key: string]: Cell };

export type Row = Readonly<Record<string, Cell>>;

export type ColumnType =
  | "boolean"
  | "int32"
  | "int64"
  | "float64"
  | "decimal"
  | "string"
  | "bytes"
  | "date"
  | "timestamp"
  /** Lists and structures. */
  | "json";

/** What a value of each type is, where it is not null. */
export interface CellTypes {
  readonly boolean: boolean;
  readonly int32: number;
  readonly int64: bigint;
  readonly float64: number;
  /** All digits, as text. */
  readonly decimal: string;
  readonly string: string;
  readonly bytes: Uint8Array;
  /** `YYYY-MM-DD`. */
  readonly date: string;
  readonly timestamp: Date;
  readonly json: Cell;
}

/** The types of columns by name; `?` behind a type for a column in which values may be missing: `"float64?"`. */
export type RowSchema = Readonly<Record<string, ColumnType | `${ColumnType}?`>>;

/** A row of the columns that a schema names. */
export type RowOf<S extends RowSchema> = {
  readonly [Name in keyof S]: S[Name] extends `${infer Type extends ColumnType}?`
    ? CellTypes[Type] | null
    : S[Name] extends ColumnType
      ? CellTypes[S[Name]]
      : never;
};

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly nullable: boolean;
  /** What the database calls the type, for people: `numeric(38,10)`, `timestamp with time zone`. */
  readonly nativeType?: string | undefined;
}

export interface Schema {
  readonly columns: readonly Column[];
}
