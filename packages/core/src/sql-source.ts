import type { SqlPart, SqlParts } from "./sql-part.ts";
import type { OperationOptions } from "./storage.ts";
import type { Cell, Row, Schema } from "./table.ts";

/** A database, read-only by contract: a source of rows. */
export interface SqlSource {
  readonly contract: "aml.sql/1";
  /** Datastore type, e.g. `postgresql`. */
  readonly type: string;
  /** Server and database. Never holds a secret: it is logged, hashed and put in messages. */
  readonly uri: string;
  /**
   * Runs one statement that gives rows; resolves when its columns are known.
   *
   * The session is read-only where the server can make it so, and nothing is ever committed.
   *
   * @throws `config_invalid` (a parameter that the text does not use, a server without TLS), `auth_failed`,
   * `permission_denied`, `not_found` (server name, database, table), `query_failed` with the place in the text
   * (`context.line`, from 1, and `context.column` where the server tells it), `unsupported` for a statement that writes
   * or gives no rows, `timeout`, `unavailable`. The same while `batches` are read: a result is complete or an error.
   */
  query(statement: SqlStatement, options?: SqlQueryOptions): Promise<SqlResult>;
  /** What part of a query it picks by itself. Absent where queries are run whole only. */
  readonly parts?: SqlParts | undefined;
  close(): Promise<void>;
}

/** A statement in the database's own SQL. */
export interface SqlStatement {
  readonly text: string;
  /**
   * Values by name; the text has `:name` where one belongs, in every database. They are bound, never pasted. Without
   * parameters the text is left as it is; `:name` in a string, a quoted name or a comment always is.
   */
  readonly parameters?: SqlParameters | undefined;
  /** Asks for a part of its rows, such as `parts` says that the text takes. Places in errors are those of `text`. */
  readonly part?: SqlPart | undefined;
}

export type SqlParameters = Readonly<Record<string, Cell>>;

export interface SqlQueryOptions extends OperationOptions {
  /** Bounds the time, in all, that is spent waiting for the database; the reader's own time does not count. */
  readonly timeoutMs?: number | undefined;
  /** Most rows of a batch; 1,000 unless given. Two are in memory ahead of the reader at most, or what the network gives at once. */
  readonly batchRows?: number | undefined;
  /**
   * What a timestamp becomes. `date` (the default): a `Date`, which holds milliseconds; the rest is cut off. `text`: ISO
   * 8601 with every digit that the column has, e.g. `2026-11-25T09:30:00.123456Z`; `Z` or an offset where the column
   * is of a time zone, none where it is not; `infinity` and `-infinity` where the database has them.
   */
  readonly timestamps?: "date" | "text" | undefined;
  /** Reads in parallel by ranges of a key. Batches then come in any order. */
  readonly partitionOn?: SqlPartition | undefined;
}

/**
 * Splits a query's rows by ranges of one of its columns, each read over a connection of its own, all of one snapshot of
 * the data. A database that cannot share a snapshot refuses it with `unsupported`.
 */
export interface SqlPartition {
  /** An integer column of the result; rows where it is null are read with the first range. */
  readonly column: string;
  /** How many ranges, and so connections, at most; 1 to 64. */
  readonly ranges: number;
}

/**
 * Rows on demand: nothing more is fetched while no batch is asked for. Leaving the loop early, or disposing of the
 * result, cancels the query on the server and gives the connection back. It is read once.
 */
export interface SqlResult extends AsyncDisposable {
  readonly schema: Schema;
  readonly batches: AsyncIterable<readonly Row[]>;
}
