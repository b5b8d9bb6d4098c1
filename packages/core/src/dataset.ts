import type { ColumnBatch } from "./column-batch.ts";
import type { ReadTableOptions } from "./conversion-errors.ts";
import type { FileRef, TableFormat, TabularResult } from "./engine.ts";
import type { Explanation, SqlExplanation } from "./explanation.ts";
import type { Expr } from "./expr.ts";
import type { InferredTypes, InferTypesOptions } from "./inferred-types.ts";
import type { ColumnSelector, ColumnTypeSpec, FilePlan, PathSpec, StepOf, TabularPlan } from "./plan.ts";
import type { ProfileByFile, ProfileByFileOptions } from "./profile-state.ts";
import type { DatasetRecord } from "./registry.ts";
import type { FileStat, OperationOptions } from "./storage.ts";
import type { TableProfile } from "./table-profile.ts";
import type { Row, RowOf, RowSchema, Schema } from "./table.ts";

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
  /**
   * Records the exact files with size and etag, so that the version always reads these bytes or fails. Default true. A
   * query has nothing to record: its version is the recipe, and reads what the database has by then.
   */
  readonly pin?: boolean | undefined;
}

export interface PartitionKeyOptions extends OperationOptions {
  /** All of them unless given. */
  readonly keys?: readonly string[] | undefined;
}

/** What files and tables have in common. A value: each verb returns a new dataset and reads nothing. */
interface DatasetFace<Self> {
  /** The registered version that this dataset is, unchanged. */
  readonly record: DatasetRecord | undefined;
  take(count: number): Self;
  skip(count: number): Self;
  takeRandomSample(options: SampleOptions): Self;
  /**
   * Two disjoint datasets that together are the whole; the first has about `share` (0 to 1) of it. The same seed gives the
   * same split; without one, one is drawn and stands in both plans.
   */
  randomSplit(share: number, seed?: number): readonly [Self, Self];
  /**
   * The files behind the dataset, in reading order.
   *
   * @throws `not_found` when a path matches no file, and what the stores throw.
   */
  files(options?: OperationOptions): AsyncIterable<FileRef>;
  /** The names that the partition format gives, those of texts before that of a date; empty without one. */
  readonly partitionKeys: readonly string[];
  /**
   * Each combination of partition key values that files of more than 0 bytes have, once, in reading order. Dates are
   * UTC; null is the value of Hive's `__HIVE_DEFAULT_PARTITION__`. Goes by the paths: filters and other steps over rows change nothing.
   *
   * @throws `plan_invalid` without a partition format, and for a key that it has not; `parse_failed` for a path that
   * does not fit; what `files()` throws.
   */
  partitionKeyValues(
    options?: PartitionKeyOptions,
  ): Promise<readonly Readonly<Record<string, string | Date | null>>[]>;
  /**
   * Adds a version under a name; an equal recipe over equal files gives back the version that is there.
   *
   * @throws `config_invalid` for a bad name, and with `pin` what `files()` throws.
   */
  register(name: string, options?: RegisterOptions): Promise<DatasetRecord>;
}

export interface TypedRowsOptions<S extends RowSchema> extends ReadTableOptions {
  readonly schema: S;
}

/** Makes a file's bytes of a whole table, in a stream that is complete or fails. */
export type TableEncoder = (table: TabularDataset, options?: ReadTableOptions) => ReadableStream<Uint8Array>;

/** An instant: a `Date`, or ISO 8601 text, which without an offset is UTC. */
export type TimeBound = Date | string;

/** A length of time, the sum of its fields. */
export interface TimeSpan {
  readonly weeks?: number | undefined;
  readonly days?: number | undefined;
  readonly hours?: number | undefined;
  readonly minutes?: number | undefined;
  readonly seconds?: number | undefined;
  readonly milliseconds?: number | undefined;
}

export interface TimeFilterOptions {
  /** Keeps rows of exactly the bound too. Default true. */
  readonly includeBoundary?: boolean | undefined;
  /**
   * What the partition timestamp leaves out unread. `"overlap"`, the default: files whose period, by the smallest part of
   * the partition format, has nothing of the range: no row is lost. `"literal"`: as v1 does, files whose partition
   * timestamp itself is out of the bounds, so that `timeAfter` 30 May also loses the rest of May of monthly files.
   * `"ignore"`: nothing, e.g. because the folders are not named in UTC.
   */
  readonly partitions?: "overlap" | "literal" | "ignore" | undefined;
}

