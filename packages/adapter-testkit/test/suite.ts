import { memoryStorage } from "@aml/core/memory";
import {
  modelSql,
  modelSqlTypes,
  modelStorage,
  sqlConformance,
  storageConformance,
  type Runner,
} from "@aml/adapter-testkit";

/** The models of the contracts keep them whole: stores with and without directories, and databases. */
export function suite(runner: Runner): void {
  storageConformance({
    name: "memory",
    runner,
    lacks: ["directories", "copy", "resume", "secrets"],
    open: () => ({ storage: memoryStorage({ pageSize: 10, chunkSize: 64_000 }) }),
  });
  storageConformance({
    name: "model with directories",
    runner,
    lacks: ["secrets"],
    open: () => ({ storage: modelStorage({ pageSize: 10, chunkSize: 64_000 }) }),
  });
  sqlConformance({ name: "model database", runner, types: modelSqlTypes, open: () => modelSql("canary/+=") });
}
