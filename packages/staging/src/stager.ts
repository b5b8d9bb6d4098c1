import { randomUUID } from "node:crypto";
import { mkdir, open } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { AmlError, isAmlError, type FileRef, type OperationOptions } from "@aml/core";
import { cacheKey, openCacheFolder, removeFile, type CacheFolder } from "./cache-folder.ts";
import { changed, download } from "./download.ts";
import { createGate } from "./gate.ts";
import type { StageTransform } from "./stage-transform.ts";

export interface StagerOptions {
  /** Created when missing; may be shared by processes. On one disk, and one that has hard links. */
  readonly folder: string;
  /** Bytes that staged files may take together; files not used for longest go first. Default 20 GiB. */
  readonly maxBytes?: number | undefined;
  /** Downloads at a time. Default 8. */
  readonly concurrency?: number | undefined;
}

export interface StageOptions extends OperationOptions {
  readonly transform?: StageTransform | undefined;
}

/** A file on this machine. It stays until `release`, which may be called more than once. */
export interface StagedFile {
  readonly localPath: string;
  readonly file: FileRef;
  /**
   * For after reading: does nothing for a copy, whose bytes stay.
   *
   * @throws `precondition_failed` when a file that is used where it lies is no longer the one that was listed.
   */
  check(options?: OperationOptions): Promise<void>;
  release(): Promise<void>;
}

/** Brings files of any store onto this machine. */
export interface Stager extends AsyncDisposable {
  readonly folder: string;
  /**
   * A local path with the file's bytes, or with what the transform makes of them. Without a transform a file on this
   * machine is used where it lies. A file without etag is shared while it is in use and never kept.
   *
   * @throws `precondition_failed` (changed since listed), `resource_exhausted` (disk or cache full), `unavailable`,
   * what the store and the transform throw.
   */
  stage(file: FileRef, options?: StageOptions): Promise<StagedFile>;
  /**
   * The first bytes of a file, fewer when it is shorter; nothing is kept.
   *
   * @throws `precondition_failed`, and what the store throws.
   */
  readPrefix(file: FileRef, bytes: number, options?: OperationOptions): Promise<Uint8Array>;
  /** Deletes all kept files that nobody uses, in this process or another. */
  clean(): Promise<void>;
}

const DEFAULT_MAX_BYTES = 20 * 2 ** 30;

interface Shared {
  readonly path: string;
  readonly held: number;
}

interface Entry {
  readonly ready: Promise<Shared>;
  readonly controller: AbortController;
  users: number;
}

export function createStager(options: StagerOptions): Stager {
  const folder = resolve(options.folder);
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
  const gate = createGate(options.concurrency ?? 8);
  const entries = new Map<string, Entry>();
  let opened: Promise<CacheFolder> | undefined;
  let closed = false;
  const cacheFolder = (): Promise<CacheFolder> => {
    if (closed) throw new AmlError("config_invalid", `The stager of ${folder} was disposed of already.`);
    return (opened ??= mkdir(folder, { recursive: true }).then(() => openCacheFolder(folder, maxBytes)));
  };

  const fetchInto = async (
    key: string,
    file: FileRef,
    transform: StageTransform | undefined,
    signal: AbortSignal,
  ) => {
    const cache = await cacheFolder();
    const target = join(cache.session, `${key.slice(0, 32)}-${randomUUID()}`);
    const kept = file.stat.etag !== undefined;
    if (kept && (await cache.take(key, target))) return { path: target, held: 0 };
    await cache.makeRoom(file.stat.size);
    cache.account(file.stat.size);
    let held = file.stat.size;
    try {
      const written = await download({ file, target, folder, transform, signal });
      // A store elsewhere gives one version of a file; on this machine it can be written to while it is read.
      if (localPathOf(file) !== undefined) await checkCopied(file, target, signal);
      cache.account(written - held);
      held = written;
      if (!kept) return { path: target, held };
      await cache.keep(key, target);
    } catch (error) {
      cache.account(-held);
      throw error;
    }
    cache.account(-held);
    return { path: target, held: 0 };
  };

  const leave = async (key: string, entry: Entry): Promise<void> => {
    entry.users -= 1;
    if (entry.users > 0) return;
    if (entries.get(key) === entry) entries.delete(key);
    entry.controller.abort(new AmlError("internal", "Nobody waits for this download any longer."));
    const shared = await entry.ready.catch(() => undefined);
    if (shared === undefined) return;
    await removeFile(shared.path);
    (await opened)?.account(-shared.held);
  };

  const share = (key: string, file: FileRef, transform: StageTransform | undefined): Entry => {
    const present = entries.get(key);
    if (present !== undefined) {
      present.users += 1;
      return present;
    }
    const controller = new AbortController();
    const { signal } = controller;
    const ready = gate.run(() => fetchInto(key, file, transform, signal), signal);
    const entry: Entry = { ready, controller, users: 1 };
    entries.set(key, entry);
    // A failed download is not shared with callers that come later.
    ready.catch(() => entries.get(key) === entry && entries.delete(key));
    return entry;
  };

  return {
    folder,
    async stage(file, { signal, transform } = {}) {
      signal?.throwIfAborted();
      if (transform === undefined && localPathOf(file) !== undefined) return useInPlace(file, signal);
      await cacheFolder();
      const { etag, size } = file.stat;
      const key = cacheKey([1, file.uri, file.storage.uri, etag ?? null, size, transform?.id ?? null]);
      const entry = share(key, file, transform);
      let released = false;
      const release = async (): Promise<void> => {
        if (released) return;
        released = true;
        await leave(key, entry);
      };
      try {
        const { path } = await abortable(entry.ready, signal);
        return { localPath: path, file, check: () => Promise.resolve(), release };
      } catch (error) {
        await release();
        throw error;
      }
    },
    readPrefix: (file, bytes, { signal } = {}) => readPrefix(file, bytes, signal),
    async clean() {
      await (await cacheFolder()).clean();
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      const reason = new AmlError("internal", "The stager was disposed of.");
      for (const entry of entries.values()) entry.controller.abort(reason);
      await Promise.allSettled([...entries.values()].map((entry) => entry.ready));
      await (await opened)?.close();
    },
  };
}

