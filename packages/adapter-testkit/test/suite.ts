import { memoryStorage } from "@aml/core/memory";
import { modelStorage, storageConformance, type Runner } from "@aml/adapter-testkit";

/** The model of the contract, with and without directories, keeps the whole contract. */
export function suite(runner: Runner): void {
  storageConformance({
    name: "memory",
    runner,
    lacks: ["directories", "secrets"],
    open: () => ({ storage: memoryStorage({ pageSize: 10, chunkSize: 64_000 }) }),
  });
  storageConformance({
    name: "model with directories",
    runner,
    lacks: ["secrets"],
    open: () => ({ storage: modelStorage({ pageSize: 10, chunkSize: 64_000 }) }),
  });
}
