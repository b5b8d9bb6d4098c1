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
  type TabularDataset,
  type Workspace,
} from "@aml/core";
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
  const paths: PathSpec[] = [];
  for await (const { relativePath } of dataset.files(options)) {
    paths.push({ file: resolveUri(uri, `./${relativePath}`) });
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

/** The part of a plan that chooses among files. */
function fileStepsOf(plan: Plan): Plan {
  const read = plan.steps.findIndex((step) => step.op.startsWith("read_"));
  const before = read < 0 ? plan.steps : plan.steps.slice(0, read);
  const choosing = new Set(["take", "skip", "take_random_sample", "sample"]);
  return { ...plan, steps: before.filter((step) => choosing.has(step.op)) };
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