/** Where a file of a local store lies; `undefined` for a file of another store. */
export function localPathOf(file: FileRef): string | undefined {
  if (!file.storage.uri.startsWith("file:")) return undefined;
  return join(fileURLToPath(file.storage.uri), ...file.stat.path.split("/"));
}

async function useInPlace(file: FileRef, signal: AbortSignal | undefined): Promise<StagedFile> {
  await checkUnchanged(file, signal);
  return {
    localPath: localPathOf(file) ?? "",
    file,
    check: (options) => checkUnchanged(file, options?.signal),
    release: () => Promise.resolve(),
  };
}

/** What `ifMatch` does in a remote store. */
async function checkUnchanged(file: FileRef, signal: AbortSignal | undefined): Promise<void> {
  const now = await file.storage.stat(file.stat.path, { signal }).catch((error: unknown) => {
    throw isAmlError(error) && error.code === "not_found" ? changed(file, "it is gone") : error;
  });
  if (now.size !== file.stat.size) throw changed(file, `it has ${now.size} bytes, not ${file.stat.size}`);
  if (file.stat.etag !== undefined && now.etag !== undefined && now.etag !== file.stat.etag) {
    throw changed(file, `its etag is ${now.etag}, not ${file.stat.etag}`);
  }
}

async function checkCopied(file: FileRef, target: string, signal: AbortSignal): Promise<void> {
  try {
    await checkUnchanged(file, signal);
  } catch (error) {
    await removeFile(target);
    throw error;
  }
}

async function readPrefix(
  file: FileRef,
  bytes: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const length = Math.min(bytes, file.stat.size);
  if (length === 0) return new Uint8Array(0);
  const local = localPathOf(file);
  if (local !== undefined) {
    const bytesRead = await readLocal(file, local, length);
    // After the read, so that a change in between is seen as well.
    await checkUnchanged(file, signal);
    return bytesRead;
  }
  const { body } = await file.storage.read(file.stat.path, {
    signal,
    range: { offset: 0, length },
    ...(file.stat.etag === undefined ? {} : { ifMatch: file.stat.etag }),
  });
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const whole = Buffer.concat(chunks);
  if (whole.length === length) return whole;
  throw changed(file, `its first ${length} bytes came as ${whole.length}`);
}

async function readLocal(file: FileRef, path: string, length: number): Promise<Uint8Array> {
  const handle = await open(path).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ENOENT" ? changed(file, "it is gone") : error;
  });
  try {
    const out = new Uint8Array(length);
    const { bytesRead } = await handle.read(out, 0, length, 0);
    return out.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise<T>((settle, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(settle, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
