import { checkDatasetSpec, checkDatastoreSpec, renewLabels } from "./check-spec.ts";
import { datasetNotFound, datastoreExists, datastoreNotFound } from "./registry-errors.ts";
import type { DatasetRecord, DatastoreRecord, Registry } from "./registry.ts";

/**
 * Makes a registry that lives as long as the object: for tests, scripts and the browser.
 *
 * Keeps the rules of every registry: names of datastores without regard to case, contiguous immutable versions.
 */
export function memoryRegistry(): Registry {
  const datastores = new Map<string, DatastoreRecord>();
  const datasets = new Map<string, DatasetRecord[]>();
  const settings = new Map<string, string>();
  return {
    contract: "aml.registry/1",

    async putDatastore(spec, options) {
      options?.signal?.throwIfAborted();
      const checked = checkDatastoreSpec(spec);
      const old = datastores.get(checked.name);
      if (old && !options?.overwrite) throw datastoreExists(checked.name);
      const updatedAt = new Date().toISOString();
      const record = { ...checked, createdAt: old?.createdAt ?? updatedAt, updatedAt };
      datastores.set(checked.name, record);
      return copy(record);
    },
    async getDatastore(name, options) {
      options?.signal?.throwIfAborted();
      const found = datastores.get(name.toLowerCase());
      if (!found) throw datastoreNotFound(name);
      return copy(found);
    },
    async *listDatastores(options) {
      for (const [, record] of sorted(datastores)) {
        options?.signal?.throwIfAborted();
        yield copy(record);
      }
    },
    async deleteDatastore(name, options) {
      options?.signal?.throwIfAborted();
      if (!datastores.delete(name.toLowerCase())) throw datastoreNotFound(name);
    },

    async registerDataset(spec, options) {
      options?.signal?.throwIfAborted();
      const checked = checkDatasetSpec(spec);
      const versions = datasets.get(checked.name) ?? [];
      const latest = versions.at(-1);
      if (latest?.hash === checked.hash && latest.kind === checked.kind) {
        const renewed = renewLabels(latest, checked);
        datasets.set(checked.name, [...versions.slice(0, -1), renewed]);
        return copy(renewed);
      }
      const record = { ...checked, version: versions.length + 1, createdAt: new Date().toISOString() };
      datasets.set(checked.name, [...versions, record]);
      return copy(record);
    },
    async getDataset(name, version, options) {
      options?.signal?.throwIfAborted();
      const versions = datasets.get(name);
      const found = version === undefined ? versions?.at(-1) : versions?.[version - 1];
      if (!found) throw datasetNotFound(name, version, versions?.length);
      return copy(found);
    },
    async *listDatasets(options) {
      const name = options?.name;
      const records =
        name === undefined
          ? sorted(datasets).map(([, versions]) => versions.at(-1) as DatasetRecord)
          : (datasets.get(name) ?? []).toReversed();
      for (const record of records) {
        options?.signal?.throwIfAborted();
        yield copy(record);
      }
    },

    async getSetting(key, options) {
      options?.signal?.throwIfAborted();
      return settings.get(key);
    },
    async setSetting(key, value, options) {
      options?.signal?.throwIfAborted();
      settings.set(key, value);
    },
  };
}

/** Records are handed out as copies, so nobody changes what is stored. */
function copy<T>(record: T): T {
  return structuredClone(record);
}

function sorted<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
