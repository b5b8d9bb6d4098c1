import { setTimeout as delay } from "node:timers/promises";
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from "kysely";
import type { CompiledQuery, DatabaseConnection, Dialect, Driver, QueryResult } from "kysely";
import { isBusy, toAmlError } from "./sqlite-errors.ts";

export interface NodeSqliteDialectOptions {
  readonly database: DatabaseSync;
  /** Names the database in errors. */
  readonly file: string;
  /** How long to wait for another writer. */
  readonly busyTimeoutMs: number;
}

/** Lets Kysely use `node:sqlite`. A transaction takes the write lock at its start, so it never fails half-way. */
export function nodeSqliteDialect(options: NodeSqliteDialectOptions): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => createDriver(options),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

/**
 * Runs a statement, trying again while another process or connection holds the lock.
 *
 * SQLite's own `busy_timeout` blocks the thread. It is set to a moment only, because the holder of the lock may be
 * another connection of this very thread, which must get a turn to finish.
 *
 * @throws `unavailable` when the lock is not free in time; otherwise what SQLite reports, as an `AmlError`.
 */
export async function whenFree<T>(options: NodeSqliteDialectOptions, run: () => T): Promise<T> {
  const deadline = performance.now() + options.busyTimeoutMs;
  for (;;) {
    try {
      return run();
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw toAmlError(error, options.file);
    }
    await delay(1 + Math.random() * 9);
  }
}

function createDriver(options: NodeSqliteDialectOptions): Driver {
  const { database } = options;
  async function* streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await connection.executeQuery<R>(query);
  }
  const connection: DatabaseConnection = {
    async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
      const parameters = query.parameters as readonly SQLInputValue[];
      const rows = await whenFree(options, () => database.prepare(query.sql).all(...parameters));
      return { rows: rows as R[] };
    },
    streamQuery,
  };
  // Not `database.exec`: Deno's gives no result code.
  const command = (sql: string) => async (): Promise<void> => {
    await whenFree(options, () => database.prepare(sql).all());
  };
  const rollback = command("rollback");
  return {
    async init() {},
    acquireConnection: async () => connection,
    beginTransaction: command("begin immediate"),
    commitTransaction: command("commit"),
    async rollbackTransaction() {
      // A full disk, for one, makes SQLite roll back by itself; a second time would hide that error.
      if (database.isTransaction) await rollback();
    },
    async releaseConnection() {},
    async destroy() {
      database.close();
    },
  };
}
