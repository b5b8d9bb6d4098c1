import type { Credential } from "./credential.ts";
import type { Plan } from "./plan.ts";
import type { OperationOptions } from "./storage.ts";

/** A named, secured connection to a store. JSON that is safe to paste into a bug report. */
export interface DatastoreSpec {
  /** Lower-case letters, digits and underscores. */
  readonly name: string;
  readonly type: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Secrets by name only. */
  readonly credential: Credential;
  readonly description?: string | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
}

export interface DatastoreRecord extends DatastoreSpec {
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  /** ISO 8601, UTC. */
  readonly updatedAt: string;
}

export type DatasetKind = "file" | "tabular";

export interface DatasetSpec {
  readonly name: string;
  readonly kind: DatasetKind;
  readonly plan: Plan;
  readonly description?: string | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
}

/** One version of a dataset; only its description and tags can change. */
export interface DatasetRecord extends DatasetSpec {
  /** `1`, `2`, `3`, … */
  readonly version: number;
  /** `sha256:…` of the canonical plan: equal hashes read the same recipe and, where pinned, the same bytes. */
  readonly hash: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
}

/** Where datastores, dataset versions and workspace settings are kept. Each call is one transaction. */
export interface Registry {
  readonly contract: "aml.registry/1";
  /** @throws `already_exists` when the name is taken, unless `overwrite`, which replaces the record in place. */
  putDatastore(spec: DatastoreSpec, options?: PutOptions): Promise<DatastoreRecord>;
  /** @throws `not_found`. */
  getDatastore(name: string, options?: OperationOptions): Promise<DatastoreRecord>;
  /** By name. */
  listDatastores(options?: OperationOptions): AsyncIterable<DatastoreRecord>;
  /** @throws `not_found`. */
  deleteDatastore(name: string, options?: OperationOptions): Promise<void>;

  /**
   * Adds the next version. When the latest version has the same kind and hash, that one is given back; a description
   * or tags that are given replace its own, since they are no part of a recipe.
   *
   * @param spec.hash - as `planHash` computes it.
   */
  registerDataset(
    spec: DatasetSpec & { readonly hash: string },
    options?: OperationOptions,
  ): Promise<DatasetRecord>;
  /** The newest version unless one is asked for. @throws `not_found`. */
  getDataset(name: string, version?: number, options?: OperationOptions): Promise<DatasetRecord>;
  /** The newest version of every dataset by name; with `name`, all its versions, newest first. */
  listDatasets(
    options?: OperationOptions & { readonly name?: string | undefined },
  ): AsyncIterable<DatasetRecord>;

  /** A workspace setting, e.g. `default_datastore`; `undefined` when it was never set. */
  getSetting(key: string, options?: OperationOptions): Promise<string | undefined>;
  setSetting(key: string, value: string, options?: OperationOptions): Promise<void>;
  close?(): Promise<void>;
}

export interface PutOptions extends OperationOptions {
  readonly overwrite?: boolean | undefined;
}
