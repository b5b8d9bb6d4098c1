import type { ArrowField, ColumnBatch } from "@aml/core";
import duckdb from "@duckdb/node-bindings";
import { arrowColumn } from "./arrow-type.ts";
import { streamChunks, type StreamOptions } from "./stream-chunks.ts";
import { createVectorBuilder } from "./vector-builder.ts";

const BATCH_ROWS = 65_536;
const BATCH_BYTES = 64 * 2 ** 20;

/** The rows of a query whose columns are in the types of `arrowValue`, by column. */
export async function* streamColumnBatches(options: StreamOptions): AsyncGenerator<ColumnBatch> {
  const fields = options.query.columns.map((column): ArrowField => {
    const { name, nullable } = column;
    return Object.freeze({ name, type: arrowColumn(column).type, nullable });
  });
  const builders = fields.map(({ type }) => createVectorBuilder(type));
  let rowCount = 0;
  const take = (): ColumnBatch => {
    const batch = { fields, rowCount, columns: builders.map((builder) => builder.take()) };
    rowCount = 0;
    return batch;
  };
  let given = false;
  for await (const { chunk, from, count } of streamChunks(options)) {
    for (const [at, builder] of builders.entries())
      builder.append(duckdb.data_chunk_get_vector(chunk.chunk, at), from, count - from);
    rowCount += count - from;
    const bytes = builders.reduce((sum, builder) => sum + builder.bytes(), 0);
    if (rowCount < BATCH_ROWS && bytes < BATCH_BYTES) continue;
    given = true;
    yield take();
  }
  if (rowCount > 0 || !given) yield take();
}
