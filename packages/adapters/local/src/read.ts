import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import {
  AmlError,
  type FileStat,
  type ReadOptions,
  type ReadResult,
  type StorePath,
} from "@aml/core/adapter";
import { mapped } from "./errors.ts";
import { etagOf, follow, place, toFileStat } from "./folder.ts";

const CHUNK_BYTES = 256 * 1024;
// Without O_NONBLOCK opening a pipe would wait for its other end.
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

export async function read(root: string, path: StorePath, options: ReadOptions = {}): Promise<ReadResult> {
  options.signal?.throwIfAborted();
  const real = await mapped("read", path, follow(root, path, place(root, path)));
  const handle = await mapped("read", path, open(real, FLAGS));
  try {
    const stat = toFileStat(path, await mapped("read", path, handle.stat({ bigint: true })));
    check(stat, options);
    options.signal?.throwIfAborted();
    const offset = options.range?.offset ?? 0;
    const end = Math.min(stat.size, offset + (options.range?.length ?? Infinity));
    return { body: stream(handle, stat, offset, end, options.signal), stat };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function check({ path, kind, size, etag }: FileStat, { range, ifMatch }: ReadOptions): void {
  const name = JSON.stringify(path);
  if (kind === "directory") {
    throw new AmlError("not_found", `There is no file ${name}: it is a folder.`, {
      operation: "read",
      hint: "List it, and read the files in it.",
      context: { path },
    });
  }
  if (ifMatch !== undefined && ifMatch !== etag) throw changed(path);
  if (range !== undefined && range.offset > size) {
    const { offset } = range;
    throw new AmlError(
      "range_not_satisfiable",
      `Offset ${offset} is past the end of ${name}, which has ${size} bytes.`,
      { operation: "read", context: { path, offset, size } },
    );
  }
}

function stream(
  handle: FileHandle,
  { path, etag }: FileStat,
  offset: number,
  end: number,
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array> {
  let position = offset;
  let abort: (() => void) | undefined;
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    if (abort !== undefined) signal?.removeEventListener("abort", abort);
    return (closing ??= handle.close());
  };
  const next = async (): Promise<Uint8Array | undefined> => {
    if (position < end) {
      const buffer = new Uint8Array(Math.min(CHUNK_BYTES, end - position));
      const { bytesRead } = await handle.read(buffer, 0, buffer.byteLength, position);
      if (bytesRead === 0) throw changed(path);
      position += bytesRead;
      return buffer.subarray(0, bytesRead);
    }
    // Another program may have changed the file in place, and the bytes would be a mixture.
    if (etagOf(await handle.stat({ bigint: true })) !== etag) throw changed(path);
    return undefined;
  };
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        abort = () => {
          controller.error(signal?.reason);
          void close();
        };
        signal?.addEventListener("abort", abort, { once: true });
      },
      async pull(controller) {
        try {
          const chunk = await mapped("read", path, next());
          if (signal?.aborted) return;
          if (chunk !== undefined) return controller.enqueue(chunk);
          await close();
          controller.close();
        } catch (error) {
          await close();
          if (!signal?.aborted) throw error;
        }
      },
      cancel: close,
    },
    { highWaterMark: 0 },
  );
}

export function changed(path: StorePath): AmlError {
  return new AmlError(
    "precondition_failed",
    `${JSON.stringify(path)} is not, or no longer, the version asked for.`,
    {
      hint: "Read its stat again: another program has changed it.",
      context: { path },
    },
  );
}
