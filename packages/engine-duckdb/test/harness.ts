import { mkdtemp, mkdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  parsePlan,
  parseStorePath,
  type FileRef,
  type Row,
  type Step,
  type TabularEngine,
  type TabularResult,
} from "@aml/core";
import { memoryStorage } from "@aml/core/memory";
import { local } from "@aml/local";
import { afterAll, afterEach } from "vitest";
import { createDuckDBEngine, type DuckDBEngineOptions } from "../src/index.ts";

export interface Harness {
  readonly folder: string;
  /** Writes files below the folder and gives them in this order. */
  files(contents: Readonly<Record<string, string | Uint8Array>>): Promise<FileRef[]>;
  /** The same files in a store that is not this machine's. */
  remote(contents: Readonly<Record<string, string | Uint8Array>>): Promise<FileRef[]>;
  engine(options?: DuckDBEngineOptions): TabularEngine;
  open(
    steps: readonly unknown[],
    files: readonly FileRef[],
    options?: DuckDBEngineOptions,
  ): Promise<TabularResult>;
  rows(steps: readonly unknown[], files: readonly FileRef[], options?: DuckDBEngineOptions): Promise<Row[]>;
}

export async function createHarness(): Promise<Harness> {
  const folder = await mkdtemp(join(tmpdir(), "aml-engine-test-"));
  const engines: TabularEngine[] = [];
  let shared: TabularEngine | undefined;
  afterEach(async () => {
    for (const engine of engines.splice(0)) await engine[Symbol.asyncDispose]();
    shared = undefined;
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const make = (options: DuckDBEngineOptions = {}): TabularEngine => {
    const engine = createDuckDBEngine(options);
    engines.push(engine);
    return engine;
  };
  let count = 0;
  const harness: Harness = {
    folder,
    async files(contents) {
      const root = join(folder, String((count += 1)));
      await mkdir(root, { recursive: true });
      const storage = local.open({ options: { path: root }, credential: { kind: "anonymous" } });
      const out: FileRef[] = [];
      for (const [name, content] of Object.entries(contents)) {
        await mkdir(dirname(join(root, name)), { recursive: true });
        await writeFile(join(root, name), content);
        const path = parseStorePath(name);
        out.push({
          uri: `${storage.uri}/${name}`,
          relativePath: name,
          stat: await storage.stat(path),
          storage,
        });
      }
      return out;
    },
    async remote(contents) {
      const storage = memoryStorage({ uri: `memory://store${(count += 1)}`, files: contents });
      const out: FileRef[] = [];
      for (const name of Object.keys(contents)) {
        const path = parseStorePath(name);
        out.push({
          uri: `${storage.uri}/${name}`,
          relativePath: name,
          stat: await storage.stat(path),
          storage,
        });
      }
      return out;
    },
    engine: make,
    open(steps, files, options) {
      const engine = options === undefined ? (shared ??= make()) : make(options);
      const plan = parsePlan({
        version: 1,
        source: { from: "paths", paths: [{ folder: "file:///x" }] },
        steps: steps as Step[],
      });
      return engine.open(plan, listed(files));
    },
    async rows(steps, files, options) {
      return allRows(await harness.open(steps, files, options));
    },
  };
  return harness;
}

export async function* listed(files: readonly FileRef[]): AsyncIterable<FileRef> {
  yield* files;
}

export async function allRows(table: TabularResult): Promise<Row[]> {
  const out: Row[] = [];
  for await (const batch of table.batches()) out.push(...batch);
  await table[Symbol.asyncDispose]();
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

export { stat };
