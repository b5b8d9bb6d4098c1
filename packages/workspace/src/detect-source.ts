import {
  AmlError,
  type FileDataset,
  hasGlob,
  isAmlError,
  type LocatedPath,
  type OperationOptions,
  parseStorePath,
  type PathInput,
  type TabularDataset,
  type Workspace,
} from "@aml/core";
import { loadMLTable, MLTABLE } from "./load-mltable.ts";

/** What a source turned out to be. */
export interface DetectedSource {
  readonly kind: "registered" | "mltable" | "delta" | "delimited" | "json_lines" | "parquet";
  /**
   * How it was found out: the source `named` it, by its form or a file's ending; else by what is there: a `folder` of
   * a Delta table's log or of files of one format, or the first bytes of a file's `content`; or from `options` that only
   * one format has, as `delimiter`.
   */
  readonly by: "name" | "folder" | "content" | "options";
  readonly dataset: TabularDataset | FileDataset;
}

export interface OpenSourceOptions extends OperationOptions {
  /**
   * Options of the step that reads the files, in MLTable's words, e.g. `{ delimiter: ";", encoding: "windows1252" }`: for
   * data files, globs and folders, which do not say themselves how they are read.
   */
  readonly read?: ReadStepOptions | undefined;
}

export type ReadStepOptions = Readonly<Record<string, unknown>>;

interface Format {
  readonly kind: "delimited" | "json_lines" | "parquet";
  open(
    workspace: Workspace,
    paths: PathInput | readonly PathInput[],
    read: ReadStepOptions | undefined,
  ): TabularDataset;
}

const csv: Format = {
  kind: "delimited",
  open: ({ tabular }, paths, read) => tabular.fromDelimitedFiles(paths, read),
};
const tsv: Format = {
  kind: "delimited",
  open: ({ tabular }, paths, read) => tabular.fromDelimitedFiles(paths, { delimiter: "\t", ...read }),
};
const json: Format = {
  kind: "json_lines",
  open: ({ tabular }, paths, read) => tabular.fromJsonLinesFiles(paths, read),
};
const parquet: Format = {
  kind: "parquet",
  open: ({ tabular }, paths, read) => tabular.fromParquetFiles(paths, read),
};

const FORMATS: ReadonlyMap<string, Format> = new Map([
  ["csv", csv],
  ["tsv", tsv],
  ["parquet", parquet],
  ["jsonl", json],
  ["ndjson", json],
  ["json", json],
]);

const EXTENSIONS = [...FORMATS.keys()].map((extension) => `.${extension}`).join(", ");

/** Finds out what a source is, and opens it. See `FolderWorkspace.detectSource`. */
export async function detectSource(
  workspace: Workspace,
  source: string,
  options?: OpenSourceOptions,
): Promise<DetectedSource> {
  const found = await findSource(workspace, source, options);
  if (options?.read === undefined || !["registered", "mltable"].includes(found.kind)) return found;
  throw new AmlError("config_invalid", `${source} says itself how its files are read.`, {
    hint: "Leave the options for reading out, or name the files.",
    context: { source },
  });
}

