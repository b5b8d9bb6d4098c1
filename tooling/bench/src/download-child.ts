// Run by blob-memory.ts: downloads one blob into a sink and prints how much memory that took.
import { readFileSync, writeFileSync } from "node:fs";
import { Agent, get, type IncomingMessage } from "node:http";
import process from "node:process";
import { parseStorePath } from "@aml/core/adapter";
import { BlobSASPermissions } from "@azure/storage-blob";
import { openSdk, openStore } from "./azure.ts";
import type { DownloadMemory, DownloadTask } from "./blob-memory.ts";
import { digestBytes } from "./digest.ts";

const [side = "", json = ""] = process.argv.slice(2);
const task = JSON.parse(json) as DownloadTask;
const READS: Readonly<Record<string, () => Read>> = { ours: readOurs, sdk: readSdk, http: readHttp };
const read = (READS[side] ?? readSdk)();

// Idle: all code is loaded and the connection is open.
await digestBytes(await read(1024));
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
const digest = await digestBytes(await read(task.size));
sample();
clearInterval(timer);
const result: DownloadMemory = {
  ...digest,
  rss: Math.max(rss, peakOfKernel()) - idle.rss,
  buffers: buffers - idle.external,
};
process.stdout.write(JSON.stringify(result));

type Read = (length: number) => Promise<AsyncIterable<Uint8Array>>;

function readOurs(): Read {
  const store = openStore(task);
  return async (length) =>
    (await store.read(parseStorePath(task.path), { range: { offset: 0, length } })).body;
}

function readSdk(): Read {
  const client = openSdk(task).getBlobClient(task.path);
  return async (length) => {
    const stream = (await client.download(0, length)).readableStreamBody;
    if (stream === undefined) throw new Error("The response has no body.");
    return stream as AsyncIterable<Uint8Array>;
  };
}

/** Node's own client and nothing else: what no reader that is given memory of its own can go below. */
function readHttp(): Read {
  const client = openSdk(task).getBlobClient(task.path);
  const agent = new Agent({ keepAlive: true });
  return async (length) => {
    const permissions = BlobSASPermissions.parse("r");
    const url = await client.generateSasUrl({ permissions, expiresOn: new Date(Date.now() + 3_600_000) });
    const range = `bytes=0-${length - 1}`;
    return new Promise<IncomingMessage>((resolve, reject) => {
      get(url, { agent, headers: { range } }, resolve).once("error", reject);
    });
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
