import { chmodSync, existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { AmlError } from "@aml/core";
import { fileError } from "./file-errors.ts";

/** @see https://www.sqlite.org/rescode.html – primary result codes */
const BUSY = 5;
const CANNOT_OPEN = 14;

export interface FileLockOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs work that one process at a time may do.
 *
 * The lock is the one that SQLite takes on an empty database. The operating system releases it when its holder dies,
 * so no lock is ever left behind, and none has to be guessed stale. Waiting does not block the thread.
 *
 * @throws `unavailable` when the lock is not free in time; whatever the work throws.
 */
export async function withFileLock<T>(
  file: string,
  options: FileLockOptions,
  work: () => Promise<T>,
): Promise<T> {
  const database = await openLock(file);
  try {
    await acquire(database, file, options);
    return await work();
  } finally {
    database.close();
  }
}

async function openLock(file: string): Promise<DatabaseSync> {
  const { DatabaseSync: Database } = loadSqlite();
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const isNew = !existsSync(file);
    const database = new Database(file, { timeout: 0 });
    if (isNew) chmodSync(file, 0o600);
    return database;
  } catch (error) {
    throw resultCode(error) === CANNOT_OPEN
      ? new AmlError("permission_denied", `${file} cannot be opened.`, {
          hint: "Grant this user read and write access to the file and its folder.",
          context: { file },
          cause: error,
        })
      : fileError(error, file);
  }
}

async function acquire(database: DatabaseSync, file: string, options: FileLockOptions): Promise<void> {
  const deadline = performance.now() + options.timeoutMs;
  for (;;) {
    options.signal?.throwIfAborted();
    try {
      // Not `exec`: Deno's gives no result code.
      database.prepare("BEGIN EXCLUSIVE").all();
      return;
    } catch (error) {
      if (resultCode(error) !== BUSY) throw fileError(error, file);
      if (performance.now() >= deadline)
        throw new AmlError("unavailable", `${file} is locked by another process.`, {
          hint: "Try again when the other process has finished.",
          context: { file },
          cause: error,
        });
    }
    await delay(1 + Math.random() * 9);
  }
}

/** SQLite's primary result code. Deno leaves it out when a file cannot be opened. */
function resultCode(error: unknown): number | undefined {
  const { errcode, code } = error as { errcode?: unknown; code?: unknown };
  if (typeof errcode === "number") return errcode & 0xff;
  return code === "ERR_SQLITE_ERROR" ? CANNOT_OPEN : undefined;
}

/** Node 22 announces on stderr that `node:sqlite` is experimental; that one line is not for our users. */
function loadSqlite(): typeof import("node:sqlite") {
  const emitWarning = Reflect.get(process, "emitWarning") as (...all: unknown[]) => void;
  process.emitWarning = (...all: unknown[]): void => {
    if (!String(all[0]).startsWith("SQLite is an experimental feature"))
      Reflect.apply(emitWarning, process, all);
  };
  try {
    return process.getBuiltinModule("node:sqlite");
  } finally {
    process.emitWarning = emitWarning;
  }
}
