import { basename, dirname } from "node:path";
import { parseStorePath, type FileRef, type TabularEngine, type TabularResult } from "@aml/core";
import { parsePlan } from "@aml/core/plan";
import { createDuckDBEngine } from "@aml/engine-duckdb";
import { local } from "@aml/local";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";

/** Both sides of a comparison of tables: our engine, and DuckDB on its own, with the same threads and memory. */
export interface TableSession {
  readonly connection: DuckDBConnection;
  readonly engine: TabularEngine;
  /** Opens a plan of these steps over one file; with the session's engine, unless another is given. */
  open(path: string, steps: readonly unknown[], engine?: TabularEngine): Promise<TabularResult>;
  close(): Promise<void>;
}

export async function openTableSession(): Promise<TableSession> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const engine = createDuckDBEngine();
  return {
    connection,
    engine,
    async open(path, steps, given = engine) {
      const plan = parsePlan({
        version: 1,
        source: { from: "paths", paths: [{ file: `file://${path}` }] },
        steps,
      });
      return given.open(plan, listed(await fileRef(path)));
    },
    async close() {
      await engine[Symbol.asyncDispose]();
      connection.disconnectSync();
      instance.closeSync();
    },
  };
}

async function fileRef(path: string): Promise<FileRef> {
  const storage = local.open({ options: { path: dirname(path) }, credential: { kind: "anonymous" } });
  const name = basename(path);
  const stat = await storage.stat(parseStorePath(name));
  return { uri: `${storage.uri}/${name}`, relativePath: name, stat, storage };
}

async function* listed(file: FileRef): AsyncIterable<FileRef> {
  yield file;
}

/** All rows of a table, counted, and the table disposed of. */
export async function drain(table: TabularResult): Promise<number> {
  let rows = 0;
  for await (const batch of table.batches()) rows += batch.length;
  await table[Symbol.asyncDispose]();
  return rows;
}

/** The query that a plan compiles to, for DuckDB to run on its own. */
export async function compiledSql(
  session: TableSession,
  path: string,
  steps: readonly unknown[],
): Promise<string> {
  const table = await session.open(path, steps);
  const { uri } = await fileRef(path);
  await table[Symbol.asyncDispose]();
  return table.sql.replaceAll(uri, path);
}

/** The one row of a query, as JSON can hold it. */
export async function firstRows(connection: DuckDBConnection, sql: string): Promise<unknown> {
  return (await connection.runAndReadAll(sql)).getRowObjectsJson();
}
