import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Workspace } from "@aml/core";
import { memoryRegistry, memorySecrets } from "@aml/core/memory";
import { createWorkspace } from "@aml/core/workspace";
import { createDuckDBEngine, type DuckDBEngineOptions } from "@aml/engine-duckdb";
import { local } from "@aml/local";
import { DuckDBInstance, type DuckDBValue } from "@duckdb/node-api";

/** A folder, a workspace over it, and a DuckDB of the test's own. */
export interface Workbench {
  readonly folder: string;
  readonly workspace: Workspace;
  /** Runs SQL in the test's DuckDB, and gives its rows. */
  sql(text: string): Promise<DuckDBValue[][]>;
  /** Writes the rows of a SELECT as a Parquet file in the folder. */
  parquet(name: string, select: string, options?: string): Promise<string>;
}

export interface OpenWorkbench extends Workbench {
  close(): Promise<void>;
}

/** A workbench of any runtime. */
export async function openWorkbench(options: DuckDBEngineOptions = {}): Promise<OpenWorkbench> {
  const folder = await mkdtemp(join(tmpdir(), "aml-arrow-test-"));
  const workspace = createWorkspace({
    adapters: [local],
    registry: memoryRegistry(),
    secrets: memorySecrets(),
    engine: createDuckDBEngine(options),
    baseUri: `${pathToFileURL(folder).href}/`,
  });
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  const sql = async (text: string): Promise<DuckDBValue[][]> => (await connection.run(text)).getRows();
  return {
    folder,
    workspace,
    sql,
    async parquet(name, select, more = "") {
      await sql(`COPY (${select}) TO '${join(folder, name)}' (FORMAT parquet ${more})`);
      return join(folder, name);
    },
    async close() {
      await workspace[Symbol.asyncDispose]();
      connection.disconnectSync();
      instance.closeSync();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
