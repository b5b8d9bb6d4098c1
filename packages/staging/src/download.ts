import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { AmlError, type FileRef } from "@aml/core";
import { freeChunk } from "@aml/core/adapter";
import { removeFile } from "./cache-folder.ts";
import type { StageTransform } from "./stage-transform.ts";

export interface DownloadTask {
  readonly file: FileRef;
  readonly target: string;
  /** Named in errors. */
  readonly folder: string;
  readonly transform?: StageTransform | undefined;
  /** A copy of the file that is here already. */
  readonly copy?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes a file of a store to disk, whole or not at all.
 *
 * @returns the bytes written.
 * @throws `precondition_failed` when the file changed since it was listed; `unavailable` when the store ended early;
 * `resource_exhausted` when the disk is full; what the store and the transform throw.
 */
export async function download(task: DownloadTask): Promise<number> {
  const { file, transform, signal } = task;
  signal?.throwIfAborted();
  const source =
    task.copy === undefined ? readChecked(file, signal) : createReadStream(task.copy, { signal });
  const chunks = transform === undefined ? source : transform.apply(source, file);
  try {
    const free = transform === undefined && file.storage.capabilities.ownChunks === true;
    return await writeAll(task.target, chunks, free);
  } catch (error) {
    await removeFile(task.target);
    signal?.throwIfAborted();
    throw isDiskFull(error) ? diskFull(file, task.folder, file.stat.size, error) : error;
  }
}

/** The file's bytes, with an error in place of an end that came too early or too late. */
async function* readChecked(file: FileRef, signal: AbortSignal | undefined): AsyncIterable<Uint8Array> {
  const { etag, size } = file.stat;
  const result = await file.storage.read(file.stat.path, {
    signal,
    ...(etag === undefined ? {} : { ifMatch: etag }),
  });
  if (etag !== undefined && result.stat?.etag !== undefined && result.stat.etag !== etag) {
    await result.body.cancel();
    throw changed(file, `its etag is ${result.stat.etag}, not ${etag}`);
  }
  let received = 0;
  for await (const chunk of result.body) {
    received += chunk.byteLength;
    if (received > size) throw changed(file, `it is longer than ${size} bytes`);
    yield chunk;
  }
  if (received === size) return;
  if (etag === undefined) throw changed(file, `it has ${received} bytes, not ${size}`);
  throw new AmlError("unavailable", `The store ended ${file.uri} after ${received} of ${size} bytes.`, {
    hint: "Try again.",
    context: { uri: file.uri, receivedBytes: received, sizeBytes: size },
  });
}

export function changed(file: FileRef, how: string): AmlError {
  return new AmlError("precondition_failed", `${file.uri} changed since it was listed: ${how}.`, {
    hint: "List the files again, or register a new version of the dataset.",
    context: { uri: file.uri },
  });
}

async function writeAll(target: string, chunks: AsyncIterable<Uint8Array>, free: boolean): Promise<number> {
  const handle = await open(target, "wx");
  let written = 0;
  try {
    for await (const chunk of chunks) {
      let from = 0;
      while (from < chunk.byteLength) {
        from += (await handle.write(chunk, from, chunk.byteLength - from)).bytesWritten;
      }
      written += chunk.byteLength;
      if (free) freeChunk(chunk);
    }
  } finally {
    await handle.close();
  }
  return written;
}

export function notHere(file: FileRef, folder: string): AmlError {
  const { uri, stat } = file;
  return new AmlError(
    "unavailable",
    `${uri} is not in the cache ${folder}, and nothing is fetched offline.`,
    {
      hint:
        stat.etag === undefined
          ? "Read it online: its store gives no etag, so it is never kept."
          : `Read the same version of ${uri} online first.`,
      context: { uri, folder },
    },
  );
}

export function isDiskFull(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === "ENOSPC" || code === "EDQUOT";
}

export function diskFull(file: FileRef, folder: string, bytes: number, cause: unknown): AmlError {
  return new AmlError(
    "resource_exhausted",
    `The disk of ${folder} is full: staging ${file.uri} needs ${bytes} bytes.`,
    {
      hint: `Free at least ${bytes} bytes there, or choose a cache folder on another disk.`,
      context: { folder, uri: file.uri, neededBytes: bytes },
      cause,
    },
  );
}
