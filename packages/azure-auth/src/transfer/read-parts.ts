import type { Readable } from "node:stream";
import { AmlError } from "@aml/core/adapter";

/** A range of a file whose response has begun. */
export interface Part {
  readonly offset: number;
  /** Bytes that it must have. */
  readonly length: number;
  readonly stream: NodeJS.ReadableStream;
}

export interface PartsInput {
  readonly first: Part;
  /** Where the last byte ends. */
  readonly end: number;
  next(offset: number, count: number, signal: AbortSignal): Promise<Part>;
  readonly partSize: number;
  /** Parts under way or waiting at once. */
  readonly window: number;
  /** Maps what a socket throws. */
  fail(error: unknown): unknown;
  readonly signal: AbortSignal | undefined;
}

/** From here on a reader is taken to want more than a look at the beginning. */
const LOOK = 1024 * 1024;

/**
 * Gives the bytes of the parts in order. The first part flows through as it comes; when its reader has gone past the
 * first MiB, the following parts are fetched ahead into memory, `window` of them at most. Nothing is fetched that is
 * not asked for, and cancelling ends all requests.
 */
export function readParts(input: PartsInput): ReadableStream<Uint8Array> {
  const { first, end, signal } = input;
  const controller = new AbortController();
  const stop = (reason: unknown): void => {
    controller.abort(reason);
    destroy(first.stream);
  };
  const abort = (): void => stop(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  const done = (): void => signal?.removeEventListener("abort", abort);
  let chunks: AsyncIterator<Uint8Array> | undefined;
  const begin = (): AsyncIterator<Uint8Array> =>
    (chunks ??= first.stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>);
  const ahead = fetchAhead(input, controller.signal);
  let given = first.offset;
  return new ReadableStream<Uint8Array>(
    {
      async pull(body) {
        try {
          const chunk = await nextChunk(input, begin, ahead, given);
          given += chunk.byteLength;
          body.enqueue(chunk);
          if (given >= end) {
            done();
            body.close();
          } else if (given - first.offset >= LOOK) ahead.start();
        } catch (error) {
          done();
          stop(error);
          body.error(error);
        }
      },
      cancel(reason) {
        done();
        stop(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

async function nextChunk(
  { first, fail }: PartsInput,
  begin: () => AsyncIterator<Uint8Array>,
  ahead: Ahead,
  given: number,
): Promise<Uint8Array> {
  if (given >= first.offset + first.length) return ahead.next();
  const { value, done } = await begin()
    .next()
    .catch((error: unknown) => {
      throw fail(error);
    });
  if (done === true) throw cutOff(given - first.offset, first.length);
  return plain(value);
}

interface Ahead {
  start(): void;
  next(): Promise<Uint8Array>;
}

function fetchAhead({ first, end, next, partSize, window, fail }: PartsInput, signal: AbortSignal): Ahead {
  const queue: Promise<Arriving>[] = [];
  let head: Arriving | undefined;
  let offset = first.offset + first.length;
  const start = (): void => {
    while (offset < end && queue.length < window) {
      const at = offset;
      const count = Math.min(partSize, end - at);
      offset += count;
      const part = next(at, count, signal).then((begun) => arrive(begun, fail));
      // Reported when its turn comes; if an earlier part fails, nobody asks.
      part.catch(() => undefined);
      queue.push(part);
    }
  };
  return {
    start,
    async next() {
      for (;;) {
        start();
        head ??= await queue[0];
        if (!head) throw new AmlError("internal", "There is no further part to read.");
        const chunk = await head.next();
        if (chunk) return plain(chunk);
        head = undefined;
        void queue.shift();
      }
    },
  };
}

interface Arriving {
  /** The next chunk, `undefined` at the end. @throws what the part failed with, after what came before. */
  next(): Promise<Uint8Array | undefined>;
}

/**
 * Takes a part into memory as fast as it comes, in the chunks that it comes in: put together, every byte would be
 * held twice. It is `unavailable` when it ends too early.
 */
function arrive({ stream, length }: Part, fail: (error: unknown) => unknown): Arriving {
  const chunks: Uint8Array[] = [];
  let size = 0;
  let ended: { readonly error?: unknown } | undefined;
  let wake: (() => void) | undefined;
  const finish = (error: () => unknown): void => {
    ended ??= size === length ? {} : { error: error() };
    wake?.();
  };
  const close = (): void => finish(() => cutOff(size, length));
  // It may have failed before anybody listened.
  const { errored, destroyed } = stream as Partial<Readable> & NodeJS.ReadableStream;
  if (errored) finish(() => fail(errored));
  else if (destroyed === true) close();
  stream.on("data", (chunk: Uint8Array) => {
    size += chunk.byteLength;
    if (size > length) {
      finish(() => tooLong(length));
      destroy(stream);
    } else {
      chunks.push(chunk);
      wake?.();
    }
  });
  stream.once("end", close);
  stream.once("close", close);
  stream.once("error", (error) => finish(() => fail(error)));
  return {
    async next() {
      if (chunks.length === 0 && !ended) await new Promise<void>((resolve) => (wake = resolve));
      const chunk = chunks.shift();
      if (!chunk && ended && "error" in ended) throw ended.error;
      return chunk;
    },
  };
}

/** Reads a part to its end, in one piece. Most small ones come as one, which is not copied. */
export async function readWhole(part: Part, fail: (error: unknown) => unknown): Promise<Uint8Array> {
  const arriving = arrive(part, fail);
  const chunks: Uint8Array[] = [];
  for (let chunk = await arriving.next(); chunk; chunk = await arriving.next()) chunks.push(chunk);
  const [only] = chunks;
  if (only && chunks.length === 1) return plain(only);
  const bytes = new Uint8Array(part.length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

/** Without Node's subclass, whose `slice` shares memory. */
function plain(chunk: Uint8Array): Uint8Array {
  return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

export function destroy(stream: NodeJS.ReadableStream): void {
  (stream as NodeJS.ReadableStream & { destroy?: () => void }).destroy?.();
}

function cutOff(size: number, length: number): AmlError {
  return new AmlError("unavailable", `The service sent ${size} of ${length} bytes and ended.`, {
    operation: "read",
    hint: "Try again.",
    context: { received: size, expected: length },
  });
}

function tooLong(length: number): AmlError {
  return new AmlError("internal", `The service sent more than the ${length} bytes asked for.`, {
    operation: "read",
  });
}
