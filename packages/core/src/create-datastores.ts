import { AmlError, isAmlError } from "./aml-error.ts";
import { parseCredential, secretNames, storeCredential } from "./credential-input.ts";
import type { OpenStores, UnsavedSpec } from "./open-stores.ts";
import type { DatastoreRecord } from "./registry.ts";
import type { OperationOptions, StorageAdapter } from "./storage.ts";
import { parseStorePath } from "./store-path.ts";
import type { Datastores, DatastoreInput, RegisterDatastoreOptions, WorkspaceOptions } from "./workspace.ts";

const DEFAULT_KEY = "default_datastore";

/** The datastores of a workspace, over its registry and secret store. */
export function createDatastores(workspace: WorkspaceOptions, stores: OpenStores): Datastores {
  const { registry, secrets } = workspace;
  const permanent = new Set(workspace.permanentDatastores);

  const find = async (name: string, options?: OperationOptions): Promise<DatastoreRecord | undefined> => {
    try {
      return await registry.getDatastore(name, options);
    } catch (error) {
      if (isAmlError(error, "not_found")) return undefined;
      throw error;
    }
  };

  const forget = async (names: readonly string[], options?: OperationOptions): Promise<void> => {
    for (const name of names) await secrets.delete?.(name, options);
  };

  /** New secrets get new names, so a reader sees the old record with the old secret or the new with the new. */
  const save = async (
    spec: UnsavedSpec,
    before: DatastoreRecord | undefined,
    options: RegisterDatastoreOptions,
  ): Promise<DatastoreRecord> => {
    const stored = await storeCredential(spec.credential, secretPrefix(spec.name), secrets, options);
    let record: DatastoreRecord;
    try {
      record = await registry.putDatastore(
        { ...spec, credential: stored.credential },
        { overwrite: before !== undefined, signal: options.signal },
      );
    } catch (error) {
      await forget(stored.created);
      throw error;
    }
    if (before !== undefined) await forget(ownSecrets(before, record), options);
    return record;
  };

  const put = async (
    input: DatastoreInput,
    before: DatastoreRecord | undefined,
    options: RegisterDatastoreOptions,
  ): Promise<DatastoreRecord> => {
    const definition = await stores.definition(input.type);
    const spec: UnsavedSpec = {
      ...input,
      options: definition.parseOptions(input.options) as Record<string, unknown>,
      credential: parseCredential(input.credential, definition.credentialKinds, input.type),
    };
    if (before !== undefined && before.type !== input.type && !permanent.has(input.name)) {
      throw new AmlError(
        "config_invalid",
        `The datastore '${input.name}' is of type ${before.type}, not ${input.type}.`,
        {
          hint: "The type of a datastore cannot change: delete it first, or choose another name.",
        },
      );
    }
    if (options.skipValidation !== true) {
      const storage = await stores.connect(spec, options);
      try {
        await checkAccess(storage, options);
      } finally {
        await storage.close?.();
      }
    }
    return save(spec, before, options);
  };

  const datastores: Datastores = {
    async register(input: DatastoreInput, options: RegisterDatastoreOptions = {}): Promise<DatastoreRecord> {
      const name = parseDatastoreName(input.name);
      const before = await find(name, options);
      if (before !== undefined && options.overwrite !== true) {
        throw new AmlError("already_exists", `There is a datastore '${name}' already.`, {
          hint: "Choose another name, or pass overwrite to replace it in place.",
        });
      }
      return put({ ...input, name }, before, options);
    },
    async update(name, changes, options = {}) {
      const before = await datastores.get(name, options);
      const { createdAt: _created, updatedAt: _updated, ...spec } = before;
      const merged = { ...spec, ...changes, options: { ...spec.options, ...changes.options } };
      return put(merged, before, options);
    },
    get: async (name, options) => registry.getDatastore(parseDatastoreName(name), options),
    list: (options) => registry.listDatastores(options),
    async delete(name, options) {
      const record = await datastores.get(name, options);
      if (permanent.has(record.name) || record.name === (await registry.getSetting(DEFAULT_KEY, options))) {
        throw new AmlError("config_invalid", `The datastore '${record.name}' cannot be deleted.`, {
          hint: permanent.has(record.name)
            ? "Every workspace has it; register it again with overwrite to point it elsewhere."
            : "It is the default one: make another datastore the default first.",
        });
      }
      await registry.deleteDatastore(record.name, options);
      await forget(ownSecrets(record), options);
    },
    async test(name, options) {
      await checkAccess(await datastores.open(name, options), options);
    },
    open: async (name, options) => stores.openSpec(await datastores.get(name, options), options),
    async getDefault(options) {
      const name = await registry.getSetting(DEFAULT_KEY, options);
      if (name !== undefined) return datastores.get(name, options);
      throw new AmlError("not_found", "This workspace has no default datastore.", {
        hint: "Choose one with setDefault.",
      });
    },
    async setDefault(name, options) {
      const { name: found } = await datastores.get(name, options);
      await registry.setSetting(DEFAULT_KEY, found, options);
    },
  };
  return datastores;
}

/** Lower-cases a datastore name, as Azure ML's client does. @throws `config_invalid`. */
export function parseDatastoreName(name: string): string {
  if (/^\w{1,255}$/.test(name)) return name.toLowerCase();
  throw new AmlError("config_invalid", `${JSON.stringify(name)} is not a datastore name.`, {
    hint: "A name has 1 to 255 letters, digits and underscores.",
  });
}

/** A listing proves rights; an empty one proves nothing, so the root is looked up as well. */
async function checkAccess(storage: StorageAdapter, options?: OperationOptions): Promise<void> {
  const root = parseStorePath("");
  if (storage.capabilities.list) {
    for await (const _ of storage.list(root, options)) return;
  }
  try {
    await storage.stat(root, options);
  } catch (error) {
    // A web host need not have a page at its root to serve the files below.
    if (storage.capabilities.list || !isAmlError(error, "not_found")) throw error;
  }
}

const secretPrefix = (datastore: string): string => `datastores/${datastore}`;

/** The secrets that were made for a datastore, less those that a newer record still uses. */
function ownSecrets(record: DatastoreRecord, newer?: DatastoreRecord): readonly string[] {
  const kept = newer === undefined ? [] : secretNames(newer.credential);
  return secretNames(record.credential).filter(
    (name) => name.startsWith(`${secretPrefix(record.name)}/`) && !kept.includes(name),
  );
}
