import type { EventEmitter } from "node:events";
import { pauseBeneathTls } from "@aml/azure-auth";
import { AmlError, isAmlError, type Column, type Row } from "@aml/core/adapter";
import { columnNames, type BoundStatement, type SqlCursor } from "@aml/core/sql";
import type { Connection } from "mysql2";
import { readColumn, type Field } from "./columns.ts";
import { command } from "./command.ts";
import { queryError } from "./errors.ts";
import type { Pool } from "./pool.ts";
import type { Execution, Prepared } from "./prepare.ts";
import { createHeldRows } from "./held-rows.ts";
import { createRowReader, type Packet } from "./read-row.ts";
import type { StartOptions } from "./start.ts";
import { watchServer } from "./watch-server.ts";

export interface CursorInput {
  readonly pool: Pool;
  readonly connection: Connection;
  readonly prepared: Prepared;
  readonly running: Execution;
  readonly statement: BoundStatement;
  readonly options: StartOptions;
}

/** The driver's own; with TLS, the socket beneath is its parent. */
interface Socket extends EventEmitter {
  pause(): void;
  resume(): void;
  readonly _parent?: unknown;
}

/** The rows of a running statement; resolves when its columns are known. While a batch waits, the server does too. */
export async function createCursor(input: CursorInput): Promise<SqlCursor> {
  const { pool, connection, statement } = input;
  const source = listen(input);
  const fail = (error: unknown): AmlError =>
    isAmlError(error) ? error : queryError(error, pool.facts, statement);
  const columns = await source.columns.catch((error: unknown) => {
    throw fail(error);
  });
  return {
    schema: Object.freeze({ columns: Object.freeze(columns) }),
    async read() {
      const rows = await source.next().catch((error: unknown) => {
        throw fail(error);
      });
      if (rows.length > 0) return rows;
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
  readonly columns: Promise<readonly Column[]>;
  /** Up to a batch of rows; none at the end. @throws what the server or the connection said, and what a value cannot be. */
  next(): Promise<readonly Row[]>;
  /** Ends the reading. @returns whether the end had come by itself. */
  stop(reason: unknown): boolean;
}

function listen({ pool, connection, running, options }: CursorInput): RowSource {
  const { batchRows } = options;
  const { stream: socket } = connection as unknown as { readonly stream: Socket };
  const held = createHeldRows();
  let toRow: ((packet: Packet) => Row) | undefined;
  let received = 0;
  let paused = false;
  let ended: { readonly error?: unknown } | undefined;
  const lacks = (): boolean => held.count < batchRows && ended === undefined;
  let wake: (() => void) | undefined;
  let refuseColumns: ((error: unknown) => void) | undefined;
  const end = (result: { readonly error?: unknown }): void => {
    ended ??= result;
    if ("error" in ended) refuseColumns?.(ended.error);
    socket.off("close", onLost);
    connection.off("error", onError);
    wake?.();
  };
  const onError = (error: unknown): void => end({ error });
  const onLost = (): void =>
    onError(Object.assign(new Error("the server has closed it"), { code: "ECONNRESET" }));
  // Not the driver's own pausing: that copies the rows that are left of what the socket gave, one by one.
  const pause = (wanted: boolean): void => {
    if (paused === wanted || ended !== undefined) return;
    paused = wanted;
    if (wanted) socket.pause();
    pauseBeneathTls(socket._parent, wanted);
    if (!wanted) socket.resume();
  };
  const filled = async (): Promise<void> => {
    while (lacks()) await settled();
  };
  const settled = async (): Promise<void> => new Promise((resolve) => (wake = resolve));
  // Not the connection's own "end": with a reset, some runtimes never tell it.
  socket.once("close", onLost);
  connection.once("error", onError);
  running.once("error", onError);
  running.once("end", () => {
    // The connection is for others.
    pause(false);
    end({});
  });
  const onRow = (packet: Packet): void => {
    received += 1;
    if (ended !== undefined) return;
    held.push(packet);
    if (lacks()) return;
    pause(true);
    wake?.();
  };
  running.buildParserFromFields = () =>
    class {
      next(packet: Packet): void {
        onRow(packet);
      }
    };
  running.on("result", (row: unknown) => {
    if (row !== undefined) onError(foreignRows());
  });
  const columns = new Promise<readonly Column[]>((resolve, reject) => {
    refuseColumns = reject;
    running.once("fields", (found: readonly Field[] | undefined) => {
      if (found === undefined) return reject(noRows());
      const names = columnNames(found.map(({ name }) => name));
      const read = found.map((field, at) => readColumn(field, names[at] ?? field.name, options));
      toRow = createRowReader(found, read);
      resolve(read.map(({ column }) => column));
    });
  });
  return {
    columns,
    async next() {
      if (lacks()) await watchServer(pool, connection, () => received, onLost, filled);
      if (ended !== undefined && "error" in ended) throw ended.error;
      const rows: Row[] = [];
      // There are none before their columns are known.
      const read = toRow as (packet: Packet) => Row;
      while (rows.length < batchRows && held.count > 0) rows.push(read(held.take()));
      if (lacks()) pause(false);
      return rows;
    },
    stop(reason) {
      const complete = ended !== undefined && !("error" in ended) && held.count === 0;
      ended = complete ? ended : { error: reason };
      end({ error: reason });
      return complete;
    },
  };
}

function noRows(): AmlError {
  return new AmlError("unsupported", "The statement gave no rows.", {
    operation: "query",
    hint: "Ask for rows with SELECT.",
  });
}

function foreignRows(): AmlError {
  return new AmlError("internal", "This release of mysql2 reads rows in a way of its own.", {
    operation: "query",
    hint: "Install mysql2 3.24.",
  });
}

function stopped(): AmlError {
  return new AmlError("query_failed", "The query was stopped.", { operation: "query" });
}
