import { type DatastoreRecord, isAmlError, type Registry } from "@aml/core";
import { join } from "node:path";

/** The datastores that every workspace has, the default one first. */
export const DEFAULT_DATASTORES: readonly [string, string] = ["workspaceblobstore", "workspacefilestore"];

const DEFAULT_KEY = "default_datastore";

/**
 * Adds the default datastores to a registry: folders below `dataFolder`, until something else is registered under
 * their names. They are computed, not stored, so a workspace folder may be moved.
 *
 * @param since - when the workspace was made, ISO 8601.
 */
export function withDefaultDatastores(registry: Registry, dataFolder: string, since: string): Registry {
  const builtIn = new Map<string, DatastoreRecord>(
    DEFAULT_DATASTORES.map((name) => [
      name,
      {
        name,
        type: "local",
        options: { path: join(dataFolder, name) },
        credential: { kind: "anonymous" },
        description: "A folder of the workspace.",
        createdAt: since,
        updatedAt: since,
      },
    ]),
  );
  return {
    ...registry,
    async getDatastore(name, options) {
      try {
        return await registry.getDatastore(name, options);
      } catch (error) {
        const record = builtIn.get(name.toLowerCase());
        if (record !== undefined && isAmlError(error, "not_found")) return record;
        throw error;
      }
    },
    async *listDatastores(options) {
      const stored: DatastoreRecord[] = [];
      for await (const record of registry.listDatastores(options)) stored.push(record);
      const others = [...builtIn.values()].filter(
        ({ name }) => !stored.some((record) => record.name === name),
      );
      yield* [...stored, ...others].toSorted((a, b) => (a.name < b.name ? -1 : 1));
    },
    async getSetting(key, options) {
      const value = await registry.getSetting(key, options);
      return value === undefined && key === DEFAULT_KEY ? DEFAULT_DATASTORES[0] : value;
    },
  };
}
