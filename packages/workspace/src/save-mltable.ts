import {
  AmlError,
  type FileDataset,
  isAmlError,
  joinStorePath,
  type LocatedPath,
  type OperationOptions,
  parseUri,
  type PathSpec,
  type Plan,
  resolvePatternUri,
  resolveUri,
  type StepOf,
  type TabularDataset,
  type Workspace,
} from "@aml/core";
import { matchPartitionFormat } from "@aml/core/engine";
import { parsePartitionFormat } from "@aml/core/plan";
import { folderUri, MLTABLE } from "./load-mltable.ts";

export interface SaveMLTableOptions extends OperationOptions {
  /** Replaces the `MLTable` file, and with `colocated` the data files, that are there. Default false. */
  readonly overwrite?: boolean | undefined;
  /** Copies the data files beside the `MLTable` file, so that the folder can be moved. Default false. */
  readonly colocated?: boolean | undefined;
}

/** See `FolderWorkspace.saveMLTable`. */
export async function saveMLTable(
  workspace: Workspace,
  dataset: TabularDataset | FileDataset,
  folder: string,
  options: SaveMLTableOptions = {},
): Promise<void> {
  const uri = folderUri(workspace.resolve(folder));
  const target = await workspace.locate(uri, options);
  if (options.overwrite !== true) await refuseExisting(target, uri, options);
  if (options.colocated !== true) {
    await writeMLTable(target, await mltableText(pathsFrom(dataset.plan, uri), uri), options);
    return;
  }
  const chosen = fileStepsOf(dataset.plan);
  const formats = dataset.plan.steps.filter((step) => step.op === "extract_columns_from_partition_format");
  const paths: PathSpec[] = [];
  for await (const { uri: from, relativePath } of dataset.files(options)) {
    const file = resolveUri(uri, `./${relativePath}`);
    for (const format of formats) refuseOtherValues(format, from, file);
    paths.push({ file });
  }
  const { files } = await workspace.filesFromPlan(chosen).download(uri, options);
  const steps = dataset.plan.steps.filter((step) => !chosen.steps.includes(step));
  const plan: Plan = { ...dataset.plan, source: { from: "paths", paths }, steps };
  try {
    await writeMLTable(target, await mltableText(plan, uri), options);
  } catch (error) {
    // Without its recipe the copy is half of an MLTable.
    if (options.overwrite !== true) await removeFiles(workspace, files);
    throw error;
  }
}

async function refuseExisting(
  { storage, path }: LocatedPath,
  uri: string,
  options: OperationOptions,
): Promise<void> {
  try {
    await storage.stat(joinStorePath(path, MLTABLE), options);
  } catch (error) {
    if (isAmlError(error, "not_found")) return;
    throw error;
  }
  throw new AmlError("already_exists", `There is an MLTable file in ${uri} already`, {
    hint: "Choose another folder, or pass overwrite.",
    context: { folder: uri },
  });
}

async function mltableText(plan: Plan, uri: string): Promise<string> {
  const { formatMLTable, fromPlan } = await import("@aml/mltable");
  const table = fromPlan(plan, uri);
  return formatMLTable({ ...table, paths: table.paths.map((entry) => relativeToFolder(entry, uri)) });
}

async function writeMLTable(
  { storage, path }: LocatedPath,
  text: string,
  { overwrite, signal }: SaveMLTableOptions,
): Promise<void> {
  if (storage.write === undefined) {
    throw new AmlError("unsupported", `${storage.uri} is read-only`, {
      operation: "write",
      hint: "Choose another target.",
    });
  }
  const bytes = new TextEncoder().encode(text);
  await storage.write(joinStorePath(path, MLTABLE), new Response(bytes).body as ReadableStream<Uint8Array>, {
    size: bytes.length,
    contentType: "text/yaml",
    signal,
    ifNoneMatch: overwrite === true ? undefined : "*",
  });
}

