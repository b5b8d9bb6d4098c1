import { adlsGen2 } from "@aml/adls-gen2";
import { azureBlob } from "@aml/azure-blob";
import { azureFileShare } from "@aml/azure-file-share";
import { parseStorePath, type CopyReport, type DatastoreInput } from "@aml/core";
import { dbfs } from "@aml/dbfs";
import { createAzureFiles, createDbfs, serve, startAdlsGen2 } from "@aml/emulator";
import { http } from "@aml/http";
import { share } from "@aml/kit/runs";
import { local } from "@aml/local";
import { type FolderWorkspace, openWorkspace } from "@aml/workspace";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Lake, openLake } from "./lake.ts";

const TOKEN = "dapi-canary-5d1f0c77";
const FILES: Readonly<Record<string, Uint8Array>> = {
  "a b/ü (1).txt": Buffer.from("umlaut"),
  "a b/c/deep.bin": new Uint8Array(2 ** 20 + 3).map((_, index) => index % 251),
  "none.txt": new Uint8Array(),
};

let lake: Lake;
let folder: string;
let workspace: FolderWorkspace;
const cleanUp: (() => unknown)[] = [];
const STORES = ["blob", "gen2", "files", "dbfs", "volume", "disk"] as const;

beforeAll(async () => {
  lake = await openLake();
  folder = await mkdtemp(join(tmpdir(), "aml-stores-"));
  const gen2 = await startAdlsGen2();
  const gen2Server = await serve(gen2.service);
  const files = createAzureFiles();
  const filesServer = await serve(files.service);
  const databricks = createDbfs({ tokens: [TOKEN] });
  const dbfsServer = await serve(databricks.service);
  cleanUp.push(
    () => lake[Symbol.asyncDispose](),
    () => gen2.close(),
    () => gen2Server.close(),
    () => filesServer.close(),
    () => dbfsServer.close(),
    () => rm(folder, { recursive: true, force: true }),
  );
  await writeFile(join(folder, "aml.config.json"), JSON.stringify({ secrets: { key: "file" } }));
  await mkdir(join(folder, ".aml"));
  workspace = await openWorkspace({
    folder,
    adapters: [adlsGen2, azureBlob, azureFileShare, dbfs, http, local],
  });
  cleanUp.push(() => workspace[Symbol.asyncDispose]());
  const key = (accountKey: string) => ({ kind: "account_key", accountKey }) as const;
  const token = { kind: "access_token", token: TOKEN } as const;
  const { accountName, accountKey, endpoint } = lake.azurite;
  const gen2Endpoint = `${gen2Server.url}/${gen2.accountName}`;
  const filesEndpoint = `${filesServer.url}/${files.accountName}`;
  const inputs: readonly DatastoreInput[] = [
    {
      name: "blob",
      type: "azure_blob",
      options: { accountName, containerName: "trips", endpoint },
      credential: key(accountKey),
    },
    {
      name: "gen2",
      type: "azure_data_lake_gen2",
      options: { accountName: gen2.accountName, filesystem: "lake", endpoint: gen2Endpoint },
      credential: key(gen2.accountKey),
    },
    {
      name: "files",
      type: "azure_file",
      options: { accountName: files.accountName, fileShareName: "share", endpoint: filesEndpoint },
      credential: key(files.accountKey),
    },
    { name: "dbfs", type: "dbfs", options: { host: dbfsServer.url, path: "dbfs:/lake" }, credential: token },
    {
      name: "volume",
      type: "dbfs",
      options: { host: dbfsServer.url, path: "/Volumes/main/default/data/lake" },
      credential: token,
    },
    { name: "disk", type: "local", options: { path: join(folder, "disk") } },
  ];
  const { DataLakeServiceClient, StorageSharedKeyCredential } = await import("@azure/storage-file-datalake");
  const account = new StorageSharedKeyCredential(gen2.accountName, gen2.accountKey);
  await new DataLakeServiceClient(gen2Endpoint, account).getFileSystemClient("lake").create();
  const { ShareServiceClient, StorageSharedKeyCredential: FilesKey } =
    await import("@azure/storage-file-share");
  await new ShareServiceClient(filesEndpoint, new FilesKey(files.accountName, files.accountKey))
    .getShareClient("share")
    .create();
  for (const input of inputs) await workspace.datastores.register(input, { skipValidation: true });
  for (const [path, bytes] of Object.entries(FILES)) {
    const at = join(folder, "seed", path);
    await mkdir(join(at, ".."), { recursive: true });
    await writeFile(at, bytes);
  }
  for (const name of STORES) await workspace.copy("seed", at(name, "source"), { recursive: true });
});
afterAll(async () => {
  for (const step of cleanUp.toReversed()) await step();
});

