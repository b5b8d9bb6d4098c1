import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { storageConformance, type Runner, type SupportMatrix } from "@aml/adapter-testkit";
import { local } from "@aml/local";

export function suite(runner: Runner): SupportMatrix {
  return storageConformance({
    name: "local",
    runner,
    lacks: ["properties", "md5", "copy", "secrets"],
    open: async () => {
      const path = await mkdtemp(join(tmpdir(), "aml-local-"));
      return {
        storage: local.open({ options: { path }, credential: { kind: "anonymous" } }),
        pageSize: 40,
        close: () => rm(path, { recursive: true }),
      };
    },
  });
}
