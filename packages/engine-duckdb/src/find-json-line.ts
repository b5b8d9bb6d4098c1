import { createReadStream } from "node:fs";
import { AmlError } from "@aml/core";
import type { Origins } from "./errors.ts";
import type { JsonTable } from "./inspected.ts";
import { skipBlanks } from "./json-value.ts";

/**
 * DuckDB does not count blank lines: its error is thrown anew with the line of the file. In a part of a file no number is
 * that of a line of the source.
 */
export async function findJsonLine(
  { paths, cut = [] }: JsonTable,
  error: AmlError,
  origins: Origins,
  signal?: AbortSignal,
): Promise<void> {
  const { uri, line, ...more } = error.context;
  if (error.code !== "parse_failed" || typeof uri !== "string" || typeof line !== "number") return;
  const path = paths.find((one) => origins.get(one) === uri);
  if (path === undefined) return;
  const found = cut.includes(path) ? undefined : await lineOfRow(path, line, signal);
  if (found === line) return;
  const place = found === undefined ? "" : `, line ${found}`;
  throw new AmlError(error.code, error.message.replace(`, line ${line}`, place), {
    ...(error.hint ? { hint: error.hint } : {}),
    context: { uri, ...(found === undefined ? {} : { line: found }), ...more },
    cause: error,
  });
}

/** The line, from 1, of the row of this number, from 1. */
async function lineOfRow(path: string, row: number, signal: AbortSignal | undefined): Promise<number> {
  let lines = 1;
  let rows = 0;
  let blank = true;
  for await (const piece of createReadStream(path, { signal })) {
    const bytes = piece as Buffer;
    for (let at = 0; at < bytes.length;) {
      const feed = bytes.indexOf(0x0a, at);
      const end = feed < 0 ? bytes.length : feed;
      if (blank && skipBlanks(bytes, at, end) < end) {
        blank = false;
        rows += 1;
        if (rows === row) return lines;
      }
      if (feed >= 0) {
        lines += 1;
        blank = true;
      }
      at = end + 1;
    }
  }
  return row;
}
