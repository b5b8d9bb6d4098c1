import { createHash } from "node:crypto";
import { parseStorePath, type StorageAdapter } from "@aml/core/adapter";
import type { ContainerClient } from "@azure/storage-blob";
import { openSdk, openStore, pattern, startBlobTarget } from "./azure.ts";
import type { Bench, BenchInput } from "./bench.ts";
import { measureMemory } from "./blob-memory.ts";
import { digestBytes } from "./digest.ts";
import { assertSame, compare } from "./measure.ts";
import { speedLine } from "./report.ts";

const MIB = 2 ** 20;
/** Requests of one blob under way at once, and bytes of each, as the adapter has them. */
const PARALLEL = 4;
const PART = 5 * MIB;
const SMALL_SIZE = 10 * 1024;
const SMALL_PARALLEL = 8;
const SMALL_PASSES = 4;
const BIG = "big.bin";

/** Downloads from the emulator, which runs in a process of its own. */
export const blob: Bench = async (input) => {
  const { target, close } = await startBlobTarget();
  try {
    const sdk = openSdk(target);
    const store = openStore(target);
    const size = Math.max(32, Math.round(256 * input.scale)) * MIB;
    const expected = await upload(sdk, size);
    await big(sdk, store, size, expected, input);
    await small(sdk, store, Math.round(1000 * input.scale), input);
    await measureMemory(
      { ...target, path: BIG, size, smallPath: "small/0.bin", folder: input.folder },
      expected,
      input.report,
    );
  } finally {
    await close();
  }
};

async function upload(sdk: ContainerClient, size: number): Promise<string> {
  const bytes = pattern(size, 1);
  await sdk.getBlockBlobClient(BIG).uploadData(bytes, { blockSize: PART, concurrency: 2 });
  return createHash("sha256").update(bytes).digest("hex");
}

async function big(
  sdk: ContainerClient,
  store: StorageAdapter,
  size: number,
  expected: string,
  { repetitions, report }: BenchInput,
): Promise<void> {
  const what = `Blob of ${size / MIB} MiB, ${PARALLEL} requests at once`;
  const path = parseStorePath(BIG);
  const client = sdk.getBlobClient(BIG);
  const ours = await digestBytes((await store.read(path)).body);
  assertSame(what, ours, { bytes: size, hash: expected });
  const theirs = await client.downloadToBuffer(0, size, { blockSize: PART, concurrency: PARALLEL });
  assertSame(`${what}, SDK`, createHash("sha256").update(theirs).digest("hex"), expected);
  const whole = async (): Promise<number> => count((await store.read(path)).body);
  const result = await compare(repetitions, whole, {
    downloadToBuffer: () => client.downloadToBuffer(0, size, { blockSize: PART, concurrency: PARALLEL }),
  });
  report(speedLine(what, result, size / MIB, "MiB", 0.9));
  const single = await compare(repetitions, whole, {
    "download, 1 request": async () => countStream((await client.download()).readableStreamBody),
  });
  report(speedLine(`${what}, against one stream`, single, size / MIB, "MiB"));
}

async function small(
  sdk: ContainerClient,
  store: StorageAdapter,
  number: number,
  { repetitions, report }: BenchInput,
): Promise<void> {
  const what = `${number.toLocaleString("en")} blobs of 10 KiB, ${SMALL_PARALLEL} at once`;
  const names = Array.from({ length: number }, (_, at) => `small/${at}.bin`);
  await inParallel(names, async (name) => {
    const bytes = pattern(SMALL_SIZE, names.indexOf(name) + 2);
    await sdk.getBlockBlobClient(name).upload(bytes, bytes.byteLength);
    assertSame(name, await digestBytes((await store.read(parseStorePath(name))).body), {
      bytes: SMALL_SIZE,
      hash: createHash("sha256").update(bytes).digest("hex"),
    });
  });
  const collect = async (body: AsyncIterable<Uint8Array | string>): Promise<Buffer> => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk as Uint8Array);
    return Buffer.concat(chunks);
  };
  // Several passes a round: one takes a third of a second, too short against a garbage collection here or there.
  const passes = Array.from({ length: SMALL_PASSES }, () => names).flat();
  const ours = (): Promise<void> =>
    inParallel(passes, async (name) => collect((await store.read(parseStorePath(name))).body));
  const result = await compare(repetitions, ours, {
    download: () =>
      inParallel(passes, async (name) =>
        collect(bodyOf((await sdk.getBlobClient(name).download()).readableStreamBody)),
      ),
    downloadToBuffer: () =>
      inParallel(passes, (name) =>
        sdk.getBlobClient(name).downloadToBuffer(0, SMALL_SIZE, { concurrency: 1 }),
      ),
  });
  report(speedLine(what, result, passes.length, "blobs", 0.9));
}

async function inParallel(names: readonly string[], task: (name: string) => Promise<unknown>): Promise<void> {
  const queue = names.values();
  const worker = async (): Promise<void> => {
    for (const name of queue) await task(name);
  };
  await Promise.all(Array.from({ length: SMALL_PARALLEL }, worker));
}

async function count(body: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const chunk of body) bytes += chunk.byteLength;
  return bytes;
}

/** The cheapest way to drain a stream of Node's. */
function countStream(stream: NodeJS.ReadableStream | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    const body = bodyOf(stream);
    body.on("data", (chunk: Buffer) => (bytes += chunk.byteLength));
    body.once("end", () => resolve(bytes));
    body.once("error", reject);
  });
}

function bodyOf(stream: NodeJS.ReadableStream | undefined): NodeJS.ReadableStream {
  if (stream === undefined) throw new Error("The response has no body.");
  return stream;
}
