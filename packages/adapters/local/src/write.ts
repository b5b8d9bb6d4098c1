import {
  link,
  mkdir,
  open,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  unlink,
  type FileHandle,
} from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import {
  AmlError,
  freeChunk,
  isAmlError,
  type FileStat,
  type StorePath,
  type WriteOptions,
} from "@aml/core/adapter";
import { mapped } from "./errors.ts";
import { follow, place, toFileStat } from "./folder.ts";
import { openPartial, partialPath } from "./kept-file.ts";
import { locked } from "./lock.ts";
import { changed } from "./read.ts";

export async function write(
  root: string,
  path: StorePath,
  body: ReadableStream<Uint8Array>,
  options: WriteOptions = {},
): Promise<FileStat> {
  const reader = body.getReader();
  const cancel = (reason: unknown): Promise<void> => reader.cancel(reason).catch(() => undefined);
  const abort = (): void => void cancel(options.signal?.reason);
  options.signal?.addEventListener("abort", abort, { once: true });
  try {
    options.signal?.throwIfAborted();
    return await writeVia(root, path, reader, options);
  } catch (error) {
    await cancel(error);
    throw options.signal?.aborted === true ? options.signal.reason : error;
  } finally {
    options.signal?.removeEventListener("abort", abort);
  }
}

async function writeVia(
  root: string,
  path: StorePath,
  reader: ReadableStreamDefaultReader<Uint8Array>,
  options: WriteOptions,
): Promise<FileStat> {
  const { target, created } = await prepare(root, path);
  const partial = partialPath(target, options.resume);
  try {
    await check(target, path, options);
    const handle = await openPartial(partial, path, options.resume);
    let written: FileStat;
    try {
      await pump(reader, handle, path, options);
      written = toFileStat(path, await mapped("write", path, handle.stat({ bigint: true })));
    } finally {
      await handle.close();
    }
    options.signal?.throwIfAborted();
    await commit(partial, target, path, options);
    return written;
  } catch (error) {
    // A write that can be gone on with leaves what it has.
    if (options.resume === undefined) {
      await rm(partial, { force: true });
      await removeEmpty(dirname(target), created);
    }
    throw error;
  }
}

/** Makes the folders that are missing, never through a link that leaves the root. */
async function prepare(
  root: string,
  path: StorePath,
): Promise<{ target: string; created: string | undefined }> {
  if (path === "") throw new AmlError("path_invalid", "A file needs a name: the path is empty.");
  const at = place(root, path);
  let created = await mapped("write", root, mkdir(root, { recursive: true }));
  let parent = dirname(at);
  while (!(await exists(parent))) parent = dirname(parent);
  await mapped("write", path, follow(root, path, parent));
  created = (await writing(path, mkdir(dirname(at), { recursive: true }))) ?? created;
  const folder = await mapped("write", path, follow(root, path, dirname(at)));
  const target = join(folder, basename(at));
  // A link to a file of the store is written through; a link to nothing is replaced.
  return {
    target: (await mapped("write", path, exists(target)))
      ? await mapped("write", path, follow(root, path, target))
      : target,
    created,
  };
}

async function exists(at: string): Promise<boolean> {
  try {
    await realpath(at);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

/** A file in the place of a folder is nothing missing when it is in the way of a new file. */
async function writing<T>(path: StorePath, call: Promise<T>): Promise<T> {
  try {
    return await mapped("write", path, call);
  } catch (error) {
    if (!isAmlError(error, "not_found") && !isAmlError(error, "already_exists")) throw error;
    throw new AmlError("already_exists", `A file stands where ${JSON.stringify(path)} needs a folder.`, {
      operation: "write",
      hint: "Choose another name, or delete that file first.",
      context: { path },
      cause: error,
    });
  }
}

async function pump(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  handle: FileHandle,
  path: StorePath,
  { size, signal, resume, freeChunks = false }: WriteOptions,
): Promise<void> {
  let length = resume?.offset ?? 0;
  const step = resume?.stepBytes ?? Infinity;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    signal?.throwIfAborted();
    const chunk = next.value;
    const steps = Math.floor(length / step);
    for (let offset = 0; offset < chunk.byteLength;) {
      const count = chunk.byteLength - offset;
      const { bytesWritten } = await mapped("write", path, handle.write(chunk, offset, count, length));
      offset += bytesWritten;
      length += bytesWritten;
    }
    // A step is on the disk before its end is written down anywhere: the machine itself may stop.
    if (Math.floor(length / step) > steps) await mapped("write", path, handle.datasync());
    if (freeChunks) freeChunk(chunk);
  }
  signal?.throwIfAborted();
  if (size !== undefined && size !== length) {
    throw new AmlError(
      "precondition_failed",
      `The body for ${JSON.stringify(path)} has ${length} bytes, not the ${size} announced.`,
      { operation: "write", context: { path, size, length } },
    );
  }
  // The clock of a file system ticks in milliseconds; an etag must differ between two writes in one tick.
  const now = (Date.now() + (performance.now() % 1)) / 1000;
  await mapped("write", path, handle.utimes(now, now));
}

async function check(target: string, path: StorePath, { ifMatch, ifNoneMatch }: WriteOptions): Promise<void> {
  const current = await currentStat(target, path);
  if (current?.kind === "directory") {
    throw new AmlError("already_exists", `${JSON.stringify(path)} is a folder.`, {
      operation: "write",
      hint: "Choose another name, or delete the folder first.",
      context: { path },
    });
  }
  if (ifNoneMatch !== undefined && current !== undefined) throw taken(path);
  if (ifMatch !== undefined && ifMatch !== current?.etag) throw changed(path);
}

async function currentStat(target: string, path: StorePath): Promise<FileStat | undefined> {
  try {
    return toFileStat(path, await mapped("write", path, stat(target, { bigint: true })));
  } catch (error) {
    if (isAmlError(error, "not_found")) return undefined;
    throw error;
  }
}

function taken(path: StorePath): AmlError {
  return new AmlError("already_exists", `There is a file at ${JSON.stringify(path)} already.`, {
    operation: "write",
    hint: "Choose another path, or allow it to be overwritten.",
    context: { path },
  });
}

async function commit(
  partial: string,
  target: string,
  path: StorePath,
  options: WriteOptions,
): Promise<void> {
  if (options.ifNoneMatch !== undefined) {
    await mapped("write", path, claim(partial, target, path));
    return;
  }
  await locked(target, path, "write", async () => {
    await check(target, path, options);
    await mapped("write", path, rename(partial, target));
  });
}

/** Puts a file where none is, in one step: a second name for it can only be made there. */
async function claim(partial: string, target: string, path: StorePath): Promise<void> {
  try {
    await link(partial, target);
    await unlink(partial);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EEXIST") throw taken(path);
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "ENOSYS" && code !== "EOPNOTSUPP") throw error;
    // A file system without hard links: an empty file claims the name first.
    await open(target, "wx").then((handle) => handle.close());
    await rename(partial, target);
  }
}

async function removeEmpty(folder: string, first: string | undefined): Promise<void> {
  if (first === undefined) return;
  const top = await realpath(first).catch(() => first);
  for (let at = folder; at.startsWith(top); at = dirname(at)) {
    try {
      await rmdir(at);
    } catch {
      // Another writer has put something there: the folder is no longer ours to remove.
      return;
    }
  }
}
