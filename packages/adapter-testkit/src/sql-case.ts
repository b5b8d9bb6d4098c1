import type { AmlErrorCode, Cell, ColumnType, SqlSource } from "@aml/core";

/** What a case asks of a database, its account, or the test's view of the server. */
export type SqlNeed =
  /** `partitionOn`. */
  | "partitions"
  /** Sign-in by a wrong password can be tried. */
  | "password"
  /** Sign-in by token. */
  | "token"
  /** A server without TLS, and one with a certificate that nobody vouches for. */
  | "tls"
  /** The test can look at the server's connections, and at the bytes that it has sent. */
  | "connections"
  | "received"
  /** The test can end the server's side of the connections. */
  | "kill"
  /** Every result may hold columns of one name. */
  | "duplicateColumns"
  /** Values of a column type: a database without arrays and JSON lacks `json`. */
  | ColumnType
  | "secrets";

/** One rule of the contract of databases, as data. */
export interface SqlCase {
  /** Stable: gaps and support tables refer to it, e.g. `stream/early-stop`. */
  readonly id: string;
  readonly title: string;
  readonly needs: readonly SqlNeed[];
  /** Rejects when the database breaks the rule. */
  readonly run: (context: SqlContext) => Promise<void>;
  /** Breaks a fixture in the way that this case, and no weaker one, catches. */
  readonly mutate: SqlMutate;
}

export type SqlMutate = (fixture: SqlFixture) => SqlFixture;

export interface SqlContext extends SqlFixture {
  readonly lacks: readonly SqlNeed[];
  readonly types: readonly SqlType[];
}

/** A database as one case sees it: opened anew, of an account that may read and write. */
export interface SqlFixture {
  readonly sql: SqlSource;
  readonly statements: SqlStatements;
  readonly server: SqlServer;
  /** The same database, opened otherwise. Opening is no I/O. */
  readonly others: SqlOthers;
  /** Secret values that the source was opened with: the suite hunts them through all that comes out. */
  readonly secrets?: readonly string[] | undefined;
  readonly close?: (() => Promise<void>) | undefined;
}

/** What the cases ask, in the database's own SQL. */
export interface SqlStatements {
  /** The integers from 1 to `count` in ascending order, in one column of that name; quoted, since it may be anything. */
  series(count: number, column: string): string;
  /** Like `series` with the column `n`, and beside it `pad`, a text of 1,000 characters. */
  wide(count: number): string;
  /** The column `n` with 1, 2, 3 and NULL in any order. */
  readonly nullKey: string;
  /** One row and one column `value`: an expression. */
  value(expression: string): string;
  /** The expression of the parameter `:value`, as a value of that type. */
  parameter(
    type: "string" | "int64" | "float64" | "boolean" | "decimal" | "bytes" | "date" | "timestamp",
  ): string;
  /** Works for a minute or more before it gives a row. */
  readonly slow: string;
  /** Gives at least 5,000 rows of `series`, and then fails as it runs. */
  readonly failing: string;
  /** A mistake of syntax on the second line. */
  readonly broken: string;
  /** Of a table that is not there. */
  readonly missingTable: string;
  /** Two columns `n` with the values 1 and 2. */
  readonly twins: string;
  /** Statements that would change `server.state()`, by all ways that there are around a read-only session. */
  readonly writes: readonly string[];
}

/** The test's own look at the server, by another account or connection. */
export interface SqlServer {
  /** Statements that the server is working on for `sql` at this moment. */
  running(): Promise<number>;
  /** What `writes` would change, as text. */
  state(): Promise<string>;
  /** Connections that `sql` holds. */
  connections?: (() => Promise<number>) | undefined;
  /** Bytes that the server has sent to `sql` so far. */
  received?: (() => number) | undefined;
  /** Ends the server's side of every connection of `sql`, as a crash does. */
  kill?: (() => Promise<void>) | undefined;
}

export interface SqlOthers {
  /** A port where nothing listens. */
  readonly unreachable: () => SqlSource;
  readonly unknownDatabase: () => SqlSource;
  readonly wrongPassword?: (() => SqlSource) | undefined;
  /** As it is by default, from a server that offers no TLS. */
  readonly withoutTls?: (() => SqlSource) | undefined;
  /** From a server whose certificate no authority has signed. */
  readonly untrusted?: (() => SqlSource) | undefined;
  /** Signed in by token. `rotate` makes the server refuse the token so far, and the provider give the next. */
  readonly token?: (() => { readonly sql: SqlSource; readonly rotate: () => Promise<void> }) | undefined;
}

/** How a type of the database becomes cells: a test, and a row of the table in the adapter's README. */
export interface SqlType {
  /** E.g. `numeric(38,10)`. */
  readonly name: string;
  /** Of the column. */
  readonly type: ColumnType;
  /** Limits, and NULL: at least one value must be null. */
  readonly values: readonly SqlValue[];
  /** What a cell does not hold, and how to get it, for people. */
  readonly loss?: string | undefined;
  /** The type cannot be read: the code of the error, whose message has the type's name. */
  readonly refused?: AmlErrorCode | undefined;
}

export interface SqlValue {
  /** An expression of the type: `(-9223372036854775808)::bigint`. */
  readonly sql: string;
  readonly cell: Cell;
  /** With `timestamps: "text"`. */
  readonly text?: string | undefined;
  /** No `Date` holds it: reading it as one is `parse_failed`, and `cell` does not count. */
  readonly textOnly?: boolean | undefined;
}
