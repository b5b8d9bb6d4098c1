import { join } from "node:path/posix";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import type { WorkspacePackage } from "./workspace-packages.ts";

/** Bytes, minified and gzipped, of an entry with all it exports; other packages not counted. */
const BUDGETS: Readonly<Record<string, number>> = {
  "@aml/core": 12_000,
  "@aml/core/adapter": 2_000,
  "@aml/core/engine": 3_000,
  "@aml/core/layers": 5_000,
  "@aml/core/memory": 6_000,
  "@aml/core/registry": 3_000,
  // createWorkspace, with the part of the vocabulary that it uses.
  "@aml/core/workspace": 22_000,
  "@aml/adapter-testkit": 20_000,
  "@aml/cli": 25_000,
  "@aml/engine-duckdb": 30_000,
};
const DEFAULT_BUDGET = 15_000;

export interface EntrySize {
  /** As it is imported, e.g. `@aml/core/layers`. */
  readonly entry: string;
  readonly bytes: number;
  readonly budget: number;
}

/** The size of each entry of a built package. */
export async function entrySizes(root: string, one: WorkspacePackage): Promise<readonly EntrySize[]> {
  const sizes: EntrySize[] = [];
  for (const [key, target] of Object.entries(one.manifest.publishConfig?.exports ?? {})) {
    const path = (target as { default?: string }).default;
    if (path === undefined) continue;
    const entry = join(one.manifest.name, key);
    const bytes = await bundleSize(join(root, one.folder), path);
    sizes.push({ entry, bytes, budget: BUDGETS[entry] ?? DEFAULT_BUDGET });
  }
  return sizes;
}

async function bundleSize(folder: string, entry: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: {
      contents: `export * from ${JSON.stringify(entry)};`,
      resolveDir: folder,
    },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "neutral",
    // whatever is not a path is a dependency: another package's bytes
    plugins: [
      { name: "own", setup: (api) => api.onResolve({ filter: /^[^./]/ }, () => ({ external: true })) },
    ],
    logLevel: "silent",
  });
  return gzipSync(outputFiles[0]?.contents ?? new Uint8Array(), { level: 9 }).length;
}
