import type { EventEmitter } from "node:events";
import type { Connection } from "mysql2";
import { answerOf } from "./command.ts";
import type { Packet } from "./read-row.ts";

/** The driver's running statement. */
export interface Execution extends EventEmitter {
  /** Makes its reader of rows, which is the driver's own unless replaced; what that gives is the event `result`. */
  buildParserFromFields: () => new () => { next(packet: Packet): unknown };
}

/** A statement that the server has looked at and not run. */
export interface Prepared {
  /** As far as the server tells before it runs the statement. */
  readonly columns: number;
  run(values: readonly unknown[]): Execution;
  close(): void;
}

interface DriverStatement {
  readonly columns?: readonly unknown[];
  execute(values: readonly unknown[]): Execution;
  close(): void;
}

/** Has a statement looked at. The protocol takes just one: what stands behind a semicolon is a mistake of syntax. */
export function prepare(connection: Connection, sql: string): Promise<Prepared> {
  return answerOf<Prepared>(connection, (done) => {
    connection.prepare(sql, (error: Error | null, found: unknown) => {
      const statement = found as DriverStatement;
      done(error, {
        columns: statement?.columns?.length ?? 0,
        run: (values) => statement.execute(values),
        close: () => connection.unprepare(sql),
      });
    });
  });
}

/** Runs it with values that are sent apart from its text. */
export function execute(prepared: Prepared, values: readonly unknown[]): Execution {
  return prepared.run(values);
}
