import { AmlError, isAmlError } from "@aml/core/adapter";
import type { BoundStatement, SqlCursor, SqlStartOptions } from "@aml/core/sql";
import type { Connection } from "mysql2";
import { checkStatement, tellsColumnsLate } from "./check-statement.ts";
import { command } from "./command.ts";
import { createCursor } from "./cursor.ts";
import { encodeValue } from "./encode-value.ts";
import { connectError, queryError } from "./errors.ts";
import type { Pool } from "./pool.ts";
import { execute, prepare } from "./prepare.ts";

export interface StartOptions extends SqlStartOptions {
  readonly zeroDates: "fail" | "null";
}

const READ_ONLY = "START TRANSACTION READ ONLY";

/** Starts a statement on a connection of its own, in a read-only transaction that is rolled back at its end. */
export async function start(
  pool: Pool,
  statement: BoundStatement,
  options: StartOptions,
): Promise<SqlCursor> {
  checkStatement(statement.text);
  const connection = await begin(pool, READ_ONLY, options.signal);
  return startOn(pool, connection, statement, options);
}

/** Takes a connection and begins a transaction there. One that was lost while nobody used it is replaced. */
export async function begin(pool: Pool, sql: string, signal: AbortSignal): Promise<Connection> {
  for (let tries = 0; ; tries += 1) {
    const connection = await pool.take(signal);
    try {
      await command(connection, "SET time_zone = '+00:00'");
      await command(connection, sql);
      return connection;
    } catch (error) {
      pool.drop(connection);
      const failure = connectError(error, pool.facts);
      if (tries === 5 || !isAmlError(failure, "unavailable")) throw failure;
    }
  }
}

/** Starts a statement in the transaction of a connection, which is then the cursor's. */
export async function startOn(
  pool: Pool,
  connection: Connection,
  statement: BoundStatement,
  options: StartOptions,
): Promise<SqlCursor> {
  const { signal } = options;
  // The driver waits for the server whatever happens here.
  const abort = (): void => void pool.kill(connection);
  signal.addEventListener("abort", abort, { once: true });
  try {
    signal.throwIfAborted();
    const { default: mysql } = await import("mysql2");
    const values = statement.values.map((value) => encodeValue(value, mysql.TypedParameter));
    const prepared = await prepare(connection, statement.text);
    if (prepared.columns === 0 && !tellsColumnsLate(statement.text)) throw givesNoRows();
    const running = execute(prepared, values);
    return await createCursor({ pool, connection, prepared, running, statement, options });
  } catch (error) {
    await pool.kill(connection);
    throw isAmlError(error) ? error : queryError(error, pool.facts, statement);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function givesNoRows(): AmlError {
  return new AmlError("unsupported", "The statement gives no rows, and datastores are read-only.", {
    operation: "query",
    hint: "Ask for rows with SELECT; change data with the database's own tools.",
  });
}
