import type { AnyAdapterDefinition } from "./adapter-definition.ts";
import { AmlError } from "./aml-error.ts";
import { parseCredential, revealCredential } from "./credential-input.ts";
import type { Credential } from "./credential.ts";
import { openDatastore, type Layered, type OpenDatastore } from "./open-datastore.ts";
import type { DatastoreSpec } from "./registry.ts";
import type { Secret, SecretRef } from "./secret.ts";
import type { SqlSource } from "./sql-source.ts";
import type { OperationOptions, StorageAdapter } from "./storage.ts";
import { withAnonymous } from "./with-anonymous.ts";
import { withRetry } from "./with-retry.ts";
import { withSqlRetry } from "./with-sql-retry.ts";
import { withTimeout } from "./with-timeout.ts";
import { withTrace } from "./with-trace.ts";
import type { AdapterWanted, WorkspaceOptions } from "./workspace.ts";

/** The stores that a workspace has open. */
export interface OpenStores {
  /** @throws `config_invalid` when no adapter is of that type. */
  definition(type: string): Promise<AnyAdapterDefinition>;
  /** Opens without remembering: for a datastore that is not registered yet. */
  connect(spec: UnsavedSpec, options?: OperationOptions): Promise<StorageAdapter | SqlSource>;
  /** Opens a registered datastore once; it goes on with a new credential when its record has one. */
  openSpec(spec: DatastoreSpec, options?: OperationOptions): Promise<StorageAdapter | SqlSource>;
  /** Tells whoever has a datastore open that its record has changed. */
  changed(record: DatastoreSpec): Promise<void>;
  /** Opens the store that a storage URI points into. @throws `unsupported`. */
  openUri(uri: string, options?: OperationOptions): Promise<{ storage: StorageAdapter; path: string }>;
  close(): Promise<void>;
}

export type UnsavedSpec = Omit<DatastoreSpec, "credential"> & {
  readonly credential: Credential<Secret | SecretRef>;
};

export function openStores(options: WorkspaceOptions): OpenStores {
  const locations = new Map<string, Promise<StorageAdapter>>();
  const datastores = new Map<string, Promise<OpenDatastore>>();
  const layered = createLayers(options);
  const find = async (wanted: AdapterWanted, known: (definition: AnyAdapterDefinition) => boolean) =>
    options.adapters.find(known) ?? (await options.findAdapter?.(wanted));
  const connector = async ({ type, options: input }: Pick<DatastoreSpec, "type" | "options">) => {
    const definition = await stores.definition(type);
    const parsed = definition.parseOptions(input);
    return {
      connect: (credential: Credential<Secret>) => openDefinition(definition, parsed, credential, options),
      signIn: (credential: Credential<Secret>, operation?: OperationOptions) =>
        signInPerson(definition, { ...options, options: parsed, credential }, operation),
      renewable: definition.credentialKinds.some((kind) => kind !== "anonymous"),
    };
  };

  const stores: OpenStores = {
    async definition(type: string): Promise<AnyAdapterDefinition> {
      const found = await find({ type }, (definition) => definition.type === type);
      if (found !== undefined) return found;
      throw new AmlError("config_invalid", `No adapter for datastores of type '${type}' is installed.`, {
        hint: `Types here: ${options.adapters.map((adapter) => adapter.type).join(", ") || "none"}. Add the adapter's package to the workspace.`,
      });
    },
    async connect(spec, operation) {
      const { connect, signIn } = await connector(spec);
      const credential = await revealCredential(spec.credential, options.secrets, operation);
      await signIn(credential, operation);
      return layered(connect(credential));
    },
    async openSpec(spec, operation) {
      const open = await once(datastores, keyOf(spec), async () =>
        openDatastore(spec, await connector(spec), layered, options, operation),
      );
      // Whoever has the store open already goes on with the new credential as well.
      await open.follow(spec);
      return open.store;
    },
    async changed(record) {
      await (await datastores.get(keyOf(record))?.catch(() => undefined))?.follow(record);
    },
    async openUri(uri: string): Promise<{ storage: StorageAdapter; path: string }> {
      const definition = await find({ uri }, (known) => known.locate?.(uri) !== undefined);
      const location = definition?.locate?.(uri);
      if (definition === undefined || location === undefined) {
        throw new AmlError("unsupported", `No adapter here reads ${uri}.`, {
          hint: "Register a datastore for the store, or add the adapter that reads such URIs to the workspace.",
        });
      }
      const storage = await once(
        locations,
        `${definition.type} ${JSON.stringify(location.options)}`,
        async () => layered(openLocation(definition, location.options, options)) as StorageAdapter,
      );
      return { storage, path: location.path };
    },
    async close(): Promise<void> {
      const open = await Promise.allSettled([
        ...locations.values(),
        ...[...datastores.values()].map(async (datastore) => (await datastore).store),
      ]);
      locations.clear();
      datastores.clear();
      await Promise.all(
        open.map(async (store) => (store.status === "fulfilled" ? store.value.close?.() : undefined)),
      );
    },
  };
  return stores;
}

