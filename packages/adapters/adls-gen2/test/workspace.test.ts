import type { Datastores } from "@aml/core";
import { parseStorePath } from "@aml/core/adapter";
import { memoryRegistry, memorySecrets } from "@aml/core/memory";
import { createWorkspace } from "@aml/core/workspace";
import { adlsGen2 } from "@aml/adls-gen2";
import { serve, startAdlsGen2, type AdlsGen2, type RunningServer } from "@aml/emulator";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";

const MiB = 1024 * 1024;
const key = (letter: string): string => Buffer.from(letter.repeat(64)).toString("base64");
const [A, B, C] = [key("a"), key("b"), key("c")] as const;
const PATH = parseStorePath("2025/big.bin");
const bytes = new Uint8Array(24 * MiB).fill(7);

let gen2: AdlsGen2;
let server: RunningServer;
let datastores: Datastores;

beforeAll(async () => {
  gen2 = await startAdlsGen2({ accountName: "contoso", accountKeys: [A, B] });
  server = await serve(gen2.service);
});
afterAll(async () => {
  await server.close();
  await gen2.close();
});

beforeEach(async () => {
  gen2.setKeys([A, B]);
  const adapters = [adlsGen2] as const;
  ({ datastores } = createWorkspace({ adapters, registry: memoryRegistry(), secrets: memorySecrets() }));
  const { DataLakeServiceClient, StorageSharedKeyCredential } = await import("@azure/storage-file-datalake");
  const client = new DataLakeServiceClient(
    `${server.url}/contoso`,
    new StorageSharedKeyCredential("contoso", B),
  );
  await client.getFileSystemClient("trips").createIfNotExists();
  await datastores.register({
    name: "lake",
    type: "azure_data_lake_gen2",
    options: { accountName: "contoso", filesystem: "trips", endpoint: `${server.url}/contoso` },
    credential: { kind: "account_key", accountKey: A },
  });
});

test("a running reader goes on with the new key, at its next byte", async () => {
  const store = await datastores.open("lake");
  await store.write?.(PATH, new Blob([bytes]).stream());
  const reader = (await store.read(PATH)).body.getReader();
  let size = (await reader.read()).value?.byteLength ?? 0;
  gen2.setKeys([C]);
  await datastores.update("lake", { credential: { kind: "account_key", accountKey: C } });
  for (let next = await reader.read(); !next.done; next = await reader.read()) size += next.value.byteLength;
  expect(size).toBe(bytes.byteLength);
});

test("a wrong key is found when the datastore is registered", async () => {
  const wrong = datastores.register({
    name: "other",
    type: "azure_data_lake_gen2",
    options: { accountName: "contoso", filesystem: "trips", endpoint: `${server.url}/contoso` },
    credential: { kind: "account_key", accountKey: C },
  });
  await expect(wrong).rejects.toMatchObject({
    code: "auth_failed",
    hint: expect.stringContaining("key1 or key2"),
  });
});
