import type { Credential, CredentialKind, TokenProvider } from "./credential.ts";
import type { Secret } from "./secret.ts";
import type { SqlSource } from "./sql-source.ts";
import type { StorageAdapter } from "./storage.ts";

/** What a package exports for one kind of store: a frozen value named after it, e.g. `azureBlob`. */
export interface AdapterDefinition<
  O = unknown,
  K extends CredentialKind = CredentialKind,
  A extends StorageAdapter | SqlSource = StorageAdapter | SqlSource,
> {
  readonly kind: A extends StorageAdapter ? "storage" : "sql";
  /** Datastore type as persisted, e.g. `azure_blob`. */
  readonly type: string;
  readonly credentialKinds: readonly K[];
  /**
   * Checks options that come from a file or a command line.
   *
   * @throws `config_invalid` naming the option that is missing, unknown or wrong.
   */
  parseOptions(input: unknown): O;
  /** Reads a storage URI of this kind of store; `undefined` when it is not one. */
  locate?(uri: string): Location<O> | undefined;
  /** No I/O: the first verb connects. */
  open(input: OpenInput<O, K>): A;
}

/** Where a storage URI points: a store, and a path in it (which may be a glob). */
export interface Location<O> {
  readonly options: O;
  readonly path: string;
}

export interface OpenInput<O, K extends CredentialKind = CredentialKind> {
  readonly options: O;
  readonly credential: Extract<Credential<Secret>, { kind: K }>;
  /** Overrides the sign-in for token credentials: tests, brokers, browsers. */
  readonly tokenProvider?: TokenProvider | undefined;
  /** Replaced by tests and proxies. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

export type StorageDefinition<O, K extends CredentialKind> = AdapterDefinition<O, K, StorageAdapter>;

/** An adapter definition whose exact types are forgotten, as lists of adapters hold it. */
export interface AnyAdapterDefinition extends Omit<AdapterDefinition, "open"> {
  /** Takes what its own `parseOptions` gave, and a credential of one of its own kinds. */
  open(input: never): StorageAdapter | SqlSource;
}

/** Freezes a definition of a file store and keeps its exact types. */
export function defineStorageAdapter<O, const K extends CredentialKind>(
  definition: Omit<StorageDefinition<O, K>, "kind">,
): StorageDefinition<O, K> {
  return Object.freeze({ kind: "storage" as const, ...definition });
}
