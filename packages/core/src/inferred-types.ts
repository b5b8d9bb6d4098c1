import type { ColumnTypeSpec } from "./plan.ts";
import type { OperationOptions } from "./storage.ts";

/** A value and where it stands. */
export interface ValuePlace {
  readonly uri: string;
  /** Of the file, from 1; headers, blank lines and lines that are dropped do not count. Behind `select_partitions`, of the partition. */
  readonly row: number;
  /** As it is written, in JSON lines with its quotes; its first 200 characters where it is longer. */
  readonly value: string;
}

export interface InferTypesOptions extends OperationOptions {
  /**
   * Rows that are looked at: the first so many of all files together, or all. Unless given, as many as reading the table
   * looks at: of delimited text what the plan's `sample_size` says, else 200; of JSON lines all, or what a `take` leaves of
   * them.
   */
  readonly rows?: number | "all" | undefined;
  /**
   * Types only what its type gives back: a column stays text when it has a number with leading zeros (`007`), or with
   * more digits than a double or int64 holds. Default false, as MLTable. Without effect on JSON lines, which say
   * themselves what is a number: whole ones keep their digits in any case, and of fractions `loses` tells.
   */
  readonly lossless?: boolean | undefined;
}

/**
 * What a column was tried as: of delimited text int, boolean, float and datetime, before it stayed text; of JSON lines
 * int, boolean, float and string, before it stayed JSON.
 */
export type InferredType = "boolean" | "int" | "float" | "datetime" | "string";

/** The types of the columns of delimited text or JSON lines, and why. Plain JSON. */
export interface InferredTypes {
  /** Rows that were looked at. */
  readonly rows: number;
  /** They are all there are; false also where there are just as many as were asked for, since nobody looked behind them. */
  readonly complete: boolean;
  readonly columns: readonly InferredColumn[];
}

export interface InferredColumn {
  readonly name: string;
  /**
   * As an override in an MLTable says it; or `json`, which none can say: lists and objects, values of several kinds, and
   * fractions next to whole numbers that a double would change.
   */
  readonly type: ColumnTypeSpec | "json";
  /** `default`: text, since there is no value, or since the plan infers nothing. */
  readonly by: "values" | "override" | "default";
  /** Values that were looked at; empty ones and nulls say nothing. */
  readonly values: number;
  /** The first value with which no type before this one was left; of a type that was never doubted, the first value. */
  readonly forcedBy?: ValuePlace;
  /** Each type that was tried and is not it, with the first value that it does not hold. */
  readonly ruledOut: readonly (ValuePlace & { readonly type: InferredType })[];
  /** Of a datetime: the order of year, month and day. */
  readonly dates?: InferredDates;
  /** Of strings in JSON lines: a type that each of them converts to, and keeps its digits; reading leaves them strings. */
  readonly convertsTo?: ColumnTypeSpec;
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