function once<T>(open: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const found = open.get(key);
  if (found !== undefined) return found;
  const made = make();
  open.set(key, made);
  // A failure is not remembered: the secret or the network may be there the next time.
  made.catch(() => open.delete(key));
  return made;
}

/** A datastore is open once for each place; its credential may change. */
function keyOf({ name, type, options }: DatastoreSpec): string {
  return JSON.stringify([name, type, options]);
}

function openDefinition(
  definition: AnyAdapterDefinition,
  adapterOptions: unknown,
  credential: Credential<Secret>,
  { tokenProvider, fetch, onWarning }: WorkspaceOptions,
): StorageAdapter | SqlSource {
  // The options and the credential were checked against this very definition.
  return definition.open({ options: adapterOptions, credential, tokenProvider, fetch, onWarning } as never);
}

/** The store of a URI, which carries no credential: by identity, and where nobody can sign in, as anybody may. */
function openLocation(
  definition: AnyAdapterDefinition,
  adapterOptions: unknown,
  options: WorkspaceOptions,
): StorageAdapter {
  const kinds = definition.credentialKinds;
  const credential = parseCredential(undefined, kinds, definition.type) as Credential<Secret>;
  const store = filesOf(openDefinition(definition, adapterOptions, credential, options));
  if (credential.kind !== "identity" || !kinds.includes("anonymous")) return store;
  const open = filesOf(openDefinition(definition, adapterOptions, { kind: "anonymous" }, options));
  return withAnonymous(store, open, () =>
    options.onTrace?.({ kind: "credential", change: "anonymous", store: store.uri }),
  );
}

/** A person takes longer than any request may, so they sign in before the first one is sent. */
async function signInPerson(
  definition: AnyAdapterDefinition,
  input: Pick<WorkspaceOptions, "tokenProvider" | "fetch" | "onSignIn"> & {
    readonly options: unknown;
    readonly credential: Credential<Secret>;
  },
  operation?: OperationOptions,
): Promise<void> {
  const { options, credential, tokenProvider, fetch, onSignIn } = input;
  if (credential.kind !== "identity" || tokenProvider !== undefined) return;
  if (credential.source !== "browser" && credential.source !== "device_code") return;
  await definition.signIn?.({ options, credential, fetch } as never, { ...operation, onSignIn });
}

/** @throws `unsupported` for a database. */
export function filesOf(store: StorageAdapter | SqlSource): StorageAdapter {
  if (store.contract === "aml.storage/1") return store;
  throw new AmlError("unsupported", `A datastore of type ${store.type} is a database and holds no files.`, {
    hint: 'Ask it: fromSqlQuery({ datastore, query }), or on the command line: aml query NAME "select …".',
  });
}

/** @throws `unsupported` for a store of files. */
export function sqlOf(store: StorageAdapter | SqlSource, name: string): SqlSource {
  if (store.contract === "aml.sql/1") return store;
  throw new AmlError(
    "unsupported",
    `The datastore '${name}' is of type ${store.type}: it holds files and is no database.`,
    { hint: `Give a path in it: azureml://datastores/${name}/paths/….` },
  );
}

/** Puts the layers around a store. Operations of all stores of a workspace are numbered together. */
function createLayers({ layers, onTrace }: WorkspaceOptions): Layered {
  const inside = layers ?? [withTimeout(), withRetry({ onRetry: onTrace })];
  let last = 0;
  const all = onTrace === undefined ? inside : [...inside, withTrace(onTrace, { nextId: () => ++last })];
  return (store) =>
    store.contract === "aml.storage/1"
      ? all.reduce((inner, layer) => layer(inner), store)
      : withSqlRetry(store, { onRetry: onTrace });
}
