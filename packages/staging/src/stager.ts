import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { AmlError, isAmlError, type FileRef, type OperationOptions } from "@aml/core";
import type { ByteRange } from "./byte-ranges.ts";
import { cacheKey, openCacheFolder, removeFile, type CacheFolder } from "./cache-folder.ts";
import { changed, download, notHere } from "./download.ts";
import { downloadRanges } from "./download-ranges.ts";
import { createGate } from "./gate.ts";
import { createRangeGate } from "./range-gate.ts";
import { readStart } from "./read-start.ts";
import { canBeSparse, createSparseFiles } from "./sparse-files.ts";
import type { StageTransform } from "./stage-transform.ts";
import { PARALLEL_RANGES } from "./transfer-meter.ts";

export interface StagerOptions {
  /** Created when missing; may be shared by processes. On one disk, and one that has hard links. */
  readonly folder: string;
  /** Bytes that staged files may take together; files not used for longest go first. Default 20 GiB. */
  readonly maxBytes?: number | undefined;
  /** Downloads at a time. Default 8. */
  readonly concurrency?: number | undefined;
  /**
   * False: files are there while they are in use and then no more, and are not looked for among kept ones. They lie in
   * the folder all the same, and count for `maxBytes`. Default true.
   */
  readonly keep?: boolean | undefined;
  /** Gives what is kept, by URI and etag, and files of this machine; no store is asked for anything. Default false. */
  readonly offline?: boolean | undefined;
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

/** A local file of a remote one's length, of which some ranges are there. */
export interface SparseFile extends StagedFile {
  /**
   * Fetches what is missing of some ranges, which must not overlap; up to 32 requests at a time, and with them what lies
   * between if that takes less than a request more, or the whole file if most of it is missing or would come along. A
   * range of which a byte is missing has zeros for its first 64 bytes, or as many as it has.
   *
   * @returns the bytes that were missing.
   * @throws as `stage`; what has come until then stays.
   */
  fetch(ranges: readonly ByteRange[], options?: OperationOptions): Promise<number>;
  /** How many bytes of some ranges would have to be fetched. */
  missing(ranges: readonly ByteRange[], options?: OperationOptions): Promise<number>;
  /** Bytes of a range that was fetched. */
  read(range: ByteRange): Promise<Uint8Array>;
}

/** Brings files of any store onto this machine. */
export interface Stager extends AsyncDisposable {
  readonly folder: string;
  /**
   * A local path with the file's bytes, or with what the transform makes of them, from a copy that is kept if there is
   * one. Without a transform a file on this machine is used where it lies. A file without etag is shared while it is in
   * use and never kept.
   *
   * @throws `precondition_failed` (changed since listed), `resource_exhausted` (disk or cache full), `unavailable` (the
   * store ended early, or not kept and offline), what the store and the transform throw.
   */
  stage(file: FileRef, options?: StageOptions): Promise<StagedFile>;
  /**
   * A local file that begins without a byte, for readers of ranges. Other users of the cache share what is fetched of it.
   * Undefined for a file to be staged whole: one that is on this machine already, has up to 1 MiB or no etag; and on
   * Windows.
   *
   * @throws `unavailable` offline, for one to be staged whole that is not kept; what the file system throws.
   */
  stageSparse(file: FileRef, options?: OperationOptions): Promise<SparseFile | undefined>;
  /**
   * The bytes of a file, or what the transform makes of them, from the first on and no further than they are asked for:
   * leaving the loop ends the reading. Of a remote file 256 KiB are fetched, and when these do not do, each time as many
   * again as there are, up to 4 MiB; they are kept as `stageSparse` keeps them. A file of up to 1 MiB is fetched and
   * kept whole.
   *
   * Iterating throws what `stage` throws.
   */
  readStart(file: FileRef, options?: StageOptions): AsyncIterable<Uint8Array>;
  /** Whether staging the file would fetch nothing: it is kept, in use, or lies on this machine. */
  isHere(file: FileRef, options?: StageOptions): Promise<boolean>;
  /** Deletes all kept files that nobody uses, in this process or another. */
  clean(): Promise<void>;
}

const DEFAULT_MAX_BYTES = 20 * 2 ** 30;

interface HowStaged {
  readonly transform?: StageTransform | undefined;
  /** As `downloadRanges` does it: for a file without a transform that can be sparse. */
  readonly inRanges?: boolean;
}

interface Shared {
  readonly path: string;
  readonly held: number;
}

interface Entry {
  readonly ready: Promise<Shared>;
  readonly controller: AbortController;
  users: number;
}

/** @throws `config_invalid` for a `maxBytes` that is not above 0. */
export function createStager(options: StagerOptions): Stager {
  const folder = resolve(options.folder);
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
  if (!(maxBytes > 0)) {
    throw new AmlError("config_invalid", `A cache of ${maxBytes} bytes holds no file.`, {
      hint: "Give maxBytes as a number above 0; keep: false keeps nothing.",
    });
  }
  const gate = createGate(options.concurrency ?? 8);
  const entries = new Map<string, Entry>();
  const { keep = true, offline = false } = options;
  const rangeGate = createRangeGate(PARALLEL_RANGES);
  let opened: Promise<CacheFolder> | undefined;
  let closed = false;
  const cacheFolder = (): Promise<CacheFolder> => {
    if (closed) throw new AmlError("config_invalid", `The stager of ${folder} was disposed of already.`);
    return (opened ??= mkdir(folder, { recursive: true }).then(() =>
      openCacheFolder({ folder, maxBytes, keep }),
    ));
  };

  const sparse = createSparseFiles({
    folder,
    cache: cacheFolder,
    gate: rangeGate,
    offline,
    stageWhole: (file, { signal }) => stageShared(file, { signal, inRanges: true }),
  });

  const fetchInto = async (
    key: string,
    file: FileRef,
    { transform, inRanges }: HowStaged,
    signal: AbortSignal,
  ) => {
    const cache = await cacheFolder();
    const target = join(cache.session, `${key.slice(0, 32)}-${randomUUID()}`);
    const kept = file.stat.etag !== undefined;
    const { size } = file.stat;
    const length = transform === undefined ? size : undefined;
    if (kept && (await cache.take(key, target, length))) return { path: target, held: 0 };
    const copy = `${target}.copy`;
    const isChanged = kept && transform !== undefined;
    const mayAsk = !offline || localPathOf(file) !== undefined;
    if (!mayAsk && !(isChanged && (await cache.has(keyOf(file), size)))) throw notHere(file, folder);
    await cache.makeRoom(size);
    cache.account(size);
    let held = size;
    try {
      const isHere = isChanged && (await cache.take(keyOf(file), copy, size));
      if (!mayAsk && !isHere) throw notHere(file, folder);
      const task = { file, target, folder, transform, signal };
      const written =
        inRanges === true
          ? await downloadRanges(task, rangeGate)
          : await download(isHere ? { ...task, copy } : task);
      // A store elsewhere gives one version of a file; on this machine it can be written to while it is read.
      if (localPathOf(file) !== undefined) await checkCopied(file, target, signal);
      cache.account(written - held);
      held = written;
      if (!kept) return { path: target, held };
      await cache.keep(key, target, length);
    } catch (error) {
      cache.account(-held);
      throw error;
    } finally {
      await removeFile(copy);
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
    if (!entries.has(key)) await (await opened)?.forget(key);
  };

  const share = (key: string, file: FileRef, how: HowStaged): Entry => {
    const present = entries.get(key);
    if (present !== undefined) {
      present.users += 1;
      return present;
    }
    const controller = new AbortController();
    const { signal } = controller;
    const ready = gate.run(() => fetchInto(key, file, how, signal), signal);
    const entry: Entry = { ready, controller, users: 1 };
    entries.set(key, entry);
    // A failed download is not shared with callers that come later.
    ready.catch(() => entries.get(key) === entry && entries.delete(key));
    return entry;
  };

  const stageShared = async (
    file: FileRef,
    { signal, ...how }: HowStaged & OperationOptions,
  ): Promise<StagedFile> => {
    await cacheFolder();
    const key = keyOf(file, how.transform);
    const entry = share(key, file, how);
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
  };

  const stager: Stager = {
    folder,
    async isHere(file, { transform } = {}) {
      if (localPathOf(file) !== undefined) return true;
      const key = keyOf(file, transform);
      if (entries.has(key)) return true;
      const length = transform === undefined ? file.stat.size : undefined;
      return file.stat.etag !== undefined && (await cacheFolder()).has(key, length);
    },
    async stage(file, how = {}) {
      how.signal?.throwIfAborted();
      if (how.transform === undefined && localPathOf(file) !== undefined) return useInPlace(file, how.signal);
      return stageShared(file, how);
    },
    async stageSparse(file, { signal } = {}) {
      signal?.throwIfAborted();
      if (localPathOf(file) !== undefined) return undefined;
      const key = keyOf(file);
      if (entries.has(key) || (await (await cacheFolder()).has(key, file.stat.size))) return undefined;
      if (!canBeSparse(file) && offline) throw notHere(file, folder);
      if (!canBeSparse(file)) return undefined;
      const { path, store, release } = await sparse.use(key, file);
      const { fetch, missing, read } = store;
      return { localPath: path, file, check: () => Promise.resolve(), release, fetch, missing, read };
    },
    readStart: (file, how) => readStart(file, localPathOf(file), stager, how),
    async clean() {
      await (await cacheFolder()).clean();
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      const reason = new AmlError("internal", "The stager was disposed of.");
      for (const entry of entries.values()) entry.controller.abort(reason);
      await Promise.allSettled([...entries.values()].map((entry) => entry.ready));
      await sparse.close();
      await (await opened)?.close();
    },
  };
  return stager;
}

function keyOf(file: FileRef, transform?: StageTransform): string {
  const { etag, size } = file.stat;
  return cacheKey([1, file.uri, file.storage.uri, etag ?? null, size, transform?.id ?? null]);
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

function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise<T>((settle, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(settle, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
