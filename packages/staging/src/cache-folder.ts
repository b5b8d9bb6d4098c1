import { createHash, randomUUID } from "node:crypto";
import {
  link,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  unlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { AmlError } from "@aml/core";
import { mayRun, processMark } from "./process-mark.ts";

/**
 * A folder of files, shared by processes without locks.
 *
 * `objects/<key>` are the kept files, whole and never changed; `objects/<key>.size` is the length of one that is not as
 * long as what it was made from. `objects/<key>.sparse` are files of which their users
 * write ranges, all of them the same bytes, and `objects/<key>.ranges` says which. Whoever uses one makes a hard link to it in a folder of their own,
 * `sessions/<host>~<pid>~<id>/`; so an object with more than one link is in use somewhere and is not evicted, and
 * if it is evicted all the same in a race, its users keep their data.
 */
export interface CacheFolder {
  /** This session's own folder, for links and unfinished downloads. */
  readonly session: string;
  /**
   * Links a kept object into the session; false when there is none, or none of its length, as after a power failure.
   * `size`: its length, where that is known without it.
   */
  take(key: string, target: string, size: number | undefined): Promise<boolean>;
  /** Keeps a finished file of the session under a key; the file stays. `size`: as for `take`. */
  keep(key: string, source: string, size: number | undefined): Promise<void>;
  /** Links a file that is kept in part into the session, with what says which parts; both are made if need be. */
  takeSparse(key: string, size: number, target: SparseLinks): Promise<void>;
  /** Whether `take` would find an object. */
  has(key: string, size: number | undefined): Promise<boolean>;
  /** Says that kept files have grown by so many bytes. */
  grown(bytes: number): void;
  /** Evicts what was not used for longest until `bytes` more fit. @throws `resource_exhausted`. */
  makeRoom(bytes: number): Promise<void>;
  /** Says that `bytes` were added to (or, negative, given back by) the session beside the kept objects. */
  account(bytes: number): void;
  /** Deletes what is kept under a key, in a folder of this process alone: nobody uses it any longer. */
  forget(key: string): Promise<void>;
  /** Deletes all objects that nobody uses. */
  clean(): Promise<void>;
  close(): Promise<void>;
}

export interface SparseLinks {
  readonly data: string;
  readonly journal: string;
}

export function cacheKey(parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** Other processes add objects too; the sum is taken afresh after this many of one's own. */
const RECOUNT_EVERY = 256;

export interface CacheFolderOptions {
  readonly folder: string;
  readonly maxBytes: number;
  /** False: objects are the session's own, and go when nobody uses them. */
  readonly keep: boolean;
}

export async function openCacheFolder({
  folder,
  maxBytes,
  keep: keeps,
}: CacheFolderOptions): Promise<CacheFolder> {
  const sessions = join(folder, "sessions");
  const session = join(sessions, `${processMark()}~${randomUUID()}`);
  const objects = join(keeps ? folder : session, "objects");
  await mkdir(objects, { recursive: true });
  await mkdir(session, { recursive: true });
  await removeDeadSessions(sessions);
  let known = sumOf(await listObjects(objects));
  let held = 0;
  let sinceCount = 0;
  let closed = false;

  const evictTo = async (limit: number): Promise<void> => {
    const entries = await listObjects(objects);
    let total = sumOf(entries);
    for (const entry of entries.toSorted((a, b) => a.usedMs - b.usedMs)) {
      if (total <= limit) break;
      if (entry.links > 1) continue;
      // A sparse file goes before its journal: what that says of the next one is checked before it is believed.
      for (const path of [entry.path, ...entry.beside]) await rm(path, { force: true });
      total -= entry.size;
    }
    known = total;
    sinceCount = 0;
  };

  const hasLength = async (path: string, key: string, size: number | undefined): Promise<boolean> =>
    (await stat(path)).size === (size ?? (await writtenSize(join(objects, `${key}${SIZE}`))));

  return {
    session,
    async take(key, target, size) {
      const path = join(objects, key);
      try {
        await link(path, target);
      } catch (error) {
        if (isMissing(error)) return false;
        throw error;
      }
      if (!(await hasLength(target, key, size))) {
        await unlink(target);
        return false;
      }
      const now = new Date();
      await utimes(target, now, now);
      return true;
    },
    async takeSparse(key, size, { data, journal }) {
      const path = join(objects, key);
      await linkOrCreate(`${path}${SPARSE}`, data, size);
      await linkOrCreate(`${path}${JOURNAL}`, journal, 0);
      const now = new Date();
      await utimes(data, now, now);
    },
    has: (key, size) => hasLength(join(objects, key), key, size).catch(() => false),
    grown(bytes) {
      known += bytes;
      if (bytes > 0) sinceCount += 1;
    },
    async keep(key, source, size) {
      const bytes = (await stat(source)).size;
      if (size === undefined) {
        await writeFile(`${source}${SIZE}`, `${bytes}\n`);
        await rename(`${source}${SIZE}`, join(objects, `${key}${SIZE}`));
      }
      // link() refuses an existing name and rename() replaces it: either way `objects` only ever sees whole files.
      const staged = `${source}.keep`;
      await link(source, staged);
      await rename(staged, join(objects, key));
      known += bytes;
      sinceCount += 1;
    },
    async makeRoom(bytes) {
      if (sinceCount < RECOUNT_EVERY && known + held + bytes <= maxBytes) return;
      await evictTo(maxBytes - held - bytes);
      if (known + held + bytes <= maxBytes) return;
      throw new AmlError(
        "resource_exhausted",
        `The cache ${folder} is full of files in use: ${bytes} bytes more do not fit in ${maxBytes}.`,
        {
          hint: "Raise maxBytes, read fewer files at a time, or release staged files earlier.",
          context: { folder, neededBytes: bytes, maxBytes, usedBytes: known + held },
        },
      );
    },
    account(bytes) {
      held += bytes;
    },
    async forget(key) {
      if (keeps || closed) return;
      for (const ending of ["", SIZE, SPARSE, JOURNAL])
        await rm(join(objects, `${key}${ending}`), { force: true });
      known = sumOf(await listObjects(objects));
    },
    clean: () => evictTo(0),
    close() {
      closed = true;
      return rm(session, { recursive: true, force: true });
    },
  };
}

const SIZE = ".size";
const SPARSE = ".sparse";
const JOURNAL = ".ranges";

async function writtenSize(path: string): Promise<number | undefined> {
  try {
    const [, digits] = /^(\d+)\n$/.exec(await readFile(path, "utf8")) ?? [];
    return digits === undefined ? undefined : Number(digits);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}

/** Links an object; if there is none, an empty one of a size, which takes no room. */
async function linkOrCreate(path: string, target: string, size: number): Promise<void> {
  for (;;) {
    try {
      return await link(path, target);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    const made = `${target}.new`;
    await writeFile(made, "", { flag: "wx" });
    try {
      await truncate(made, size);
      await link(made, path);
    } catch (error) {
      // Another process was faster.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    } finally {
      await unlink(made);
    }
  }
}

interface CachedObject {
  readonly path: string;
  /** Files that go with it. */
  readonly beside: readonly string[];
  readonly size: number;
  readonly links: number;
  readonly usedMs: number;
}

function sumOf(entries: readonly CachedObject[]): number {
  return entries.reduce((sum, entry) => sum + entry.size, 0);
}

async function listObjects(folder: string): Promise<CachedObject[]> {
  const out: CachedObject[] = [];
  const names = new Set(await readdir(folder));
  for (const name of names) {
    const isSparse = name.endsWith(SPARSE);
    const companion = isSparse ? name.replace(SPARSE, JOURNAL) : `${name}${SIZE}`;
    if (name.endsWith(JOURNAL) && names.has(name.replace(JOURNAL, SPARSE))) continue;
    if (name.endsWith(SIZE) && names.has(name.slice(0, -SIZE.length))) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) continue;
    const beside = names.has(companion) ? [join(folder, companion)] : [];
    const size = isSparse ? Math.min(found.size, found.blocks * BLOCK_BYTES) : found.size;
    out.push({ path, beside, size, links: found.nlink, usedMs: found.mtimeMs });
  }
  return out;
}

/** Of `stat`, whatever the file system's own are. */
const BLOCK_BYTES = 512;

async function removeDeadSessions(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (!(await mayRun(name, path))) await rm(path, { recursive: true, force: true });
  }
}

/** Removes a file that may be gone already. */
export async function removeFile(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
}
