// Run by blob-memory.ts: downloads one blob into a sink and prints how much memory that took.
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { parseStorePath } from "@aml/core/adapter";
import { openSdk, openStore } from "./azure.ts";
import type { DownloadMemory, DownloadTask } from "./blob-memory.ts";
import { digestBytes } from "./digest.ts";

const [side, json = ""] = process.argv.slice(2);
const task = JSON.parse(json) as DownloadTask;
const read = side === "ours" ? readOurs() : readSdk();

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

/** Linux keeps the exact peak; elsewhere the samples have to do. */
function resetPeak(): void {
  if (process.platform === "linux") writeFileSync("/proc/self/clear_refs", "5");
}

function peakOfKernel(): number {
  if (process.platform !== "linux") return 0;
  const found = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"));
  return Number(found?.[1] ?? 0) * 1024;
}
