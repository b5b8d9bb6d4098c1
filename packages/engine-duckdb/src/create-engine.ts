import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  AmlError,
  type FileRef,
  type OperationOptions,
  type TabularEngine,
  type TabularPlan,
  type TabularResult,
} from "@aml/core";
import { createGate, createStager, type Stager } from "@aml/staging";
import type { CsvShape } from "./csv-scan.ts";
import { createInstancePool } from "./instance-pool.ts";
import { OPS, openTable } from "./open-table.ts";
import type { ConversionErrors } from "./stream-rows.ts";

export interface DuckDBEngineOptions {
  /** Brings files onto this machine; stays the caller's to dispose of. */
  readonly stager?: Stager | undefined;
  /** Folder for a stager of the engine's own, when none is given; else one that is deleted with the engine. */
  readonly cacheFolder?: string | undefined;
  /** Memory of one table's DuckDB, e.g. `2GB`; beyond it DuckDB writes to disk. Its own default is 80 % of RAM. */
  readonly memoryLimit?: string | undefined;
  /** Threads of one table's DuckDB; as many as there are cores unless given. */
  readonly threads?: number | undefined;
  /** Queries that run at the same time. Default 2: each holds one of the few threads that also serve files and DNS. */
  readonly maxRunning?: number | undefined;
  /**
   * What becomes of a value that cannot be converted: `null` makes it null and counts it, `fail` ends the query with
   * `parse_failed`. Default `null`, as in MLTable.
   */
  readonly onError?: "null" | "fail" | undefined;
  /** Hears, when all rows of `batches` were read, how many values of each column became null; not called for none. */
  readonly onConversionErrors?: ((errors: ConversionErrors) => void) | undefined;
}

/**
 * An engine for plans over delimited, JSON-lines and Parquet files, on DuckDB. Each table gets a DuckDB of its own that
 * can read that table's files and nothing else. Dispose of tables, and of the engine last.
 */
export function createDuckDBEngine(options: DuckDBEngineOptions = {}): TabularEngine {
  const gate = createGate(options.maxRunning ?? 2);
  const instances = createInstancePool({ memoryLimit: options.memoryLimit, threads: options.threads });
  const shapes = new Map<string, CsvShape>();
  const tables = new Set<TabularResult>();
  let disposed = false;
  let folder: Promise<string> | undefined;
  let ownStager: Stager | undefined;
  const workFolder = (): Promise<string> => (folder ??= mkdtemp(join(tmpdir(), "aml-engine-")));
  const stager = async (): Promise<Stager> => {
    if (options.stager !== undefined) return options.stager;
    return (ownStager ??= createStager({ folder: options.cacheFolder ?? join(await workFolder(), "cache") }));
  };
  const open = async (
    plan: TabularPlan,
    files: AsyncIterable<FileRef>,
    { signal }: OperationOptions = {},
  ): Promise<TabularResult> => {
    signal?.throwIfAborted();
    if (disposed) throw new AmlError("config_invalid", "The engine was disposed of already.");
    const table = await openTable(plan, files, signal, {
      stager: await stager(),
      gate,
      workFolder: await workFolder(),
      instances,
      shapes,
      compile: { onError: options.onError ?? "null", seed: Math.floor(Math.random() * 2 ** 31) },
      onClose: (closed) => tables.delete(closed),
      onConversionErrors: reportErrors(options.onConversionErrors),
    });
    tables.add(table);
    instances.prepare();
    return table;
  };
  return Object.freeze<TabularEngine>({
    contract: "aml.engine/1",
    ops: OPS,
    open,
    async [Symbol.asyncDispose]() {
      disposed = true;
      for (const table of tables) await table[Symbol.asyncDispose]();
      await instances.close();
      await ownStager?.[Symbol.asyncDispose]();
      if (folder !== undefined) await rm(await folder, { recursive: true, force: true });
    },
  });
}

function reportErrors(
  report: ((errors: ConversionErrors) => void) | undefined,
): ((errors: ConversionErrors) => void) | undefined {
  return report && ((errors) => (errors.size > 0 ? report(errors) : undefined));
}
