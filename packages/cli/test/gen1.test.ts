import {
  createAdlsGen1,
  serve,
  startEntra,
  type AdlsGen1,
  type Entra,
  type RunningServer,
} from "@aml/emulator";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { aml, type Outcome } from "./aml.ts";

let entra: Entra;
let store: AdlsGen1;
let server: RunningServer;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aml-gen1-"));
  entra = await startEntra([]);
  store = createAdlsGen1({ verify: entra.verify });
  server = await serve(store.service);
});
afterAll(async () => {
  await server.close();
  store.close();
  await entra.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  vi.stubEnv("IDENTITY_ENDPOINT", entra.appService.endpoint);
  vi.stubEnv("IDENTITY_HEADER", entra.appService.header);
});
afterEach(() => vi.unstubAllEnvs());

const run = (...args: readonly string[]): Promise<Outcome> => aml(args, { cwd: folder });

test("a retired store is read, and says so once, beside the output", async () => {
  store.addSparseFile("2019/a.csv", 12);
  store.addSparseFile("2019/b.csv", 34);
  expect(await run("init")).toMatchObject({ code: 0 });
  const flags = ["--type", "azure_data_lake_gen1", "--store-name", "contoso", "--endpoint", server.url];
  const created = await run("datastore", "create", "old", ...flags, "--identity", "managed");
  expect(created).toMatchObject({ code: 0 });
  const listed = await run("ls", "azureml://datastores/old/paths/2019/");
  expect(listed.code).toBe(0);
  expect(listed.stdout).toMatch(/a\.csv[\s\S]*b\.csv/);
  expect(listed.stdout).not.toContain("retired");
  expect(listed.stderr.match(/retired on 29 February 2024/g)).toHaveLength(1);
  expect(listed.stderr).toContain("abfss://FILESYSTEM@contoso.dfs.core.windows.net/PATH");
});

test("an adl: URI of a store that is gone names its Gen2 form", async () => {
  const gone = await run("ls", "adl://contoso.azuredatalakestore.invalid/2019/");
  expect(gone.code).not.toBe(0);
  expect(gone.stderr).toContain("There is no host contoso.azuredatalakestore.invalid.");
  expect(gone.stderr).toContain("abfss://FILESYSTEM@contoso.dfs.core.windows.net/2019");
});

test("a dbfs: URI names no workspace", async () => {
  const refused = await run("ls", "dbfs:/mnt/trips");
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toMatch(/dbfs:\/mnt\/trips[\s\S]*Register a datastore/);
});