export interface SchemaOptions extends OperationOptions {
  /** How many of the first rows of the files are looked at, at least 1; those that reading looks at unless given. */
  readonly rows?: number | undefined;
}

/**
 * Filters by the timestamp column, which must be of datetimes; a null is in no range. Filters chain.
 *
 * Bounds are whole seconds, as in v1: a start is rounded down, an end to the nearest second and a half down.
 */
export interface TimeSeriesVerbs<Self> {
  /**
   * Names the columns that hold times, or without names forgets them. Dropping the timestamp column forgets both.
   *
   * @throws `plan_invalid` for a partition timestamp alone, and for one column as both.
   */
  withTimestampColumns(columns?: {
    readonly timestamp?: string | undefined;
    /** A datetime column of the partition format. */
    readonly partitionTimestamp?: string | undefined;
  }): Self;
  /** @throws `plan_invalid` without a timestamp column, and for a bound that is no instant. */
  timeBefore(end: TimeBound, options?: TimeFilterOptions): Self;
  /** @throws `plan_invalid` as `timeBefore`. */
  timeAfter(start: TimeBound, options?: TimeFilterOptions): Self;
  /** @throws `plan_invalid` as `timeBefore`. */
  timeBetween(start: TimeBound, end: TimeBound, options?: TimeFilterOptions): Self;
  /**
   * The rows of the last days, hours, …; the bound is worked out now and stays.
   *
   * @param options - `now`: the instant to count from. Default the clock's.
   * @throws `plan_invalid` as `timeBefore`, and for a negative span.
   */
  timeRecent(span: TimeSpan, options?: TimeFilterOptions & { readonly now?: Date | undefined }): Self;
}

