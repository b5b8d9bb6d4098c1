import type { TabularEngine } from "@aml/core";
import { inFolder } from "./init-workspace.ts";
import type { WorkspaceConfig } from "./workspace-config.ts";

/** Starts the table engine with the cache of a workspace folder. Disposing of the engine disposes of both. */
export async function openEngine(folder: string, { cache }: WorkspaceConfig): Promise<TabularEngine> {
  const [{ createStager }, { createDuckDBEngine }] = await Promise.all([
    import("@aml/staging"),
    import("@aml/engine-duckdb"),
  ]);
  const stager = createStager({ folder: inFolder(folder, cache.folder), maxBytes: cache.maxBytes });
  const engine = createDuckDBEngine({ stager });
  return {
    ...engine,
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]();
      await stager[Symbol.asyncDispose]();
    },
  };
}
