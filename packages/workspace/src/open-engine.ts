import type { TabularEngine } from "@aml/core";
import { inFolder } from "./init-workspace.ts";
import type { CacheConfig } from "./workspace-config.ts";

/** Starts the table engine with the cache of a workspace folder. Disposing of the engine disposes of both. */
export async function openEngine(
  folder: string,
  cache: CacheConfig,
  offline: boolean,
): Promise<TabularEngine> {
  const [{ createStager }, { createDuckDBEngine }] = await Promise.all([
    import("@aml/staging"),
    import("@aml/engine-duckdb"),
  ]);
  const stager = createStager({ ...cache, folder: inFolder(folder, cache.folder), offline });
  const engine = createDuckDBEngine({ stager });
  return {
    ...engine,
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]();
      await stager[Symbol.asyncDispose]();
    },
  };
}
