import type { Connection } from "mysql2";

type Rows = readonly (readonly unknown[])[];

/** Runs a statement of our own to its end; gives its rows as arrays. */
export function command(connection: Connection, sql: string): Promise<Rows> {
  return answerOf<Rows>(connection, (done) =>
    connection.query(sql, (error, rows) => done(error, listOf(rows))),
  );
}

/** Runs a small statement with bound values; gives all its rows. */
export function rowsOf(connection: Connection, sql: string, values: readonly unknown[]): Promise<Rows> {
  return answerOf<Rows>(connection, (done) =>
    connection.execute(sql, values as never, (error, rows) => done(error, listOf(rows))),
  );
}

/**
 * Waits for what the driver calls back. It does not call back what was waiting when the connection ended; of that the
 * pool tells by an event.
 */
export function answerOf<T>(
  connection: Connection,
  ask: (done: (error: Error | null, value: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const lost = (error: Error): void => reject(error);
    connection.once("error", lost);
    ask((error, value) => {
      connection.off("error", lost);
      if (error) reject(error);
      else resolve(value);
    });
  });
}

function listOf(rows: unknown): Rows {
  return Array.isArray(rows) ? (rows as unknown[][]) : [];
}
