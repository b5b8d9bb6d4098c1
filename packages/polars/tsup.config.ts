import { defineConfig } from "tsup";
import { lib } from "@aml/kit/tsup";

export default defineConfig(lib({ entry: ["src/index.ts"], platform: "node" }));
