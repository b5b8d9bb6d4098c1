import { AmlError } from "./aml-error.ts";
import { bindParameters, type BoundStatement, type SqlDialect } from "./bind-parameters.ts";
import { bindPart, showPart } from "./bind-part.ts";
import { checkPartition } from "./key-ranges.ts";
import { mergeCursors } from "./merge-cursors.ts";
import type { SqlPart } from "./sql-part.ts";
import type { SqlPartition, SqlQueryOptions, SqlResult, SqlSource, SqlStatement } from "./sql-source.ts";
import { createSlots } from "./slots.ts";
import { supportOf } from "./statement-form.ts";
import { createSqlWatch, type SqlWatch } from "./sql-watch.ts";
import type { Column, Row, Schema } from "./table.ts";

/** What one kind of database does; `createSqlSource` does the rest. */
export interface SqlDriver {
  readonly type: string;
  readonly uri: string;
  readonly dialect: SqlDialect;
  /**
   * Starts a statement and resolves when its columns are known. When `signal` aborts it cancels what it has begun, on the
   * server too, and rejects with anything.
   */
  start(statement: BoundStatement, options: SqlStartOptions): Promise<SqlCursor>;
  /** Starts a statement in ranges, all of one snapshot, with equal columns. Absent where there is no such snapshot. */
  startRanges?(
    statement: BoundStatement,
    options: SqlStartOptions,
    partition: SqlPartition,
  ): Promise<readonly SqlCursor[]>;
  close(): Promise<void>;
}

export interface SqlStartOptions {
  readonly signal: AbortSignal;
  readonly batchRows: number;
  readonly timestamps: "date" | "text";
  /** A bound for the server's own clock; the caller's is kept by `createSqlSource`. */
  readonly timeoutMs?: number | undefined;
}

/** A running statement. One `read` at a time. */
export interface SqlCursor {
  readonly schema: Schema;
  /** The next batch, not empty; undefined when the result is complete, and then the connection is free again. */
  read(): Promise<readonly Row[] | undefined>;
  /**
   * Ends it early, also while a `read` is waiting, which then rejects: the server stops working on it, and the connection
   * is given back or closed. Never rejects. After the end, or a `read` that failed, it only cleans up.
   */
  cancel(): Promise<void>;
}

/**
 * Makes the face of a driver that the contract asks for: parameters, timeout, abort, early stop, one reading.
 *
 * It outlives a driver that does not answer: an abort and a timeout reject at once.
 */
export function createSqlSource(driver: SqlDriver): SqlSource {
  const { type, uri, dialect } = driver;
  // One after the other: two that each wait for the connections which the other has would wait for ever.
  const turns = createSlots(1);
  const start = async (
    statement: BoundStatement,
    options: SqlQueryOptions,
    signal: AbortSignal,
  ): Promise<SqlCursor> => {
    const { batchRows = 1000, timestamps = "date", timeoutMs, partitionOn } = options;
    const startOptions = { signal, batchRows, timestamps, timeoutMs };
    if (partitionOn === undefined) return driver.start(statement, startOptions);
    checkPartition(partitionOn);
    if (driver.startRanges === undefined) throw noRanges(uri);
    const leave = await turns.take(signal);
    try {
      return mergeCursors(await driver.startRanges(statement, startOptions, partitionOn));
    } finally {
      leave();
    }
  };
  const { parts } = dialect;
  const bind = (statement: SqlStatement): BoundStatement => {
    const bound = bindParameters(statement, dialect);
    if (statement.part === undefined) return bound;
    if (parts === undefined) throw noPart(uri, "this database runs queries whole only");
    const { takes, why } = supportOf(statement.text, { ...dialect, parts });
    const { columns, where = [] } = statement.part;
    const whole = takes === "nothing" || (takes === "window" && (columns !== undefined || where.length > 0));
    if (whole) throw noPart(uri, why ?? "");
    return bindPart(bound, statement.part, { ...dialect, parts }, takes === "window");
  };
  return Object.freeze<SqlSource>({
    contract: "aml.sql/1",
    type,
    uri,
    ...(parts && {
      parts: {
        support: (text: string) => supportOf(text, { ...dialect, parts }),
        comparisonOf: (column: Column) => parts.comparisonOf(column),
        shown: (text: string, part: SqlPart) => showPart(text, part, { ...dialect, parts }),
      },
    }),
    async query(statement: SqlStatement, options: SqlQueryOptions = {}): Promise<SqlResult> {
      options.signal?.throwIfAborted();
      checkBatchRows(options.batchRows);
      const bound = bind(statement);
      const watch = createSqlWatch(uri, options);
      try {
        const starting = start(bound, options, watch.signal);
        const cursor = await watch.within(starting, (late) => late.cancel());
        return createResult(cursor, watch);
      } catch (error) {
        watch.end();
        throw error;
      }
    },
    close: () => driver.close(),
  });
}

function createResult(cursor: SqlCursor, watch: SqlWatch): SqlResult {
  let state: "new" | "reading" | "over" = "new";
  const stop = async (): Promise<void> => {
    if (state === "over") return;
    state = "over";
    watch.end();
    await cursor.cancel();
  };
  // Also while no batch is asked for: the server must not work for nobody.
  watch.signal.addEventListener("abort", () => void stop(), { once: true });
  async function* batches(): AsyncGenerator<readonly Row[]> {
    watch.signal.throwIfAborted();
    if (state !== "new") {
      throw new AmlError("query_failed", "The result of a query is read once.", {
        operation: "query",
        hint: "Run the query again.",
      });
    }
    state = "reading";
    try {
      for (;;) {
        watch.signal.throwIfAborted();
        const rows = await watch.within(cursor.read());
        if (rows === undefined) {
          state = "over";
          watch.end();
          return;
        }
        yield rows;
      }
    } finally {
      await stop();
    }
  }
  return { schema: cursor.schema, batches: { [Symbol.asyncIterator]: batches }, [Symbol.asyncDispose]: stop };
}

function checkBatchRows(batchRows = 1000): void {
  if (Number.isInteger(batchRows) && batchRows >= 1) return;
  throw new AmlError("config_invalid", `A batch has at least 1 row, not ${batchRows}.`, {
    operation: "query",
  });
}

function noRanges(uri: string): AmlError {
  return new AmlError("unsupported", `${uri} has no snapshot that several connections can share.`, {
    operation: "query",
    hint: "Read without partitionOn.",
  });
}

function noPart(uri: string, why: string): AmlError {
  return new AmlError("unsupported", `${uri} gives no part of this query: ${why}.`, {
    operation: "query",
    hint: "Ask for the whole query.",
  });
}
