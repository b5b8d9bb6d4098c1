import { mkdtemp, readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import type { DuckDBConnection, DuckDBInstance, DuckDBMaterializedResult } from "@duckdb/node-api";
import { toAmlError, type Origins } from "./errors.ts";
import type { Gate } from "@aml/staging";
import { endLocked, type InstancePool } from "./instance-pool.ts";
import { escapeGlob, quoteList, quoteText } from "./sql-text.ts";
import { endQuery } from "./start-query.ts";

export interface ScopeOptions {
  readonly parentFolder: string;
  readonly instances: InstancePool;
  readonly gate: Gate;
}

/** A table of one row and one column, `done`, that is true: behind the rows of a query it says that they are all. */
export const SENTINEL = '"end of rows"';

/** The setting of a connection that may still be changed when all else is locked: how far a stream reads ahead. */
export const READ_AHEAD = "streaming_buffer_size";

/** A DuckDB of one result's own: it reads that result's files, writes to its folder, and can do nothing else. */
export interface Scope {
  /** Temporary files of this scope. */
  readonly folder: string;
  /** Allows these files and locks everything else. Only once. `columns`: as many as there are in the table. */
  lock(origins: Origins, columns?: number): Promise<void>;
  readonly origins: () => Origins;
  connect(): Promise<DuckDBConnection>;
  /** Ends the query of a connection, and the connection. */
  disconnect(connection: DuckDBConnection): Promise<void>;
  /** Runs a call into DuckDB within the gate. `close` waits for it, since it works on memory that `close` frees. */
  call<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Runs a statement to its end on a connection of its own. @throws what `toAmlError` makes of it; the signal's reason. */
  run(sql: string, signal?: AbortSignal): Promise<DuckDBMaterializedResult>;
  close(): Promise<void>;
}

/** Columns from which looking for what they have in common costs more than it saves. */
const WIDE = 1000;

export async function openScope(options: ScopeOptions): Promise<Scope> {
  const { instances } = options;
  let folder = await mkdtemp(join(options.parentFolder, "query-"));
  let instance: Promise<DuckDBInstance> | undefined;
  let lockedFor: string | undefined;
  let origins: Origins = new Map();
  const connections = new Set<DuckDBConnection>();
  const connect = async (): Promise<DuckDBConnection> => {
    const connection = await (await (instance ??= instances.take())).connect();
    connections.add(connection);
    return connection;
  };
  const calls = new Set<Promise<unknown>>();
  const call = <T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> =>
    options.gate.run(async () => {
      const running = task();
      calls.add(running);
      try {
        return await running;
      } finally {
        calls.delete(running);
      }
    }, signal);
  const disconnect = async (connection: DuckDBConnection): Promise<void> => {
    if (!connections.delete(connection)) return;
    const ending = endQuery(connection).finally(() => connection.disconnectSync());
    calls.add(ending);
    try {
      await ending;
    } finally {
      calls.delete(ending);
    }
  };
  return {
    get folder() {
      return folder;
    },
    origins: () => origins,
    async lock(allowed, columns = 0) {
      origins = allowed;
      const paths = [...allowed.keys()];
      // A pattern is checked as it is written and then as what it stands for.
      const both = [...new Set([...paths, ...paths.map(escapeGlob)])];
      lockedFor = JSON.stringify([both.toSorted(), columns > WIDE]);
      const known = instance === undefined ? instances.takeLocked(lockedFor) : undefined;
      if (known !== undefined) {
        await rmdir(folder);
        folder = known.folder;
        instance = Promise.resolve(known.instance);
        return;
      }
      const connection = await connect();
      await connection.run(
        `CREATE TABLE ${SENTINEL} AS SELECT true AS done; SET temp_directory = ${quoteText(join(folder, "spill"))}; ` +
          `SET allowed_directories = ${quoteList([folder])}; SET allowed_paths = ${quoteList(both)}; ` +
          // Compares each expression with all others: minutes for thousands of columns.
          (columns > WIDE ? "SET disabled_optimizers = 'common_subexpressions'; " : "") +
          `SET allowed_configs = ${quoteList([READ_AHEAD])}; ` +
          "SET enable_external_access = false; SET lock_configuration = true",
      );
      await disconnect(connection);
    },
    connect,
    disconnect,
    call,
    async run(sql, signal) {
      const connection = await connect();
      const interrupt = (): void => connection.interrupt();
      try {
        return await call(() => {
          signal?.throwIfAborted();
          signal?.addEventListener("abort", interrupt, { once: true });
          return connection.run(sql);
        }, signal);
      } catch (error) {
        signal?.throwIfAborted();
        throw toAmlError(error, origins, [...new Set(origins.values())]);
      } finally {
        signal?.removeEventListener("abort", interrupt);
        await disconnect(connection);
      }
    },
    async close() {
      for (const connection of connections) connection.interrupt();
      await Promise.allSettled(calls);
      for (const connection of connections) await disconnect(connection);
      const own = await instance?.catch(() => undefined);
      if (own === undefined) return rm(folder, { recursive: true, force: true });
      const whole = { instance: own, folder };
      // What has written to disk gives the disk back.
      const reusable = (await readdir(folder)).length === 0;
      await (reusable && lockedFor !== undefined ? instances.keep(lockedFor, whole) : endLocked(whole));
    },
  };
}
