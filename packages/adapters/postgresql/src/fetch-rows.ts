import type { FieldDef, PoolClient } from "pg";

/** A row as the server wrote it. */
export type TextRow = readonly (string | null)[];

export interface Fetched<T> {
  readonly fields: readonly FieldDef[];
  readonly rows: readonly T[];
}

/**
 * Runs a statement without values and makes its rows as they arrive.
 *
 * The driver's own query keeps all its rows as text until the last one is there, and they outlive it: of what a long
 * result allocates, a collection of young garbage then copies 18 % and V8 makes its young generation as large as it may.
 * Of rows that are made at once it copies 0.3 % (pg 8.23, Node 24, 10 million rows).
 *
 * @throws what the server or the connection said, and what `toRow` threw.
 */
export function fetchRows<T>(
  client: PoolClient,
  text: string,
  toRow: (row: TextRow) => T,
): Promise<Fetched<T>> {
  return new Promise((resolve, reject) => {
    let fields: readonly FieldDef[] = [];
    const rows: T[] = [];
    let failure: { readonly error: unknown } | undefined;
    const query: RowQuery = {
      submit: (connection) => connection.query(text),
      handleRowDescription: (message) => (fields = message.fields),
      handleDataRow(message) {
        if (failure !== undefined) return;
        try {
          rows.push(toRow(message.fields));
        } catch (error) {
          // Here it would end up with the driver's reader of messages.
          failure = { error };
        }
      },
      handleCommandComplete: () => undefined,
      handleEmptyQuery: () => undefined,
      handleError: reject,
      handleReadyForQuery() {
        if (failure === undefined) resolve({ fields, rows });
        else reject(failure.error);
      },
    };
    client.query(query as never);
  });
}

/** What the driver calls of a query of others. https://node-postgres.com/apis/client#clientquery, read 2026-11 */
interface RowQuery {
  submit(connection: { query(text: string): void }): void;
  handleRowDescription(message: { readonly fields: readonly FieldDef[] }): void;
  handleDataRow(message: { readonly fields: TextRow }): void;
  handleCommandComplete(): void;
  handleEmptyQuery(): void;
  handleError(error: unknown): void;
  handleReadyForQuery(): void;
}
