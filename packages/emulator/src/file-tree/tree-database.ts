import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";

export type TreeRow = Readonly<Record<string, SQLOutputValue>>;

/** A SQLite database with its statements prepared once. */
export interface TreeDatabase {
  run(sql: string, ...values: SQLInputValue[]): void;
  get(sql: string, ...values: SQLInputValue[]): TreeRow | undefined;
  all(sql: string, ...values: SQLInputValue[]): readonly TreeRow[];
  /** All of it or nothing; may be nested. */
  transaction<T>(work: () => T): T;
  close(): void;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS tree (
    revision INTEGER NOT NULL,
    case_sensitive INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS node (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    parent INTEGER NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    directory INTEGER NOT NULL,
    size INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    UNIQUE (parent, key)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS extent (
    node INTEGER NOT NULL,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    PRIMARY KEY (node, start)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS chunk (
    node INTEGER NOT NULL,
    number INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (node, number)
  ) STRICT;
`;

export interface TreeDatabaseOptions {
  readonly folder: string | undefined;
  readonly caseSensitive: boolean;
  /** Of the root, and where etags start. */
  readonly now: number;
}

/** @throws when another process has the folder's database open, or it was made with the other `caseSensitive`. */
export function openTreeDatabase({ folder, caseSensitive, now }: TreeDatabaseOptions): TreeDatabase {
  if (folder !== undefined) mkdirSync(folder, { recursive: true });
  const { DatabaseSync } = loadSqlite();
  const connection = new DatabaseSync(folder === undefined ? ":memory:" : join(folder, "files.db"));
  try {
    connection.exec(
      "PRAGMA page_size = 16384; PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;",
    );
    const database = withStatements(connection);
    database.transaction(() => {
      connection.exec(SCHEMA);
      setUp(database, caseSensitive, now);
    });
    return database;
  } catch (error) {
    connection.close();
    throw error;
  }
}

function setUp(database: TreeDatabase, caseSensitive: boolean, now: number): void {
  const tree = database.get("SELECT case_sensitive FROM tree");
  if (tree === undefined) {
    // Two trees, or a tree of today and one of yesterday, share no etags.
    database.run("INSERT INTO tree VALUES (?, ?)", now * 1024, Number(caseSensitive));
    database.run("INSERT INTO node VALUES (1, 0, '', '', 1, 0, ?, ?, ?, '{}')", now * 1024, now, now);
  } else if (tree["case_sensitive"] !== Number(caseSensitive)) {
    throw new Error("The folder holds a file tree that treats upper and lower case otherwise.");
  }
  // Of files that were deleted while they were read, by a process that has ended since.
  database.run("DELETE FROM chunk WHERE node NOT IN (SELECT id FROM node)");
  database.run("DELETE FROM extent WHERE node NOT IN (SELECT id FROM node)");
}

function withStatements(connection: DatabaseSync): TreeDatabase {
  const statements = new Map<string, StatementSync>();
  let depth = 0;
  const prepared = (sql: string): StatementSync => {
    let statement = statements.get(sql);
    if (statement === undefined) statements.set(sql, (statement = connection.prepare(sql)));
    return statement;
  };
  const run = (sql: string, ...values: SQLInputValue[]): void => void prepared(sql).run(...values);
  return {
    run,
    get: (sql, ...values) => prepared(sql).get(...values),
    all: (sql, ...values) => prepared(sql).all(...values),
    transaction(work) {
      const outer = depth === 0;
      run(outer ? "BEGIN IMMEDIATE" : "SAVEPOINT inner_work");
      depth += 1;
      try {
        const result = work();
        run(outer ? "COMMIT" : "RELEASE inner_work");
        return result;
      } catch (error) {
        if (!outer) run("ROLLBACK TO inner_work");
        run(outer ? "ROLLBACK" : "RELEASE inner_work");
        throw error;
      } finally {
        depth -= 1;
      }
    },
    close() {
      statements.clear();
      connection.close();
    },
  };
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
