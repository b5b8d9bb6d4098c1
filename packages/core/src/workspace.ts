import type { ColumnBatch } from "./column-batch.ts";
import type { ContentHash, CopyJournal, CopyOptions, CopyReport } from "./copy-types.ts";
import type { AnyAdapterDefinition, OnSignIn, StoreWarning } from "./adapter-definition.ts";
import type { Credential, CredentialKind, TokenProvider } from "./credential.ts";
import type {
  FileDataset,
  PathInput,
  ReadStepOptions,
  SqlTable,
  TabularDataset,
  WriteRowsOptions,
} from "./dataset.ts";
import type { TabularEngine } from "./engine.ts";
import type { Plan, QueryParameter } from "./plan.ts";
import type { DatasetRecord, DatastoreRecord, DatastoreSpec, Registry } from "./registry.ts";
import type { Secret, SecretRef, SecretStore } from "./secret.ts";
import type { SqlSource } from "./sql-source.ts";
import type { OperationOptions, StorageAdapter, StorageLayer } from "./storage.ts";
import type { CredentialKindOf, StoreType } from "./store-credentials.ts";
import type { Row } from "./table.ts";
import type { OnTrace } from "./trace-event.ts";

export interface WorkspaceOptions {
  /** The stores that this workspace can open. */
  readonly adapters: readonly AnyAdapterDefinition[];
  /** Asked for a store that `adapters` has not got: lets a program import an adapter only when it is needed. */
  readonly findAdapter?: ((wanted: AdapterWanted) => Promise<AnyAdapterDefinition | undefined>) | undefined;
  /** Datastores that may be replaced and never deleted. */
  readonly permanentDatastores?: readonly string[] | undefined;
  readonly registry: Registry;
  readonly secrets: SecretStore;
  /** Runs tables; a function is called when the first table is. */
  readonly engine?: TabularEngine | (() => Promise<TabularEngine>) | undefined;
  /** Folder URI that relative paths start from, e.g. `file:///home/ada/project/`. */
  readonly baseUri?: string | undefined;
  /** Inside out. Default: `withTimeout()`, `withRetry()`. */
  readonly layers?: readonly StorageLayer[] | undefined;
  readonly onTrace?: OnTrace | undefined;
  /** Overrides the sign-in of token credentials. */
  readonly tokenProvider?: TokenProvider | undefined;
  /** Shows a person the code of an identity of source `device_code`. */
  readonly onSignIn?: OnSignIn | undefined;
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Hears what stores want to say though nothing failed; the runtime's own warnings (stderr) unless given. */
  readonly onWarning?: ((warning: StoreWarning) => void) | undefined;
  /** Gives a running MD5, e.g. `() => createHash("md5")` of `node:crypto`: copies are then compared by hash too. */
  readonly createHash?: (() => ContentHash) | undefined;
  /** Remembers copies that broke off: the next run goes on within a large file. */
  readonly copyJournal?: CopyJournal | undefined;
}

export type AdapterWanted = { readonly type: string } | { readonly uri: string };

/** Where the parts meet: adapters, registry, secrets and engine. */
export interface Workspace extends AsyncDisposable {
  readonly datastores: Datastores;
  readonly datasets: Datasets;
  readonly tabular: TabularFactory;
  /** A dataset of files. */
  files(paths: PathInput | readonly PathInput[]): FileDataset;
  /** A dataset of files from a plan that came from a file or over the wire. @throws `plan_invalid`. */
  filesFromPlan(plan: Plan | unknown): FileDataset;
  /**
   * The rows of one SELECT, in the SQL of the table engine, over tables of this workspace: of files, of databases, of
   * both. It reads them and can do nothing else: no file, setting or table beside them is in reach. Of a database only
   * the columns are fetched that the statement names.
   *
   * @param tables - by the names that the statement has for them: letters, digits and underscores.
   * @throws `plan_invalid` for a name; when rows are asked for, `query_failed` and `unsupported` with the place of what
   * is wrong, and what the tables throw.
   */
  sql(text: string, tables?: Readonly<Record<string, TabularDataset>>): SqlTable;
  /**
   * Opens the store behind a URI or path; the path may be a glob.
   *
   * @throws `not_found` for an unknown datastore; `unsupported` when no adapter reads such a URI.
   */
  locate(uri: string, options?: OperationOptions): Promise<LocatedPath>;
  /**
   * Copies a file, the files that match a glob, or with `recursive` a folder's: between any two stores.
   *
   * A file goes into `to` where that ends in `/` or is a folder, else it gets that name; files of a folder or glob
   * keep their paths below `to`. All names are checked before the first byte moves; no part of a file is ever visible.
   * Files that are there already, the same in size and hash, are skipped, so a copy that broke off goes on when it
   * is asked for again. Where both ends are of one service, the service copies.
   *
   * @throws `not_found`; `config_invalid` for a folder without `recursive`; `already_exists` for names that clash, and
   * unless `overwrite` for files of another content; `path_invalid` for a target in the source; `precondition_failed`
   * when a file changed meanwhile or arrived damaged; `unsupported` for a read-only target.
   */
  copy(from: string, to: string, options?: CopyOptions): Promise<CopyReport>;
  /** Makes a URI of a path that may be relative. */
  resolve(path: string): string;
}