/** The plan that a file can say: pinned files one by one, since they are what a version is. */
function pathsFrom(plan: Plan, uri: string): Plan {
  const { source } = plan;
  if (source.from !== "paths") return plan;
  const { pinned } = source;
  const paths = pinned === undefined ? source.paths : pinned.map((file): PathSpec => ({ file: file.uri }));
  const local = paths.find((entry) => isLocal(pathOf(entry)));
  if (local !== undefined && !isLocal(uri)) {
    throw new AmlError(
      "config_invalid",
      `An MLTable in ${uri} cannot point at the local path ${pathOf(local)}`,
      {
        hint: "Pass colocated to copy the data beside it.",
        context: { folder: uri },
      },
    );
  }
  return { ...plan, source: { from: "paths", paths } };
}

/**
 * The part of a plan that chooses among files.
 *
 * @throws `unsupported` for a filter of files, which sees other paths when they are copied.
 */
function fileStepsOf(plan: Plan): Plan {
  const read = plan.steps.findIndex((step) => step.op.startsWith("read_"));
  const before = read < 0 ? plan.steps : plan.steps.slice(0, read);
  const choosing = new Set(["take", "skip", "take_random_sample", "sample"]);
  const filter = before.find(({ op }) => op === "filter" || op === "select_partitions");
  if (filter === undefined) return { ...plan, steps: before.filter((step) => choosing.has(step.op)) };
  throw new AmlError(
    "unsupported",
    `A colocated copy cannot have the step ${filter.op} in front of the reading step: it chooses files by paths that they will not have.`,
    {
      operation: "save",
      hint: "Narrow the paths or the pattern instead, or save without colocated.",
    },
  );
}

/** @throws `unsupported` where the copy's path means something else than the file's. */
function refuseOtherValues(
  { partition_format, value_encoding }: StepOf<"extract_columns_from_partition_format">,
  from: string,
  to: string,
): void {
  const format = parsePartitionFormat(partition_format, value_encoding);
  const [before, after] = [from, to].map((uri) => JSON.stringify(matchPartitionFormat(format, uri)));
  if (before === undefined || before === after) return;
  throw new AmlError(
    "unsupported",
    `The partition format ${partition_format} reads ${before} from ${from}, and from its copy ${to} ${after ?? "nothing"}.`,
    {
      operation: "save",
      hint: "Save into a folder with the same names on the way, or without colocated.",
      context: { uri: from, copy: to },
    },
  );
}

/** A local path that is not below the folder, as a relative one with `..`; the same URI if that would climb to the root. */
function relativeToFolder(entry: PathSpec, folder: string): PathSpec {
  const [kind, uri] = Object.entries(entry)[0] as [string, string];
  if (!isLocal(uri) || !isLocal(folder)) return entry;
  const from = segmentsOf(folder);
  const to = segmentsOf(uri);
  let shared = 0;
  while (shared < from.length && shared < to.length - 1 && from[shared] === to[shared]) shared++;
  if (shared === 0) return entry;
  const relative =
    [...from.slice(shared).map(() => ".."), ...to.slice(shared)].join("/") + (uri.endsWith("/") ? "/" : "");
  const resolve = kind === "pattern" ? resolvePatternUri : resolveUri;
  return resolve(folder, relative) === uri ? ({ [kind]: relative } as unknown as PathSpec) : entry;
}

function segmentsOf(uri: string): readonly string[] {
  const parsed = parseUri(uri);
  return "path" in parsed ? parsed.path.split("/").filter((segment) => segment !== "") : [];
}

const isLocal = (uri: string): boolean => /^file:/i.test(uri);

const pathOf = (entry: PathSpec): string => Object.values(entry)[0] as string;

async function removeFiles(workspace: Workspace, uris: readonly string[]): Promise<void> {
  await Promise.allSettled(
    uris.map(async (uri) => {
      const { storage, path } = await workspace.locate(uri);
      await storage.delete?.(joinStorePath(path));
    }),
  );
}
