import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { FileRef, Step, StorageAdapter, TabularResult } from "@aml/core";
import { parseStorePath } from "@aml/core/adapter";
import { parseFilter, parsePlan } from "@aml/core/plan";
import { createDuckDBEngine } from "@aml/engine-duckdb";
import { createStager, type Stager } from "@aml/staging";
import { DuckDBInstance } from "@duckdb/node-api";
import { openSdk, openStore, startBlobTarget } from "./azure.ts";
import type { Bench } from "./bench.ts";
import { digestRows } from "./digest.ts";
import { startLatencyProxy } from "./latency-proxy.ts";
import { assertSame, compare } from "./measure.ts";
import { timeLine } from "./report.ts";
import { drain } from "./table-session.ts";

const COLUMNS = 20;
const GROUP_ROWS = 61_440;
const GROUPS = 43;
const NAME = "wide.parquet";
/** Of some 240 MB. */
const MOST_BYTES = 0.015;

/** Parquet of the emulator of Azure Blob: the parts that a plan needs, against the whole file and then the same query. */
export const remoteParquet: Bench = async ({ folder, repetitions, scale, report }) => {
  const { target, close } = await startBlobTarget();
  const proxy = await startLatencyProxy(new URL(target.endpoint).origin);
  try {
    const groups = Math.max(4, Math.round(GROUPS * scale));
    const bytes = await writeWide(join(folder, NAME), groups);
    await openSdk(target).getBlockBlobClient(NAME).uploadData(bytes);
    const endpoint = target.endpoint.replace(new URL(target.endpoint).origin, proxy.origin);
    const store = openStore({ ...target, endpoint });
    const file = await fileRef(store);
    let count = 0;
    const read = async <T>(
      steps: readonly unknown[],
      isSparse: boolean,
      consume: (table: TabularResult) => Promise<T>,
    ): Promise<T> => {
      await using stager = stagerOf(join(folder, `cache-${(count += 1)}`), isSparse);
      await using engine = createDuckDBEngine({ stager });
      return await consume(await engine.open(planOf(steps), listed(file)));
    };
    const digest = (table: TabularResult): Promise<Digest> => digestRows(table.batches());
    const size = `${Math.round(bytes.length / 1e6)} MB`;
    const one = async (
      what: string,
      steps: readonly Step[],
      delayMs: number,
      most?: number,
    ): Promise<number> => {
      await proxy.delay(0);
      const ours = await read(steps, true, digest);
      const { bytes: fetched, requests } = await proxy.delay(0);
      assertSame(what, ours, await read(steps, false, digest));
      await proxy.delay(delayMs);
      const result = await compare(repetitions, () => read(steps, true, drain), {
        "staged whole": () => read(steps, false, drain),
      });
      const share = ((fetched / bytes.length) * 100).toFixed(1);
      report(timeLine(`${what}, ${delayMs} ms away (${share} %, ${requests} requests)`, result, most));
      return fetched;
    };
    const from = (groups - 5) * GROUP_ROWS;
    const narrow = [
      rows(`col("id") >= ${from} and col("id") < ${from + 4 * GROUP_ROWS}`),
      keep("id", "c9", "c15"),
    ];
    const label = `Remote Parquet of ${size}`;
    const fetched = await one(`${label}: 3 of 20 columns, 4 row groups`, narrow, 0, 0.2);
    report({
      what: `${label}: 3 of 20 columns, 4 row groups: bytes`,
      ours: `${(fetched / 1e6).toFixed(2)} MB`,
      peer: `${(bytes.length / 1e6).toFixed(0)} MB (staged whole)`,
      ratio: `${((fetched / bytes.length) * 100).toFixed(2)} %`,
      bar: "≤ 1.5 %",
      met: fetched / bytes.length <= MOST_BYTES,
    });
    await one(`${label}: 3 of 20 columns, 4 row groups`, narrow, 25, 1);
    // Few rows of all row groups, so that what both sides do with rows does not count.
    const few = rows(`col("c1") < ${2 ** 62 / 2000}`);
    for (const delayMs of [0, 25]) {
      for (const kept of [1, 3, 10, 20]) {
        await one(
          `${label}: ${kept} of 20 columns`,
          [few, spread(kept)],
          delayMs,
          delayMs > 0 ? 1 : undefined,
        );
      }
    }
  } finally {
    proxy.close();
    await close();
  }
};

type Digest = Awaited<ReturnType<typeof digestRows>>;

function rows(filter: string): Step {
  return { op: "filter", where: parseFilter(filter) };
}

function keep(...names: readonly string[]): Step {
  return { op: "keep_columns", columns: names };
}

/** `c1`, which the filter looks at, and others from all over the file. */
function spread(count: number): Step {
  const numbers = Array.from({ length: count }, (_, at) => Math.floor((at * (COLUMNS - 1)) / count) + 1);
  return count < COLUMNS ? keep(...numbers.map((at) => `c${at}`)) : { op: "drop_columns", columns: [] };
}

function planOf(steps: readonly unknown[]): ReturnType<typeof parsePlan> {
  return parsePlan({
    version: 1,
    source: { from: "paths", paths: [{ file: `https://store/${NAME}` }] },
    steps: [{ op: "read_parquet" }, ...steps],
  });
}

async function writeWide(path: string, groups: number): Promise<Uint8Array> {
  const list = Array.from({ length: COLUMNS - 1 }, (_, index) => {
    const at = index + 1;
    if (at < 8) return `(hash(range, ${at}) >> 2)::BIGINT AS c${at}`;
    if (at < 14) return `(hash(range, ${at}) % 1000000) / 7.0 AS c${at}`;
    return `'text ' || (hash(range, ${at}) % 50000) AS c${at}`;
  });
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(
    `COPY (SELECT range AS id, ${list.join(", ")} FROM range(${groups * GROUP_ROWS})) ` +
      `TO '${path}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${GROUP_ROWS})`,
  );
  connection.disconnectSync();
  instance.closeSync();
  return readFile(path);
}

function stagerOf(folder: string, isSparse: boolean): Stager {
  const stager = createStager({ folder });
  return isSparse ? stager : { ...stager, stageSparse: () => Promise.resolve(undefined) };
}

async function fileRef(storage: StorageAdapter): Promise<FileRef> {
  const stat = await storage.stat(parseStorePath(NAME));
  return { uri: `${storage.uri}/${NAME}`, relativePath: NAME, stat, storage };
}

async function* listed(file: FileRef): AsyncIterable<FileRef> {
  yield file;
}