export interface LocatedPath {
  readonly storage: StorageAdapter;
  /** In the store; may hold glob characters. */
  readonly path: string;
  /** The URI of a path of the same store, spelled like the URI that was located. */
  uriOf(path: string): string;
}

/** Credentials as users give them: secrets as values, or by the name of a secret that the secret store has. */
export type CredentialInput = Credential<Secret | SecretRef | string>;

/**
 * What a type of datastore can be signed in to with: for our own types what `STORE_CREDENTIALS` says, for others
 * anything (their adapter judges it when the datastore is registered).
 */
export type CredentialInputOf<T extends string> = T extends StoreType
  ? CredentialInputs[CredentialKindOf<T>]
  : CredentialInput;

type CredentialInputs = { readonly [K in CredentialKind]: Extract<CredentialInput, { readonly kind: K }> };

export interface DatastoreInput<T extends string = string> extends Omit<
  DatastoreSpec,
  "type" | "credential"
> {
  readonly type: T;
  /** Default: `identity` where the store takes it, else `anonymous`. */
  readonly credential?: CredentialInputOf<T> | undefined;
}

export interface RegisterDatastoreOptions extends OperationOptions {
  /** Replaces the datastore of that name in place: the way to rotate a secret. */
  readonly overwrite?: boolean | undefined;
  /** Skips the check that the store exists and lets us list it, or the database lets us in. */
  readonly skipValidation?: boolean | undefined;
}

/** The named connections of a workspace. Names are looked up without regard to case. */
export interface Datastores {
  /**
   * Checks access, stores the secrets in the secret store and the rest in the registry. A kind of credential that a
   * type of ours does not take is a compile error already.
   *
   * @throws `config_invalid` (name, type, options, credential), `already_exists` without `overwrite`, and what the
   * access check finds: `not_found`, `auth_failed`, `permission_denied`, `unavailable`.
   */
  register<const T extends string>(
    input: DatastoreInput<T>,
    options?: RegisterDatastoreOptions,
  ): Promise<DatastoreRecord>;
  /**
   * Registers several or none: all are checked before any is saved, and when saving one fails, those before it are put
   * back as they were.
   *
   * @throws as `register`; `config_invalid` for one name twice.
   */
  registerAll(
    inputs: readonly DatastoreInput[],
    options?: RegisterDatastoreOptions,
  ): Promise<readonly DatastoreRecord[]>;
  /** Changes what is given and keeps the rest; a new credential replaces the old one in place. Checks access. */
  update(
    name: string,
    changes: DatastoreChanges,
    options?: RegisterDatastoreOptions,
  ): Promise<DatastoreRecord>;
  /** @throws `not_found`. */
  get(name: string, options?: OperationOptions): Promise<DatastoreRecord>;
  list(options?: OperationOptions): AsyncIterable<DatastoreRecord>;
  /** Removes the record and its secrets, never the data. @throws `not_found`; `config_invalid` for the default one. */
  delete(name: string, options?: OperationOptions): Promise<void>;
  /** Opens the store and proves that it is there and may be listed; of a database, that it lets us in. @throws what `register` throws. */
  test(name: string, options?: OperationOptions): Promise<void>;
  /** Opens a store of files. @throws `not_found`; `unsupported` for a database. */
  open(name: string, options?: OperationOptions): Promise<StorageAdapter>;
  /** Opens a database; it stays open until the workspace is disposed of. @throws `not_found`; `unsupported` for files. */
  openSql(name: string, options?: OperationOptions): Promise<SqlSource>;
  getDefault(options?: OperationOptions): Promise<DatastoreRecord>;
  setDefault(name: string, options?: OperationOptions): Promise<void>;
}

