import { isAmlError } from "@aml/core";
import { toAmlError } from "./errors.ts";
import type { Scope } from "./scope.ts";
import type { Locate } from "./stream-chunks.ts";

export interface SessionOptions {
  readonly scope: Scope;
  readonly signal: AbortSignal;
  readonly locate: Locate;
  /** Throws when a file that was read is no longer the one that was listed. */
  readonly verify: (signal?: AbortSignal) => Promise<void>;
}

/** Statements that share temporary tables. */
export interface ProfileSession {
  /** Runs a statement to its end; `$1`, `$2`, … are the texts. */
  run(sql: string, texts?: readonly string[]): Promise<void>;
  /** The one row of a query of texts. */
  row(sql: string): Promise<readonly (string | null)[]>;
  rows(sql: string): Promise<readonly (readonly (string | null)[])[]>;
}

/** Gives a session to work with; the tables that it made are dropped. @throws the signal's reason when aborted. */
export async function withProfileSession<T>(
  { scope, signal, locate, verify }: SessionOptions,
  tables: readonly string[],
  work: (session: ProfileSession) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const connection = await scope.connect();
  const interrupt = (): void => connection.interrupt();
  signal.addEventListener("abort", interrupt, { once: true });
  const rows = async (
    sql: string,
    texts?: readonly string[],
  ): Promise<readonly (readonly (string | null)[])[]> => {
    const found = await scope.call(async () => {
      signal.throwIfAborted();
      return (await connection.run(sql, texts && [...texts])).getRows();
    }, signal);
    signal.throwIfAborted();
    return found as (string | null)[][];
  };
  try {
    return await work({
      run: async (sql, texts) => void (await rows(sql, texts)),
      row: async (sql) => (await rows(sql))[0] ?? [],
      rows: (sql) => rows(sql),
    });
  } catch (error) {
    signal.throwIfAborted();
    const failure = toAmlError(error, scope.origins(), [...new Set(scope.origins().values())]);
    await verify(signal);
    if (isAmlError(failure)) await locate(failure, signal);
    throw failure;
  } finally {
    signal.removeEventListener("abort", interrupt);
    for (const table of tables) await connection.run(`DROP TABLE IF EXISTS ${table}`);
    await scope.disconnect(connection);
  }
}
