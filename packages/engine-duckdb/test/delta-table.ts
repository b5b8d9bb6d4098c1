import { mkdir, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { parseStorePath, type FileRef, type Row, type StorageAdapter } from "@aml/core";
import { memoryStorage } from "@aml/core/memory";

/** Parquet made by a DuckDB of the test's own. */
export async function parquet(folder: string, select: string, options = ""): Promise<Buffer> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const path = join(folder, `made-${Math.random()}.parquet`);
  await mkdir(dirname(path), { recursive: true });
  await connection.run(`SET TimeZone = 'UTC'; COPY (${select}) TO '${path}' (FORMAT parquet ${options})`);
  connection.disconnectSync();
  instance.closeSync();
  const bytes = await readFile(path);
  await rm(path);
  return bytes;
}

export const commit = (version: number): string => `t/_delta_log/${String(version).padStart(20, "0")}.json`;
export const lines = (...actions: readonly object[]): string =>
  actions.map((one) => `${JSON.stringify(one)}\n`).join("");

export const protocol = (features: readonly string[] = []): object => ({
  protocol:
    features.length === 0
      ? { minReaderVersion: 1, minWriterVersion: 2 }
      : { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: features, writerFeatures: features },
});

export const field = (name: string, type: unknown, metadata: object = {}): object => {
  return { name, type, nullable: true, metadata };
};

export function metaData(
  fields: readonly object[],
  partitionColumns: readonly string[] = [],
  configuration: Readonly<Record<string, string>> = {},
): object {
  const schemaString = JSON.stringify({ type: "struct", fields });
  const format = { provider: "parquet", options: {} };
  return { metaData: { id: "a", format, schemaString, partitionColumns, configuration } };
}

export function add(path: string, bytes: Uint8Array, more: object = {}): object {
  const base = { path, partitionValues: {}, size: bytes.length, modificationTime: 0, dataChange: true };
  return { add: { ...base, ...more } };
}

/** A store with the table in folder `t`, and what was read of it. */
export function deltaStore(
  files: Readonly<Record<string, string | Uint8Array>>,
  now?: () => number,
): { readonly storage: StorageAdapter; log(): Promise<FileRef[]> } {
  const storage = memoryStorage({ uri: `memory://d${Math.random()}`, files, ...(now ? { now } : {}) });
  return {
    storage,
    async log() {
      const out: FileRef[] = [];
      for await (const stat of storage.list(parseStorePath("t/_delta_log"), { recursive: true })) {
        out.push({ uri: `${storage.uri}/${stat.path}`, relativePath: stat.path, stat, storage });
      }
      return out;
    },
  };
}

export const values = (rows: readonly Row[], name: string): unknown[] => rows.map((row) => row[name]);
