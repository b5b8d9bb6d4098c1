import type { OperationOptions } from "./storage.ts";
import type { Cell, Row, Schema } from "./table.ts";

/** A database, read-only by contract: a source of rows. */
export interface SqlSource {
  readonly contract: "aml.sql/1";
  readonly type: string;
  /** Server and database. Never holds a secret. */
  readonly uri: string;
  query(statement: SqlStatement, options?: SqlQueryOptions): Promise<SqlResult>;
  close(): Promise<void>;
}

export interface SqlStatement {
  readonly text: string;
  readonly parameters?: readonly Cell[] | undefined;
}

export interface SqlQueryOptions extends OperationOptions {
  readonly timeoutMs?: number | undefined;
  readonly batchRows?: number | undefined;
}

/** Leaving the loop over `batches` early cancels the query on the server and gives the connection back. */
export interface SqlResult {
  readonly schema: Schema;
  readonly batches: AsyncIterable<readonly Row[]>;
}