const at = (store: string, path: string): string => `azureml://datastores/${store}/paths/${path}`;

async function contents(uri: string): Promise<Record<string, Uint8Array>> {
  const found: Record<string, Uint8Array> = {};
  for await (const { relativePath, storage, stat } of workspace.files(uri).files()) {
    const { body } = await storage.read(stat.path);
    found[relativePath] = new Uint8Array(await new Response(body).arrayBuffer());
  }
  return found;
}

const BYTES = Object.values(FILES).reduce((sum, { byteLength }) => sum + byteLength, 0);

describe.each(STORES)("from %s", (source) => {
  // By default a third, each store twice at either end.
  const from = STORES.indexOf(source);
  const targets = STORES.filter((_, to) => share >= 1 || (from + to) % 3 === 0);
  test.each(targets)("to %s", async (target) => {
    const place = at(target, `from-${source}`);
    const run = (): Promise<CopyReport> =>
      workspace.copy(at(source, "source"), place, { recursive: true, verify: true });
    expect(await run()).toMatchObject({ files: 3, bytes: BYTES, skipped: 0 });
    const found = await contents(`${place}/`);
    expect(Object.keys(found).toSorted()).toEqual(Object.keys(FILES).toSorted());
    for (const [path, bytes] of Object.entries(FILES)) {
      expect(Buffer.compare(found[path] ?? Buffer.from("?"), bytes), path).toBe(0);
    }
    expect(await run()).toMatchObject({ files: 0, skipped: 3, skippedBytes: BYTES });
  });
});

test.each(["blob", "gen2", "files"])("from %s to itself the service copies", async (name) => {
  const report = await workspace.copy(at(name, "source"), at(name, "by-service"), { recursive: true });
  expect(report).toMatchObject({ files: 3, byService: 3 });
});

test("content type and metadata go along from store to store that has them", async () => {
  const given = { contentType: "text/csv", metadata: { owner: "ada" } };
  const { storage, path } = await workspace.locate(at("gen2", "typed/a.csv"));
  await storage.write?.(parseStorePath(path), new Blob(["a,b"]).stream(), given);
  const way = ["gen2", "files", "blob", "gen2"];
  for (const [index, target] of way.slice(1).entries()) {
    const from = at(way[index] ?? "", index === 0 ? "typed/a.csv" : `typed-${index}/a.csv`);
    const to = at(target, `typed-${index + 1}/a.csv`);
    await workspace.copy(from, to);
    const there = await workspace.locate(to);
    const { body, properties } = await there.storage.read(parseStorePath(there.path));
    await body.cancel();
    expect(properties, to).toEqual(given);
  }
});

test.each(STORES)("%s is well", async (name) => {
  const report = await workspace.doctor(name, { write: true, path: "source/a b" });
  expect(report.hops.filter(({ status }) => status === "failed")).toEqual([]);
  expect(report.hops.slice(-3).map(({ status }) => status)).toEqual(["ok", "ok", "ok"]);
});

test("the rights of each folder are told where the store keeps them", async () => {
  const { hops } = await workspace.doctor("gen2", { path: "source/a b" });
  const folders = ["/", "/source", "/source/a b"].map((path): unknown => expect.objectContaining({ path }));
  expect(hops.find(({ name }) => name === "rights")?.facts).toEqual({ segments: folders });
  const missing = await workspace.doctor("gen2", { path: "source/nope/x" });
  expect(missing.hops.find(({ status }) => status === "failed")).toMatchObject({
    name: "rights",
    code: "not_found",
    facts: { brokenAfter: "/source" },
  });
});
