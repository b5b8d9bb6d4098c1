import { chmodSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { AmlError } from "@aml/core";
import type { Registry } from "@aml/core";
import { Kysely } from "kysely";
import { migrate, schemaVersion } from "./migrate.ts";
import { nodeSqliteDialect, whenFree } from "./node-sqlite-dialect.ts";
import type { NodeSqliteDialectOptions } from "./node-sqlite-dialect.ts";
import { sqlRegistry } from "./sql-registry.ts";
import { toAmlError } from "./sqlite-errors.ts";
import type { Tables } from "./tables.ts";

export interface SqliteRegistryOptions {
  /** On a local disk: SQLite's write-ahead log does not work on network drives. Created if absent, with its folder. */
  readonly file: string;
  /** How long a call waits while another process writes. Default: 30,000. */
  readonly busyTimeoutMs?: number | undefined;
}

/**
 * Opens a registry in a SQLite file that many processes may use at once.
 *
 * What a call has acknowledged is on the disk: a process or machine that dies later does not lose it. A new file has
 * mode 0600. Close the registry to release the file.
 *
 * @throws `config_invalid` for another program's database; `parse_failed` for a file that is damaged or no database;
 * `unsupported` for a registry of a newer release; `path_invalid`, `permission_denied`, `resource_exhausted`;
 * `unavailable` when another process keeps it locked for longer than `busyTimeoutMs`.
 */
export async function openSqliteRegistry(options: SqliteRegistryOptions): Promise<Required<Registry>> {
  const file = resolve(options.file);
  const database = await openDatabase(file);
  const access: NodeSqliteDialectOptions = { database, file, busyTimeoutMs: options.busyTimeoutMs ?? 30_000 };
  const db = new Kysely<Tables>({ dialect: nodeSqliteDialect(access) });
  try {
    // A foreign database must stay as it is, so look before the journal mode changes.
    await schemaVersion(db, file);
    await setUp(access);
    await migrate(db, file);
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return sqlRegistry(db, file);
}

async function openDatabase(file: string): Promise<DatabaseSync> {
  const { DatabaseSync: Database } = loadSqlite();
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const known = statSync(file, { throwIfNoEntry: false });
    if (known?.isDirectory())
      throw new AmlError("path_invalid", `The registry ${file} is a folder.`, { hint: "Name a file." });
    const database = new Database(file, { timeout: 20 });
    // SQLite creates it readable for everyone; its log files take over this mode. Not by a file handle of ours:
    // closing one drops the locks that this process holds on the file (https://www.sqlite.org/howtocorrupt.html, 2.2).
    if (!known) chmodSync(file, 0o600);
    return database;
  } catch (error) {
    throw toAmlError(error, file);
  }
}

async function setUp(access: NodeSqliteDialectOptions): Promise<void> {
  const { database, file } = access;
  const mode = await whenFree(access, () => database.prepare("PRAGMA journal_mode = WAL").get());
  if (mode?.["journal_mode"] !== "wal")
    throw new AmlError("unsupported", `The disk of ${file} does not support SQLite's write-ahead log.`, {
      hint: "Keep the registry on a local disk.",
      context: { file },
    });
  await whenFree(access, () => database.prepare("PRAGMA synchronous = FULL").all());
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
