import type { Registry } from "@aml/core";

/** Gives the registry for a call that reads, or for one that writes. */
export type OpenRegistry = (intent: "read" | "write") => Promise<Registry>;

/** A registry that is opened by the first call that needs it, so that a program that needs none opens none. */
export function lazyRegistry(open: OpenRegistry, close: () => Promise<void>): Registry {
  return {
    contract: "aml.registry/1",
    putDatastore: async (...call) => (await open("write")).putDatastore(...call),
    getDatastore: async (...call) => (await open("read")).getDatastore(...call),
    async *listDatastores(...call) {
      yield* (await open("read")).listDatastores(...call);
    },
    deleteDatastore: async (...call) => (await open("write")).deleteDatastore(...call),
    registerDataset: async (...call) => (await open("write")).registerDataset(...call),
    getDataset: async (...call) => (await open("read")).getDataset(...call),
    async *listDatasets(...call) {
      yield* (await open("read")).listDatasets(...call);
    },
    getSetting: async (...call) => (await open("read")).getSetting(...call),
    setSetting: async (...call) => (await open("write")).setSetting(...call),
    close,
  };
}
