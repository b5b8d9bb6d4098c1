import type { ReadTableOptions } from "./conversion-errors.ts";
import type { EngineExplanation, ExplainOptions, ExtraSteps, StatementNames } from "./explanation.ts";
import type { InferredTypes, InferTypesOptions } from "./inferred-types.ts";
import type { ColumnBatch } from "./column-batch.ts";
import type { TabularPlan, StepOp } from "./plan.ts";
import type { ProfileByFile, ProfileByFileOptions } from "./profile-state.ts";
import type { SqlResult } from "./sql-source.ts";
import type { FileStat, OperationOptions, StorageAdapter } from "./storage.ts";
import type { TableProfile } from "./table-profile.ts";
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
   * Opens a plan over files, given in reading order; of a Delta table, its log. Reads no more than names and types need; rows flow on demand.
   *
   * @throws `unsupported`, `plan_invalid`, `not_found` (no file), `parse_failed`, `schema_mismatch`, and what
   * the stores throw.
   */
  open(plan: TabularPlan, files: AsyncIterable<FileRef>, options?: ReadTableOptions): Promise<TabularResult>;
  /**
   * Writes into a plan what makes it read the same later, where its files do not say it all: a Delta table's version.
   * Absent from engines without such tables.
   */
  pin?(plan: TabularPlan, files: AsyncIterable<FileRef>, options?: OperationOptions): Promise<TabularPlan>;
  /**
   * Opens the steps of a plan over a query, whose rows are given with timestamps as text. It takes all of them in before
   * it resolves, exactly, beyond its memory on disk; then it disposes of `rows`. Absent from engines of files alone.
   *
   * @throws as `open`, and what the database throws.
   */
  openRows?(plan: TabularPlan, rows: SqlResult, options?: ReadTableOptions): Promise<TabularResult>;
  /**
   * Opens the steps of a plan over columns in memory, of which it takes all in before it resolves, in their exact types.
   *
   * @throws as `open`; `schema_mismatch` for no batch, batches that differ, and a name twice; `parse_failed` for text that
   * is not UTF-8, and for times that the engine does not hold.
   */
  openColumns?(
    plan: TabularPlan,
    batches: AsyncIterable<ColumnBatch>,
    options?: ReadTableOptions,
  ): Promise<TabularResult>;
  /**
   * Opens one SELECT over tables, in the SQL of the engine. It can do nothing but read them.
   *
   * @throws `query_failed` with the place of what is wrong; `unsupported` for a statement that is more than that; as
   * `open` and `openRows` for the tables.
   */
  openSql?(text: string, tables: readonly NamedTable[], options?: ReadTableOptions): Promise<TabularResult>;
  /**
   * Tells what `open` would do, or for the columns of a query what `openRows` would do. Reads no more than it takes to know
   * names and types, of the first files. Absent from engines that do not explain themselves.
   *
   * @throws as `open`.
   */
  explain?(
    plan: TabularPlan,
    source: AsyncIterable<FileRef> | Schema,
    options?: ExplainOptions,
  ): Promise<EngineExplanation>;
  /**
   * Tells what a statement over tables of these names reads. Absent from engines that do not explain themselves.
   *
   * @throws as `openSql`, for the statement alone.
   */
  statementNames?(
    text: string,
    names: readonly string[],
    options?: OperationOptions,
  ): Promise<StatementNames>;
  /**
   * Tells the types of the columns of delimited files or JSON lines, and the values that forced them. Absent from engines
   * that infer none.
   *
   * @throws `unsupported` for a plan that reads neither, and as `open`.
   */
  inferTypes?(
    plan: TabularPlan,
    files: AsyncIterable<FileRef>,
    options?: InferTypesOptions,
  ): Promise<InferredTypes>;
  /**
   * Profiles the files of a plan one by one, leaving out those of which the state of an earlier profile tells. Absent from
   * engines that do not.
   *
   * @throws `unsupported` for a plan that does not treat files one by one; `config_invalid` for a damaged state; as `open`.
   */
  profileByFile?(
    plan: TabularPlan,
    files: AsyncIterable<FileRef>,
    options?: ProfileByFileOptions,
  ): Promise<ProfileByFile>;
}

/** A table of a statement, over files or over a query. */
export interface NamedTable {
  /** Letters, digits and underscores; unlike others in any case of its letters. */
  readonly name: string;
  readonly plan: TabularPlan;
  readonly files?: AsyncIterable<FileRef> | undefined;
  /**
   * Starts the query, with timestamps as text. Called once if at all; the steps of its plan are left for the engine.
   *
   * @param columns - in lower case, names that are of use; all are where it is undefined.
   * @param conditions - filters that all rows must pass which are of use.
   */
  readonly query?:
    | ((
        columns: ReadonlySet<string> | undefined,
        conditions?: ExtraSteps,
      ) => Promise<{ readonly plan: TabularPlan; readonly rows: SqlResult }>)
    | undefined;
}

export type TableFormat = "parquet" | "csv" | "jsonl";

/** A result is complete or it is an error: no iterable or stream here ends early and quietly. */
export interface TabularResult extends AsyncDisposable {
  readonly schema: Schema;
  /** What runs, for people to read. */
  readonly sql: string;
  /** Rows in batches, in order: by file, then as in the file. Leaving the loop early stops the query. */
  batches(options?: OperationOptions): AsyncIterable<readonly Row[]>;
  /**
   * The same rows by column, in Arrow's layout: the types of the source exactly, lists and structures nested. A batch
   * ends behind 65,536 rows or 64 MiB, whichever comes first. There is at least one, perhaps of no rows, so that the
   * types are known. What Arrow has no type for (uuid, interval, enum, time with zone) is text. Absent from engines of
   * rows alone.
   *
   * Reading throws what `batches` throws, `parse_failed` for an infinite date or timestamp, `query_failed` for an
   * integer of more than 38 digits, and `resource_exhausted` for 2 GiB of one column in 2048 rows.
   */
  columnBatches?(options?: OperationOptions): AsyncIterable<ColumnBatch>;
  /** The whole table as one file. In `jsonl` integers are exact, datetimes ISO 8601 with Z, nulls null. */
  encode(format: TableFormat, options?: OperationOptions): ReadableStream<Uint8Array>;
  /**
   * How many partitions `select_partitions` can choose from behind the plan: of text those of `partition_size` bytes, of
   * Parquet row groups. Steps that drop rows change nothing. Absent from engines that do not part files.
   */
  partitionCount?(options?: OperationOptions): Promise<number>;
  /** Reads the whole table, several times where needed. Absent from engines that do not profile. */
  profile?(options?: OperationOptions): Promise<TableProfile>;
}
