import { AmlError } from "./aml-error.ts";
import type { ColumnBatch } from "./column-batch.ts";
import type { OverwriteOptions, WriteRowsOptions } from "./dataset.ts";
import { encodeLazily } from "./encode-lazily.ts";
import type { TabularEngine, TableFormat, TabularResult } from "./engine.ts";
import { hasGlob } from "./glob.ts";
import { checkRow, schemaOfRows } from "./rows-schema.ts";
import type { SqlResult } from "./sql-source.ts";
import type { OperationOptions } from "./storage.ts";
import { joinStorePath } from "./store-path.ts";
import type { Row, Schema } from "./table.ts";
import type { Workspace } from "./workspace.ts";
import { writeFile } from "./write-file.ts";

/** What is written needs of its workspace. */
export interface WriteContext extends Pick<Workspace, "locate"> {
  engine(): Promise<TabularEngine>;
}

const BATCH = 2048;
const NO_PLAN = {
  version: 1,
  source: { from: "query", datastore: "rows", query: "rows" },
  steps: [],
} as const;

/** Writes rows as Parquet into a new folder below `target`. @returns the folder's URI. */
export async function writeRows(
  rows: Iterable<Row> | AsyncIterable<Row>,
  target: string,
  { schema, signal }: WriteRowsOptions,
  context: WriteContext,
): Promise<string> {
  const engine = await context.engine();
  const { openRows } = engine;
  if (openRows === undefined) {
    throw new AmlError("unsupported", "The table engine of this workspace takes no rows.", {
      hint: "Use an engine that has openRows, e.g. that of @aml/engine-duckdb.",
    });
  }
  const known = schema === undefined ? await knowRows(rows, signal) : { rows, schema };
  const result: SqlResult = {
    schema: known.schema,
    batches: inBatches(known.rows, known.schema, signal),
    async [Symbol.asyncDispose]() {},
  };
  // Before the first byte is sent: what is wrong with the rows leaves nothing behind.
  return writeTable(await openRows.call(engine, NO_PLAN, result, { signal }), target, signal, context);
}

/** Writes columns as Parquet into a new folder below `target`. @returns the folder's URI. */
export async function writeColumns(
  batches: AsyncIterable<ColumnBatch>,
  target: string,
  { signal }: OperationOptions,
  context: WriteContext,
): Promise<string> {
  const engine = await context.engine();
  const { openColumns } = engine;
  if (openColumns === undefined) {
    throw new AmlError("unsupported", "The table engine of this workspace takes no columns.", {
      hint: "Use an engine that has openColumns, e.g. that of @aml/engine-duckdb.",
    });
  }
  return writeTable(await openColumns.call(engine, NO_PLAN, batches, { signal }), target, signal, context);
}

async function writeTable(
  table: TabularResult,
  target: string,
  signal: AbortSignal | undefined,
  context: WriteContext,
): Promise<string> {
  const folder = `${target.replace(/\/$/, "")}/${crypto.randomUUID()}/`;
  const body = encodeLazily(() => Promise.resolve(table), "parquet", { signal });
  try {
    await writePart(folder, "parquet", body, { signal }, context);
  } finally {
    await table[Symbol.asyncDispose]();
  }
  return folder;
}

/** Writes a table as the one file of a folder. @returns the file's URI. */
export async function writePart(
  folder: string,
  format: TableFormat,
  body: ReadableStream<Uint8Array>,
  options: OverwriteOptions,
  { locate }: WriteContext,
): Promise<string> {
  const { storage, path, uriOf } = await locate(folder, options);
  if (hasGlob(path)) {
    throw new AmlError("path_invalid", `${folder} does not name one folder to write to.`, {
      operation: "write",
      hint: "Give a folder; its files are named part-00000 and so on.",
    });
  }
  const file = joinStorePath(path, `part-00000.${format}`);
  await writeFile(storage, file, body, options);
  return uriOf(file);
}

/** Rows and what they are made of: taken in whole, since the last one may change a type. */
async function knowRows(
  rows: Iterable<Row> | AsyncIterable<Row>,
  signal: AbortSignal | undefined,
): Promise<{ readonly rows: readonly Row[]; readonly schema: Schema }> {
  const all: Row[] = [];
  for await (const row of rows) {
    signal?.throwIfAborted();
    all.push(row);
  }
  return { rows: all, schema: schemaOfRows(all) };
}

async function* inBatches(
  rows: Iterable<Row> | AsyncIterable<Row>,
  schema: Schema,
  signal: AbortSignal | undefined,
): AsyncIterable<readonly Row[]> {
  let batch: Row[] = [];
  let index = 0;
  for await (const row of rows) {
    signal?.throwIfAborted();
    batch.push(checkRow(row, index++, schema));
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
