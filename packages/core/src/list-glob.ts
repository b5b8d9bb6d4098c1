import { isAmlError } from "./aml-error.ts";
import { type Glob, GLOBSTAR, type GlobSegment, matchGlob, matchSegment, parseGlob } from "./glob.ts";
import type { FileStat, OperationOptions, StorageAdapter, StorePath } from "./storage.ts";
import { joinStorePath } from "./store-path.ts";

type Files = AsyncGenerator<FileStat, void, undefined>;

/** How many lookups are under way at once. */
const AHEAD = 16;

/**
 * Lists the files that match a glob, in ascending code-unit order of their paths, on demand. Walks folder by folder
 * and lists only what starts like the glob's segment there; a literal name costs a `stat` instead, of which up to 16
 * run at once. Where the store lists in order, nothing is buffered; else one folder is at a time, or from `**` on all
 * matches.
 *
 * @throws `path_invalid`, like `parseGlob`, and what the store throws; a missing file or folder is no match.
 */
export function listGlob(
  storage: StorageAdapter,
  pattern: string,
  options: OperationOptions = {},
): AsyncIterable<FileStat> {
  const { root, segments } = parseGlob(pattern);
  return walk(storage, root, segments, options);
}

/** Lists all files below a folder, in ascending code-unit order of their paths, on demand. @throws as the store. */
export async function* listFolder(
  storage: StorageAdapter,
  folder: StorePath,
  options: OperationOptions = {},
): Files {
  const entries = storage.list(folder, { ...options, recursive: true });
  yield* inOrder(storage, entries, ({ kind }) => kind === "file");
}

async function* walk(
  storage: StorageAdapter,
  parent: StorePath,
  segments: readonly GlobSegment[],
  options: OperationOptions,
): Files {
  const names = literalNames(segments);
  const folder = joinStorePath(parent, ...names);
  const segment = segments[names.length];
  if (typeof segment === "object") {
    const rest = segments.slice(names.length + 1);
    const kind = rest.length === 0 ? "file" : "directory";
    const { prefix } = segment;
    const entries = storage.list(folder, prefix === "" ? options : { ...options, prefix });
    const start = folder.length + (folder === "" ? 0 : 1);
    const wanted = (entry: FileStat): boolean =>
      entry.kind === kind && matchSegment(segment, entry.path.slice(start));
    const found = inOrder(storage, entries, wanted);
    const tail = literalNames(rest);
    if (rest.length === 0) yield* found;
    else if (tail.length === rest.length) yield* lookUpIn(storage, found, tail, options);
    else for await (const entry of found) yield* walk(storage, entry.path, rest, options);
  } else if (segment === GLOBSTAR) {
    const glob: Glob = { root: folder, segments: segments.slice(names.length) };
    const entries = storage.list(folder, { ...options, recursive: true });
    yield* inOrder(storage, entries, ({ kind, path }) => kind === "file" && matchGlob(glob, path));
  } else {
    const stat = await statIfThere(storage, folder, options);
    if (stat?.kind === "file") yield stat;
  }
}

/** The names up to the first segment that is none. */
function literalNames(segments: readonly GlobSegment[]): readonly string[] {
  const wild = segments.findIndex((segment) => typeof segment !== "string");
  return segments.slice(0, wild < 0 ? undefined : wild) as readonly string[];
}

/** Looks for one file in each folder: several lookups are under way, their results are told in the folders' order. */
async function* lookUpIn(
  storage: StorageAdapter,
  folders: Files,
  names: readonly string[],
  options: OperationOptions,
): Files {
  const left = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, left.signal]) : left.signal;
  const pending: Promise<FileStat | undefined>[] = [];
  let more = true;
  const start = (lookUp: Promise<FileStat | undefined>): void => {
    // A failure is told when its turn comes; until then, or if the reader leaves before, nobody awaits it.
    lookUp.catch(() => undefined);
    pending.push(lookUp);
  };
  try {
    for (;;) {
      while (more && pending.length < AHEAD) {
        try {
          const { done, value } = await folders.next();
          if (done) more = false;
          else start(statIfThere(storage, joinStorePath(value.path, ...names), { ...options, signal }));
        } catch (error) {
          more = false;
          start(Promise.reject(error));
        }
      }
      if (pending.length === 0) return;
      const stat = await pending.shift();
      if (stat?.kind === "file") yield stat;
    }
  } finally {
    left.abort();
    await folders.return();
  }
}

async function statIfThere(
  storage: StorageAdapter,
  path: StorePath,
  options: OperationOptions,
): Promise<FileStat | undefined> {
  try {
    return await storage.stat(path, options);
  } catch (error) {
    if (isAmlError(error, "not_found")) return undefined;
    throw error;
  }
}

async function* inOrder(
  storage: StorageAdapter,
  entries: AsyncIterable<FileStat>,
  wanted: (entry: FileStat) => boolean,
): Files {
  const buffer: FileStat[] = [];
  for await (const entry of entries) {
    if (!wanted(entry)) continue;
    if (storage.capabilities.sortedList) yield entry;
    else buffer.push(entry);
  }
  yield* buffer.sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
}

function orderOf({ kind, path }: FileStat): string {
  return kind === "file" ? path : `${path}/`;
}
