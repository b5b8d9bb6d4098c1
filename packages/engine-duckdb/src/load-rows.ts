import { randomUUID } from "node:crypto";
import { DuckDBDataChunk, type DuckDBConnection } from "@duckdb/node-api";
import duckdb from "@duckdb/node-bindings";
import type { Row, SqlResult } from "@aml/core";
import { toAmlError } from "./errors.ts";
import type { RowTable } from "./inspected.ts";
import { rowColumn, type RowColumn } from "./row-columns.ts";
import type { Scope } from "./scope.ts";
import { quoteIdentifier } from "./sql-text.ts";
import { CHUNK_ROWS } from "./write-vector.ts";

/** Takes all rows into a table of the scope's DuckDB, which moves to disk what its memory does not hold. */
export async function loadRows(
  rows: SqlResult,
  scope: Scope,
  signal: AbortSignal | undefined,
  onTable: (table: string) => void,
): Promise<Pick<RowTable, "table" | "columns">> {
  const table = `rows ${randomUUID()}`;
  const columns = rows.schema.columns.map(rowColumn);
  const stored = columns.map(({ storedType }, at) => `c${at} ${storedType.toString()}`);
  // A table has at least one column.
  const list = stored.join(", ") || "nothing BOOLEAN";
  await scope.run(`CREATE TABLE ${quoteIdentifier(table)} (${list})`, signal);
  onTable(table);
  const connection = await scope.connect();
  try {
    await append(connection, table, columns, rows.batches, signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw toAmlError(error, scope.origins());
  } finally {
    await scope.disconnect(connection);
  }
  return {
    table,
    columns: columns.map(({ name, sqlType }, at) => {
      const type = sqlType();
      const cast = type.startsWith("DECIMAL") || type === "JSON";
      return { name, sqlType: type, value: cast ? `c${at}::${type}` : `c${at}` };
    }),
  };
}

async function append(
  connection: DuckDBConnection,
  table: string,
  columns: readonly RowColumn[],
  batches: AsyncIterable<readonly Row[]>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const appender = await connection.createAppender(table);
  const types = columns.map(({ storedType }) => storedType);
  try {
    for await (const batch of batches) {
      for (let from = 0; from < batch.length; from += CHUNK_ROWS) {
        signal?.throwIfAborted();
        const count = Math.min(CHUNK_ROWS, batch.length - from);
        const { chunk } = DuckDBDataChunk.create(types, count);
        for (const [at, column] of columns.entries())
          column.write(batch, from, count, duckdb.data_chunk_get_vector(chunk, at));
        appender.appendDataChunk(new DuckDBDataChunk(chunk));
      }
    }
  } finally {
    appender.closeSync();
  }
}
