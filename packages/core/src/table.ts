/** One value of a row. int64 is bigint, decimal is a string, date is `YYYY-MM-DD`, timestamp is a Date (milliseconds). */
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
}

export interface Schema {
  readonly columns: readonly Column[];
}
