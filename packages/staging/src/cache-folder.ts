import { createHash, randomUUID } from "node:crypto";
import { link, mkdir, readdir, rename, rm, stat, unlink, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { AmlError } from "@aml/core";

/**
 * A folder of whole files, shared by processes without locks.
 *
 * `objects/<key>` are the kept files. Whoever uses one makes a hard link to it in a folder of their own,
 * `sessions/<host>~<pid>~<id>/`; so an object with more than one link is in use somewhere and is not evicted, and
 * if it is evicted all the same in a race, its users keep their data.
 */
export interface CacheFolder {
  /** This session's own folder, for links and unfinished downloads. */
  readonly session: string;
  /** Links a kept object into the session; false when there is none. */
  take(key: string, target: string): Promise<boolean>;
  /** Keeps a finished file of the session under a key; the file stays. */
  keep(key: string, source: string): Promise<void>;
  /** Evicts what was not used for longest until `bytes` more fit. @throws `resource_exhausted`. */
  makeRoom(bytes: number): Promise<void>;
  /** Says that `bytes` were added to (or, negative, given back by) the session beside the kept objects. */
  account(bytes: number): void;
  /** Deletes all objects that nobody uses. */
  clean(): Promise<void>;
  close(): Promise<void>;
}

export function cacheKey(parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

const FOREIGN_SESSION_MS = 7 * 24 * 3_600_000;
/** Other processes add objects too; the sum is taken afresh after this many of one's own. */
const RECOUNT_EVERY = 256;

export async function openCacheFolder(folder: string, maxBytes: number): Promise<CacheFolder> {
  const objects = join(folder, "objects");
  const sessions = join(folder, "sessions");
  const session = join(sessions, `${hostname()}~${process.pid}~${randomUUID()}`);
  await mkdir(objects, { recursive: true });
  await mkdir(session, { recursive: true });
  await removeDeadSessions(sessions);
  let known = sumOf(await listObjects(objects));
  let held = 0;
  let sinceCount = 0;

  const evictTo = async (limit: number): Promise<void> => {
    const entries = await listObjects(objects);
    let total = sumOf(entries);
    for (const entry of entries.toSorted((a, b) => a.usedMs - b.usedMs)) {
      if (total <= limit) break;
      if (entry.links > 1) continue;
      await rm(entry.path, { force: true });
      total -= entry.size;
    }
    known = total;
    sinceCount = 0;
  };

  return {
    session,
    async take(key, target) {
      const path = join(objects, key);
      try {
        await link(path, target);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
        throw error;
      }
      const now = new Date();
      await utimes(target, now, now);
      return true;
    },
    async keep(key, source) {
      // link() refuses an existing name and rename() replaces it: either way `objects` only ever sees whole files.
      const staged = `${source}.keep`;
      await link(source, staged);
      await rename(staged, join(objects, key));
      known += (await stat(source)).size;
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
    clean: () => evictTo(0),
    close: () => rm(session, { recursive: true, force: true }),
  };
}

interface CachedObject {
  readonly path: string;
  readonly size: number;
  readonly links: number;
  readonly usedMs: number;
}

function sumOf(entries: readonly CachedObject[]): number {
  return entries.reduce((sum, entry) => sum + entry.size, 0);
}

async function listObjects(folder: string): Promise<CachedObject[]> {
  const out: CachedObject[] = [];
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined) {
      out.push({ path, size: found.size, links: found.nlink, usedMs: found.mtimeMs });
    }
  }
  return out;
}

/** A process that was killed leaves its session behind; one of another host can only be judged by its age. */
async function removeDeadSessions(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const [host, pid] = name.split("~");
    const path = join(folder, name);
    if (host === hostname() ? isAlive(Number(pid)) : await isYoung(path)) continue;
    await rm(path, { recursive: true, force: true });
  }
}

async function isYoung(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs < FOREIGN_SESSION_MS;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Removes a file that may be gone already. */
export async function removeFile(path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
}
