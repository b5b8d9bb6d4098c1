import { createReadStream } from "node:fs";
import { AmlError } from "@aml/core";
import { createCsvParser, CsvFault } from "./csv-parser.ts";
import { formatRecords, namedFault } from "./csv-normalise.ts";
import type { Origins } from "./errors.ts";
import type { DelimitedGroup, DelimitedTable } from "./inspected.ts";

/**
 * DuckDB counts records, which are not lines where there are quoted line breaks: such a file is read again, and what
 * is wrong with it thrown with its line. In a rewritten file, or a part of one, no number is that of a line of the source.
 */
export async function findCsvFault(
  table: DelimitedTable,
  error: AmlError,
  origins: Origins,
  signal?: AbortSignal,
): Promise<void> {
  const { uri, line } = error.context;
  if (error.code !== "parse_failed" || typeof uri !== "string" || typeof line !== "number") return;
  const has = (group: DelimitedGroup): boolean => group.paths.some((path) => origins.get(path) === uri);
  const group = table.groups.find(has);
  if (group === undefined || !(group.multiLine || group.padded || group.cut === true)) return;
  const path = group.paths.find((one) => origins.get(one) === uri) ?? "";
  if (!group.padded && group.cut !== true) await readAgain(path, uri, table, group, signal);
  const message = error.message.replace(`, line ${line}`, "");
  const { line: _, ...context } = error.context;
  throw new AmlError(error.code, message, {
    ...(error.hint ? { hint: error.hint } : {}),
    context,
    cause: error,
  });
}

async function readAgain(
  path: string,
  uri: string,
  { delimiter, emptyAsString }: DelimitedTable,
  { fields, skipHeader }: DelimitedGroup,
  signal: AbortSignal | undefined,
): Promise<void> {
  const parser = createCsvParser({ delimiter, multiLine: true });
  let skip = skipHeader;
  const look = (records: ReturnType<typeof parser.push>): void => {
    formatRecords(skip ? records.slice(1) : records, { delimiter, fields, emptyAsString });
    skip &&= records.length === 0;
  };
  try {
    for await (const text of createReadStream(path, { encoding: "utf8", signal }))
      look(parser.push(String(text)));
    look(parser.end());
  } catch (fault) {
    if (fault instanceof CsvFault) throw namedFault(fault, uri);
    signal?.throwIfAborted();
    throw fault;
  }
}
