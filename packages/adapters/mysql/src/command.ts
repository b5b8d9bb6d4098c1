import type { Connection } from "mysql2";

/** Runs a statement of our own to its end; gives its rows as arrays. */
export function command(connection: Connection, sql: string): Promise<readonly (readonly unknown[])[]> {
  return new Promise((resolve, reject) => {
    connection.query(sql, (error: Error | null, rows: unknown) => {
      if (error) reject(error);
      else resolve(Array.isArray(rows) ? (rows as unknown[][]) : []);
    });
  });
}

/** Runs a small statement with bound values; gives all its rows. */
export function rowsOf(
  connection: Connection,
  sql: string,
  values: readonly unknown[],
): Promise<readonly (readonly unknown[])[]> {
  return new Promise((resolve, reject) => {
    connection.execute(sql, values as never, (error: Error | null, rows: unknown) => {
      if (error) reject(error);
      else resolve(Array.isArray(rows) ? (rows as unknown[][]) : []);
    });
  });
}
