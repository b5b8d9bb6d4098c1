import type { Readable } from "node:stream";
import { AmlError } from "@aml/core/adapter";

/** A range of a blob whose response has begun. */
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
  next(offset: number, count: number): Promise<Part>;
  readonly partSize: number;
  /** Parts under way or waiting at once. */
  readonly window: number;
  /** Maps what a socket throws. */
  fail(error: unknown): unknown;
  /** Ends all requests. */
  stop(reason: unknown): void;
  /** Called once, however the stream ends. */
  done(): void;
}

/** From here on a reader is taken to want more than a look at the beginning. */
const LOOK = 1024 * 1024;
/** Bytes of a part that is not worth streaming. */
const SMALL = 64 * 1024;

/**
 * Gives the bytes of the parts in order. The first part flows through as it comes; when its reader has gone past the
 * first MiB, the following parts are fetched ahead into memory, `window` of them at most. Nothing is fetched that is
 * not asked for, and cancelling ends all requests.
 */
export function readParts(input: PartsInput): ReadableStream<Uint8Array> {
  const { first, end, stop, done } = input;
  let chunks: AsyncIterator<Uint8Array> | undefined;
  const begin = (): AsyncIterator<Uint8Array> =>
    (chunks ??= first.stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>);
  const ahead = fetchAhead(input);
  let given = first.offset;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const chunk = await nextChunk(input, begin, ahead, given);
          if (chunk) {
            given += chunk.byteLength;
            controller.enqueue(chunk);
          }
          if (given >= end) {
            done();
            controller.close();
          } else if (given - first.offset >= LOOK) ahead.start();
        } catch (error) {
          done();
          stop(error);
          controller.error(error);
        }
      },
      cancel(reason) {
        done();
        stop(reason);
        destroy(first.stream);
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
): Promise<Uint8Array | undefined> {
  if (given >= first.offset + first.length) return ahead.next();
  // In one piece: each turn of two iterators costs more than the few chunks of a small part.
  if (first.length <= SMALL) return plain(Buffer.concat(await collect(first, fail)));
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

function fetchAhead({ first, end, next, partSize, window, fail }: PartsInput): Ahead {
  const queue: Promise<Uint8Array[]>[] = [];
  // Of the part whose turn it is: what is left of it, the next chunk last.
  let chunks: Uint8Array[] = [];
  let offset = first.offset + first.length;
  const start = (): void => {
    while (offset < end && queue.length < window) {
      const at = offset;
      const count = Math.min(partSize, end - at);
      offset += count;
      const part = next(at, count).then((begun) => collect(begun, fail));
      // Reported when its turn comes; if an earlier part fails, nobody asks.
      part.catch(() => undefined);
      queue.push(part);
    }
  };
  return {
    start,
    async next() {
      start();
      if (chunks.length === 0) {
        chunks = (await queue[0])?.toReversed() ?? [];
        void queue.shift();
        start();
      }
      const chunk = chunks.pop();
      if (chunk) return plain(chunk);
      throw new AmlError("internal", "There is no further part to read.");
    },
  };
}

/**
 * Reads a whole part into memory, in the chunks that it comes in: put together, every byte would be held twice.
 *
 * @throws `unavailable` when it has another length.
 */
function collect({ stream, length }: Part, fail: (error: unknown) => unknown): Promise<Uint8Array[]> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    // It may have failed before anybody listened.
    const { errored, destroyed } = stream as Partial<Readable> & NodeJS.ReadableStream;
    if (errored) reject(fail(errored));
    else if (destroyed === true) reject(cutOff(size, length));
    stream.once("close", () => reject(cutOff(size, length)));
    stream.on("data", (chunk: Uint8Array) => {
      size += chunk.byteLength;
      if (size > length) {
        chunks.length = 0;
        destroy(stream);
        reject(tooLong(length));
      } else chunks.push(chunk);
    });
    stream.once("end", () => {
      if (size === length) resolve(chunks);
      else reject(cutOff(size, length));
    });
    stream.once("error", (error) => {
      reject(fail(error));
    });
  });
}

/** Without Node's subclass, whose `slice` shares memory. */
function plain(chunk: Uint8Array): Uint8Array {
  return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

function destroy(stream: NodeJS.ReadableStream): void {
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
