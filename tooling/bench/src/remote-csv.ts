import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { FileRef, StorageAdapter } from "@aml/core";
import { parseStorePath } from "@aml/core/adapter";
import { parsePlan } from "@aml/core/plan";
import { createDuckDBEngine } from "@aml/engine-duckdb";
import { createStager, type Stager } from "@aml/staging";
import { DuckDBInstance } from "@duckdb/node-api";
import { openSdk, openStore, startBlobTarget } from "./azure.ts";
import type { Bench } from "./bench.ts";
import { digestRows } from "./digest.ts";
import { assertSame, compare } from "./measure.ts";
import { timeLine } from "./report.ts";
import { writeTaxi } from "./taxi.ts";

/** Of some 1.0 GB. */
const ROWS = 9_200_000;
const NAME = "taxi.csv";
const TAKEN = 100;
const MOST_BYTES = 512 * 1024;

/** The first rows of a CSV in the emulator of Azure Blob: its beginning, against the whole file and then the same rows. */
export const remoteCsv: Bench = async ({ folder, repetitions, scale, report }) => {
  const { target, close } = await startBlobTarget();
  try {
    const path = await makeTaxi(folder, Math.round(ROWS * scale));
    await openSdk(target).getBlockBlobClient(NAME).uploadFile(path);
    const { size } = await stat(path);
    const meter = { bytes: 0, delayMs: 0 };
    const file = await fileRef(metered(openStore(target), meter));
    let count = 0;
    const read = async (whole: boolean): Promise<Awaited<ReturnType<typeof digestRows>>> => {
      await using stager = stagerOf(join(folder, `cache-${(count += 1)}`), whole);
      await using engine = createDuckDBEngine({ stager });
      const table = await engine.open(PLAN, listed(file));
      const digest = await digestRows(table.batches());
      await table[Symbol.asyncDispose]();
      await stager.clean();
      return digest;
    };
    const label = `Remote CSV of ${Math.round(size / 1e6)} MB: take(${TAKEN})`;
    const ours = await read(false);
    const fetched = meter.bytes;
    assertSame(label, ours, await read(true));
    report({
      what: `${label}: bytes`,
      ours: `${Math.round(fetched / 1024)} KiB`,
      peer: `${Math.round(size / 2 ** 20)} MiB (staged whole)`,
      ratio: `${((fetched / size) * 100).toFixed(3)} %`,
      bar: "≤ 512 KiB",
      met: fetched <= MOST_BYTES,
    });
    for (const delayMs of [0, 25]) {
      meter.delayMs = delayMs;
      const result = await compare(repetitions, () => read(false), { "staged whole": () => read(true) });
      report(timeLine(`${label}, ${delayMs} ms away`, result));
    }
  } finally {
    await close();
  }
};

const PLAN = parsePlan({
  version: 1,
  source: { from: "paths", paths: [{ file: `https://store/${NAME}` }] },
  steps: [{ op: "read_delimited" }, { op: "take", count: TAKEN }],
});

async function makeTaxi(folder: string, rows: number): Promise<string> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    return await writeTaxi(connection, folder, "csv", rows);
  } finally {
    connection.disconnectSync();
    instance.closeSync();
  }
}

/** The store, each answer of which takes a while longer, with a count of the bytes that it is asked for. */
function metered(store: StorageAdapter, meter: { bytes: number; readonly delayMs: number }): StorageAdapter {
  return {
    ...store,
    async read(path, options) {
      if (meter.delayMs > 0) await wait(meter.delayMs);
      meter.bytes += options?.range?.length ?? 0;
      return store.read(path, options);
    },
  };
}

/** With `whole`, a stager that fetches all of a file for its beginning. */
function stagerOf(folder: string, whole: boolean): Stager {
  const stager = createStager({ folder });
  if (!whole) return stager;
  async function* readStart(...[file, options]: Parameters<Stager["readStart"]>): AsyncIterable<Uint8Array> {
    const staged = await stager.stage(file, options);
    try {
      yield* createReadStream(staged.localPath) as AsyncIterable<Uint8Array>;
    } finally {
      await staged.release();
    }
  }
  return { ...stager, readStart };
}

async function fileRef(storage: StorageAdapter): Promise<FileRef> {
  const found = await storage.stat(parseStorePath(NAME));
  return { uri: `${storage.uri}/${NAME}`, relativePath: NAME, stat: found, storage };
}

async function* listed(file: FileRef): AsyncIterable<FileRef> {
  yield file;
}
