import type { ValuePlace } from "./inferred-types.ts";
import type { OperationOptions } from "./storage.ts";

/** Values of a column that could not be converted to its type. */
export interface ConversionErrors {
  readonly column: string;
  readonly count: number;
  /** The first of them, at most 10, in reading order. */
  readonly first: readonly ValuePlace[];
}

export interface ReadTableOptions extends OperationOptions {
  /**
   * What becomes of a value that cannot be converted: `null` makes it null, counts it and reports it, `fail` ends reading
   * with `parse_failed` and its place. Default: what the engine was made with, which is `null` unless said otherwise.
   */
  readonly onError?: "null" | "fail" | undefined;
  /**
   * Hears, when the whole table was read, how many values of each column became null and where the first of them are;
   * not called for none. Finding the places takes a second pass, and only when there are any.
   */
  readonly onConversionErrors?: ((errors: readonly ConversionErrors[]) => void) | undefined;
}
