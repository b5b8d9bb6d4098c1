import { AmlError, isAmlError } from "./aml-error.ts";
import { checkAccess } from "./check-access.ts";
import { parseCredential } from "./credential-input.ts";
import { filesOf, sqlOf, type OpenStores, type UnsavedSpec } from "./open-stores.ts";
import type { DatastoreRecord } from "./registry.ts";
import { candidatesOf } from "./renewable.ts";
import { forget, ownSecrets, saveDatastores, type Change } from "./save-datastores.ts";
import type { OperationOptions } from "./storage.ts";
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

  const check = async (spec: UnsavedSpec, options: OperationOptions): Promise<void> => {
    const store = await stores.connect(spec, options);
    try {
      await checkAccess(store, options);
    } finally {
      await store.close?.();
    }
  };

  const saveAll = async (
    changes: readonly Change[],
    options: OperationOptions,
  ): Promise<readonly DatastoreRecord[]> => {
    const records = await saveDatastores(changes, workspace, options);
    for (const record of records) await stores.changed(record);
    return records;
  };

  const prepare = async (
    input: DatastoreInput,
    before: DatastoreRecord | undefined,
    options: RegisterDatastoreOptions,
  ): Promise<Change> => {
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
      for (const credential of candidatesOf(spec.credential)) await check({ ...spec, credential }, options);
    }
    return { spec, before };
  };

  const prepareNew = async (input: DatastoreInput, options: RegisterDatastoreOptions): Promise<Change> => {
    const before = await find(input.name, options);
    if (before !== undefined && options.overwrite !== true) {
      throw new AmlError("already_exists", `There is a datastore '${input.name}' already.`, {
        hint: "Choose another name, or pass overwrite to replace it in place.",
      });
    }
    return prepare(input, before, options);
  };

  const datastores: Datastores = {
    async register(input: DatastoreInput, options = {}) {
      const [record] = await datastores.registerAll([input], options);
      return record as DatastoreRecord;
    },
    async registerAll(inputs, options = {}) {
      const named = inputs.map((input) => ({ ...input, name: parseDatastoreName(input.name) }));
      checkDistinct(named.map(({ name }) => name));
      const changes: Change[] = [];
      for (const input of named) changes.push(await prepareNew(input, options));
      return saveAll(changes, options);
    },
    async update(name, changes, options = {}) {
      const before = await datastores.get(name, options);
      const { createdAt: _created, updatedAt: _updated, ...spec } = before;
      const merged = { ...spec, ...changes, options: { ...spec.options, ...changes.options } };
      const [record] = await saveAll([await prepare(merged, before, options)], options);
      return record as DatastoreRecord;
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
      await forget(secrets, ownSecrets(record), options);
    },
    async test(name, options) {
      await checkAccess(await stores.openSpec(await datastores.get(name, options), options), options);
    },
    async open(name, options) {
      return filesOf(await stores.openSpec(await datastores.get(name, options), options));
    },
    async openSql(name, options) {
      return sqlOf(await stores.openSpec(await datastores.get(name, options), options), name);
    },
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

function checkDistinct(names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return;
  throw new AmlError("config_invalid", `The datastore '${twice}' is there twice.`, {
    hint: "Names are compared without regard to case; give each datastore its own.",
  });
}
