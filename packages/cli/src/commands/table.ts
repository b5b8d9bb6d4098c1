import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import process from "node:process";
import {
  AmlError,
  type ConversionErrors,
  type ProfileState,
  type ReadTableOptions,
  type Row,
  type TableEncoder,
  type TableFormat,
  type TableProfile,
  type TabularDataset,
} from "@aml/core";
import type { DetectedSource } from "@aml/workspace";
import { conversionNote } from "../conversion-note.ts";
import { formatBytes } from "../format-bytes.ts";
import { oneLine, printTable } from "../print-table.ts";
import { readOptions } from "../read-options.ts";
import { profileText } from "../profile-text.ts";
import { shownPath } from "../shown-path.ts";
import { type GlobalFlags, type Session, tableStyle } from "../session.ts";

export interface TableFlags extends GlobalFlags {
  readonly read?: readonly string[];
  readonly filter?: string;
  readonly keep?: readonly string[];
  readonly limit?: number;
  readonly onError?: "null" | "fail";
}

export interface SchemaFlags extends TableFlags {
  readonly explain?: boolean;
  readonly rows?: number | "all";
  readonly lossless?: boolean;
  /** True for the source's own MLTable. */
  readonly save?: string | true;
}

export type ExportFormat = TableFormat | "arrow" | "feather";

export interface ExportFlags extends TableFlags {
  readonly format: ExportFormat;
  readonly output?: string;
  readonly overwrite?: boolean;
}

/** `aml table show` and `aml table head` */
export async function showTable(session: Session, flags: TableFlags, source: string): Promise<void> {
  const { table, detected } = await openTable(session, flags, source);
  const { options, errors } = reading(session, flags, source);
  const result = await table.open(options);
  try {
    const rows: Row[] = [];
    for await (const batch of result.batches({ signal: session.signal })) rows.push(...batch);
    const { columns } = result.schema;
    const { kind: detectedAs } = detected;
    await session.print({ source: detectedAs, columns, rows, conversionErrors: errors }, () =>
      printTable(columns, rows, tableStyle(session, true)),
    );
  } finally {
    await result[Symbol.asyncDispose]();
  }
}

/** `aml table schema` */
export async function showSchema(session: Session, flags: SchemaFlags, source: string): Promise<void> {
  const { table, detected } = await openTable(session, flags, source);
  const { explain, rows, lossless, save } = flags;
  if (explain === true || rows !== undefined || lossless === true || save !== undefined) {
    const { showTypes } = await import("./table-types.ts");
    return showTypes(session, flags, source, { table, detected });
  }
  const schema = await table.schema({ signal: session.signal });
  await session.print({ source: detected.kind, ...schema }, () =>
    printTable(
      [
        { name: "column", type: "string", nullable: false },
        { name: "type", type: "string", nullable: false },
        { name: "nullable", type: "boolean", nullable: false },
      ],
      schema.columns.map(({ name, type, nullable }) => ({ column: name, type, nullable })),
      tableStyle(session, false),
    ),
  );
}

export interface ProfileFlags extends TableFlags {
  readonly state?: string;
}

/** `aml table profile` */
export async function showProfile(session: Session, flags: ProfileFlags, source: string): Promise<void> {
  const { table } = await openTable(session, flags, source);
  const { signal } = session;
  const { state } = flags;
  const profile =
    state === undefined
      ? await table.profile({ signal })
      : await profileByFile(table, resolve(session.terminal.cwd, state), signal);
  await session.print(profile, () => profileText(profile, tableStyle(session, false)));
}

/** Reads the files that the state does not know, and writes the state anew. */
async function profileByFile(
  table: TabularDataset,
  stateFile: string,
  signal: AbortSignal,
): Promise<TableProfile> {
  // First, so that no work is lost for a folder that is missing or closed.
  const text = await mkdir(dirname(stateFile), { recursive: true })
    .then(() => readFile(stateFile, "utf8"))
    .catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw noStateFile(stateFile, error);
    });
  const known = text === undefined ? undefined : parseState(text, stateFile);
  const { profile, state } = await table.profileByFile({ known, signal });
  const made = `${stateFile}.${process.pid}.partial`;
  try {
    await writeFile(made, JSON.stringify(state));
    await rename(made, stateFile);
  } catch (error) {
    await rm(made, { force: true });
    throw noStateFile(stateFile, error as NodeJS.ErrnoException);
  }
  return profile;
}

function noStateFile(file: string, cause: NodeJS.ErrnoException): AmlError {
  return new AmlError("path_invalid", `${file} cannot be read or written (${cause.code ?? cause.message}).`, {
    operation: "profile",
    hint: "Name a file in a folder that is yours to write to.",
    cause,
  });
}

function parseState(text: string, file: string): ProfileState {
  try {
    const state = JSON.parse(text) as ProfileState;
    if (state.version === 1 && typeof state.recipe === "string" && Array.isArray(state.files)) return state;
  } catch {
    // Told below.
  }
  throw new AmlError("config_invalid", `${file} is no state of a profile.`, {
    operation: "profile",
    hint: "Name another file, or delete this one.",
  });
}

/** `aml table explain` */
export async function explainTable(session: Session, flags: TableFlags, source: string): Promise<void> {
  const { table } = await openTable(session, flags, source);
  const explanation = await table.explain({ signal: session.signal });
  const { explanationText } = await import("@aml/core/workspace");
  await session.print(explanation, () => eachLine(explanationText(explanation)));
}

