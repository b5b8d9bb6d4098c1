import type { TabularPlan, StepOp } from "./plan.ts";
import type { FileStat, OperationOptions, StorageAdapter } from "./storage.ts";
import type { Row, Schema } from "./table.ts";

/** One file of a dataset: where it is, what it is called, and the store that reads it. */
export interface FileRef {
  /** As the plan spells its store: `azureml://datastores/lake/paths/2025/01.parquet`. */
  readonly uri: string;
  /** Below the folder that a download recreates. */
  readonly relativePath: string;
  /** With the size and etag that the plan pinned, if it did; reads carry that etag as `ifMatch`. */
  readonly stat: FileStat;
  readonly storage: StorageAdapter;
}

/** Turns plans into rows. */
export interface TabularEngine extends AsyncDisposable {
  readonly contract: "aml.engine/1";
  /** Steps it runs; another is `unsupported`, named by its index in the plan. */
  readonly ops: ReadonlySet<StepOp>;
  /**
   * Opens a plan over files, given in reading order. Reads no more than names and types need; rows flow on demand.
   *
   * @throws `unsupported`, `plan_invalid`, `not_found` (no file), `parse_failed`, `schema_mismatch`, and what
   * the stores throw.
   */
  open(plan: TabularPlan, files: AsyncIterable<FileRef>, options?: OperationOptions): Promise<TabularResult>;
}

export type TableFormat = "parquet" | "csv" | "jsonl";

/** A result is complete or it is an error: no iterable or stream here ends early and quietly. */
export interface TabularResult extends AsyncDisposable {
  readonly schema: Schema;
  /** What runs, for people to read. */
  readonly sql: string;
  /** Rows in batches, in order: by file, then as in the file. Leaving the loop early stops the query. */
  batches(options?: OperationOptions): AsyncIterable<readonly Row[]>;
  /** The whole table as one file. In `jsonl` integers are exact, datetimes ISO 8601 with Z, nulls null. */
  encode(format: TableFormat, options?: OperationOptions): ReadableStream<Uint8Array>;
}
