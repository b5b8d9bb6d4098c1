import { SqlError } from "./sql-error.ts";

/** What pg throws for an error of the server. */
interface PgError extends Error {
  readonly code?: string;
  readonly position?: string;
}

type Row = readonly [number: number, severity: number, message: (said: string, name: string) => string];

/**
 * PostgreSQL's errors and the ones of SQL Server that say the same.
 *
 * @see https://learn.microsoft.com/sql/relational-databases/errors-events/database-engine-events-and-errors – read 2026-11
 */
const ROWS: Readonly<Record<string, Row>> = {
  "42601": [102, 15, (_, name) => `Incorrect syntax near '${name}'.`],
  "42P01": [208, 16, (_, name) => `Invalid object name '${name}'.`],
  "3F000": [208, 16, (_, name) => `Invalid object name '${name}'.`],
  "42703": [207, 16, (_, name) => `Invalid column name '${name}'.`],
  "42702": [209, 16, (_, name) => `Ambiguous column name '${name}'.`],
  "42883": [
    195,
    15,
    (said, name) =>
      said.startsWith("function")
        ? `'${name.replace(/\(.*/, "")}' is not a recognized built-in function name.`
        : `The operand data types are incompatible: ${said}.`,
  ],
  "42804": [206, 16, (said) => `Operand type clash: ${said}`],
  "42803": [
    8120,
    16,
    (_, name) =>
      `Column '${name}' is invalid in the select list because it is not contained in either an aggregate function or the GROUP BY clause.`,
  ],
  "42P07": [2714, 16, (_, name) => `There is already an object named '${name}' in the database.`],
  "42501": [229, 14, (_, name) => `The SELECT permission was denied on the object '${name}'.`],
  "22012": [8134, 16, () => "Divide by zero error encountered."],
  "22P02": [245, 16, (said) => `Conversion failed: ${said}.`],
  "22007": [241, 16, () => "Conversion failed when converting date and/or time from character string."],
  "22008": [
    242,
    16,
    () => "The conversion of a varchar data type to a datetime data type resulted in an out-of-range value.",
  ],
  "22003": [
    8115,
    16,
    (said) =>
      `Arithmetic overflow error converting expression to data type ${/\w+$/.exec(said)?.[0] ?? "numeric"}.`,
  ],
  "22001": [2628, 16, () => "String or binary data would be truncated."],
  "22021": [9420, 16, (said) => said],
  "23502": [
    515,
    16,
    (_, name) => `Cannot insert the value NULL into column '${name}'; column does not allow nulls.`,
  ],
  "23503": [547, 16, (_, name) => `The statement conflicted with the FOREIGN KEY constraint "${name}".`],
  "23505": [
    2627,
    14,
    (_, name) => `Violation of UNIQUE KEY constraint '${name}'. Cannot insert duplicate key.`,
  ],
  "23514": [547, 16, (_, name) => `The statement conflicted with the CHECK constraint "${name}".`],
  "25006": [3906, 16, () => "Failed to update the database because the database is read-only."],
  "40001": [3960, 16, () => "Snapshot isolation transaction aborted due to update conflict."],
  "40P01": [
    1205,
    13,
    () =>
      "Transaction was deadlocked on lock resources with another process and has been chosen as the deadlock victim. Rerun the transaction.",
  ],
  "55P03": [1222, 16, () => "Lock request time out period exceeded."],
  "57P01": [596, 21, () => "Cannot continue the execution because the session is in the kill state."],
  "53200": [701, 17, () => "There is insufficient system memory to run this query."],
  "53300": [10_928, 16, () => "Resource ID : 1. The session limit for the database has been reached."],
};

/** Says an error of PostgreSQL as SQL Server would; what it has no words for is 50000 with PostgreSQL's own. */
export function toSqlError(error: unknown, lineAt: (position: number) => number | undefined): SqlError {
  if (error instanceof SqlError) return error;
  const { code = "", message, position } = error as PgError;
  const line = (position === undefined ? undefined : lineAt(Number(position))) ?? lineAt(1) ?? 1;
  const row = ROWS[code];
  if (!row) return new SqlError(50_000, 16, `${message} (PostgreSQL ${code})`, line);
  const name =
    /"((?:[^"]|"")*)"/.exec(message)?.[1] ?? /(?:column|function) ([^ ]+)/.exec(message)?.[1] ?? message;
  return new SqlError(row[0], row[1], row[2](message, name), line);
}
