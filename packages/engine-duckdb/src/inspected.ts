import type { ColumnTypeSpec } from "@aml/core";

/** What the files turned out to be: everything that compiling a plan needs to know about them. */
export type Inspected = FileTable | DelimitedTable | JsonTable | ParquetTable;

/** Values that every row of a file shares, per file. */
export interface PartitionValues {
  readonly name: string;
  readonly sqlType: "VARCHAR" | "TIMESTAMP";
  /** One a file, in reading order. */
  readonly values: readonly string[];
}

interface Base {
  /** In reading order. */
  readonly uris: readonly string[];
  /** By the index of the step that extracts them. */
  readonly partitions: ReadonlyMap<number, readonly PartitionValues[]>;
  /** The columns that each selector with a pattern stands for, by the selector's JSON text. */
  readonly patterns: ReadonlyMap<string, ReadonlySet<string>>;
}

/** No read step: a row a file. */
export interface FileTable extends Base {
  readonly kind: "files";
}

export interface DelimitedTable extends Base {
  readonly kind: "delimited";
  readonly delimiter: string;
  readonly emptyAsString: boolean;
  readonly columns: readonly { readonly name: string; readonly type: ColumnTypeSpec }[];
  readonly groups: readonly DelimitedGroup[];
}

/** Consecutive files that are read alike. */
export interface DelimitedGroup {
  /** Index of its first file. */
  readonly first: number;
  readonly paths: readonly string[];
  /** Fields of a full row. */
  readonly fields: number;
  /** For each column of the table its field here, or -1. */
  readonly fieldOf: readonly number[];
  readonly skipHeader: boolean;
  /** No quote character in any of the files: none is looked for. */
  readonly unquoted: boolean;
  /** There are quoted line breaks. */
  readonly multiLine: boolean;
  /** Every row is full and ends in \n. */
  readonly padded: boolean;
}

export interface JsonTable extends Base {
  readonly kind: "json_lines";
  readonly paths: readonly string[];
  readonly columns: readonly { readonly name: string; readonly sqlType: string }[];
}

export interface ParquetTable extends Base {
  readonly kind: "parquet";
  readonly groups: readonly ParquetGroup[];
  readonly columns: readonly {
    readonly name: string;
    readonly sqlType: string;
    readonly nullable: boolean;
  }[];
}

/** Consecutive files of one schema. */
export interface ParquetGroup {
  /** Index of its first file. */
  readonly first: number;
  readonly paths: readonly string[];
  /** The types that its columns have here, by name; a column of the table that is not among them is null. */
  readonly types: ReadonlyMap<string, string>;
}
