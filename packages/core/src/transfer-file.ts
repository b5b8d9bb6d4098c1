import { AmlError, isAmlError } from "./aml-error.ts";
import type { ContentHash, CopyJournal } from "./copy-types.ts";
import type { FileRef } from "./engine.ts";
import { resumeCopy, type ResumedCopy } from "./resume-copy.ts";
import { createPause, repeat } from "./retry-pause.ts";
import { pullStream, verb } from "./storage-layer.ts";
import type { FileStat, StorageAdapter, StorePath } from "./storage.ts";
import { writeFile } from "./write-file.ts";

export interface Copy {
  readonly file: FileRef;
  readonly to: StorePath;
}

/** What the copies of one run share. */
export interface TransferJob {
  readonly target: StorageAdapter;
  readonly overwrite: boolean;
  readonly verify: boolean;
  readonly createHash: (() => ContentHash) | undefined;
  readonly journal: CopyJournal | undefined;
  readonly uriOf: (path: StorePath) => string;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
  /** Whether the service is still asked to copy by itself. */
  byService: boolean;
  readonly onFallback: (reason: string) => void | Promise<void>;
}

export interface Transferred {
  readonly bytes: number;
  readonly via: "service" | "stream";
  readonly md5: string | undefined;
  /** Bytes that an earlier run had sent. */
  readonly resumedFrom?: number | undefined;
}

/**
 * Copies one file: by the service where it can, else byte by byte. What arrived is compared with what left by size
 * and hash; nothing is visible in the target before, and a copy that turns out wrong is removed.
 */
export async function transferFile(copy: Copy, job: TransferJob): Promise<Transferred> {
  const pause = createPause({ maxAttempts: 3 }, "copy", job.target.uri, copy.to);
  const done = (await copyByService(copy, job)) ?? (await repeat(() => stream(copy, job), pause, job.signal));
  if (job.verify) await verifyCopy(copy, done, job);
  return done;
}

/** @returns `undefined` when the service cannot, which is told once. */
async function copyByService({ file, to }: Copy, job: TransferJob): Promise<Transferred | undefined> {
  const { storage, stat } = file;
  const { target, signal, overwrite } = job;
  const can = job.byService && storage.type === target.type;
  if (!can || storage.copySource === undefined || target.copyFrom === undefined) return undefined;
  let told = 0;
  try {
    const source = await verb(storage, "copySource")(stat.path, { signal });
    await verb(target, "copyFrom")(source, to, {
      size: stat.size,
      sourceEtag: stat.etag,
      ifNoneMatch: overwrite ? undefined : "*",
      signal,
      onBytes(bytes) {
        told += bytes;
        job.onBytes(bytes);
      },
    });
  } catch (error) {
    job.onBytes(-told);
    if (!isAmlError(error, "unsupported")) throw error;
    if (job.byService) await job.onFallback(error.message);
    job.byService = false;
    return undefined;
  }
  const there = await lookAgain(target, to, signal);
  if (there !== undefined) await checkArrived(file, to, there, { bytes: stat.size, md5: stat.md5 }, target);
  return { bytes: stat.size, via: "service", md5: stat.md5 };
}

async function lookAgain(
  target: StorageAdapter,
  to: StorePath,
  signal: AbortSignal,
): Promise<FileStat | undefined> {
  try {
    return await target.stat(to, { signal });
  } catch (error) {
    // Who may only write cannot look; the service has taken care of the whole.
    if (isAmlError(error, "permission_denied")) return undefined;
    throw error;
  }
}

async function stream(copy: Copy, job: TransferJob): Promise<Transferred> {
  const resumed = await resumeCopy(copy.file, copy.to, job);
  try {
    const done = await pump(copy, job, resumed);
    await resumed?.done();
    return done;
  } catch (error) {
    await resumed?.failed(error);
    throw error;
  }
}

async function pump(
  { file, to }: Copy,
  job: TransferJob,
  resumed: ResumedCopy | undefined,
): Promise<Transferred> {
  const { target, signal, overwrite, createHash } = job;
  const offset = resumed?.write.offset ?? 0;
  const {
    body,
    stat = file.stat,
    properties,
  } = await file.storage.read(file.stat.path, {
    ifMatch: file.stat.etag,
    signal,
    ...(offset > 0 && { range: { offset } }),
  });
  const hash = resumed?.hash ?? createHash?.();
  let bytes = offset;
  job.onBytes(offset);
  let md5: string | undefined;
  const reader = body.getReader();
  const counted = pullStream(
    async () => {
      await resumed?.note();
      const { value } = await reader.read();
      if (value === undefined) {
        md5 = hash?.digest("base64");
        const expected = stat.md5 ?? file.stat.md5;
        if (md5 !== undefined && expected !== undefined && md5 !== expected) throw damaged(file);
        return undefined;
      }
      hash?.update(value);
      bytes += value.byteLength;
      job.onBytes(value.byteLength);
      return value;
    },
    (reason) => reader.cancel(reason),
  );
  try {
    const written = await writeFile(target, to, counted, {
      ...properties,
      size: stat.size,
      overwrite,
      signal,
      md5: hash && (() => md5 ?? ""),
      freeChunks: file.storage.capabilities.ownChunks,
      resume: resumed?.write,
    });
    await checkArrived(file, to, written, { bytes, md5 }, target);
    return { bytes, via: "stream", md5, ...(offset > 0 && { resumedFrom: offset }) };
  } catch (error) {
    job.onBytes(-bytes);
    throw error;
  }
}

async function checkArrived(
  file: FileRef,
  to: StorePath,
  there: FileStat,
  { bytes, md5 }: { readonly bytes: number; readonly md5: string | undefined },
  target: StorageAdapter,
): Promise<void> {
  const same = there.size === bytes && (there.md5 === undefined || md5 === undefined || there.md5 === md5);
  if (!same) await removeWrong(file, to, target);
}

/** Reads the copy, and where its source has no hash that too. */
async function verifyCopy({ file, to }: Copy, done: Transferred, job: TransferJob): Promise<void> {
  const { target, createHash, signal } = job;
  if (createHash === undefined) {
    throw new AmlError("unsupported", "This workspace has no hash to verify copies with.", {
      hint: "Create it with createHash.",
    });
  }
  const expected = done.md5 ?? (await hashFile(file.storage, file.stat.path, createHash, signal));
  if ((await hashFile(target, to, createHash, signal)) !== expected) await removeWrong(file, to, target);
}

/** MD5 of a file by reading it, base64. */
export async function hashFile(
  storage: StorageAdapter,
  path: StorePath,
  createHash: () => ContentHash,
  signal: AbortSignal,
): Promise<string> {
  const hash = createHash();
  const { body } = await storage.read(path, { signal });
  const reader = body.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) hash.update(next.value);
  return hash.digest("base64");
}

async function removeWrong(file: FileRef, to: StorePath, target: StorageAdapter): Promise<never> {
  await target.delete?.(to);
  throw new AmlError(
    "precondition_failed",
    `The copy of ${file.uri} is not what was sent, and was removed.`,
    {
      operation: "copy",
      hint: "Copy it again; if it stays, check the network and the disk.",
      context: { from: file.uri, to },
    },
  );
}

function damaged(file: FileRef): AmlError {
  return new AmlError("precondition_failed", `${file.uri} has another MD5 than its store keeps with it.`, {
    operation: "copy",
    hint: "Copy it again. If it stays, the file is damaged, or whoever wrote it gave it a wrong Content-MD5.",
    context: { from: file.uri },
  });
}