export interface TabularDataset extends DatasetFace<TabularDataset>, TimeSeriesVerbs<TabularDataset> {
  readonly kind: "tabular";
  readonly plan: TabularPlan;
  /** Keeps rows for which a filter holds. @throws `plan_invalid` with the position of what is wrong. */
  filter(where: string | Expr): TabularDataset;
  keepColumns(columns: ColumnSelector): TabularDataset;
  dropColumns(columns: ColumnSelector): TabularDataset;
  convertColumnTypes(types: Readonly<Record<string, CamelCase<ColumnTypeSpec>>>): TabularDataset;
  /**
   * Keeps the rows of some partitions, counted from 0; their order and repetition do not matter. Partitions of text are
   * `partition_size` bytes of a file, those of Parquet row groups. A further selection counts what this one leaves over.
   *
   * @throws `plan_invalid` when the table is opened, for a partition that is not there.
   */
  selectPartitions(partitions: readonly number[]): TabularDataset;
  /**
   * How many partitions there are, by the sizes of the files and the footers of Parquet files; filters and other steps that
   * drop rows change nothing.
   *
   * @throws `unsupported` for queries and Delta tables; what opening the table throws.
   */
  partitionCount(options?: OperationOptions): Promise<number>;
  /** Adds columns from the path of each file, e.g. `/{year}/{month}/`. */
  extractColumnsFromPartitionFormat(format: string): TabularDataset;
  /** Runs the plan. Dispose the result when done. */
  open(options?: ReadTableOptions): Promise<TabularResult>;
  /**
   * Names and types of the columns, as `open` gives them; of delimited files no more is read than it takes to tell them.
   * The columns of JSON lines are the keys of all rows, so that takes all of them, unless `rows` are enough.
   *
   * @throws as `open`, of what is read; `plan_invalid` for no `rows`.
   */
  schema(options?: SchemaOptions): Promise<Schema>;
  /**
   * What `open()` would do: plan, SQL, files left out and why, bytes to fetch, what a database does. Reads no more than it
   * takes to know names and types. `explanationText` of `@aml/core/workspace` prints it.
   *
   * @throws what `open()` throws before rows are read.
   */
  explain(options?: OperationOptions): Promise<Explanation>;
  /**
   * The types that the columns of delimited files and JSON lines get when they are read, and for each the file, row and value
   * that forced it; steps behind the reading one play no part, but for a `take` over JSON lines. With `rows: "all"` every row
   * is looked at, in bounded memory.
   *
   * @throws `plan_invalid` for a number of rows below 1; `unsupported` when other files or a query are read, and when the engine infers no types; what reading throws.
   */
  inferTypes(options?: InferTypesOptions): Promise<InferredTypes>;
  /** One row at a time; leaving the loop early stops the query. Complete, or an error is thrown. */
  rows(options?: ReadTableOptions): AsyncIterable<Row>;
  /**
   * The same with the columns of a schema alone, and their types: `rows({ schema: { id: "int64", fare: "float64?" } })`.
   * No other column is read.
   *
   * @throws `schema_mismatch` for a column that is not there or of another type, before any row; and with row and column
   * for a null in a column whose type has no `?`.
   */
  rows<const S extends RowSchema>(options: TypedRowsOptions<S>): AsyncIterable<RowOf<S>>;
  /**
   * The rows by column, in Arrow's layout and the exact types of the source, in batches of up to 64 Ki rows; at least one,
   * perhaps of no rows. `@aml/arrow` makes Arrow tables and streams of them.
   *
   * Rows of a query of which the database does every step stream, a batch's at a time, unless a column is a decimal of
   * no declared width: its type depends on all of its values, so they are all taken in first, as they are where the engine
   * has steps to do. One of declared width that holds NaN in some batches only is a `schema_mismatch`.
   *
   * Reading throws `unsupported` when the engine gives no columns, and what `columnBatches` of a result throws.
   */
  columnBatches(options?: ReadTableOptions): AsyncIterable<ColumnBatch>;
  /**
   * The whole table as one file, in a stream that is complete or fails.
   *
   * Of a query of which the database does every step, CSV and JSON lines are written as the rows come, under the same
   * conditions as `columnBatches`. Any other table is read to its end before the first byte: one that fails gives none.
   *
   * Reading throws what `encode` of a result throws.
   */
  encode(format: TableFormat, options?: ReadTableOptions): ReadableStream<Uint8Array>;
  /**
   * Counts, moments, quantiles, frequent values and a histogram of every column. Reads the whole table.
   *
   * @throws `unsupported` when the engine has no profile, and what reading the table throws.
   */
  profile(options?: ReadTableOptions): Promise<TableProfile>;
  /**
   * The same, put together from profiles of the single files: given the state of an earlier time as `known`, just the files
   * that are new or changed since are read. Where all different values of a column were kept (up to 256 a file) the profile
   * is that of `profile`; where not, `distinct` (± 3 %), the quantiles (± 0.5 % of the ranks), the histogram and the counts
   * of `top` are estimates, which `sampled` tells; all else is exact.
   *
   * @throws `unsupported` for a plan that does not treat files one by one (`take`, samples, Delta tables, queries), for a
   * file with another type of a column than all together, and where the engine has no such profiles; `config_invalid` for
   * a damaged state; what reading throws.
   */
  profileByFile(options?: ProfileByFileOptions): Promise<ProfileByFile>;
  /**
   * Writes the whole table as one file to a URI or path, in a format of the engine's or of a function, e.g. `toArrowIpc`.
   *
   * @throws `already_exists` unless `overwrite`.
   */
  write(target: string, format: TableFormat | TableEncoder, options?: WriteTableOptions): Promise<FileStat>;
  /**
   * Copies the files that a column of URIs names below a folder, as `FileDataset.download` does: those of one store keep
   * their paths below the folder that they share. Nulls name no file, and a file that many rows name is copied once.
   *
   * @param target - folder URI or path.
   * @throws `plan_invalid` for a value that is no URI; `already_exists` unless `overwrite`; what reading the rows throws.
   */
  download(column: string, target: string, options?: DownloadColumnOptions): Promise<DownloadReport>;
  /**
   * Writes the whole table into a folder, as `part-00000.csv` with a header: the file of the dataset that is given back.
   *
   * @throws `already_exists` unless `overwrite`; `path_invalid` for a glob.
   */
  toCsvFiles(target: string, options?: WriteTableOptions): Promise<FileDataset>;
  /**
   * Writes the table as Parquet into a new folder below `target`, a folder for each value of the first key, in it one for
   * each of the second: `oslo/20250101000000/part-00000.parquet`; and gives the table of that, whose keys are partition
   * keys. Keys are strings, booleans, integers (which come back as int64), floats, decimals of up to 15 digits (floats
   * then), dates (timestamps then) and timestamps, to the microsecond. Values that are no plain names, and null, are written as Hive does it,
   * which only this library's partition formats read. After a failure what was written is removed.
   *
   * @throws `plan_invalid` for no key, a key twice or an unknown one; `unsupported` for a key of another type, an
   * empty text, a number that is none or has too many digits, and a table without rows.
   */
  partitionBy(keys: readonly string[], target: string, options?: ReadTableOptions): Promise<TabularDataset>;
  /**
   * The files that the table is read from, as a dataset of files: pinned as they are, chosen by the steps that choose
   * files. Filters and steps over rows are not part of it.
   *
   * @throws `unsupported` for a query.
   */
  toFiles(): FileDataset;
  /** Writes the whole table into a folder, as `part-00000.parquet`. @throws as `toCsvFiles`. */
  toParquetFiles(target: string, options?: WriteTableOptions): Promise<FileDataset>;
}

