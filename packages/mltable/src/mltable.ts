import type { PathSpec, Step } from "@aml/core";

/** What an `MLTable` file says: plain frozen data. */
export interface MLTable {
  /** As written: relative to the file's own folder, absolute, or URIs. */
  readonly paths: readonly PathSpec[];
  readonly transformations: readonly Step[];
  readonly traits: Traits;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Which columns have a part to play. Does not change the rows. Other traits than these two are kept. */
export interface Traits {
  readonly timestamp_column?: string;
  readonly index_columns?: readonly string[];
  readonly [trait: string]: unknown;
}
