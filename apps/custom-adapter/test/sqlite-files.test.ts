import { storageConformance } from "@aml/adapter-testkit";
import { describe, test } from "vitest";
import { sqliteFiles } from "../src/sqlite-files.ts";

storageConformance({
  name: "sqlite_files",
  runner: { describe, test },
  lacks: ["conditionalWrites", "directories", "properties", "md5", "copy", "resume", "secrets"],
  open() {
    const storage = sqliteFiles.open({ options: { file: ":memory:" }, credential: { kind: "anonymous" } });
    return { storage, close: async () => storage.close?.() };
  },
});
