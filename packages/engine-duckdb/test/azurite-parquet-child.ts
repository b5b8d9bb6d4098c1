// Run by azurite-parquet.test.ts: reads a table of a blob through a cache that other processes use too.
import process from "node:process";
import { azureBlob } from "@aml/azure-blob";
import { Secret, type FileRef } from "@aml/core";
import { createDuckDBEngine } from "@aml/engine-duckdb";
import { createStager } from "@aml/staging";
import { listed, planOf } from "./workbench.ts";

interface Task {
  readonly folder: string;
  readonly file: Omit<FileRef, "storage">;
  readonly steps: readonly unknown[];
  readonly endpoint: string;
  readonly key: string;
}

process.once("message", async (task: Task) => {
  const options = azureBlob.parseOptions({
    accountName: "devstoreaccount1",
    endpoint: task.endpoint,
    containerName: "sparse",
  });
  const storage = azureBlob.open({
    options,
    credential: { kind: "account_key", accountKey: new Secret(task.key) },
  });
  const stager = createStager({ folder: task.folder });
  const engine = createDuckDBEngine({ stager });
  const table = await engine.open(planOf(task.steps), listed([{ ...task.file, storage }]));
  let rows = 0;
  let sum = 0n;
  for await (const batch of table.batches()) {
    rows += batch.length;
    for (const row of batch) sum += (row["c7"] as bigint) * (row["id"] as bigint);
  }
  await table[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
  await stager[Symbol.asyncDispose]();
  process.send?.({ rows, sum: String(sum) });
  process.disconnect();
});
