import type { Credential, CredentialKind, TokenProvider } from "./credential.ts";
import type { Secret } from "./secret.ts";
import type { SqlSource } from "./sql-source.ts";
import type { OperationOptions, StorageAdapter } from "./storage.ts";

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
  /** Where the store is on the network, for whoever looks into a connection; absent where there is no network. */
  endpoint?(options: O): Endpoint;
  /**
   * Signs in as the verbs would, for credentials that end in a token; `undefined` for all others.
   *
   * @throws what the verbs would: `auth_failed`, `unavailable`, `timeout`.
   */
  signIn?(input: OpenInput<O, K>, options?: SignInOptions): Promise<SignedIn | undefined>;
}

export interface SignInOptions extends OperationOptions {
  /** Shows a person what to do, where signing in needs one. */
  readonly onSignIn?: OnSignIn | undefined;
}

/** What a person has to do to sign in: open `url` and, for a device code, type `code` there. */
export interface SignInPrompt {
  readonly source: "device_code";
  readonly url: string;
  readonly code: string;
}
export type OnSignIn = (prompt: SignInPrompt) => void;

/** The way to a store, as `aml doctor` walks it. No part of it holds a secret. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /**
   * `direct`: from the first byte, as https; `negotiated`: the database's own protocol asks for it, so only its
   * client can try; `none`: plain text.
   */
  readonly tls: "direct" | "negotiated" | "none";
  /** An http(s) address of the service: whatever it answers to a plain GET tells its clock. */
  readonly url?: string | undefined;
}

/** A token, and what can be told of it. */
export interface SignedIn {
  readonly token: Secret;
  /** Milliseconds since 1970. */
  readonly expiresAtMs?: number | undefined;
  /** What the token was asked for, e.g. `https://storage.azure.com/.default`. */
  readonly scope?: string | undefined;
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
  /** Hears what a user should know though nothing failed; the runtime's own warnings (stderr) unless given. */
  readonly onWarning?: ((warning: StoreWarning) => void) | undefined;
}

/** Said once by a store that is open: nothing failed, but something is coming or wants a change. */
export interface StoreWarning {
  /** Stable, e.g. `store_retired`. */
  readonly code: string;
  readonly message: string;
  /** The next thing to do, as one sentence. */
  readonly hint: string;
}

export type StorageDefinition<O, K extends CredentialKind> = AdapterDefinition<O, K, StorageAdapter>;

export type SqlDefinition<O, K extends CredentialKind> = AdapterDefinition<O, K, SqlSource>;

/** An adapter definition whose exact types are forgotten, as lists of adapters hold it. */
export interface AnyAdapterDefinition extends Omit<AdapterDefinition, "open" | "endpoint" | "signIn"> {
  /** Takes what its own `parseOptions` gave, and a credential of one of its own kinds. */
  open(input: never): StorageAdapter | SqlSource;
  endpoint?(options: never): Endpoint;
  signIn?(input: never, options?: SignInOptions): Promise<SignedIn | undefined>;
}

/** Freezes a definition of a file store and keeps its exact types. */
export function defineStorageAdapter<O, const K extends CredentialKind>(
  definition: Omit<StorageDefinition<O, K>, "kind">,
): StorageDefinition<O, K> {
  return Object.freeze({ kind: "storage" as const, ...definition });
}

/** Freezes a definition of a database and keeps its exact types. */
export function defineSqlAdapter<O, const K extends CredentialKind>(
  definition: Omit<SqlDefinition<O, K>, "kind">,
): SqlDefinition<O, K> {
  return Object.freeze({ kind: "sql" as const, ...definition });
}
