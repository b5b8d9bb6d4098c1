import type { EventEmitter } from "node:events";
import { pauseBeneathTls } from "@aml/azure-auth";
import { AmlError, isAmlError, type Row } from "@aml/core/adapter";
import { columnNames, createRowBuilder, type BoundStatement, type SqlCursor } from "@aml/core/sql";
import type { Connection } from "mysql2";
import { readColumn, type Field, type ReadColumn } from "./columns.ts";
import { command } from "./command.ts";
import { queryError } from "./errors.ts";
import type { Pool } from "./pool.ts";
import type { Prepared } from "./prepare.ts";
import type { StartOptions } from "./start.ts";
import { watchServer } from "./watch-server.ts";

export interface CursorInput {
  readonly pool: Pool;
  readonly connection: Connection;
  readonly prepared: Prepared;
  readonly running: EventEmitter;
  readonly statement: BoundStatement;
  readonly options: StartOptions;
}

/** The driver's own; with TLS, the socket beneath is its parent. */
interface Socket extends EventEmitter {
  readonly _parent?: unknown;
}

/** Rows as arrays of what the wire has. */
type Raw = readonly unknown[];

/** The rows of a running statement; resolves when its columns are known. While two batches wait, the server does too. */
export async function createCursor(input: CursorInput): Promise<SqlCursor> {
  const { pool, connection, statement, options } = input;
  const source = listen(input);
  const fail = (error: unknown): AmlError =>
    isAmlError(error) ? error : queryError(error, pool.facts, statement);
  const fields = await source.fields.catch((error: unknown) => {
    throw fail(error);
  });
  const { columns, toRow } = readerOf(fields, options);
  return {
    schema: Object.freeze({ columns: Object.freeze(columns.map(({ column }) => column)) }),
    async read() {
      const rows = await source.next().catch((error: unknown) => {
        throw fail(error);
      });
      if (rows.length > 0) return rows.map(toRow);
      input.prepared.close();
      await giveBack(pool, connection);
      return undefined;
    },
    async cancel() {
      if (!source.stop(stopped())) await pool.kill(connection);
    },
  };
}

/** Ends the transaction of a connection that has nothing more to say, and gives it back. */
export async function giveBack(pool: Pool, connection: Connection): Promise<void> {
  try {
    await command(connection, "ROLLBACK");
    pool.release(connection);
  } catch {
    pool.drop(connection);
  }
}

interface RowSource {
  /** As the server tells them before the first row. */
  readonly fields: Promise<readonly Field[]>;
  /** Up to a batch of rows; none at the end. @throws what the server or the connection said. */
  next(): Promise<readonly Raw[]>;
  /** Ends the reading. @returns whether the end had come by itself. */
  stop(reason: unknown): boolean;
}

function listen({ pool, connection, running, options: { batchRows } }: CursorInput): RowSource {
  const { stream: socket } = connection as unknown as { readonly stream: Socket };
  const waiting: Raw[] = [];
  let received = 0;
  let paused = false;
  let ended: { readonly error?: unknown } | undefined;
  const lacks = (): boolean => waiting.length < batchRows && ended === undefined;
  let wake: (() => void) | undefined;
  let refuseFields: ((error: unknown) => void) | undefined;
  const end = (result: { readonly error?: unknown }): void => {
    ended ??= result;
    if ("error" in ended) refuseFields?.(ended.error);
    socket.off("close", onLost);
    connection.off("error", onError);
    wake?.();
  };
  const onError = (error: unknown): void => end({ error });
  const onLost = (): void =>
    onError(Object.assign(new Error("the server has closed it"), { code: "ECONNRESET" }));
  const pause = (wanted: boolean): void => {
    if (paused === wanted || ended !== undefined) return;
    paused = wanted;
    if (wanted) connection.pause();
    pauseBeneathTls(socket._parent, wanted);
    // Gives rows that wait in the driver, and with them may be paused again.
    if (!wanted) connection.resume();
  };
  const filled = async (): Promise<void> => {
    while (lacks()) await settled();
  };
  const settled = async (): Promise<void> => new Promise((resolve) => (wake = resolve));
  // Not the connection's own "end": with a reset, some runtimes never tell it.
  socket.once("close", onLost);
  connection.once("error", onError);
  running.once("error", onError);
  running.once("end", () => end({}));
  running.on("result", (row: Raw) => {
    waiting.push(row);
    received += 1;
    if (waiting.length >= 2 * batchRows) pause(true);
    wake?.();
  });
  const fields = new Promise<readonly Field[]>((resolve, reject) => {
    refuseFields = reject;
    running.once("fields", (found: readonly Field[] | undefined) => {
      if (found === undefined) return reject(noRows());
      resolve(found.map(pick));
      for (const field of found) asBytes(field);
    });
  });
  return {
    fields,
    async next() {
      if (lacks()) await watchServer(pool, connection, () => received, onLost, filled);
      if (ended !== undefined && "error" in ended) throw ended.error;
      const rows = waiting.splice(0, batchRows);
      if (waiting.length < batchRows) pause(false);
      return rows;
    },
    stop(reason) {
      const complete = ended !== undefined && !("error" in ended) && waiting.length === 0;
      ended = complete ? ended : { error: reason };
      end({ error: reason });
      return complete;
    },
  };
}

function pick(field: Field): Field {
  const { name, columnType, flags, columnLength, decimals, characterSet, extendedFormat, orgTable } = field;
  return { name, columnType, flags, columnLength, decimals, characterSet, extendedFormat, orgTable };
}

/** Types that the driver would decode: as text, whatever their bytes are, or as an object. */
const DECODED: ReadonlySet<number> = new Set([16, 242, 255]);

/** The driver makes its reader of rows from these very fields: as a blob, the bytes come through as they are. */
function asBytes(field: { columnType: number; characterSet: number }): void {
  if (DECODED.has(field.columnType)) Object.assign(field, { columnType: 252, characterSet: 63 });
}

function readerOf(
  fields: readonly Field[],
  options: StartOptions,
): { readonly columns: readonly ReadColumn[]; readonly toRow: (raw: Raw) => Row } {
  const names = columnNames(fields.map(({ name }) => name));
  const columns = fields.map((field, at) => readColumn(field, names[at] ?? field.name, options));
  const build = createRowBuilder(names);
  const converts = columns.map(({ convert }) => convert);
  const toRow = (raw: Raw): Row =>
    build((at) => {
      const value = raw[at];
      return value === null || value === undefined ? null : (converts[at]?.(value) ?? null);
    });
  return { columns, toRow };
}

function noRows(): AmlError {
  return new AmlError("unsupported", "The statement gave no rows.", {
    operation: "query",
    hint: "Ask for rows with SELECT.",
  });
}

function stopped(): AmlError {
  return new AmlError("query_failed", "The query was stopped.", { operation: "query" });
}
