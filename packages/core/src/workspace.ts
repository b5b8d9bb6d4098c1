import type { AnyAdapterDefinition } from "./adapter-definition.ts";
import type { Credential, TokenProvider } from "./credential.ts";
import type { FileDataset, PathInput, ReadStepOptions, TabularDataset } from "./dataset.ts";
import type { TabularEngine } from "./engine.ts";
import type { Plan } from "./plan.ts";
import type { DatasetRecord, DatastoreRecord, DatastoreSpec, Registry } from "./registry.ts";
import type { Secret, SecretRef, SecretStore } from "./secret.ts";
import type { OperationOptions, StorageAdapter, StorageLayer } from "./storage.ts";
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
  readonly fetch?: typeof globalThis.fetch | undefined;
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
   * Opens the store behind a URI or path; the path may be a glob.
   *
   * @throws `not_found` for an unknown datastore; `unsupported` when no adapter reads such a URI.
   */
  locate(uri: string, options?: OperationOptions): Promise<LocatedPath>;
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

export interface DatastoreInput extends Omit<DatastoreSpec, "credential"> {
  /** Default: `identity` where the store takes it, else `anonymous`. */
  readonly credential?: CredentialInput | undefined;
}

export interface RegisterDatastoreOptions extends OperationOptions {
  /** Replaces the datastore of that name in place: the way to rotate a secret. */
  readonly overwrite?: boolean | undefined;
  /** Skips the check that the store exists and lets us list it. */
  readonly skipValidation?: boolean | undefined;
}

/** The named connections of a workspace. Names are looked up without regard to case. */
export interface Datastores {
  /**
   * Checks access, stores the secrets in the secret store and the rest in the registry.
   *
   * @throws `config_invalid` (name, type, options, credential), `already_exists` without `overwrite`, and what the
   * access check finds: `not_found`, `auth_failed`, `permission_denied`, `unavailable`.
   */
  register(input: DatastoreInput, options?: RegisterDatastoreOptions): Promise<DatastoreRecord>;
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
  /** Opens the store and proves that it is there and may be listed. @throws what `register` throws. */
  test(name: string, options?: OperationOptions): Promise<void>;
  /** @throws `not_found`. */
  open(name: string, options?: OperationOptions): Promise<StorageAdapter>;
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

/** Makes tables from files. Nothing is read before rows are asked for. */
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
  /** A table from a plan that came from a file or over the wire. @throws `plan_invalid`. */
  fromPlan(plan: Plan | unknown): TabularDataset;
}
