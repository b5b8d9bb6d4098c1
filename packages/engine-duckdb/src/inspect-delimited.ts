import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AmlError, type FileRef, type StepOf } from "@aml/core";
import { chainTransforms } from "@aml/staging";
import { headerNames, inferColumns, sampleRows, type ColumnInference } from "./csv-columns.ts";
import { formatRecords, namedFault, normaliseCsv } from "./csv-normalise.ts";
import type { CsvDialect, CsvRecord } from "./csv-parser.ts";
import { scanCsv, type CsvShape } from "./csv-scan.ts";
import { mapFiles, stageFile, textTransform, type InspectContext } from "./inspect-context.ts";
import type { Observation } from "./infer-types.ts";
import type { DelimitedGroup, DelimitedTable } from "./inspected.ts";
import { openStarts, openWhole, type Opened } from "./open-delimited.ts";

type ReadDelimited = StepOf<"read_delimited">;

export type DelimitedFindings = Pick<
  DelimitedTable,
  "kind" | "delimiter" | "emptyAsString" | "columns" | "groups"
>;

/** The columns with what forced their types. */
export interface DelimitedEvidence {
  readonly inferred: readonly ColumnInference[];
  /** Rows that the types come from. */
  readonly sampled: number;
}

type Shape = CsvDialect & Pick<DelimitedTable, "emptyAsString">;

/** A file with what its header means. */
interface Table {
  readonly opened: Opened;
  readonly names: readonly string[];
  readonly hasHeader: boolean;
}

/**
 * Finds out names, types and shape of delimited files.
 *
 * @param wanted - rows that the plan can use; then no more of the files is read than they, the sample and headers need.
 * @param lossless - see `InferTypesOptions`.
 * @throws `plan_invalid`, `parse_failed`, `schema_mismatch`, and what staging throws.
 */
export async function inspectDelimited(
  step: ReadDelimited,
  files: readonly FileRef[],
  wanted: number | undefined,
  context: InspectContext,
  lossless = false,
): Promise<DelimitedFindings & DelimitedEvidence> {
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
      : await openStarts(step, files, dialect, Math.max(wanted, sample), context);
  const opened = heads ?? (await openWhole(step, files, dialect, sample, context));
  const { tables, names } = nameColumns(step, opened);
  const emptyAsString = step.empty_as_string ?? false;
  const rows = sampleOf(tables, names, sample, emptyAsString);
  const inferred = inferColumns(step, names, (at) => observed(rows, at), lossless);
  const rest = { kind: "delimited", delimiter: dialect.delimiter, emptyAsString } as const;
  const shape = { ...dialect, emptyAsString };
  const columns = names.map((name, at) => ({ name, type: inferred[at]?.inference.type ?? "string" }));
  const groups =
    heads === undefined
      ? await groupFiles(tables, names, shape, context)
      : await groupHeads(tables, names, shape, wanted ?? 0, context);
  return { ...rest, columns, groups, inferred, sampled: rows.length };
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

interface SampledRow {
  readonly file: number;
  /** In the file, from 1. */
  readonly row: number;
  /** As columns of the table. */
  readonly fields: readonly (string | null)[];
}

/** The first rows of all files together. */
function sampleOf(
  tables: readonly Table[],
  names: readonly string[],
  count: number,
  emptyAsString: boolean,
): SampledRow[] {
  const out: SampledRow[] = [];
  for (const table of tables) {
    const places = names.map((name) => table.names.indexOf(name));
    const file = table.opened.index;
    for (const [at, { fields }] of rowsOf(table).entries()) {
      if (out.length >= count) return out;
      const values = places.map((place) => valueOf(fields[place], emptyAsString));
      out.push({ file, row: at + 1, fields: values });
    }
  }
  return out;
}

function observed(rows: readonly SampledRow[], column: number): Observation[] {
  return rows.flatMap(({ file, row, fields }, order) => {
    const value = fields[column] ?? null;
    return value === null ? [] : [{ text: value, count: 1, first: { order, file, row, value } }];
  });
}

/** A field that is missing is null in any case. */
function valueOf(field: string | null | undefined, emptyAsString: boolean): string | null {
  return field === null && emptyAsString ? "" : (field ?? null);
}

function rowsOf({ opened, hasHeader }: Table): readonly CsvRecord[] {
  return hasHeader ? opened.head.records.slice(1) : opened.head.records;
}

/** The wanted rows of the heads, written as files of their own. */
async function groupHeads(
  tables: readonly Table[],
  names: readonly string[],
  { delimiter, emptyAsString }: Shape,
  wanted: number,
  context: InspectContext,
): Promise<DelimitedGroup[]> {
  const groups: DelimitedGroup[] = [];
  let missing = wanted;
  for (const table of tables) {
    const { file, index } = table.opened;
    const rows = rowsOf(table).slice(0, missing);
    if (rows.length === 0) continue;
    missing -= rows.length;
    const fields = table.names.length;
    const path = join(context.scope.folder, `head-${index}.csv`);
    try {
      await writeFile(path, formatRecords(rows, { delimiter, fields, emptyAsString }));
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
  dialect: Shape,
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
  dialect: Shape,
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
