import { setImmediate } from "node:timers/promises";
import { AmlError } from "@aml/core/adapter";

export interface Block {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly last: boolean;
}

export interface Blocks {
  /** @throws `precondition_failed` when the body has another length than announced. */
  next(): Promise<Block>;
  /** Bytes so far. */
  readonly total: number;
  /** Lets go of a body that is read to its end, or is cancelled by whoever gave it. */
  release(): void;
  /** Lets go of a body that is not read to its end. */
  cancel(reason: unknown): Promise<void>;
}

const MiB = 1024 * 1024;
const SMALLEST = 8 * MiB;
const LARGEST = 512 * MiB;
/** What the services take, blocks of one file. */
const MOST = 50_000;
const DOUBLE_EVERY = 5_000;
/** A body of many tiny chunks that are all there would otherwise keep timers and sockets waiting. */
const BUSY_MS = 20;

/**
 * How large the block of an index is. With a known size all are alike, 8 MiB or what 50,000 blocks need; else they
 * double with every 5,000 blocks up to 512 MiB, which is enough for 12 TiB.
 */
export function blockSize(index: number, size: number | undefined): number {
  if (size !== undefined) return Math.max(SMALLEST, Math.ceil(size / MOST));
  return Math.min(LARGEST, SMALLEST * 2 ** Math.floor(index / DOUBLE_EVERY));
}

export interface BlocksOptions {
  /** Bytes of the body, if announced. */
  readonly size: number | undefined;
  /** Bytes of the first block at most. */
  readonly first: number;
  /** Bytes of every block, for a service without a limit to their number; `blockSize` decides unless given. */
  readonly blockBytes?: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Cuts a body into blocks. The last one is known as such, so a small body is told from a large one. */
export function createBlocks(
  body: ReadableStream<Uint8Array>,
  { size, first, blockBytes, signal }: BlocksOptions,
): Blocks {
  const reader = body.getReader();
  const abort = (): void => void reader.cancel(signal?.reason).catch(() => undefined);
  signal?.addEventListener("abort", abort, { once: true });
  let index = 0;
  let total = 0;
  let rest: Uint8Array = new Uint8Array();

  const fill = async (length: number): Promise<Block> => {
    const block = growing(length);
    let since = performance.now();
    for (;;) {
      rest = block.take(rest);
      // One chunk more than the block holds, or the end, tells whether it is the last.
      if (rest.byteLength > 0) return { bytes: block.bytes(), last: false };
      if (performance.now() - since > BUSY_MS) {
        await setImmediate();
        since = performance.now();
      }
      const { value, done } = await reader.read();
      signal?.throwIfAborted();
      if (done) return { bytes: block.bytes(), last: true };
      rest = value;
      total += value.byteLength;
      if (size !== undefined && total > size) throw wrongLength(size, `more than ${size}`);
    }
  };

  return {
    async next() {
      if (blockBytes === undefined && index >= MOST) {
        throw new AmlError(
          "unsupported",
          "The body does not fit into the 50,000 blocks that the service takes.",
          {
            operation: "write",
            hint: "Announce its size, so that the blocks are made large enough.",
          },
        );
      }
      const length = blockBytes ?? blockSize(index, size);
      const block = await fill(index === 0 ? Math.min(first, length) : length);
      index += 1;
      if (block.last && size !== undefined && total !== size) throw wrongLength(size, String(total));
      return block;
    },
    get total() {
      return total;
    },
    release() {
      signal?.removeEventListener("abort", abort);
      reader.releaseLock();
    },
    async cancel(reason) {
      signal?.removeEventListener("abort", abort);
      await reader.cancel(reason).catch(() => undefined);
    },
  };
}

/** A buffer of up to `length` bytes that takes no more memory than twice its content. */
function growing(length: number): { take(chunk: Uint8Array): Uint8Array; bytes(): Uint8Array<ArrayBuffer> } {
  let buffer = new Uint8Array();
  let used = 0;
  return {
    /** Gives back what did not fit. */
    take(chunk) {
      const count = Math.min(chunk.byteLength, length - used);
      if (used + count > buffer.byteLength) {
        const larger = new Uint8Array(Math.min(length, Math.max(used + count, 2 * buffer.byteLength)));
        larger.set(buffer.subarray(0, used));
        buffer = larger;
      }
      buffer.set(chunk.subarray(0, count), used);
      used += count;
      return chunk.subarray(count);
    },
    bytes: () => buffer.subarray(0, used),
  };
}

function wrongLength(size: number, actual: string): AmlError {
  return new AmlError("precondition_failed", `The body has ${actual} bytes, not the ${size} announced.`, {
    operation: "write",
    hint: "Give the true size, or none.",
  });
}
