import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AmlError, type FileRef, type StepOf } from "@aml/core";
import { chainTransforms } from "@aml/staging";
import { columnTypes, headerNames, sampleRows } from "./csv-columns.ts";
import { readCsvHead, type CsvHead } from "./csv-head.ts";
import { formatRecords, namedFault, normaliseCsv } from "./csv-normalise.ts";
import type { CsvDialect, CsvRecord } from "./csv-parser.ts";
import { scanCsv, type CsvShape } from "./csv-scan.ts";
import { mapFiles, readStart, stageFile, textTransform, type InspectContext } from "./inspect-context.ts";
import type { DelimitedGroup, DelimitedTable } from "./inspected.ts";

type ReadDelimited = StepOf<"read_delimited">;

export type DelimitedFindings = Pick<
  DelimitedTable,
  "kind" | "delimiter" | "emptyAsString" | "columns" | "groups"
>;

interface Opened {
  readonly file: FileRef;
  readonly index: number;
  /** Absent when only the head was read. */
  readonly path?: string;
  readonly head: CsvHead;
}

/** A file with what its header means. */
interface Table {
  readonly opened: Opened;
  readonly names: readonly string[];
  readonly hasHeader: boolean;
}

/**
 * Finds out names, types and shape of delimited files.
 *
 * @param wanted - rows that the plan can use; then no more of the files is read than they and the sample need.
 * @throws `plan_invalid`, `parse_failed`, `schema_mismatch`, and what staging throws.
 */
