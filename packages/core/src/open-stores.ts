import type { AnyAdapterDefinition } from "./adapter-definition.ts";
import { AmlError } from "./aml-error.ts";
import { parseCredential, revealCredential } from "./credential-input.ts";
import type { Credential } from "./credential.ts";
import type { DatastoreSpec } from "./registry.ts";
import type { Secret, SecretRef } from "./secret.ts";
import type { OperationOptions, StorageAdapter, StorageLayer } from "./storage.ts";
import { withRetry } from "./with-retry.ts";
import { withTimeout } from "./with-timeout.ts";
import { withTrace } from "./with-trace.ts";
import type { AdapterWanted, WorkspaceOptions } from "./workspace.ts";

/** The stores that a workspace has open. */
export interface OpenStores {
  /** @throws `config_invalid` when no adapter is of that type. */
  definition(type: string): Promise<AnyAdapterDefinition>;
  /** Opens without remembering: for a datastore that is not registered yet. */
  connect(spec: UnsavedSpec, options?: OperationOptions): Promise<StorageAdapter>;
  /** Opens a registered datastore once for each state of its record. */
  openSpec(spec: DatastoreSpec, options?: OperationOptions): Promise<StorageAdapter>;
  /** Opens the store that a storage URI points into. @throws `unsupported`. */
  openUri(uri: string, options?: OperationOptions): Promise<{ storage: StorageAdapter; path: string }>;
  close(): Promise<void>;
}

export type UnsavedSpec = Omit<DatastoreSpec, "credential"> & {
  readonly credential: Credential<Secret | SecretRef>;
};

export function openStores(options: WorkspaceOptions): OpenStores {
  const open = new Map<string, Promise<StorageAdapter>>();
  const layered = createLayers(options);
  const find = async (wanted: AdapterWanted, known: (definition: AnyAdapterDefinition) => boolean) =>
    options.adapters.find(known) ?? (await options.findAdapter?.(wanted));
  const once = (key: string, make: () => Promise<StorageAdapter>): Promise<StorageAdapter> => {
    const found = open.get(key);
    if (found !== undefined) return found;
    const made = make();
    open.set(key, made);
    // A failure is not remembered: the secret or the network may be there the next time.
    made.catch(() => open.delete(key));
    return made;
  };

  const stores: OpenStores = {
    async definition(type: string): Promise<AnyAdapterDefinition> {
      const found = await find({ type }, (definition) => definition.type === type);
      if (found !== undefined) return found;
      throw new AmlError("config_invalid", `No adapter for datastores of type '${type}' is installed.`, {
        hint: `Types here: ${options.adapters.map((adapter) => adapter.type).join(", ") || "none"}. Add the adapter's package to the workspace.`,
      });
    },
    async connect(spec: UnsavedSpec, operation?: OperationOptions): Promise<StorageAdapter> {
      const definition = await stores.definition(spec.type);
      const credential = await revealCredential(spec.credential, options.secrets, operation);
      return layered(openDefinition(definition, definition.parseOptions(spec.options), credential, options));
    },
    openSpec(spec: DatastoreSpec, operation?: OperationOptions): Promise<StorageAdapter> {
      return once(JSON.stringify(spec), () => stores.connect(spec, operation));
    },
    async openUri(uri: string): Promise<{ storage: StorageAdapter; path: string }> {
      const definition = await find({ uri }, (known) => known.locate?.(uri) !== undefined);
      const location = definition?.locate?.(uri);
      if (definition === undefined || location === undefined) {
        throw new AmlError("unsupported", `No adapter here reads ${uri}.`, {
          hint: "Register a datastore for the store, or add the adapter that reads such URIs to the workspace.",
        });
      }
      const credential = parseCredential(undefined, definition.credentialKinds, definition.type);
      const storage = await once(`${definition.type} ${JSON.stringify(location.options)}`, async () =>
        layered(openDefinition(definition, location.options, credential as Credential<Secret>, options)),
      );
      return { storage, path: location.path };
    },
    async close(): Promise<void> {
      const adapters = await Promise.allSettled(open.values());
      open.clear();
      await Promise.all(
        adapters.map(async (adapter) =>
          adapter.status === "fulfilled" ? adapter.value.close?.() : undefined,
        ),
      );
    },
  };
  return stores;
}

function openDefinition(
  definition: AnyAdapterDefinition,
  adapterOptions: unknown,
  credential: Credential<Secret>,
  { tokenProvider, fetch }: WorkspaceOptions,
): StorageAdapter {
  // The options and the credential were checked against this very definition.
  const input = { options: adapterOptions, credential, tokenProvider, fetch } as never;
  const opened = definition.open(input);
  if (opened.contract === "aml.storage/1") return opened;
  throw new AmlError(
    "unsupported",
    `A datastore of type ${definition.type} is a database and holds no files.`,
    {
      hint: "Give it a query instead of a path.",
    },
  );
}

/** Puts the layers around an adapter. Operations of all stores of a workspace are numbered together. */
function createLayers({ layers, onTrace }: WorkspaceOptions): StorageLayer {
  const inside = layers ?? [withTimeout(), withRetry({ onRetry: onTrace })];
  let last = 0;
  const all = onTrace === undefined ? inside : [...inside, withTrace(onTrace, { nextId: () => ++last })];
  return (adapter) => all.reduce((store, layer) => layer(store), adapter);
}
