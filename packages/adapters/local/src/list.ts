import type { Dirent } from "node:fs";
import { lstat, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { AmlError, isAmlError, type FileStat, type ListOptions, type StorePath } from "@aml/core/adapter";
import { mapped, toAmlError } from "./errors.ts";
import { follow, isOwnName, place, toFileStat, WORKSPACE_FOLDER } from "./folder.ts";

const STATS_AT_ONCE = 32;

interface Entry {
  readonly path: StorePath;
  /** On the disk, links followed. */
  readonly at: string;
  readonly directory: boolean;
}

/** Walks depth first: in memory are only the names of the folders on the way down. */
export async function* list(
  root: string,
  folder: StorePath,
  { signal, recursive = false, prefix = "" }: ListOptions = {},
): AsyncGenerator<FileStat> {
  signal?.throwIfAborted();
  await mapped("list", root, stat(root));
  const at = await real(root, folder, place(root, folder));
  if (at === undefined || !(await mapped("list", folder, stat(at))).isDirectory()) return;
  const start = folder === "" ? prefix : `${folder}/${prefix}`;
  const wanted = (path: string, directory: boolean): boolean =>
    path.startsWith(start) || (directory && recursive && start.startsWith(`${path}/`));
  for await (const found of walk(root, folder, [at], recursive, wanted)) {
    signal?.throwIfAborted();
    yield found;
  }
  signal?.throwIfAborted();
}

/** @param chain - the folders on the way down, links followed; the last is the one to walk. */
async function* walk(
  root: string,
  folder: StorePath,
  chain: readonly string[],
  recursive: boolean,
  wanted: (path: string, directory: boolean) => boolean,
): AsyncGenerator<FileStat> {
  const entries = await entriesOf(root, folder, chain.at(-1) ?? root, wanted);
  for (let index = 0; index < entries.length; index += STATS_AT_ONCE) {
    const page = entries.slice(index, index + STATS_AT_ONCE);
    const stats = await Promise.all(page.map(describe));
    for (const [position, { path, at, directory }] of page.entries()) {
      const found = stats[position];
      if (directory && recursive) {
        if (chain.includes(at)) throw loop(path);
        yield* walk(root, path, [...chain, at], recursive, wanted);
      } else if (found !== undefined) yield found;
    }
  }
}

async function entriesOf(
  root: string,
  folder: StorePath,
  at: string,
  wanted: (path: string, directory: boolean) => boolean,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const item of await namesOf(folder, at)) {
    const path = (folder === "" ? item.name : `${folder}/${item.name}`) as StorePath;
    if (isOwnName(item.name) || !(wanted(path, true) || wanted(path, false))) continue;
    const entry = await entryOf(root, path, join(at, item.name), item);
    if (entry !== undefined && wanted(path, entry.directory)) entries.push(entry);
  }
  const key = ({ path, directory }: Entry): string => (directory ? `${path}/` : path);
  return entries.sort((one, other) => (key(one) < key(other) ? -1 : 1));
}

async function namesOf(folder: StorePath, at: string): Promise<Dirent[]> {
  try {
    return await readdir(at, { withFileTypes: true });
  } catch (error) {
    const failure = toAmlError(error, "list", folder);
    // Deleted since its own folder was read.
    if (failure.code === "not_found") return [];
    throw failure;
  }
}

/** @returns `undefined` for what is no file or folder of a store, as a pipe. @throws `path_invalid` for a link to nothing. */
async function entryOf(root: string, path: StorePath, at: string, item: Dirent): Promise<Entry | undefined> {
  if (item.isDirectory()) return visible({ path, at, directory: true }, item);
  if (item.isFile()) return { path, at, directory: false };
  if (!item.isSymbolicLink()) return undefined;
  const target = await real(root, path, at);
  if (target === undefined) {
    // Emacs marks files that it has changed by such links.
    if (item.name.startsWith(".#") || !(await isThere(at))) return undefined;
    throw dangling(path);
  }
  const stats = await mapped("list", path, stat(target));
  return stats.isDirectory() || stats.isFile()
    ? visible({ path, at: target, directory: stats.isDirectory() }, item)
    : undefined;
}

function visible(entry: Entry, { name }: Dirent): Entry | undefined {
  return entry.directory && name === WORKSPACE_FOLDER ? undefined : entry;
}

async function real(root: string, path: StorePath, at: string): Promise<string | undefined> {
  try {
    return await mapped("list", path, follow(root, path, at));
  } catch (error) {
    if (isAmlError(error, "not_found")) return undefined;
    throw error;
  }
}

async function describe({ path, at }: Entry): Promise<FileStat | undefined> {
  try {
    return toFileStat(path, await stat(at, { bigint: true }));
  } catch (error) {
    const failure = toAmlError(error, "list", path);
    if (failure.code !== "not_found") throw failure;
    if (path.includes("\uFFFD")) throw unreadable(path, error);
    return undefined;
  }
}

/** The name itself, whatever it links to. */
function isThere(at: string): Promise<boolean> {
  return lstat(at).then(
    () => true,
    () => false,
  );
}

/** Tools that keep large files elsewhere, as git-annex and DVC, leave one in place of a file that was not fetched. */
function dangling(path: StorePath): AmlError {
  return new AmlError("path_invalid", `${JSON.stringify(path)} is a link to a file that is not there.`, {
    operation: "list",
    hint: "Fetch the file, e.g. with git annex get or dvc checkout, or remove the link.",
    context: { path },
  });
}

function loop(path: StorePath): AmlError {
  return new AmlError("path_invalid", `${JSON.stringify(path)} is a link to a folder that it lies in.`, {
    operation: "list",
    hint: "Remove the link, or list the folders beside it one by one.",
    context: { path },
  });
}

/** Bytes that are not UTF-8 come as U+FFFD, and no such name is there: leaving it out would lose a file. */
function unreadable(path: StorePath, cause: unknown): AmlError {
  return new AmlError("path_invalid", `The name of ${JSON.stringify(path)} is not UTF-8.`, {
    operation: "list",
    hint: "Rename the file; convmv converts whole folders.",
    context: { path },
    cause,
  });
}
