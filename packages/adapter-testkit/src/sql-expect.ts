import type { Cell, Row, SqlQueryOptions, SqlResult, SqlSource, SqlStatement } from "@aml/core";
import { ok } from "./expect.ts";

export function ask(
  sql: SqlSource,
  statement: string | SqlStatement,
  options?: SqlQueryOptions,
): Promise<SqlResult> {
  return sql.query(typeof statement === "string" ? { text: statement } : statement, options);
}

/** All rows of a statement. */
export async function rowsOf(
  sql: SqlSource,
  statement: string | SqlStatement,
  options?: SqlQueryOptions,
): Promise<Row[]> {
  const { batches } = await ask(sql, statement, options);
  const rows: Row[] = [];
  for await (const batch of batches) rows.push(...batch);
  return rows;
}

/** The one value of a statement with one row and one column. */
export async function valueOf(
  sql: SqlSource,
  statement: string | SqlStatement,
  options?: SqlQueryOptions,
): Promise<Cell> {
  const rows = await rowsOf(sql, statement, options);
  ok(rows.length === 1, `The statement gave ${rows.length} rows, not 1.`);
  const cells = Object.values(rows[0] as Row);
  ok(cells.length === 1, `The row has ${cells.length} columns, not 1.`);
  return cells[0] as Cell;
}

/** Fails unless a cell is exactly the other: its kind, its digits, its bytes. */
export function sameCell(actual: Cell, expected: Cell, what: string): void {
  const [one, other] = [shown(actual), shown(expected)];
  ok(one === other, `${what} is ${one}, not ${other}.`);
}

/** A cell as text that tells every two cells apart. */
export function shown(cell: Cell | undefined): string {
  if (cell === undefined) return "missing";
  if (typeof cell === "bigint") return `${cell}n`;
  if (typeof cell === "number") return Object.is(cell, -0) ? "-0" : String(cell);
  if (cell === null || typeof cell === "boolean" || typeof cell === "string") return JSON.stringify(cell);
  if (cell instanceof Date)
    return Number.isNaN(cell.getTime()) ? "invalid Date" : `Date ${cell.toISOString()}`;
  if (cell instanceof Uint8Array) return `bytes [${cell.join(" ")}]`;
  if (Array.isArray(cell)) return `[${cell.map((item: Cell) => shown(item)).join(", ")}]`;
  const fields = Object.entries(cell).map(([key, value]) => `${JSON.stringify(key)}: ${shown(value)}`);
  return `{${fields.join(", ")}}`;
}

/** Fails unless the rows are the integers from 1 to `count`, each once, in order if asked for. */
export function isSeries(rows: readonly Row[], count: number, column: string, inOrder = true): void {
  ok(rows.length === count, `There are ${rows.length} rows, not ${count}.`);
  const numbers = rows.map((row) => Number(row[column]));
  if (!inOrder) numbers.sort((one, other) => one - other);
  const at = numbers.findIndex((number, index) => number !== index + 1);
  ok(at < 0, `Row ${at + 1} is ${numbers[at]}.`);
}

/** Looks again and again until the server is rid of what a case has left, for at most a minute. */
export async function settles(look: () => Promise<number>, what: string, most = 0): Promise<void> {
  let count = await look();
  for (
    const end = performance.now() + 60_000;
    count > most && performance.now() < end;
    count = await look()
  ) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  ok(count <= most, `${what}: ${count} after a minute, not ${most}.`);
}

/** Part of the fixture that a case needs; an adapter without it says so in `lacks`. */
export function given<T>(part: T | undefined, name: string): T {
  ok(part !== undefined, `The fixture has no ${name}: give it, or list what it proves in lacks.`);
  return part;
}

/** A text as it is, any other cell as `shown`. */
export function textOf(cell: Cell | undefined): string {
  return typeof cell === "string" ? cell : shown(cell);
}
