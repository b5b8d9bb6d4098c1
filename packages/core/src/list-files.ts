import { AmlError, isAmlError } from "./aml-error.ts";
import type { FileRef } from "./engine.ts";
import { parseGlob } from "./glob.ts";
import { listFolder, listGlob } from "./list-glob.ts";
import type { PathSource, PathSpec, Source } from "./plan.ts";
import { createLayer } from "./storage-layer.ts";
import type {
  FileStat,
  OperationOptions,
  ReadOptions,
  ReadResult,
  StorageAdapter,
  StorePath,
} from "./storage.ts";
import { parseStorePath } from "./store-path.ts";
import type { LocatedPath } from "./workspace.ts";

type Locate = (uri: string, options?: OperationOptions) => Promise<LocatedPath>;

/** One entry of `paths`, opened: where to look, and the folder that relative paths are counted from. */
interface OpenedSpec {
  readonly spec: PathSpec;
  readonly located: LocatedPath;
  /** Segments of the literal folder. */
  readonly folder: readonly string[];
  /** Of a file that was looked at already. */
  readonly stat?: FileStat;
}

export interface ListFilesOptions extends OperationOptions {
  /** Leaves out entries that match no file. */
  readonly ignoreNotFound?: boolean | undefined;
}

/**
 * Lists the files of a source in reading order: by entry, then by path.
 *
 * A file named `MLTable` at the root of a folder or pattern is the recipe, not data, and is left out.
 *
 * @throws `not_found` when an entry matches no file.
 */
export async function* listFiles(
  source: Source,
  locate: Locate,
  options?: ListFilesOptions,
): AsyncIterable<FileRef> {
  if (source.from === "query") {
    throw new AmlError("unsupported", "A query reads a database, so it has no files.", {
      hint: "Open the table instead of listing its files.",
    });
  }
  if (source.pinned !== undefined) {
    yield* pinnedFiles(source.pinned, locate, options);
    return;
  }
  const specs: OpenedSpec[] = [];
  for (const spec of source.paths) specs.push(openSpec(spec, await locate(uriOf(spec), options)));
  const [only] = specs;
  // Paths count from the folder that a file turns out to be, where there is no other path to count from.
  if (specs.length === 1 && only !== undefined && "file" in only.spec) {
    const { located, spec } = only;
    const stat = await statOf(located, options);
    if (stat === undefined) return;
    specs[0] = stat.kind === "file" ? { ...only, stat } : openSpec({ folder: spec.file }, located);
  }
  const relative = relativePaths(specs);
  for (const opened of specs) {
    let count = 0;
    for await (const stat of listSpec(opened, options)) {
      count++;
      const { storage } = opened.located;
      yield {
        uri: opened.located.uriOf(stat.path),
        relativePath: relative(opened, stat.path),
        stat,
        storage,
      };
    }
    if (count === 0 && options?.ignoreNotFound !== true) throw noMatch(opened.spec);
  }
}

async function* pinnedFiles(
  pinned: NonNullable<PathSource["pinned"]>,
  locate: Locate,
  options?: OperationOptions,
): AsyncIterable<FileRef> {
  const guarded = new Map<StorageAdapter, StorageAdapter>();
  for (const { uri, relativePath, size, etag } of pinned) {
    const { storage, path } = await locate(uri, options);
    const guard = guarded.get(storage) ?? explainChanges(storage);
    guarded.set(storage, guard);
    const stat: FileStat = { path: parseStorePath(path), kind: "file", size, etag };
    yield { uri, relativePath, stat, storage: guard };
  }
}

/** Says of a changed or missing file that a version pins it, which the store cannot know. */
function explainChanges(storage: StorageAdapter): StorageAdapter {
  const read = async (path: StorePath, options?: ReadOptions): Promise<ReadResult> => {
    try {
      return await storage.read(path, options);
    } catch (error) {
      const gone = isAmlError(error, "not_found");
      if (!gone && !isAmlError(error, "precondition_failed")) throw error;
      const what = gone ? "was deleted" : "has changed";
      throw new AmlError(
        error.code,
        `${storage.uri}/${path} ${what} since this version of the dataset pinned it.`,
        {
          operation: "read",
          hint: "Register a new version to read what is there now, or restore the file.",
          context: error.context,
          cause: error,
        },
      );
    }
  };
  return createLayer(storage, { read });
}

function uriOf(spec: PathSpec): string {
  if ("file" in spec) return spec.file;
  return "folder" in spec ? spec.folder : spec.pattern;
}

function openSpec(spec: PathSpec, located: LocatedPath): OpenedSpec {
  const literal = "pattern" in spec ? parseGlob(located.path).root : parseStorePath(located.path);
  const segments = literal.split("/").filter((segment) => segment !== "");
  return { spec, located, folder: "file" in spec ? segments.slice(0, -1) : segments };
}

/** Undefined for a missing file that may be missing. */
async function statOf(
  { storage, path }: LocatedPath,
  options?: ListFilesOptions,
): Promise<FileStat | undefined> {
  try {
    return await storage.stat(parseStorePath(path), options);
  } catch (error) {
    if (options?.ignoreNotFound === true && isAmlError(error, "not_found")) return undefined;
    throw error;
  }
}

async function* listSpec(
  { spec, located, folder, stat: known }: OpenedSpec,
  options?: ListFilesOptions,
): AsyncIterable<FileStat> {
  const { storage, path } = located;
  if ("file" in spec) {
    const stat = known ?? (await statOf(located, options));
    if (stat?.kind === "file") yield stat;
    else if (stat !== undefined) yield* dataFiles(listFolder(storage, stat.path, options), stat.path);
  } else if ("folder" in spec) {
    const root = parseStorePath(path);
    yield* dataFiles(listFolder(storage, root, options), root);
  } else {
    yield* dataFiles(listGlob(storage, path, options), folder.join("/"));
  }
}

async function* dataFiles(files: AsyncIterable<FileStat>, folder: string): AsyncIterable<FileStat> {
  const recipe = folder === "" ? "MLTable" : `${folder}/MLTable`;
  for await (const file of files) if (file.kind === "file" && file.path !== recipe) yield file;
}

/** Paths below the folder that all entries share; with several stores, below the store's own name. */
function relativePaths(specs: readonly OpenedSpec[]): (opened: OpenedSpec, path: string) => string {
  const stores = new Set(specs.map(({ located }) => located.storage));
  const [first = [], ...others] = specs.map(({ folder }) => folder);
  let shared = 0;
  while (shared < first.length && others.every((folder) => folder[shared] === first[shared])) shared++;
  return ({ located }, path) =>
    stores.size > 1
      ? parseStorePath(`${located.storage.uri.replace(/^[\w+.-]+:\/*/, "")}/${path}`)
      : path.split("/").slice(shared).join("/");
}

function noMatch(spec: PathSpec): AmlError {
  return new AmlError("not_found", `No file matches ${uriOf(spec)}.`, {
    operation: "list",
    hint: "Check the path with `aml ls`; names are case-sensitive, and `**` is what matches several folders.",
    context: { path: uriOf(spec) },
  });
}
