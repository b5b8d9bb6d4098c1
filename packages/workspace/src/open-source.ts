import {
  AmlError,
  type FileDataset,
  hasGlob,
  isAmlError,
  type OperationOptions,
  parseStorePath,
  type TabularDataset,
  type Workspace,
} from "@aml/core";
import { loadMLTable, MLTABLE } from "./load-mltable.ts";

type Open = (workspace: Workspace, path: string) => TabularDataset;

const json: Open = (workspace, path) => workspace.tabular.fromJsonLinesFiles(path);

const FORMATS: Readonly<Record<string, Open>> = {
  csv: (workspace, path) => workspace.tabular.fromDelimitedFiles(path),
  tsv: (workspace, path) => workspace.tabular.fromDelimitedFiles(path, { delimiter: "\t" }),
  parquet: (workspace, path) => workspace.tabular.fromParquetFiles(path),
  jsonl: json,
  ndjson: json,
  json,
};

const EXTENSIONS = Object.keys(FORMATS)
  .map((extension) => `.${extension}`)
  .join(", ");

/** Opens an MLTable folder, a data file or glob, or a registered dataset. See `FolderWorkspace.openSource`. */
export async function openSource(
  workspace: Workspace,
  source: string,
  options?: OperationOptions,
): Promise<TabularDataset | FileDataset> {
  if (/^azureml:[^/]/.test(source)) return workspace.datasets.get(source, options);
  const web = /^https?:/i.test(source);
  const path = web ? source.replace(/[?#].*$/, "") : source;
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (name === MLTABLE) return loadMLTable(workspace, path.slice(0, -MLTABLE.length) || ".", options);
  const open = formatOf(name);
  if (open) return open(workspace, source);
  if (hasGlob(path)) throw unknownFormat(source, name);
  try {
    return await loadMLTable(workspace, source, options);
  } catch (error) {
    if (!isAmlError(error, "not_found")) throw error;
    throw await explain(workspace, source, error, options);
  }
}

function formatOf(name: string): Open | undefined {
  const extension = /\.([^.]+?)(?:\.gz)?$/i.exec(name)?.[1]?.toLowerCase() ?? "";
  return Object.hasOwn(FORMATS, extension) ? FORMATS[extension] : undefined;
}

function unknownFormat(source: string, name: string): AmlError {
  return new AmlError(
    "config_invalid",
    `The name ${JSON.stringify(name)} of ${source} does not tell its format.`,
    {
      hint: `End it in ${EXTENSIONS} (or that and .gz), or describe the data in an MLTable file.`,
      context: { source },
    },
  );
}

/** There is no MLTable file: tells a file of unknown format and a folder without MLTable from a path that is not there. */
async function explain(
  workspace: Workspace,
  source: string,
  error: AmlError,
  options?: OperationOptions,
): Promise<AmlError> {
  const { storage, path, uriOf } = await workspace.locate(source, options);
  try {
    const root = path.replace(/\/+$/, "");
    const stat = await storage.stat(parseStorePath(root), options);
    if (stat.kind === "file") return unknownFormat(source, root.slice(root.lastIndexOf("/") + 1));
  } catch (cause) {
    if (!isAmlError(cause, "not_found")) throw cause;
    return new AmlError("not_found", `There is nothing at ${uriOf(path)}.`, {
      hint: "List what is there with 'aml ls'; names are case-sensitive.",
      context: { source },
      cause,
    });
  }
  return error;
}
