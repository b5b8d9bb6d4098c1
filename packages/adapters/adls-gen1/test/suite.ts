import { storageConformance, type Runner } from "@aml/adapter-testkit";
import { openStore, smallPages, startStore, stopStore, TOKEN } from "./gen1.ts";

/** Declares the conformance cases on the emulator, with small pages. */
export function suite(runner: Runner): void {
  storageConformance({
    name: "azure_data_lake_gen1",
    runner,
    lacks: ["etags", "sortedList", "properties", "md5", "copy", "resume"],
    async open() {
      const store = await startStore();
      return {
        storage: openStore(store, { fetch: smallPages }),
        secrets: [TOKEN],
        pageSize: 7,
        close: () => stopStore(store),
      };
    },
  });
}
