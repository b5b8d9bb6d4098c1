import type { ColumnTypeSpec } from "./plan.ts";
import type { OperationOptions } from "./storage.ts";

/** A value and where it stands. */
export interface ValuePlace {
  readonly uri: string;
  /** Of the file, from 1; headers and blank lines do not count. Behind `select_partitions`, of the partition. */
  readonly row: number;
  /** As it is written; its first 200 characters where it is longer. */
  readonly value: string;
}

export interface InferTypesOptions extends OperationOptions {
  /**
   * Rows that are looked at: the first so many of all files together, or all. Unless given, as many as reading the table
   * looks at: what the plan's `sample_size` says, else 200.
   */
  readonly rows?: number | "all" | undefined;
  /**
   * Types only what its type gives back: a column stays text when it has a number with leading zeros (`007`), or with
   * more digits than a double or int64 holds. Default false, as MLTable.
   */
  readonly lossless?: boolean | undefined;
}

/** What a column of text was tried as, in this order, before it stayed text. */
export type InferredType = "boolean" | "int" | "float" | "datetime";

/** The types of a delimited table's columns, and why. Plain JSON. */
export interface InferredTypes {
  /** Rows that were looked at. */
  readonly rows: number;
  /** They are all there are. */
  readonly complete: boolean;
  readonly columns: readonly InferredColumn[];
}

export interface InferredColumn {
  readonly name: string;
  /** As an override in an MLTable says it. */
  readonly type: ColumnTypeSpec;
  /** `default`: text, since there is no value, or since the plan infers nothing. */
  readonly by: "values" | "override" | "default";
  /** Values that were looked at; empty ones say nothing. */
  readonly values: number;
  /** The first value with which no type before this one was left; of a type that was never doubted, the first value. */
  readonly forcedBy?: ValuePlace;
  /** Each type that was tried and is not it, with the first value that it does not hold. */
  readonly ruledOut: readonly (ValuePlace & { readonly type: InferredType })[];
  /** Of a datetime: the order of year, month and day. */
  readonly dates?: InferredDates;
  /** The first value that does not come back from the type as it is written: leading zeros, or digits. */
  readonly loses?: ValuePlace;
}

export interface InferredDates {
  readonly order: "year_first" | "month_first" | "day_first";
  /** Every value could be read day first just as well; month first is MLTable's rule. */
  readonly ambiguous: boolean;
  /** The first value that exists in this order only, e.g. `31/12/2020`. */
  readonly settledBy?: ValuePlace;
}
