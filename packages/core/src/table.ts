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
