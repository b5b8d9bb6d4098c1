import { join } from "node:path";
import { AmlError, type ReadTableOptions, type TabularEngine, type TabularResult } from "@aml/core";
import { createGate, createStager, type Stager } from "@aml/staging";
import type { CsvShape } from "./csv-scan.ts";
import { pinDelta } from "./delta/pin-delta.ts";
import { explainTable } from "./explain-table.ts";
import { inferTable } from "./infer-table.ts";
import { createInstancePool } from "./instance-pool.ts";
import { openSql, statementNames } from "./open-sql.ts";
import { profileByFile } from "./profile-by-file.ts";
import { OPS, openColumns, openRows, openTable, type TableContext } from "./open-table.ts";
import { makeTemporaryFolder, removeTemporaryFolder } from "./temporary-folder.ts";

export interface DuckDBEngineOptions {
  /** Brings files onto this machine; stays the caller's to dispose of. */
  readonly stager?: Stager | undefined;
  /** Folder for a stager of the engine's own, when none is given; else one that is deleted with the engine. */
  readonly cacheFolder?: string | undefined;
  /** Memory of one table's DuckDB, e.g. `2GB`; beyond it DuckDB writes to disk. Its own default is 80 % of RAM. */
  readonly memoryLimit?: string | undefined;
  /** Disk of one table's DuckDB, beyond its memory, e.g. `20GB`. DuckDB's own default is 90 % of what is free. */
  readonly tempLimit?: string | undefined;
  /** Threads of one table's DuckDB; as many as there are cores unless given. */
  readonly threads?: number | undefined;
  /** Queries that run at the same time. Default 2: each holds one of the few threads that also serve files and DNS. */
  readonly maxRunning?: number | undefined;
  /**
   * What becomes of a value that cannot be converted, unless the reader says otherwise: `null` makes it null and counts
   * it, `fail` ends the query with `parse_failed`. Default `null`, as in MLTable.
   */
  readonly onError?: ReadTableOptions["onError"];
  /**
   * Hears, when all rows of `batches` were read or a file was encoded, how many values of each column became null and
   * where the first of them are; not called for none.
   */
  readonly onConversionErrors?: ReadTableOptions["onConversionErrors"];
}

/**
 * An engine for plans over delimited, JSON-lines and Parquet files, on DuckDB. Each table gets a DuckDB of its own that
 * can read that table's files and nothing else. Dispose of tables, and of the engine last; what is not disposed of leaves its
 * folder of temporary files with the end of the process.
 */
export function createDuckDBEngine(options: DuckDBEngineOptions = {}): TabularEngine {
  const gate = createGate(options.maxRunning ?? 2);
  const instances = createInstancePool({
    memoryLimit: options.memoryLimit,
    tempLimit: options.tempLimit,
    threads: options.threads,
  });
  const shapes = new Map<string, CsvShape>();
  const sparse = new Map<string, boolean>();
  const tables = new Set<TabularResult>();
  let disposed = false;
  let folder: Promise<string> | undefined;
  let ownStager: Stager | undefined;
  const workFolder = (): Promise<string> => (folder ??= makeTemporaryFolder("aml-engine-"));
  const stager = async (): Promise<Stager> => {
    if (options.stager !== undefined) return options.stager;
    return (ownStager ??= createStager({ folder: options.cacheFolder ?? join(await workFolder(), "cache") }));
  };
  const begin = async (own: ReadTableOptions = {}): Promise<TableContext> => {
    own.signal?.throwIfAborted();
    if (disposed) throw new AmlError("config_invalid", "The engine was disposed of already.");
    // DuckDB starts while files are listed and looked at.
    instances.prepare();
    return {
      stager: await stager(),
      gate,
      workFolder: await workFolder(),
      instances,
      shapes,
      sparse,
      compile: {
        onError: own.onError ?? options.onError ?? "null",
        seed: Math.floor(Math.random() * 2 ** 31),
      },
      onClose: (closed) => tables.delete(closed),
      onConversionErrors: own.onConversionErrors ?? options.onConversionErrors,
    };
  };
  const opened = async (
    own: ReadTableOptions | undefined,
    make: (context: TableContext) => Promise<TabularResult>,
  ): Promise<TabularResult> => {
    const table = await make(await begin(own));
    tables.add(table);
    instances.prepare();
    return table;
  };
  return Object.freeze<TabularEngine>({
    contract: "aml.engine/1",
    ops: OPS,
    open: (plan, files, own) => opened(own, (context) => openTable(plan, files, own?.signal, context)),
    openRows: (plan, rows, own) => opened(own, (context) => openRows(plan, rows, own?.signal, context)),
    openColumns: (plan, batches, own) =>
      opened(own, (context) => openColumns(plan, batches, own?.signal, context)),
    openSql: (text, named, own) => opened(own, (context) => openSql(text, named, own?.signal, context)),
    profileByFile: async (plan, files, given = {}) => profileByFile(plan, files, given, await begin(given)),
    explain: async (plan, source, own) => explainTable(plan, source, own ?? {}, await begin(own)),
    statementNames: async (text, names, own) => statementNames(text, names, own?.signal, await begin(own)),
    inferTypes: async (plan, files, { signal, ...own } = {}) =>
      inferTable(plan, files, { ...own, signal }, await begin({ signal })),
    pin: async (plan, files, own) => pinDelta(plan, files, { ...(await begin(own)), signal: own?.signal }),
    async [Symbol.asyncDispose]() {
      disposed = true;
      for (const table of tables) await table[Symbol.asyncDispose]();
      await instances.close();
      await ownStager?.[Symbol.asyncDispose]();
      if (folder !== undefined) await removeTemporaryFolder(await folder);
    },
  });
}