async function findSource(
  workspace: Workspace,
  source: string,
  options?: OpenSourceOptions,
): Promise<DetectedSource> {
  if (/^azureml:[^/]/.test(source))
    return { kind: "registered", by: "name", dataset: await workspace.datasets.get(source, options) };
  const web = /^https?:/i.test(source);
  const path = web ? source.replace(/[?#].*$/, "") : source;
  const name = path.slice(path.lastIndexOf("/") + 1);
  const mltable = async (folder: string): Promise<DetectedSource> => {
    return { kind: "mltable", by: "name", dataset: await loadMLTable(workspace, folder, options) };
  };
  if (name === MLTABLE) return mltable(path.slice(0, -MLTABLE.length) || ".");
  const format = formatOf(name);
  if (format !== undefined)
    return { kind: format.kind, by: "name", dataset: format.open(workspace, source, options?.read) };
  if (hasGlob(path)) return asOptionsTell(workspace, source, name, options?.read);
  try {
    return await mltable(source);
  } catch (error) {
    if (!isAmlError(error, "not_found")) throw error;
    return await lookInto(workspace, source, error, options);
  }
}

function formatOf(name: string): Format | undefined {
  const extension = /\.([^.]+?)(?:\.(?:gz|zst))?$/i.exec(name)?.[1]?.toLowerCase();
  return extension === undefined ? undefined : FORMATS.get(extension);
}

/** Options that just one format has. */
const TELLING: ReadonlyMap<string, Format> = new Map([
  ["delimiter", csv],
  ["header", csv],
  ["support_multi_line", csv],
  ["empty_as_string", csv],
  ["invalid_lines", json],
]);

/** @throws `config_invalid` where the options do not tell the format either. */
function asOptionsTell(
  workspace: Workspace,
  source: string,
  name: string,
  read: ReadStepOptions = {},
): DetectedSource {
  const [format] = Object.keys(read).flatMap((option) => TELLING.get(option) ?? []);
  if (format === undefined) throw unknownFormat(source, name);
  return { kind: format.kind, by: "options", dataset: format.open(workspace, source, read) };
}

function unknownFormat(source: string, name: string): AmlError {
  return new AmlError(
    "config_invalid",
    `The name ${JSON.stringify(name)} of ${source} does not tell its format.`,
    {
      hint: `End it in ${EXTENSIONS} (or that and .gz); for delimited text of another name, read with delimiter: ","; or describe the data in an MLTable file.`,
      context: { source },
    },
  );
}

/** There is no MLTable file: a Delta table, a folder of files of one format, a Parquet file by its first bytes, or an error. */
async function lookInto(
  workspace: Workspace,
  source: string,
  noMLTable: AmlError,
  options?: OpenSourceOptions,
): Promise<DetectedSource> {
  const located = await workspace.locate(source, options);
  const { storage, path, uriOf } = located;
  const root = parseStorePath(path.replace(/\/+$/, ""));
  const folder = `${source.replace(/\/+$/, "")}/`;
  try {
    const { kind } = await storage.stat(root, options);
    if (kind === "file") return await sniff(workspace, source, located, options);
  } catch (cause) {
    if (!isAmlError(cause, "not_found")) throw cause;
    throw new AmlError("not_found", `There is nothing at ${uriOf(path)}.`, {
      hint: "List what is there with 'aml ls'; names are case-sensitive.",
      context: { source },
      cause,
    });
  }
  for await (const _ of storage.list(parseStorePath(`${root}/_delta_log`), options))
    return { kind: "delta", by: "folder", dataset: workspace.tabular.fromDeltaTable(folder, options?.read) };
  const found = new Map<string, Format>();
  for await (const { path: file, kind } of storage.list(root, { ...options, recursive: true })) {
    const name = file.slice(file.lastIndexOf("/") + 1);
    const format = kind === "file" ? formatOf(name) : undefined;
    const ending = /\.[^.]+?(?:\.(?:gz|zst))?$/i.exec(name)?.[0];
    if (format !== undefined && ending !== undefined) found.set(ending, format);
  }
  const [format, ...others] = new Set(found.values());
  if (format === undefined) throw noMLTable;
  if (others.length > 0) throw severalFormats(source, [...found.keys()]);
  const patterns = [...found.keys()].map((ending) => ({
    pattern: workspace.resolve(`${folder}**/*${ending}`),
  }));
  return { kind: format.kind, by: "folder", dataset: format.open(workspace, patterns, options?.read) };
}

async function sniff(
  workspace: Workspace,
  source: string,
  { storage, path }: LocatedPath,
  options?: OpenSourceOptions,
): Promise<DetectedSource> {
  const { body } = await storage.read(parseStorePath(path), { ...options, range: { offset: 0, length: 4 } });
  const start = await new Response(body).text();
  if (start !== "PAR1")
    return asOptionsTell(workspace, source, path.slice(path.lastIndexOf("/") + 1), options?.read);
  return { kind: "parquet", by: "content", dataset: parquet.open(workspace, source, options?.read) };
}

function severalFormats(source: string, endings: readonly string[]): AmlError {
  return new AmlError(
    "config_invalid",
    `${source} holds files of several formats: ${endings.toSorted().join(", ")}.`,
    {
      hint: "Name those of one format by a glob, or describe the data in an MLTable file.",
      context: { source, endings },
    },
  );
}
