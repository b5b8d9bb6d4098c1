import { AmlError } from "@aml/core/adapter";

export interface Block {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly last: boolean;
}

export interface Blocks {
  /** @throws `precondition_failed` when the body has another length than announced. */
  next(): Promise<Block>;
  release(): void;
}

const MiB = 1024 * 1024;
const SMALLEST = 8 * MiB;
const LARGEST = 512 * MiB;
/** What the service takes, blocks of one blob. */
const MOST = 50_000;
const DOUBLE_EVERY = 5_000;

/**
 * How large the block of an index is. With a known size all are alike, 8 MiB or what 50,000 blocks need; else they
 * double with every 5,000 blocks up to 512 MiB, which is enough for 12 TiB.
 */
export function blockSize(index: number, size: number | undefined): number {
  if (size !== undefined) return Math.max(SMALLEST, Math.ceil(size / MOST));
  return Math.min(LARGEST, SMALLEST * 2 ** Math.floor(index / DOUBLE_EVERY));
}

/** Cuts a body into blocks. The last one is known as such, so a small body is told from a large one. */
export function createBlocks(
  body: ReadableStream<Uint8Array>,
  size: number | undefined,
  signal: AbortSignal | undefined,
): Blocks {
  const reader = body.getReader();
  const abort = (): void => void reader.cancel(signal?.reason).catch(() => undefined);
  signal?.addEventListener("abort", abort, { once: true });
  let index = 0;
  let total = 0;
  let rest: Uint8Array = new Uint8Array();

  const fill = async (parts: Uint8Array[], length: number): Promise<boolean> => {
    let missing = length;
    for (;;) {
      const taken = rest.subarray(0, missing);
      if (taken.byteLength > 0) parts.push(taken);
      rest = rest.subarray(taken.byteLength);
      missing -= taken.byteLength;
      // One chunk more than the block holds, or the end, tells whether it is the last.
      if (rest.byteLength > 0) return false;
      const { value, done } = await reader.read();
      signal?.throwIfAborted();
      if (done) return true;
      rest = value;
      total += value.byteLength;
      if (size !== undefined && total > size) throw wrongLength(size, `more than ${size}`);
    }
  };

  return {
    async next() {
      if (index >= MOST) {
        throw new AmlError("unsupported", "The body does not fit into the 50,000 blocks of a blob.", {
          operation: "write",
          hint: "Announce its size, so that the blocks are made large enough.",
        });
      }
      const parts: Uint8Array[] = [];
      const last = await fill(parts, blockSize(index, size));
      index += 1;
      if (last && size !== undefined && total !== size) throw wrongLength(size, String(total));
      return { bytes: concat(parts), last };
    },
    release() {
      signal?.removeEventListener("abort", abort);
      reader.releaseLock();
    },
  };
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
}

function wrongLength(size: number, actual: string): AmlError {
  return new AmlError("precondition_failed", `The body has ${actual} bytes, not the ${size} announced.`, {
    operation: "write",
    hint: "Give the true size, or none.",
  });
}
