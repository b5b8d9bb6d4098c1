import type { Cell, Column, Row, SqlResult } from "@aml/core";
import { keyValues } from "../datastore-flags.ts";
import { jsonText } from "../json-text.ts";
import { printTable } from "../print-table.ts";
import { type GlobalFlags, type Session, tableStyle } from "../session.ts";

export interface QueryFlags extends GlobalFlags {
  readonly param?: readonly string[];
  readonly format?: "table" | "jsonl" | "csv";
  readonly limit?: number;
  /** Seconds. */
  readonly timeout?: number;
}

/** Rows of a table for people, unless they ask for more. */
const SHOWN_ROWS = 20;

/** `aml query` */
export async function query(session: Session, flags: QueryFlags, name: string, text: string): Promise<void> {
  const parameters = keyValues(flags.param, "--param");
  const { format = "table", timeout } = flags;
  const sql = await (await session.open()).datastores.openSql(name, { signal: session.signal });
  const limit = flags.limit ?? (format === "table" ? SHOWN_ROWS : Infinity);
  const result = await sql.query(
    { text, parameters },
    {
      signal: session.signal,
      timeoutMs: timeout === undefined ? undefined : timeout * 1000,
      timestamps: "text",
      // A row more than wanted tells whether there is one.
      batchRows: Math.min(1000, limit + 1),
    },
  );
  try {
    if (format === "table") await show(session, result, limit);
    else await stream(session, result, format, limit);
  } finally {
    await result[Symbol.asyncDispose]();
  }
}

async function show(session: Session, { schema, batches }: SqlResult, limit: number): Promise<void> {
  const rows: Row[] = [];
  for await (const batch of batches) {
    rows.push(...batch);
    if (rows.length > limit) break;
  }
  const shown = rows.slice(0, limit);
  const complete = shown.length === rows.length;
  const { columns } = schema;
  await session.print({ columns, rows: shown, complete }, () =>
    printTable(columns, shown, tableStyle(session, true)),
  );
  if (!complete) {
    session.note(`There are more rows than these ${limit}: add --limit N, or --format csv for all.`);
  }
}

async function stream(
  session: Session,
  { schema, batches }: SqlResult,
  format: "jsonl" | "csv",
  limit: number,
): Promise<void> {
  const { columns } = schema;
  const line = format === "csv" ? csvLine : jsonLine;
  if (format === "csv") await session.write(`${columns.map((column) => csvField(column.name)).join(",")}\n`);
  let left = limit;
  for await (const batch of batches) {
    const part = batch.slice(0, left);
    left -= part.length;
    const text = part.map((row) => line(columns, row)).join("");
    if (text !== "") await session.write(text);
    if (left <= 0) break;
  }
}

function jsonLine(_columns: readonly Column[], row: Row): string {
  return `${jsonText(row)}\n`;
}

function csvLine(columns: readonly Column[], row: Row): string {
  return `${columns.map(({ name }) => csvField(row[name] ?? null)).join(",")}\n`;
}

/** RFC 4180; nothing between two commas is NULL, `""` an empty text. */
function csvField(cell: Cell): string {
  if (cell === null) return "";
  const text =
    typeof cell === "object" || typeof cell === "number"
      ? jsonText(cell).replace(/^"(.*)"$/s, "$1")
      : String(cell);
  return text === "" || /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
