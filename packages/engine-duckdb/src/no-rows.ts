import { quoteIdentifier } from "./sql-text.ts";

/** A list of a SELECT that has no columns. */
export const NO_COLUMN: string = 'NULL AS "no column"';

/** Of files that are all empty. */
export function noRows(ids: readonly string[], types: readonly string[]): string {
  const list = ids.map((id, at) => `NULL::${types[at] ?? "VARCHAR"} AS ${quoteIdentifier(id)}`);
  return `SELECT ${list.join(", ") || NO_COLUMN} WHERE false`;
}
