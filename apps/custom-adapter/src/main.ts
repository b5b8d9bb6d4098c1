// A table read from a store that @aml has never heard of.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseStorePath } from "@aml/core";
import { openWorkspace } from "@aml/workspace";
import { sqliteFiles } from "./sqlite-files.ts";

const folder = await mkdtemp(join(tmpdir(), "aml-custom-adapter-"));
try {
  const ws = await openWorkspace({ folder, adapters: [sqliteFiles] });
  try {
    await ws.datastores.register({
      name: "attic",
      type: "sqlite_files",
      options: { file: join(folder, "attic.db") },
    });
    const attic = await ws.datastores.open("attic");
    for (const [month, fare] of Object.entries({ "01": 12.5, "02": 40 })) {
      const csv = new Blob([`month,fare\n${month},${fare}\n`]).stream();
      await attic.write?.(parseStorePath(`trips/${month}.csv`), csv);
    }
    const trips = ws.tabular.fromDelimitedFiles("azureml://datastores/attic/paths/trips/*.csv");
    for await (const row of trips.filter("fare > 20").rows()) console.log(row);
  } finally {
    await ws[Symbol.asyncDispose]();
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
