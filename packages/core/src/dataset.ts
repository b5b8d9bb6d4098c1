import type { FileRef, TableFormat, TabularResult } from "./engine.ts";
import type { Expr } from "./expr.ts";
import type { ColumnSelector, ColumnTypeSpec, FilePlan, PathSpec, StepOf, TabularPlan } from "./plan.ts";
import type { DatasetRecord } from "./registry.ts";
import type { FileStat, OperationOptions } from "./storage.ts";
import type { Row, Schema } from "./table.ts";

/** `fare_amount` → `fareAmount`, for types. */
type CamelName<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelName<Tail>>}`
  : S;

/** The same value with camelCase keys at every level. */
export type CamelCase<T> = T extends readonly (infer Item)[]
  ? readonly CamelCase<Item>[]
  : T extends object
    ? { readonly [Key in keyof T as Key extends string ? CamelName<Key> : Key]: CamelCase<T[Key]> }
    : T;

/** The options of a read step, in camelCase: `supportMultiLine` for MLTable's `support_multi_line`. */
export type ReadStepOptions<
  Op extends "read_delimited" | "read_json_lines" | "read_parquet" | "read_delta_lake",
> = CamelCase<Omit<StepOf<Op>, "op">>;

/** Files to read: a URI, a relative path, a glob, a folder (with a trailing slash), or MLTable's own form. */
export type PathInput = string | PathSpec;

export interface SampleOptions {
  /** Of keeping each row or file, 0 to 1. */
  readonly probability: number;
  /** The same seed gives the same sample. */
  readonly seed?: number | undefined;
}

export interface RegisterOptions extends OperationOptions {
  readonly description?: string | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** Records the exact files with size and etag, so that the version always reads these bytes or fails. Default true. */
  readonly pin?: boolean | undefined;
}

/** What files and tables have in common. A value: each verb returns a new dataset and reads nothing. */
interface DatasetFace<Self> {
  /** The registered version that this dataset is, unchanged. */
  readonly record: DatasetRecord | undefined;
  take(count: number): Self;
  skip(count: number): Self;
  takeRandomSample(options: SampleOptions): Self;
  /** Two disjoint datasets that together are the whole; the first has about `share` (0 to 1) of it. */
  randomSplit(share: number, seed: number): readonly [Self, Self];
  /**
   * The files behind the dataset, in reading order.
   *
   * @throws `not_found` when a path matches no file, and what the stores throw.
   */
  files(options?: OperationOptions): AsyncIterable<FileRef>;
  /**
   * Adds a version under a name; an equal recipe over equal files gives back the version that is there.
   *
   * @throws `config_invalid` for a bad name, and with `pin` what `files()` throws.
   */
  register(name: string, options?: RegisterOptions): Promise<DatasetRecord>;
}

export interface TabularDataset extends DatasetFace<TabularDataset> {
  readonly kind: "tabular";
  readonly plan: TabularPlan;
  /** Keeps rows for which a filter holds. @throws `plan_invalid` with the position of what is wrong. */
  filter(where: string | Expr): TabularDataset;
  keepColumns(columns: ColumnSelector): TabularDataset;
  dropColumns(columns: ColumnSelector): TabularDataset;
  convertColumnTypes(types: Readonly<Record<string, CamelCase<ColumnTypeSpec>>>): TabularDataset;
  /** Adds columns from the path of each file, e.g. `/{year}/{month}/`. */
  extractColumnsFromPartitionFormat(format: string): TabularDataset;
  /** Runs the plan. Dispose the result when done. */
  open(options?: OperationOptions): Promise<TabularResult>;
  schema(options?: OperationOptions): Promise<Schema>;
  /** One row at a time; leaving the loop early stops the query. Complete, or an error is thrown. */
  rows(options?: OperationOptions): AsyncIterable<Row>;
  /** The whole table as one file, in a stream that is complete or fails. */
  encode(format: TableFormat, options?: OperationOptions): ReadableStream<Uint8Array>;
  /** Writes the whole table as one file to a URI or path. @throws `already_exists` unless `overwrite`. */
  write(target: string, format: TableFormat, options?: OverwriteOptions): Promise<FileStat>;
}

export interface FileDataset extends DatasetFace<FileDataset> {
  readonly kind: "file";
  readonly plan: FilePlan;
  /**
   * Copies the files below a folder, which may be of any writable store, keeping their relative paths.
   * Conflicts are found before the first byte moves; after a failure the files that this call wrote are removed.
   *
   * @param target - folder URI or path.
   * @throws `already_exists` unless `overwrite`; `precondition_failed` when a file changed meanwhile.
   */
  download(target: string, options?: DownloadOptions): Promise<DownloadReport>;
}

export interface OverwriteOptions extends OperationOptions {
  readonly overwrite?: boolean | undefined;
}

export interface DownloadOptions extends OverwriteOptions {
  /** Files at a time. Default 8. */
  readonly concurrency?: number | undefined;
}

export interface DownloadReport {
  /** URIs of the copies, in reading order. */
  readonly files: readonly string[];
  readonly bytes: number;
}
