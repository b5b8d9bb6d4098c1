import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  parseStorePath,
  type FileRef,
  type Row,
  type Step,
  type StorageAdapter,
  type TabularEngine,
  type TabularPlan,
  type TabularResult,
} from "@aml/core";
import { parsePlan } from "@aml/core/plan";
import { memoryStorage } from "@aml/core/memory";
import { local } from "@aml/local";
import { createDuckDBEngine, type DuckDBEngineOptions } from "../src/index.ts";

type Contents = Readonly<Record<string, string | Uint8Array>>;

/** Files, plans and engines for tests in any runtime. */
export interface Workbench {
  readonly folder: string;
  /** Writes files below the folder and gives them in this order. */
  files(contents: Contents): Promise<FileRef[]>;
  /** The same files in a store that is not this machine's. */
  remote(contents: Contents): Promise<FileRef[]>;
  engine(options?: DuckDBEngineOptions): TabularEngine;
  open(
    steps: readonly unknown[],
    files: readonly FileRef[],
    options?: DuckDBEngineOptions,
  ): Promise<TabularResult>;
  rows(steps: readonly unknown[], files: readonly FileRef[], options?: DuckDBEngineOptions): Promise<Row[]>;
  /** Disposes of all engines. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

export async function createWorkbench(): Promise<Workbench> {
  const folder = await mkdtemp(join(tmpdir(), "aml-engine-test-"));
  const engines: TabularEngine[] = [];
  let shared: TabularEngine | undefined;
  let count = 0;
  const engine = (options?: DuckDBEngineOptions): TabularEngine => {
    const made = createDuckDBEngine(options);
    engines.push(made);
    return made;
  };
  const bench: Workbench = {
    folder,
    async files(contents) {
      const root = join(folder, String((count += 1)));
      await mkdir(root, { recursive: true });
      for (const [name, content] of Object.entries(contents)) {
        await mkdir(dirname(join(root, name)), { recursive: true });
        await writeFile(join(root, name), content);
      }
      const storage = local.open({ options: { path: root }, credential: { kind: "anonymous" } });
      return refsOf(storage, Object.keys(contents));
    },
    remote: (contents) =>
      refsOf(memoryStorage({ uri: `memory://store${(count += 1)}`, files: contents }), Object.keys(contents)),
    engine,
    open: (steps, files, options) =>
      (options === undefined ? (shared ??= engine()) : engine(options)).open(planOf(steps), listed(files)),
    rows: async (steps, files, options) => allRows(await bench.open(steps, files, options)),
    async reset() {
      shared = undefined;
      for (const made of engines.splice(0)) await made[Symbol.asyncDispose]();
    },
    async close() {
      await bench.reset();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return bench;
}

export function planOf(steps: readonly unknown[]): TabularPlan {
  return parsePlan({
    version: 1,
    source: { from: "paths", paths: [{ folder: "file:///x" }] },
    steps: steps as Step[],
  });
}

async function refsOf(storage: StorageAdapter, names: readonly string[]): Promise<FileRef[]> {
  const out: FileRef[] = [];
  for (const name of names) {
    const stat = await storage.stat(parseStorePath(name));
    out.push({ uri: `${storage.uri}/${name}`, relativePath: name, stat, storage });
  }
  return out;
}

export async function* listed(files: readonly FileRef[]): AsyncIterable<FileRef> {
  yield* files;
}

export async function allRows(table: TabularResult): Promise<Row[]> {
  const out: Row[] = [];
  try {
    for await (const batch of table.batches()) out.push(...batch);
  } finally {
    await table[Symbol.asyncDispose]();
  }
  return out;
}

export async function textOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  return new Response(stream).text();
}

export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}