export interface DatastoreChanges {
  readonly options?: Readonly<Record<string, unknown>> | undefined;
  readonly credential?: CredentialInput | undefined;
  readonly description?: string | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
}

/** The registered datasets of a workspace. */
export interface Datasets {
  /**
   * A registered dataset, ready to read.
   *
   * @param reference - `name`, `azureml:name`, `azureml:name:version` or `azureml:name@latest`.
   * @throws `not_found`.
   */
  get(reference: string, options?: OperationOptions): Promise<TabularDataset | FileDataset>;
  /** The newest version of each dataset; with `name`, all versions of that one, newest first. */
  list(options?: OperationOptions & { readonly name?: string | undefined }): AsyncIterable<DatasetRecord>;
}

/** A query of a datastore that is a database. */
export interface SqlQueryInput {
  /** Its name. */
  readonly datastore: string;
  /** In the database's own SQL, with `:name` where a parameter belongs. */
  readonly query: string;
  /** Bound, never pasted. What JSON has no type for is a text, which the query casts. */
  readonly parameters?: Readonly<Record<string, QueryParameter>> | undefined;
  /** Bounds the time spent waiting for the database. */
  readonly timeoutMs?: number | undefined;
}

/** Makes tables from files and databases. Nothing is read before rows are asked for. */
export interface TabularFactory {
  fromDelimitedFiles(
    paths: PathInput | readonly PathInput[],
    options?: ReadStepOptions<"read_delimited">,
  ): TabularDataset;
  fromJsonLinesFiles(
    paths: PathInput | readonly PathInput[],
    options?: ReadStepOptions<"read_json_lines">,
  ): TabularDataset;
  fromParquetFiles(
    paths: PathInput | readonly PathInput[],
    options?: ReadStepOptions<"read_parquet">,
  ): TabularDataset;
  /**
   * A Delta table: its newest version, unless the options have a version or an instant.
   *
   * @param folder - the table's root, which contains `_delta_log`; with or without a slash at its end.
   */
  fromDeltaTable(folder: string, options?: ReadStepOptions<"read_delta_lake">): TabularDataset;
  /**
   * The rows of a query. The database does the steps that mean the same there (`explain()` tells which); then rows come
   * straight from it as they are asked for. For other steps, and for a file, the engine first takes in what is left.
   *
   * @throws `plan_invalid`; whether there is such a datastore is seen when rows are asked for.
   */
  fromSqlQuery(input: SqlQueryInput): TabularDataset;
  /**
   * Writes rows of memory as Parquet to `part-00000.parquet` in a new folder below `target`, and reads them from there.
   *
   * @param target - folder URI or path, of any writable store.
   * @throws `schema_mismatch` with row and column for a value of another type than its column; `unsupported` for columns
   * that differ by case only, and for an engine without `openRows`. Then nothing is left in the store.
   */
  fromRows(
    rows: Iterable<Row> | AsyncIterable<Row>,
    target: string,
    options?: WriteRowsOptions,
  ): Promise<TabularDataset>;
  /**
   * Writes columns of memory as Parquet to `part-00000.parquet` in a new folder below `target`, in their exact types, and reads
   * them from there. `fromArrow` of `@aml/arrow` makes batches of Arrow tables and streams.
   *
   * @param target - folder URI or path, of any writable store.
   * @throws `schema_mismatch` for no batch, batches that differ, and a name twice; `parse_failed` for text that is not UTF-8,
   * and for times that the engine does not hold; `unsupported` for columns that differ by case only, and for an engine
   * without `openColumns`. Then nothing is left in the store.
   */
  fromColumnBatches(
    batches: AsyncIterable<ColumnBatch>,
    target: string,
    options?: OperationOptions,
  ): Promise<TabularDataset>;
  /** A table from a plan that came from a file or over the wire. @throws `plan_invalid`. */
  fromPlan(plan: Plan | unknown): TabularDataset;
}
