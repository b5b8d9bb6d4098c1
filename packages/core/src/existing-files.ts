import { isAmlError } from "./aml-error.ts";
import type { FileStat, StorageAdapter, StorePath } from "./storage.ts";
import { parseStorePath } from "./store-path.ts";

/** Looks up what is at a path that is going to be written; what may not be looked at counts as nothing. */
export type FindExisting = (path: StorePath) => Promise<FileStat | undefined>;

/**
 * Makes the cheapest way to look up many paths below a folder: a store that lists in order and has no directories is
 * listed once, beside the paths; else a path is looked up by itself, unless its folder is not there.
 *
 * @param sorted - the paths come in ascending code-unit order.
 */
export function createFindExisting(
  storage: StorageAdapter,
  folder: StorePath,
  sorted: boolean,
  signal: AbortSignal,
): FindExisting & { close(): Promise<void> } {
  const { list, sortedList, directories } = storage.capabilities;
  if (list && sortedList && !directories && sorted) return beside(storage, folder, signal);
  const find = directories
    ? byFolder(storage, signal)
    : (path: StorePath) => statIfThere(storage, path, signal);
  return Object.assign(find, { close: async () => undefined });
}

function beside(
  storage: StorageAdapter,
  folder: StorePath,
  signal: AbortSignal,
): FindExisting & { close(): Promise<void> } {
  const listing = storage.list(folder, { recursive: true, signal })[Symbol.asyncIterator]();
  let current: FileStat | undefined;
  let ended = false;
  let denied = false;
  const advance = async (path: StorePath): Promise<FileStat | undefined> => {
    while (!ended && (current === undefined || current.path < path)) {
      const next = await listing.next();
      ended = next.done === true;
      current = next.done === true ? undefined : next.value;
    }
    return current?.path === path ? current : undefined;
  };
  // One after the other: the listing has one place.
  let turn: Promise<unknown> = Promise.resolve();
  const find: FindExisting = (path) => {
    const found = turn.then(async () => {
      try {
        return denied ? await statIfThere(storage, path, signal) : await advance(path);
      } catch (error) {
        if (!isAmlError(error, "permission_denied")) throw error;
        denied = true;
        return statIfThere(storage, path, signal);
      }
    });
    turn = found.catch(() => undefined);
    return found;
  };
  return Object.assign(find, {
    close: async () => {
      await turn;
      await listing.return?.();
    },
  });
}

/** Folders that are kept in mind. */
const MOST_FOLDERS = 1000;

/** @returns a file or folder at the path, or a file in the place of one of its folders. */
function byFolder(storage: StorageAdapter, signal: AbortSignal): FindExisting {
  const folders = new Map<string, Promise<FileStat | undefined>>();
  const folderOf = (path: string): Promise<FileStat | undefined> => {
    const end = path.lastIndexOf("/");
    const folder = parseStorePath(path.slice(0, Math.max(0, end)));
    const known = folders.get(folder);
    if (known !== undefined) return known;
    const looked = (async () => {
      const above = folder === "" ? undefined : await folderOf(folder);
      const gone = folder !== "" && (above === undefined || above.kind === "file");
      return gone ? above : statIfThere(storage, folder, signal);
    })();
    if (folders.size >= MOST_FOLDERS) folders.clear();
    folders.set(folder, looked);
    return looked;
  };
  return async (path) => {
    const folder = await folderOf(path);
    return folder?.kind === "directory" ? statIfThere(storage, path, signal) : folder;
  };
}

async function statIfThere(
  storage: StorageAdapter,
  path: StorePath,
  signal: AbortSignal,
): Promise<FileStat | undefined> {
  try {
    return await storage.stat(path, { signal });
  } catch (error) {
    if (isAmlError(error, "not_found") || isAmlError(error, "permission_denied")) return undefined;
    throw error;
  }
}
