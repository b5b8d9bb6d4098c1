import { open } from "node:fs/promises";
import { AmlError, type FileRef } from "@aml/core";
import type { ByteRange } from "./byte-ranges.ts";
import { readRange } from "./read-range.ts";
import type { StageOptions, StagedFile, Stager } from "./stager.ts";

/** What is fetched first of a file that is read from its beginning. Of text mostly thousands of rows. */
export const START_BYTES: number = 256 * 1024;
const MOST_BYTES = 4 * 2 ** 20;
/** Requests for parts of a smaller file save less than they cost, and what they bring would not be kept. */
const SMALL_BYTES = 2 ** 20;
/** A transform reads ahead by some chunks; small ones seldom make it a request. */
const CHUNK_BYTES = 16 * 1024;

/** Whether a file is fetched and kept whole, though only its beginning is asked for. */
export function isSmall({ stat }: FileRef): boolean {
  return stat.etag !== undefined && stat.size <= SMALL_BYTES;
}

/** `Stager.readStart`, by means of the stager's other verbs. `localPath`: of a file that lies on this machine. */
export async function* readStart(
  file: FileRef,
  localPath: string | undefined,
  stager: Pick<Stager, "stage" | "stageSparse" | "isHere">,
  { transform, signal }: StageOptions = {},
): AsyncIterable<Uint8Array> {
  signal?.throwIfAborted();
  if (localPath === undefined && (await stager.isHere(file, { transform }))) {
    yield* readStaged(await stager.stage(file, { transform, signal }), signal);
    return;
  }
  const change = (bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> =>
    transform === undefined ? bytes : transform.apply(bytes, file);
  if (isSmall(file) || (await stager.isHere(file))) {
    yield* change(readStaged(await stager.stage(file, { signal }), signal));
    return;
  }
  // Ends what a transform has asked for ahead.
  const left = new AbortController();
  const stop = signal === undefined ? left.signal : AbortSignal.any([signal, left.signal]);
  const sparse = await stager.stageSparse(file, { signal });
  const read = async (range: ByteRange): Promise<Uint8Array> => {
    if (sparse === undefined) return readBytes(file, range, stop);
    await sparse.fetch([range], { signal: stop });
    return sparse.read(range);
  };
  try {
    yield* change(readPieces(file.stat.size, read));
  } finally {
    left.abort(new AmlError("internal", `Nobody reads ${file.uri} any longer.`));
    await sparse?.release();
  }
}

async function readBytes(file: FileRef, range: ByteRange, signal: AbortSignal): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(range.end - range.start);
  await readRange({ file, range, buffer, take: () => undefined, signal });
  return buffer;
}

async function* readStaged(
  staged: StagedFile,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    const handle = await open(staged.localPath);
    try {
      for (;;) {
        const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(4 * CHUNK_BYTES));
        // After the read, so that a change in between is seen as well.
        await staged.check({ signal });
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await handle.close();
    }
  } finally {
    await staged.release();
  }
}

async function* readPieces(
  size: number,
  read: (range: ByteRange) => Promise<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let start = 0, end = Math.min(START_BYTES, size); start < end;) {
    const bytes = await read({ start, end });
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
    [start, end] = [end, Math.min(end + Math.min(end, MOST_BYTES), size)];
  }
}
