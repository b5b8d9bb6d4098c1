// Shared tsup preset: esbuild emits JS only. Types come from `tsc` (TypeScript 7),
// because tsup's own dts step needs the TypeScript 6 JS API, which TS 7 has not got.
export function lib(overrides = {}) {
  return {
    entry: ["src/index.ts"],
    format: ["esm"],
    target: "es2023",
    platform: "neutral",
    dts: false,
    clean: true,
    sourcemap: true,
    splitting: true,
    treeshake: false,
    ...overrides,
  };
}
