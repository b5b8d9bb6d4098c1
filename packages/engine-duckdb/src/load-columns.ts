import { randomUUID } from "node:crypto";
import { AmlError, type ArrowField, type ColumnBatch } from "@aml/core";
import { DuckDBDataChunk, type DuckDBConnection } from "@duckdb/node-api";
import duckdb from "@duckdb/node-bindings";
import { columnWriter, duckDBType } from "./arrow-columns.ts";
import { nanosecondInstantLeaves } from "./arrow-type.ts";
import { toAmlError } from "./errors.ts";
import type { RowTable } from "./inspected.ts";
import type { Scope } from "./scope.ts";
import { quoteIdentifier } from "./sql-text.ts";
import { CHUNK_ROWS } from "./write-vector.ts";

/**
 * Takes all batches into a table of the scope's DuckDB, in their exact types.
 *
 * @throws `schema_mismatch` for no batch, batches that differ, and a name twice; `parse_failed` for text that is not UTF-8,
 * and for times that DuckDB does not hold.
 */
export async function loadColumns(
  batches: AsyncIterable<ColumnBatch>,
  scope: Scope,
  signal: AbortSignal | undefined,
  onTable: (table: string) => void,
): Promise<Pick<RowTable, "table" | "columns">> {
  const table = `columns ${randomUUID()}`;
  let fields: readonly ArrowField[] | undefined;
  let connection: DuckDBConnection | undefined;
  let appender: Awaited<ReturnType<DuckDBConnection["createAppender"]>> | undefined;
  try {
    for await (const batch of batches) {
      signal?.throwIfAborted();
      if (fields === undefined) {
        fields = batch.fields;
        checkNames(fields);
        const list = fields.map(({ type }, at) => `c${at} ${duckDBType(type).toString()}`);
        await scope.run(`CREATE TABLE ${quoteIdentifier(table)} (${list.join(", ")})`, signal);
        onTable(table);
        connection = await scope.connect();
        appender = await connection.createAppender(table);
      } else if (JSON.stringify(fields) !== JSON.stringify(batch.fields)) throw differing();
      if (batch.rowCount === 0) continue;
      if (batch.columns.some(({ length }) => length < batch.rowCount)) throw differing();
      const types = fields.map(({ type }) => duckDBType(type));
      const writers = fields.map(({ name, type }, at) => columnWriter(name, type, batch.columns[at]));
      for (let from = 0; from < batch.rowCount; from += CHUNK_ROWS) {
        signal?.throwIfAborted();
        const count = Math.min(CHUNK_ROWS, batch.rowCount - from);
        const { chunk } = DuckDBDataChunk.create(types, count);
        for (const [at, write] of writers.entries())
          write(duckdb.data_chunk_get_vector(chunk, at), from, count);
        appender?.appendDataChunk(new DuckDBDataChunk(chunk));
      }
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw toAmlError(error, scope.origins());
  } finally {
    appender?.closeSync();
    if (connection !== undefined) await scope.disconnect(connection);
  }
  if (fields === undefined) throw noBatch();
  return {
    table,
    columns: fields.map(({ name, type }, at) => {
      const arrowType = nanosecondInstantLeaves(type).includes(true) ? type : undefined;
      return { name, sqlType: duckDBType(type).toString(), value: `c${at}`, arrowType };
    }),
  };
}

function checkNames(fields: readonly ArrowField[]): void {
  const names = fields.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) < at);
  if (names.length > 0 && twice === undefined) return;
  throw new AmlError(
    "schema_mismatch",
    twice === undefined ? "The batches have no columns." : `The batches have column ${twice} twice.`,
    { hint: "Give each column a name of its own.", context: { columns: names } },
  );
}

function differing(): AmlError {
  return new AmlError("schema_mismatch", "A batch has other columns or types than the first.", {
    hint: "Make tables of them one by one.",
  });
}

function noBatch(): AmlError {
  return new AmlError("schema_mismatch", "There is no batch, so that nothing tells the columns.", {
    hint: "Give a batch of no rows for a table without rows.",
  });
}
