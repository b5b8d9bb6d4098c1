import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import type { WorkspacePackage } from "./workspace-packages.ts";

/** Bytes, minified and gzipped, of everything a package exports; its dependencies not counted. */
export const BUDGETS: Readonly<Record<string, number>> = {
  "@aml/core": 12_000,
  "@aml/adapter-testkit": 20_000,
  "@aml/cli": 25_000,
  "@aml/engine-duckdb": 25_000,
};
export const DEFAULT_BUDGET = 15_000;

/** The size of all entries of a built package bundled into one file. */
export async function bundleSize(root: string, { folder, manifest }: WorkspacePackage): Promise<number> {
  const entries = Object.values(manifest.publishConfig?.exports ?? {})
    .map((entry) => (entry as { default?: string }).default)
    .filter((path) => path !== undefined);
  const { outputFiles } = await build({
    stdin: {
      contents: entries
        .map((path, index) => `export * as e${index} from ${JSON.stringify(path)};`)
        .join("\n"),
      resolveDir: join(root, folder),
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
