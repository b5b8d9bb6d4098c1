// Run by blob-memory.ts: takes one blob to disk or into a hash and prints how much memory that took.
import { createHash } from "node:crypto";
import { createReadStream, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, get, type IncomingMessage } from "node:http";
import { basename, join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { azureBlob } from "@aml/azure-blob";
import { parseStorePath } from "@aml/core/adapter";
import { memoryRegistry, memorySecrets } from "@aml/core/memory";
import { createWorkspace } from "@aml/core/workspace";
import { local } from "@aml/local";
import { BlobSASPermissions } from "@azure/storage-blob";
import { openSdk, openStore } from "./azure.ts";
import type { DownloadMemory, DownloadTask } from "./blob-memory.ts";
import { digestBytes } from "./digest.ts";

const [side = "", json = ""] = process.argv.slice(2);
const task = JSON.parse(json) as DownloadTask;
const folder = await mkdtemp(join(task.folder, "download-"));
const WAYS: Readonly<Record<string, () => Promise<Way>>> = { file, sdkFile, hash, sdkHash, httpHash };
const take = await (WAYS[side] as () => Promise<Way>)();

// Idle: all code is loaded and the connection is open.
await take(task.smallPath, 1024);
globalThis.gc?.();
const idle = process.memoryUsage();
resetPeak();
let rss = 0;
let buffers = 0;
const sample = (): void => {
  const now = process.memoryUsage();
  rss = Math.max(rss, now.rss);
  buffers = Math.max(buffers, now.external);
};
const timer = setInterval(sample, 5);
const taken = await take(task.path, task.size);
sample();
clearInterval(timer);
const peaks = { rss: Math.max(rss, peakOfKernel()) - idle.rss, buffers: buffers - idle.external };
const result: DownloadMemory = { ...(await taken()), ...peaks };
await rm(folder, { recursive: true });
process.stdout.write(JSON.stringify(result));

/** Takes a blob of a size, and tells afterwards what it was. */
type Way = (path: string, size: number) => Promise<() => Promise<{ bytes: number; hash: string }>>;

/** As users download: a dataset of files, through a workspace. */
async function file(): Promise<Way> {
  const workspace = createWorkspace({
    adapters: [azureBlob, local],
    registry: memoryRegistry(),
    secrets: memorySecrets(),
    createHash: () => createHash("md5"),
  });
  const { accountKey, accountName, endpoint, containerName } = task;
  await workspace.datastores.register({
    name: "lake",
    type: "azure_blob",
    options: { accountName, endpoint, containerName },
    credential: { kind: "account_key", accountKey },
  });
  return async (path) => {
    const target = `${pathToFileURL(folder).href}/`;
    const dataset = workspace.files(`azureml://datastores/lake/paths/${path}`);
    await dataset.download(target, { overwrite: true });
    return () => digestFile(path);
  };
}

async function sdkFile(): Promise<Way> {
  const container = openSdk(task);
  return async (path) => {
    await container.getBlobClient(path).downloadToFile(join(folder, basename(path)));
    return () => digestFile(path);
  };
}

function digestFile(path: string): Promise<{ bytes: number; hash: string }> {
  return digestBytes(createReadStream(join(folder, basename(path))));
}

async function hash(): Promise<Way> {
  const store = openStore(task);
  return hashing(async (path) => (await store.read(parseStorePath(path))).body);
}

async function sdkHash(): Promise<Way> {
  const container = openSdk(task);
  return hashing(async (path) => {
    const stream = (await container.getBlobClient(path).download()).readableStreamBody;
    if (stream === undefined) throw new Error("The response has no body.");
    return stream as AsyncIterable<Uint8Array>;
  });
}

/** Node's own client and nothing else: what no reader that is given memory of its own can go below. */
async function httpHash(): Promise<Way> {
  const container = openSdk(task);
  const agent = new Agent({ keepAlive: true });
  return hashing(async (path) => {
    const permissions = BlobSASPermissions.parse("r");
    const expiresOn = new Date(Date.now() + 3_600_000);
    const url = await container.getBlobClient(path).generateSasUrl({ permissions, expiresOn });
    return new Promise<IncomingMessage>((resolve, reject) => {
      get(url, { agent }, resolve).once("error", reject);
    });
  });
}

function hashing(read: (path: string) => Promise<AsyncIterable<Uint8Array>>): Way {
  return async (path) => {
    const digest = await digestBytes(await read(path));
    return () => Promise.resolve(digest);
  };
}

/** Linux keeps the exact peak; elsewhere the samples have to do. */
function resetPeak(): void {
  if (process.platform === "linux") writeFileSync("/proc/self/clear_refs", "5");
}

function peakOfKernel(): number {
  if (process.platform !== "linux") return 0;
  const found = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"));
  return Number(found?.[1] ?? 0) * 1024;
}
