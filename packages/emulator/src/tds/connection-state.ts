import type { Client } from "pg";
import type { TypeOf } from "./pg-types.ts";
import type { Response } from "./response.ts";
import type { ResultColumn } from "./result-column.ts";
import type { SqlError } from "./sql-error.ts";
import type { SqlType } from "./sql-type.ts";
import type { TdsFaults } from "./tds-faults.ts";

export type Isolation = "read committed" | "repeatable read" | "serializable" | "snapshot";

export interface Variable {
  readonly type: SqlType;
  readonly text: string | null;
}

export interface Argument extends Variable {
  /** With its `@`; empty for one that is known by its place. */
  readonly name: string;
}

/** @returns the error that ended it, which the client knows already. */
export type Procedure = (
  state: ConnectionState,
  args: readonly Argument[],
  response: Response,
) => Promise<SqlError | undefined>;

/** What a connection keeps between its requests. */
export interface ConnectionState {
  readonly client: Client;
  readonly typeOf: TypeOf;
  readonly database: string;
  readonly login: string;
  readonly spid: number;
  readonly faults: TdsFaults;
  /** A token at the end of a statement, with the rows that it touched, unless NOCOUNT. */
  noCount: boolean;
  isolation: Isolation;
  /** @@TRANCOUNT */
  transactions: number;
  /** The number by which the client knows its transaction. */
  descriptor: bigint;
  rowCount: number;
  /** The client sent an attention: the request ends where it is. */
  cancelled: boolean;
  readonly prepared: Map<number, { readonly text: string; readonly declarations: string }>;
  /** What the statement that runs was told its result is like. */
  resultSets: readonly ResultColumn[] | undefined;
  /** Runs something on PostgreSQL that an attention may cancel. */
  onPg<T>(action: () => Promise<T>): Promise<T>;
  /** Reads PostgreSQL's catalog on a connection of its own: this one may be in the middle of a statement. */
  lookUp<T>(text: string, values: readonly unknown[]): Promise<T[]>;
  /** By name or by number. @throws SqlError 2812 */
  readonly findProcedure: (name: string | number, line?: number) => Procedure;
  /** Ends the connection without a word. */
  disconnect(): void;
}

/** Thrown where a cancelled request stops. */
export class Cancelled extends Error {
  override readonly name = "Cancelled";
}

/** Thrown where a batch ends by an error that the client knows already. */
export class Reported extends Error {
  override readonly name = "Reported";
  readonly error: SqlError;

  constructor(error: SqlError) {
    super(error.message);
    this.error = error;
  }
}
