import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CredentialInputOf, Datastores, OnTrace, Registry, SecretStore } from "@aml/core";
import { parseStorePath } from "@aml/core/adapter";
import { memoryRegistry, memorySecrets } from "@aml/core/memory";
import { createWorkspace } from "@aml/core/workspace";
import { azureBlob } from "@aml/azure-blob";
import { startAzurite, type Azurite } from "@aml/emulator";
import { size as sizeOf } from "@aml/kit/runs";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { containerSas, serviceOf } from "./azurite.ts";

const MB = 1024 * 1024;
const newKey = (): string => randomBytes(64).toString("base64");
const PATH = parseStorePath("big.bin");
const bytes = Buffer.alloc(sizeOf(24, 12) * MB, "0123456789abcde");

let folder: string;
let azurite: Azurite;
/** The account's, at present. */
let keys: readonly [string, string];
let records: Registry;
let secrets: SecretStore;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aml-rotation-"));
  keys = [newKey(), newKey()];
  azurite = await startAzurite({ folder, accountKeys: keys });
  const container = serviceOf(azurite).client.getContainerClient("trips");
  await container.create();
  await container.getBlockBlobClient(PATH).uploadData(bytes);
});
beforeEach(() => {
  records = memoryRegistry();
  secrets = memorySecrets();
});
afterAll(async () => {
  await azurite.close();
  await rm(folder, { recursive: true });
});

/** What regenerating an account's keys does: the same blobs at the same place, other keys. */
async function regenerate(primary: string, secondary: string): Promise<void> {
  const port = Number(new URL(azurite.endpoint).port);
  await azurite.close();
  keys = [primary, secondary];
  azurite = await startAzurite({ folder, accountKeys: keys, port });
}

/** A program that works with the workspace; another one shares its registry and secrets. */
function program(onTrace?: OnTrace): Datastores {
  return createWorkspace({ adapters: [azureBlob], registry: records, secrets, onTrace }).datastores;
}

async function register(credential: CredentialInputOf<"azure_blob">): Promise<void> {
  const { accountName, endpoint } = azurite;
  const options = { accountName, containerName: "trips", endpoint };
  await program().register({ name: "lake", type: "azure_blob", options, credential });
}

test("a body that is being read goes on with the new key, at its next byte", async () => {
  await register({ kind: "account_key", accountKey: keys[0] });
  const events: string[] = [];
  const store = await program((event) => event.kind === "credential" && events.push(event.change)).open(
    "lake",
  );
  const reader = (await store.read(PATH)).body.getReader();
  const chunks: Uint8Array[] = [(await reader.read()).value ?? new Uint8Array()];
  await regenerate(newKey(), newKey());
  await program().update("lake", { credential: { kind: "account_key", accountKey: keys[0] } });
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
  }
  expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
  expect(events).toEqual(["renewed"]);
});

test("without a new key the refusal surfaces, and the next request after an update is let in", async () => {
  await register({ kind: "account_key", accountKey: keys[0] });
  const store = await program().open("lake");
  await store.stat(PATH);
  await regenerate(newKey(), newKey());
  await expect(store.stat(PATH)).rejects.toMatchObject({ code: expect.stringMatching(/auth_failed|denied/) });
  await program().update("lake", { credential: { kind: "account_key", accountKey: keys[0] } });
  expect((await store.stat(PATH)).size).toBe(bytes.length);
});

test("a refused key gives way to the other one, once for all who wait", async () => {
  const [first, second] = keys;
  await register({ kind: "account_key", accountKey: first, secondaryKey: second });
  let renewed = 0;
  const store = await program((event) => event.kind === "credential" && (renewed += 1)).open("lake");
  await store.stat(PATH);
  await regenerate(newKey(), second);
  const stats = await Promise.all(Array.from({ length: 40 }, () => store.stat(PATH)));
  expect(stats.every(({ size }) => size === bytes.length)).toBe(true);
  expect(renewed).toBe(1);
  // And back, when it is the other one's turn.
  await regenerate(first, newKey());
  expect((await store.stat(PATH)).size).toBe(bytes.length);
  await regenerate(newKey(), newKey());
  await expect(store.stat(PATH)).rejects.toMatchObject({ code: expect.stringMatching(/auth_failed|denied/) });
});

test("both keys are checked when they are registered", async () => {
  await expect(
    register({ kind: "account_key", accountKey: keys[0], secondaryKey: newKey() }),
  ).rejects.toMatchObject({
    code: expect.stringMatching(/auth_failed|denied/),
  });
});

test("a SAS is renewed in place; its end is known ahead", async () => {
  const sas = (days: number): string =>
    containerSas(serviceOf(azurite), "trips", { expiresOn: new Date(Date.now() + days * 86_400_000) });
  await register({ kind: "sas", sasToken: sas(3) });
  const record = await program().get("lake");
  const { expiresAt } = record.credential as { expiresAt?: string };
  expect(Date.parse(expiresAt ?? "") - Date.now()).toBeGreaterThan(2.9 * 86_400_000);
  const told: unknown[] = [];
  const reader = program(
    (event) => event.kind === "credential" && told.push([event.change, event.expiresAt]),
  );
  const store = await reader.open("lake");
  await store.stat(PATH);
  expect(told).toEqual([["expires", new Date(expiresAt ?? "")]]);

  await regenerate(newKey(), newKey());
  await program().update("lake", { credential: { kind: "sas", sasToken: sas(30) } });
  const found: string[] = [];
  for await (const { path } of store.list(parseStorePath(""))) found.push(path);
  expect(found).toEqual([PATH]);
  expect(told.slice(1)).toEqual([["renewed", undefined]]);
});

test("who has a store open hears at once of an update in its own workspace", async () => {
  const [first, second] = keys;
  await register({ kind: "account_key", accountKey: first });
  const datastores = program();
  const store = await datastores.open("lake");
  await datastores.update("lake", { credential: { kind: "account_key", accountKey: second } });
  await regenerate(newKey(), second);
  expect((await store.stat(PATH)).size).toBe(bytes.length);
  expect(await datastores.open("lake")).toBe(store);
});
