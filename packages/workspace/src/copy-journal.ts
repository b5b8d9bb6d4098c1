import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { CopyJournal, CopyNote, CopyPlace, SavedHash } from "@aml/core";

/** Blob Storage drops blocks that nobody commits after a week; a note is worth nothing then. */
const FORGOTTEN_MS = 7 * 24 * 3_600_000;

/**
 * Remembers copies that broke off, one small file each: which version of the source, how far it was read, and the
 * running hash up to there. A copy is taken by one process at a time; one that was killed holds it no longer.
 *
 * @param folderOf - where the notes are; `undefined` while there is no place for them.
 */
export function createCopyJournal(folderOf: () => string | undefined): CopyJournal {
  let cleaned: Promise<void> | undefined;
  return {
    async take(from, to) {
      const folder = folderOf();
      if (folder === undefined) return undefined;
      await mkdir(folder, { recursive: true });
      await (cleaned ??= removeOld(folder));
      const key = createHash("sha256")
        .update(JSON.stringify([from, to]))
        .digest("hex");
      const lock = await acquire(folder, key);
      return lock === undefined ? undefined : placeOf(join(folder, `${key}.json`), lock);
    },
    createHash: savedHash,
  };
}

async function placeOf(file: string, lock: string): Promise<CopyPlace> {
  const leave = (): Promise<void> => rm(lock, { force: true });
  return {
    note: await readNote(file),
    async save(note) {
      const fresh = `${file}.${randomUUID()}`;
      await writeFile(fresh, JSON.stringify(note));
      await rename(fresh, file);
    },
    leave,
    async forget() {
      await rm(file, { force: true });
      await leave();
    },
  };
}

/** What cannot be read is nothing to go on with. */
async function readNote(file: string): Promise<CopyNote | undefined> {
  try {
    const note = JSON.parse(await readFile(file, "utf8")) as CopyNote;
    return isNote(note) ? note : undefined;
  } catch {
    return undefined;
  }
}

function isNote({ id, etag, size, stepBytes, steps }: CopyNote): boolean {
  const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) > 0;
  return (
    /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id) &&
    typeof etag === "string" &&
    isWhole(size) &&
    isWhole(stepBytes) &&
    stepBytes % 8 === 0 &&
    steps.every(({ bytes, hash }) => isWhole(bytes) && bytes % stepBytes === 0 && typeof hash === "string")
  );
}

/**
 * Says first that this process wants a copy, and looks then who else does: of two at once, one at least sees the other
 * and leaves it.
 */
async function acquire(folder: string, key: string): Promise<string | undefined> {
  const mine = `${key}~${hostname()}~${process.pid}~${randomUUID()}.lock`;
  const lock = join(folder, mine);
  await writeFile(lock, "");
  for (const name of await readdir(folder)) {
    if (name === mine || !name.startsWith(`${key}~`)) continue;
    if (await isHeld(folder, name)) {
      await rm(lock, { force: true });
      return undefined;
    }
    await rm(join(folder, name), { force: true });
  }
  return lock;
}

/** Of another machine only the age can be seen. */
async function isHeld(folder: string, name: string): Promise<boolean> {
  const [, host, pid] = name.split("~");
  if (host === hostname()) return isAlive(Number(pid));
  const found = await stat(join(folder, name)).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs < FORGOTTEN_MS;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function removeOld(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > FORGOTTEN_MS) {
      await rm(join(folder, name), { force: true });
    }
  }
}

/** Node's own MD5 cannot be saved. */
async function savedHash(saved?: string): Promise<SavedHash> {
  const { createMD5 } = await import("hash-wasm");
  const hash = await createMD5();
  if (saved === undefined) hash.init();
  else hash.load(Buffer.from(saved, "base64"));
  return {
    update: (bytes) => hash.update(bytes),
    digest: () => Buffer.from(hash.digest("binary")).toString("base64"),
    save: () => Buffer.from(hash.save()).toString("base64"),
  };
}
