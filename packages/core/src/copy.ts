import { AmlError, isAmlError } from "./aml-error.ts";
import { copyFiles } from "./copy-files.ts";
import type { ContentHash, CopyJournal, CopyOptions, CopyReport } from "./copy-types.ts";
import { hasGlob, parseGlob } from "./glob.ts";
import { listGlob } from "./list-glob.ts";
import type { FileStat, OperationOptions, StorePath } from "./storage.ts";
import { joinStorePath, parseStorePath } from "./store-path.ts";
import type { Copy } from "./transfer-file.ts";
import type { LocatedPath, Workspace } from "./workspace.ts";

/** What `copy` needs of a workspace. */
export interface CopyContext extends Pick<Workspace, "locate"> {
  readonly createHash: (() => ContentHash) | undefined;
  readonly journal: CopyJournal | undefined;
}

/** See `Workspace.copy`. */
export async function copy(
  { locate, createHash, journal }: CopyContext,
  from: string,
  to: string,
  options: CopyOptions = {},
): Promise<CopyReport> {
  const source = await openSource(await locate(withRoot(from), options), options);
  const target = await locate(withRoot(to), options);
  const folder = parseStorePath(target.path);
  if (source.file !== undefined) {
    const into = await isFolder(target, to, options);
    const place = into ? joinStorePath(folder, source.file.path.split("/").at(-1) ?? "") : folder;
    refuseItself(source, target, place);
    const one: Copy = { file: refOf(source, source.file), to: place };
    return copyFiles(
      { copies: () => [one], sorted: false, target, createHash, journal, resumes: true },
      options,
    );
  }
  refuseItself(source, target, folder);
  const copies = async function* (): AsyncGenerator<Copy> {
    for await (const stat of filesOf(source, options)) {
      const file = refOf(source, stat);
      yield { file, to: joinStorePath(folder, file.relativePath) };
    }
  };
  const sorted = source.glob !== undefined || source.located.storage.capabilities.sortedList;
  return copyFiles({ copies, sorted, target, createHash, journal, resumes: true }, options);
}

interface Source {
  readonly located: LocatedPath;
  /** The folder that relative paths start from. */
  readonly root: StorePath;
  readonly glob?: string;
  /** The one file that is to be copied. */
  readonly file?: FileStat;
}

/** The root of a datastore may be written without its last part. */
function withRoot(path: string): string {
  return /^azureml:\/\/datastores\/[^/]+\/?$/i.test(path) ? `${path.replace(/\/$/, "")}/paths/` : path;
}

async function openSource(located: LocatedPath, options: CopyOptions): Promise<Source> {
  const { storage, path, uriOf } = located;
  if (storage.capabilities.list && hasGlob(path)) {
    return { located, root: parseStorePath(parseGlob(path).root), glob: path };
  }
  const root = parseStorePath(path);
  const isRoot = root === "" || path.endsWith("/");
  const stat = isRoot ? undefined : await storage.stat(root, options);
  if (stat?.kind === "file") return { located, root, file: stat };
  if (options.recursive === true) return { located, root };
  throw new AmlError("config_invalid", `${uriOf(root)} is a folder.`, {
    operation: "copy",
    hint: "To copy the files in it and below it, pass recursive; to copy some, write a pattern such as *.csv.",
    context: { path: root },
  });
}

/** As the store lists them: the names alone of a million files would fill the memory. @throws `not_found` for none. */
async function* filesOf(source: Source, options: OperationOptions): AsyncGenerator<FileStat> {
  const { located, root, glob } = source;
  const { storage, uriOf } = located;
  const { signal } = options;
  const listed =
    glob === undefined
      ? storage.list(root, { recursive: true, signal })
      : listGlob(storage, glob, { signal });
  let found = false;
  for await (const stat of listed) {
    if (stat.kind !== "file") continue;
    found = true;
    yield stat;
  }
  if (found) return;
  // An empty folder is copied, which takes nothing; a folder that is not there is an error.
  if (glob === undefined && (await storage.stat(root, { signal })).kind === "directory") return;
  throw new AmlError("not_found", `No file matches ${uriOf(glob ?? root)}.`, {
    operation: "copy",
    hint: "Check the path with `aml ls`; names are case-sensitive, and `**` is what matches several folders.",
    context: { path: glob ?? root },
  });
}

function refOf({ located, root, file }: Source, stat: FileStat): Copy["file"] {
  const { storage, uriOf } = located;
  const start = file !== undefined || root === "" ? 0 : root.length + 1;
  return { uri: uriOf(stat.path), relativePath: stat.path.slice(start), stat, storage };
}

/** As `cp` sees it: a path that ends in a slash or a dot, or that is a folder already. */
async function isFolder(
  { storage, path }: LocatedPath,
  written: string,
  options: CopyOptions,
): Promise<boolean> {
  const root = parseStorePath(path);
  if (root === "" || /(^|\/)\.{0,2}$/.test(written)) return true;
  try {
    return (await storage.stat(root, options)).kind === "directory";
  } catch (error) {
    if (isAmlError(error, "not_found") || isAmlError(error, "permission_denied")) return false;
    throw error;
  }
}

/** A copy into its own source would find its own files, and write a file while it reads it. */
function refuseItself({ located, root, file, glob }: Source, target: LocatedPath, to: StorePath): void {
  const from = placeOf(located, root);
  const place = placeOf(target, to);
  const deep = file === undefined && (glob === undefined || glob.includes("**"));
  const inside = deep && `${place}/`.startsWith(from.endsWith("/") ? from : `${from}/`);
  if (!inside && place !== from) return;
  throw new AmlError("path_invalid", `${target.uriOf(to)} is ${inside ? "in " : ""}what is to be copied.`, {
    operation: "copy",
    hint: "Choose a target outside of the source.",
    context: { from: located.uriOf(root), to: target.uriOf(to) },
  });
}

function placeOf({ storage }: LocatedPath, path: StorePath): string {
  return path === "" ? storage.uri : `${storage.uri}/${path}`;
}