export async function inspectDelimited(
  step: ReadDelimited,
  files: readonly FileRef[],
  wanted: number | undefined,
  context: InspectContext,
): Promise<DelimitedFindings> {
  const dialect = { delimiter: step.delimiter ?? ",", multiLine: step.support_multi_line ?? false };
  if (/["\r\n]/.test(dialect.delimiter) || dialect.delimiter.length === 0 || dialect.delimiter.length > 2) {
    throw new AmlError("plan_invalid", `${JSON.stringify(dialect.delimiter)} cannot be a delimiter.`, {
      hint: "Use one or two characters other than quotes and line breaks.",
    });
  }
  const sample = sampleRows(step);
  const heads =
    wanted === undefined
      ? undefined
      : await readHeads(step, files, dialect, Math.max(wanted, sample), context);
  const opened = heads ?? (await openAll(step, files, dialect, sample, context));
  const { tables, names } = nameColumns(step, opened);
  const types = columnTypes(step, names, sampleOf(tables, names, sample));
  const rest = {
    kind: "delimited",
    delimiter: dialect.delimiter,
    emptyAsString: step.empty_as_string ?? false,
  } as const;
  const columns = names.map((name, at) => ({ name, type: types[at] ?? "string" }));
  const groups =
    heads === undefined
      ? await groupFiles(tables, names, dialect, context)
      : await groupHeads(tables, names, dialect, wanted ?? 0, context);
  return { ...rest, columns, groups };
}

/** Just the beginnings, as long as they give enough rows; undefined when whole files are needed. */
async function readHeads(
  step: ReadDelimited,
  files: readonly FileRef[],
  dialect: CsvDialect,
  wanted: number,
  context: InspectContext,
): Promise<Opened[] | undefined> {
  if (wanted > 10_000 || files.some((file) => textTransform(file, step.encoding) !== undefined))
    return undefined;
  const every = step.header === "all_files_different_headers";
  const out: Opened[] = [];
  let missing = wanted;
  for (const [index, file] of files.entries()) {
    if (missing <= 0 && !every) break;
    const read = (bytes: number): Promise<Uint8Array> =>
      context.stager.readPrefix(file, bytes, { signal: context.signal });
    const head = await readCsvHead(file, read, dialect, Math.max(missing, 0) + 1);
    if (head === undefined) return undefined;
    out.push({ file, index, head });
    missing -= head.records.length - (step.header === "no_header" ? 0 : 1);
  }
  return out;
}

async function openAll(
  step: ReadDelimited,
  files: readonly FileRef[],
  dialect: CsvDialect,
  sample: number,
  context: InspectContext,
): Promise<Opened[]> {
  const paths = await mapFiles(files, (file) => stageFile(context, file, textTransform(file, step.encoding)));
  let missing = sample;
  const out: Opened[] = [];
  // One after the other: only the first files are needed beyond their header.
  for (const [index, file] of files.entries()) {
    const path = paths[index] ?? "";
    const head = await readCsvHead(
      file,
      (bytes) => readStart(path, bytes),
      dialect,
      Math.max(missing, 0) + 1,
    );
    if (head === undefined) {
      throw new AmlError("parse_failed", `The first record of ${file.uri} is longer than 64 MiB.`, {
        hint: "Check the encoding, and support_multi_line: a quote may be open.",
        context: { uri: file.uri },
      });
    }
    out.push({ file, index, path, head });
    missing -= head.records.length;
  }
  return out;
}

function nameColumns(
  step: ReadDelimited,
  opened: readonly Opened[],
): { tables: Table[]; names: readonly string[] } {
  const header = step.header ?? "all_files_same_headers";
  // A file without a line has no header and no rows.
  const filled = opened.filter(({ head }) => head.records.length > 0);
  const first = filled[0]?.head.records[0]?.fields ?? [];
  if (header === "no_header") {
    const names = first.map((_, at) => `Column${at + 1}`);
    return { names, tables: filled.map((file) => ({ opened: file, names, hasHeader: false })) };
  }
  if (header === "all_files_different_headers") {
    const tables = filled.map((file) => {
      return { opened: file, names: headerNames(file.head.records[0]?.fields ?? []), hasHeader: true };
    });
    return { tables, names: [...new Set(tables.flatMap((table) => table.names))] };
  }
  const names = headerNames(first);
  const tables = filled.map((file, at) => {
    return { opened: file, names, hasHeader: at === 0 || header === "all_files_same_headers" };
  });
  if (header === "all_files_same_headers")
    for (const table of tables) refuseOtherHeader(table, filled[0]?.file);
  return { tables, names };
}

/** Fields are read by their place, so another header would put values under wrong names without a word (T6). */
function refuseOtherHeader({ opened, names }: Table, first: FileRef | undefined): void {
  const own = headerNames(opened.head.records[0]?.fields ?? []);
  if (own.length === names.length && own.every((name, at) => name === names[at])) return;
  throw new AmlError(
    "schema_mismatch",
    `${opened.file.uri} has another header than ${first?.uri ?? "the first file"}: ${own.join(", ")}.`,
    {
      hint: "Read with header: all_files_different_headers, which matches columns by name.",
      context: { uri: opened.file.uri, header: own, expected: names },
    },
  );
}

/** The first rows of all files together, as columns of the table. */
function sampleOf(
  tables: readonly Table[],
  names: readonly string[],
  count: number,
): (string | undefined)[][] {
  const out: (string | undefined)[][] = [];
  for (const table of tables) {
    const places = names.map((name) => table.names.indexOf(name));
    for (const { fields } of rowsOf(table)) {
      if (out.length >= count) return out;
      out.push(places.map((at) => fields[at]));
    }
  }
  return out;
}

function rowsOf({ opened, hasHeader }: Table): readonly CsvRecord[] {
  return hasHeader ? opened.head.records.slice(1) : opened.head.records;
}

/** The wanted rows of the heads, written as files of their own. */
async function groupHeads(
  tables: readonly Table[],
  names: readonly string[],
  { delimiter }: CsvDialect,
  wanted: number,
  context: InspectContext,
): Promise<DelimitedGroup[]> {
  const groups: DelimitedGroup[] = [];
  let missing = wanted;
  for (const table of tables) {
    const { file, index } = table.opened;
    const rows = rowsOf(table).slice(0, missing);
    missing -= rows.length;
    const fields = table.names.length;
    const path = join(context.scope.folder, `head-${index}.csv`);
    try {
      await writeFile(path, formatRecords(rows, { delimiter, fields }));
    } catch (error) {
      throw namedFault(error, file.uri);
    }
    context.origins.set(path, file.uri);
    const fieldOf = names.map((name) => table.names.indexOf(name));
    const shape = { skipHeader: false, unquoted: false, multiLine: true, padded: true };
    groups.push({ first: index, paths: [path], fields, fieldOf, ...shape });
  }
  return groups;
}

async function groupFiles(
  tables: readonly Table[],
  names: readonly string[],
  dialect: CsvDialect,
  context: InspectContext,
): Promise<DelimitedGroup[]> {
  const readable = await mapFiles(tables, (table) => makeReadable(table, names, dialect, context));
  const groups: DelimitedGroup[] = [];
  for (const next of readable) {
    const last = groups.at(-1);
    // Only neighbours are read together: rows come in the order of files.
    if (last !== undefined && last.first + last.paths.length === next.first && readAlike(last, next)) {
      groups[groups.length - 1] = { ...last, paths: [...last.paths, ...next.paths] };
    } else groups.push(next);
  }
  return groups;
}

function readAlike(a: DelimitedGroup, b: DelimitedGroup): boolean {
  return (
    a.fields === b.fields &&
    a.skipHeader === b.skipHeader &&
    a.unquoted === b.unquoted &&
    a.multiLine === b.multiLine &&
    a.padded === b.padded &&
    a.fieldOf.every((field, at) => field === b.fieldOf[at])
  );
}

/** The file as it is if DuckDB reads it as MLTable does, and otherwise a rewritten copy. */
async function makeReadable(
  { opened, names: own, hasHeader }: Table,
  names: readonly string[],
  dialect: CsvDialect,
  context: InspectContext,
): Promise<DelimitedGroup> {
  const { file, index, head } = opened;
  const path = opened.path ?? "";
  const fields = own.length;
  const fieldOf = names.map((name) => own.indexOf(name));
  const shape = await shapeOf(path, dialect.delimiter, context);
  const plainHeader = !hasHeader || head.records[0]?.line === 1;
  const asItIs =
    shape.quotes !== "irregular" &&
    shape.lineEnds !== "mixed" &&
    (dialect.multiLine || !shape.multiLine) &&
    plainHeader &&
    // Only then is every empty value of a single column a blank line.
    (fields > 1 || (shape.quotes === "none" && !shape.delimited));
  if (asItIs) {
    const unquoted = shape.quotes === "none";
    const { multiLine } = shape;
    const plain = { skipHeader: hasHeader, unquoted, multiLine, padded: false };
    return { first: index, paths: [path], fields, fieldOf, ...plain };
  }
  const rewrite = normaliseCsv({ ...dialect, fields, skipHeader: hasHeader });
  const encoding = context.encoding;
  const copy = await stageFile(context, file, chainTransforms(textTransform(file, encoding), rewrite));
  const rest = { skipHeader: false, unquoted: false, multiLine: true, padded: true };
  return { first: index, paths: [copy], fields, fieldOf, ...rest };
}

const MAX_SHAPES = 10_000;

async function shapeOf(path: string, delimiter: string, context: InspectContext): Promise<CsvShape> {
  const { ino, size, mtimeMs } = await stat(path);
  const key = JSON.stringify([path, ino, size, mtimeMs, delimiter]);
  const known = context.shapes.get(key);
  if (known !== undefined) return known;
  const shape = await scanCsv(path, delimiter, context.signal);
  if (context.shapes.size >= MAX_SHAPES) context.shapes.clear();
  context.shapes.set(key, shape);
  return shape;
}
