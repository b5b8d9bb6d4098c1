import { AmlError, parseStorePath, type FileStat, type ListOptions, type StorePath } from "@aml/core/adapter";
import { isAmlError } from "@aml/core/adapter";
import { filePath, PARTIAL } from "./file-path.ts";
import { createAhead } from "./list-ahead.ts";
import type { Share } from "./share.ts";
import { directoryStat, isMissing, toStat } from "./stat.ts";

/** One entry, and the key that orders it: its path, with a `/` after a directory's. */
export interface Entry {
  readonly key: string;
  readonly stat: FileStat;
}

/** A place in a directory's entries. */
interface Level {
  readonly entries: readonly Entry[];
  next: number;
}

/** Directories whose entries are fetched before their turn. */
const AHEAD = 8;

/**
 * Lists a directory, or with `recursive` all files below it, in code-unit order. The service orders names otherwise,
 * so a directory is read whole, one request for 5,000 entries, before its first entry is given; the directories that
 * follow are fetched ahead.
 */
export async function* list(
  share: Share,
  folder: StorePath,
  { recursive = false, prefix = "", signal }: ListOptions = {},
): AsyncGenerator<FileStat> {
  const slash = prefix.lastIndexOf("/");
  // What lies deeper is not in the folder itself.
  if (!recursive && slash >= 0) return;
  const base = [folder, prefix.slice(0, Math.max(0, slash))].filter((part) => part !== "").join("/");
  const start = startPath(base);
  if (start === undefined) return;
  const controller = new AbortController();
  const stop = (): void => controller.abort(signal?.reason);
  signal?.addEventListener("abort", stop, { once: true });
  const fetch = (path: StorePath): Promise<readonly Entry[]> =>
    listDirectory(share, path, "", controller.signal);
  const ahead = createAhead(fetch, AHEAD);
  try {
    signal?.throwIfAborted();
    const first = await listDirectory(share, start, prefix.slice(slash + 1), controller.signal);
    const levels: Level[] = [{ entries: first, next: 0 }];
    for (let level = levels.at(-1); level; level = levels.at(-1)) {
      const entry = level.entries[level.next];
      level.next += 1;
      signal?.throwIfAborted();
      if (!entry) levels.pop();
      else if (!recursive || entry.stat.kind === "file") yield entry.stat;
      else {
        const entries = ahead.take(entry.stat.path);
        for (const { stat } of level.entries.slice(level.next, level.next + AHEAD)) {
          if (stat.kind === "directory") ahead.start(stat.path);
        }
        levels.push({ entries: await entries, next: 0 });
      }
    }
  } finally {
    signal?.removeEventListener("abort", stop);
    controller.abort();
  }
}

/** Where to begin; `undefined` for a folder that no share can have. */
function startPath(base: string): StorePath | undefined {
  try {
    const path = filePath(base, "list");
    // A prefix such as `a//b` or `./a` is a beginning of no path.
    return path === base ? path : undefined;
  } catch (error) {
    if (isAmlError(error, "path_invalid")) return undefined;
    throw error;
  }
}

/** All entries of a directory, in order; none when it is not there. */
export async function listDirectory(
  share: Share,
  folder: StorePath,
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  try {
    for await (const page of listPages(share, "list", folder, prefix, signal)) entries.push(...page);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
  return entries.sort((a, b) => (a.key < b.key ? -1 : 1));
}

const PAGE = 5000;

/** The entries of a directory as they come, one request a page. */
export async function* listPages(
  share: Share,
  operation: "list" | "delete",
  folder: StorePath,
  prefix: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly Entry[]> {
  const directory = await share.directory(folder);
  const pages = directory
    .listFilesAndDirectories({
      includeTimestamps: true,
      includeEtag: true,
      ...(prefix !== "" && { prefix }),
      ...(signal && { abortSignal: signal }),
    })
    .byPage({ maxPageSize: PAGE });
  for (;;) {
    const { value, done } = await share.attempt(operation, folder, signal, () => complete(pages.next()));
    if (done) return;
    const { fileItems, directoryItems } = value.segment;
    const entries: Entry[] = [];
    for (const { name, properties } of fileItems) {
      // The service takes upper and lower case for one in a prefix; a path here does not.
      if (!name.startsWith(prefix) || (operation === "list" && PARTIAL.test(name))) continue;
      const path = below(folder, name);
      const { contentLength, lastModified, etag } = properties;
      entries.push({ key: path, stat: toStat(path, { lastModified, etag }, contentLength) });
    }
    for (const { name } of directoryItems) {
      if (!name.startsWith(prefix)) continue;
      const path = below(folder, name);
      entries.push({ key: `${path}/`, stat: directoryStat(path) });
    }
    yield entries;
  }
}

interface Page {
  readonly segment?: object;
  readonly _response?: { readonly bodyAsText?: string | null };
}

/** The SDK takes what it has got of an answer that broke off for a page: nothing may be missing unnoticed. */
async function complete<T extends IteratorResult<Page, unknown>>(next: Promise<T>): Promise<T> {
  let page: T | undefined;
  try {
    page = await next;
  } catch (error) {
    // It looks for entries that are not there.
    if (!(error instanceof TypeError)) throw error;
  }
  const text = (page?.value as Page | undefined)?._response?.bodyAsText;
  if (page && (page.done || (typeof text === "string" && /<\/EnumerationResults>\s*$/.test(text))))
    return page;
  throw new AmlError("unavailable", "The service's answer to a listing broke off.", {
    operation: "list",
    hint: "Try again; check the network if it stays.",
  });
}

/** A name that no path can express is reported, not left out. */
function below(folder: StorePath, name: string): StorePath {
  const whole = folder === "" ? name : `${folder}/${name}`;
  const path = name === "" || name === ".." || name.includes("/") ? undefined : parseStorePath(whole);
  if (path === whole) return path;
  throw new AmlError("unsupported", `The name ${JSON.stringify(name)} cannot be written in a path.`, {
    operation: "list",
    hint: "Rename it, or list another folder.",
    context: { folder, name },
  });
}