/** A text of lines without what would move a terminal's cursor. */
export function eachLine(text: string): string {
  return text
    .split("\n")
    .map((line) => oneLine(line))
    .join("\n");
}

/** `aml table export` */
export async function exportTable(session: Session, flags: ExportFlags, source: string): Promise<void> {
  const { format, output, overwrite } = flags;
  const { stdout } = session.terminal;
  if (output === undefined && format !== "csv" && format !== "jsonl" && stdout.isTTY === true) {
    const name = `${format.slice(0, 1).toUpperCase()}${format.slice(1)}`;
    throw new AmlError("config_invalid", `${name} is not text, so it is not written to a terminal.`, {
      hint: "Add --output FILE, or redirect the output.",
    });
  }
  if (output !== undefined) checkTarget(output, format);
  const { table } = await openTable(session, flags, source);
  const { options, errors } = reading(session, flags, source);
  const encoder = await encoderOf(format);
  if (output !== undefined) {
    const stat = await table.write(output, encoder, { overwrite, ...options });
    const target = (await session.open()).resolve(output);
    await session.print(
      { uri: target, format, bytes: stat.size, conversionErrors: errors },
      () => `${oneLine(output)} is written: ${formatBytes(stat.size)}.\n`,
    );
    return;
  }
  const body = typeof encoder === "function" ? encoder(table, options) : table.encode(encoder, options);
  await writeBytes(session, body);
}

/** Writes a table's bytes to stdout. */
export async function writeBytes(session: Session, body: ReadableStream<Uint8Array>): Promise<void> {
  const reader = body.getReader();
  try {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read())
      await session.write(chunk.value);
  } catch (error) {
    await reader.cancel(error);
    throw error;
  }
}

/** Arrow's library is loaded where it is wanted. */
async function encoderOf(format: ExportFormat): Promise<TableFormat | TableEncoder> {
  if (format !== "arrow" && format !== "feather") return format;
  const { toArrowIpc } = await import("@aml/arrow");
  const kind = format === "arrow" ? "stream" : "file";
  return (table, options) => toArrowIpc(table, { ...options, format: kind });
}

/** A folder or a pattern is no name of a file. @throws `path_invalid`. */
export function checkTarget(output: string, format: ExportFormat): void {
  const folder = output === "" || /[/\\]$/.test(output);
  if (!folder && !/[*?]/.test(output)) return;
  throw new AmlError(
    "path_invalid",
    `--output ${JSON.stringify(output)} names ${folder ? "a folder" : "a pattern"}, not a file.`,
    {
      hint: `Name one file, e.g. ${folder ? `${output}table` : output.replace(/[*?]+/g, "table").replace(/\.\w*$/, "")}.${format}.`,
      context: { output },
    },
  );
}

/** Reads with what the flags say; tells of values that could not be converted, and keeps what it told. */
export function reading(
  session: Session,
  { onError }: Pick<TableFlags, "onError">,
  source: string,
): { readonly options: ReadTableOptions; readonly errors: readonly ConversionErrors[] } {
  const errors: ConversionErrors[] = [];
  const onConversionErrors = (found: readonly ConversionErrors[]): void => {
    errors.push(...found);
    for (const one of found)
      session.note(`note: ${conversionNote(one, (uri) => shownPath(uri, source, session.terminal.cwd))}`);
  };
  return { options: { onError, onConversionErrors, signal: session.signal }, errors };
}

export interface OpenedTable {
  /** With filter, columns and limit. */
  readonly table: TabularDataset;
  readonly detected: DetectedSource;
}

async function openTable(session: Session, flags: TableFlags, source: string): Promise<OpenedTable> {
  const read = readOptions(flags.read);
  const detected = await (await session.open()).detectSource(source, { signal: session.signal, read });
  if (detected.by !== "name") session.note(`note: ${oneLine(source)} is read as ${NAMES[detected.kind]}.`);
  let table = tabular(detected, source);
  if (flags.filter !== undefined) table = table.filter(flags.filter);
  if (flags.keep !== undefined) table = await keepColumns(table, flags.keep, session.signal);
  return { table: flags.limit === undefined ? table : table.take(flags.limit), detected };
}

const NAMES: Readonly<Record<DetectedSource["kind"], string>> = {
  registered: "a registered dataset",
  mltable: "an MLTable",
  delta: "a Delta table",
  delimited: "delimited text",
  json_lines: "JSON lines",
  parquet: "Parquet",
};

/** MLTable's own step ignores unknown names; on a command line they are slips of the pen. */
async function keepColumns(
  table: TabularDataset,
  names: readonly string[],
  signal: AbortSignal,
): Promise<TabularDataset> {
  const known = (await table.schema({ signal })).columns.map(({ name }) => name);
  // "a, b" is "a,b", unless a column is really called " b".
  const wanted = names.map((name) => (known.includes(name) ? name : name.trim()));
  const unknown = wanted.find((name) => !known.includes(name));
  if (unknown === undefined) return table.keepColumns(wanted);
  throw new AmlError("plan_invalid", `There is no column ${JSON.stringify(unknown)} to keep.`, {
    hint: `Columns are: ${known.join(", ")}.`,
    context: { column: unknown },
  });
}

/** The table that a source on the command line names. @throws `unsupported` for files. */
export function tabular({ dataset }: DetectedSource, source: string): TabularDataset {
  if (dataset.kind === "tabular") return dataset;
  throw new AmlError("unsupported", `${source} is a dataset of files, not a table.`, {
    hint: "Name its files by pattern, e.g. a glob that ends in .csv, or add a read step to the MLTable file.",
    context: { source },
  });
}
