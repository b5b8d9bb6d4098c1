import type { ArrowType, ColumnTypeSpec } from "@aml/core";

/** What the files turned out to be: everything that compiling a plan needs to know about them. */
export type Inspected = FileTable | DelimitedTable | JsonTable | ParquetTable | DeltaTable | RowTable;

/** Values that every row of a file shares, per file. */
export interface PartitionValues {
  readonly name: string;
  readonly sqlType: "VARCHAR" | "TIMESTAMP" | "BIGINT";
  /** One a file, in reading order. */
  readonly values: readonly (string | null)[];
  /** For a step alone, never a column of the table. */
  readonly hidden?: boolean;
}

/** Known where rows are chosen by their partition. */
export interface Partitioned {
  /** Of all files. */
  readonly partitionCount?: number;
  /** The partition that each file is, or begins with; in reading order. */
  readonly partitionNumbers?: readonly number[];
}

interface Base extends Partitioned {
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

/** Rows of a database, taken into a table. */
export interface RowTable extends Base {
  readonly kind: "rows";
  readonly table: string;
  /** `value`: an expression over the table that is of the type. */
  readonly columns: readonly {
    readonly name: string;
    readonly sqlType: string;
    readonly value: string;
    readonly arrowType?: ArrowType | undefined;
  }[];
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
  /** Parts of files: their lines are not those of the files. */
  readonly cut?: boolean;
}

export interface JsonTable extends Base {
  readonly kind: "json_lines";
  readonly paths: readonly string[];
  /** Of these, the parts of files: their lines are not those of the files. */
  readonly cut?: readonly string[];
  readonly columns: readonly { readonly name: string; readonly sqlType: string }[];
}

export interface ParquetTable extends Base {
  readonly kind: "parquet";
  readonly groups: readonly ParquetGroup[];
  /** For each file the rows in front of each of its row groups, where these are partitions. */
  readonly rowGroups?: readonly (readonly number[])[];
  readonly columns: readonly {
    readonly name: string;
    readonly sqlType: string;
    readonly nullable: boolean;
    readonly arrowType?: ArrowType;
  }[];
}

/** Files of one schema, in reading order. */
export interface ParquetGroup {
  /** For each path the index of its file. */
  readonly places: readonly number[];
  readonly paths: readonly string[];
  /** Of its one file no other rows are of use to the plan than those from `from` to before `to`. */
  readonly rows?: { readonly from: number; readonly to: number };
  /** The types that its columns have here, by name; a column of the table that is not among them is null. */
  readonly types: ReadonlyMap<string, string>;
  /** Columns of the table that DuckDB gives another name here, with that name. */
  readonly renamed?: ReadonlyMap<string, string>;
  /** Expressions over the columns for those that are not read as they are, by name. */
  readonly values?: ReadonlyMap<string, string>;
}

/** A version of a Delta table. `uris` are of its files. */
export interface DeltaTable extends Base {
  readonly kind: "delta";
  readonly groups: readonly DeltaGroup[];
  readonly columns: ParquetTable["columns"];
}

export interface DeltaGroup extends ParquetGroup {
  /** For each column of the table an expression over the columns of those of its files that have these places. */
  readonly valuesOf: (places: readonly number[]) => readonly string[];
  /** For each column of the table the one column of these files that it is read from, if there is one. */
  readonly sources: readonly (string | undefined)[];
  /** Holds for the rows that are not deleted; undefined where none are. */
  readonly condition: string | undefined;
}
