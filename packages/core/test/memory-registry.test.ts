import { describe, test } from "vitest";
import { memoryRegistry } from "../src/memory-registry.ts";
import { registryCases } from "./registry-cases.ts";

describe("memoryRegistry", () => {
  for (const { id, run } of registryCases) test(id, () => run(memoryRegistry()));
});