/** The rows of a SELECT over tables. A value: nothing is read before rows are asked for. */
export interface SqlTable {
  readonly kind: "sql";
  /** The statement. */
  readonly text: string;
  /**
   * Reads the tables that the statement names. Dispose of the result when done. Of values that cannot be converted those are
   * told that are in the columns it names, of all rows of its tables: `trips.fare`.
   */
  open(options?: ReadTableOptions): Promise<TabularResult>;
  schema(options?: OperationOptions): Promise<Schema>;
  /**
   * Tells of each table that the statement names what is read of it: files left out, bytes to fetch for the columns that
   * are named, what its database does. Reads no rows, and does not look up the names of columns: `open` refuses those that
   * no table has.
   *
   * @throws `unsupported` for an engine that does not explain itself; else as `open`.
   */
  explain(options?: OperationOptions): Promise<SqlExplanation>;
  /** One row at a time, typed by a schema where one is given, as a table's. Complete, or an error is thrown. */
  rows: TabularDataset["rows"];
  /** Columns in the memory layout of Arrow. @throws `unsupported` for an engine that gives rows alone. */
  columnBatches: TabularDataset["columnBatches"];
  /** The whole table as one file, in a stream that is complete or fails. */
  encode(format: TableFormat, options?: ReadTableOptions): ReadableStream<Uint8Array>;
  /** Counts, moments, quantiles, frequent values and a histogram of every column. @throws `unsupported` as a table's. */
  profile(options?: ReadTableOptions): Promise<TableProfile>;
  /** Writes the whole table as one file to a URI or path. @throws `already_exists` unless `overwrite`. */
  write(target: string, format: TableFormat, options?: WriteTableOptions): Promise<FileStat>;
}

export interface FileDataset extends DatasetFace<FileDataset> {
  readonly kind: "file";
  readonly plan: FilePlan;
  /**
   * The table that the same files are, pinned as they are.
   *
   * @throws `plan_invalid` for options that the reading step has not.
   */
  toTabular<const Format extends "delimited" | "json_lines" | "parquet">(
    format: Format,
    options?: ReadStepOptions<`read_${Format}`>,
  ): TabularDataset;
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

export interface WriteTableOptions extends OverwriteOptions, ReadTableOptions {}

export interface WriteRowsOptions extends OperationOptions {
  /**
   * Names and types of the columns; rows then flow through. Without it all rows are looked at first, in memory: a column
   * is of the narrowest type that holds its values exactly; decimals and dates, which are texts in rows, stay texts.
   */
  readonly schema?: Schema | undefined;
}

export interface DownloadOptions extends OverwriteOptions {
  /** Files at a time. Default 8. */
  readonly concurrency?: number | undefined;
}

export interface DownloadColumnOptions extends DownloadOptions {
  /** Whether a file that is missing is left out, as in the original, or an error. Default true. */
  readonly ignoreNotFound?: boolean | undefined;
}

export interface DownloadReport {
  /** URIs of the copies, in reading order. */
  readonly files: readonly string[];
  readonly bytes: number;
}
