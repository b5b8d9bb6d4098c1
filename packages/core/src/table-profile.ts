import type { ColumnType } from "./table.ts";

/** What is in a table, column by column. */
export interface TableProfile {
  readonly rows: number;
  readonly columns: readonly ColumnProfile[];
}

/** int64 is bigint; decimals, dates, timestamps and json are exact texts. */
export type ProfileValue = boolean | number | bigint | string | Uint8Array;

/** Every number is exact unless `sampled` says otherwise. */
export interface ColumnProfile {
  readonly name: string;
  readonly type: ColumnType;
  /** Rows without a value, those of `errors` included. */
  readonly missing: number;
  /** Values that could not be converted, and are missing for that. */
  readonly errors: number;
  /** Texts and bytes of length 0, which are values. */
  readonly empty: number;
  readonly notANumber: number;
  /** Infinite numbers, dates and timestamps. */
  readonly infinite: number;
  /**
   * True where there are too many different values to count each: then `distinct`, the quantiles and the choice of `top`
   * come from samples and estimates. The rest, and the counts of `top`, are exact.
   */
  readonly sampled: boolean;
  /** Different values, missing ones not counted. */
  readonly distinct: number;
  /** The most frequent values, at most 10, the most frequent first. */
  readonly top: readonly ValueCount[];
  /**
   * Least and greatest value; null where there is none, and for bytes and json. Texts are compared by code point; NaN and infinities are left out.
   */
  readonly min: ProfileValue | null;
  readonly max: ProfileValue | null;
  /** How the finite values lie, or the lengths of texts and bytes; absent for booleans, json, and without a value. */
  readonly distribution?: Distribution | undefined;
}

export interface ValueCount {
  readonly value: ProfileValue;
  readonly count: number;
}

export interface Distribution {
  /** Lengths are characters (code points) of texts, and bytes. */
  readonly of: "values" | "lengths";
  /** Numbers and lengths only; null for dates and timestamps, and where there are too few values. */
  readonly mean: number | null;
  /** Sample standard deviation and variance (n − 1). */
  readonly std: number | null;
  readonly variance: number | null;
  /** Moment skewness m₃ ∕ m₂^1.5, and excess kurtosis m₄ ∕ m₂² − 3; null where all values are equal. */
  readonly skew: number | null;
  readonly kurtosis: number | null;
  /** For each share of the values the least value that so many do not exceed: 0.001, 0.01, 0.05, 0.25, 0.5, … 0.999. */
  readonly quantiles: readonly Quantile[];
  /** Values in 20 parts of equal width, from the least to the greatest; all in the first where these are equal. */
  readonly histogram: readonly number[];
}

export interface Quantile {
  readonly share: number;
  /** A number for lengths. */
  readonly value: ProfileValue;
}
