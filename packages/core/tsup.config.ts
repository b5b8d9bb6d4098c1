import { defineConfig } from "tsup";
import { lib } from "@aml/kit/tsup";

export default defineConfig(
  lib({
    entry: [
      "src/index.ts",
      "src/adapter.ts",
      "src/create-workspace.ts",
      "src/engine-support.ts",
      "src/layers.ts",
      "src/memory.ts",
      "src/plan-support.ts",
      "src/registry-support.ts",
      "src/sql.ts",
    ],
  }),
);
