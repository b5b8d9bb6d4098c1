import { join } from "node:path/posix";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import type { WorkspacePackage } from "./workspace-packages.ts";

/** Bytes, minified and gzipped, of an entry with all it exports; other packages not counted. */
const BUDGETS: Readonly<Record<string, number>> = {
  "@aml/core": 6_000,
  "@aml/core/adapter": 2_000,
  "@aml/core/engine": 3_000,
  "@aml/core/layers": 5_000,
  "@aml/core/memory": 6_000,
  "@aml/core/plan": 11_000,
  "@aml/core/registry": 3_000,
  "@aml/core/sql": 6_500,
  // createWorkspace, with the part of the vocabulary that it uses; copies between stores are 5 kB of it,
  // rotation and queries of databases 3 kB, time series and written tables 6 kB, typed rows 1 kB.
  "@aml/core/workspace": 45_500,
  // Two contracts, with a mutant for every case and a model for each.
  "@aml/adapter-testkit": 30_000,
  // Read and written datastore files, sources known by what is there, and the doctor: 6 kB that are loaded when it is called.
  "@aml/workspace": 24_000,
  "@aml/cli": 25_000,
  // Profiles are 4 kB of it, Delta tables 11 kB, Arrow out and in and inferred types 9 kB, partitions 2 kB, places of
  // unconverted values 2 kB, remote Parquet in part 6 kB, what a statement asks of its tables 1 kB, nanoseconds 4 kB.
  "@aml/engine-duckdb": 92_000,
  // A development dependency, whose services are imported when they are started.
  "@aml/emulator": 95_000,
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
