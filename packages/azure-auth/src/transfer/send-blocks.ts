import type { Block } from "./blocks.ts";

export interface SendBlocksInput {
  /** The first block, taken already. */
  readonly first: Block;
  next(): Promise<Block>;
  /** Sends one; `offset` is where it begins. Whatever it throws ends the whole. */
  send(bytes: Uint8Array<ArrayBuffer>, index: number, offset: number, signal: AbortSignal): Promise<unknown>;
  readonly signal: AbortSignal | undefined;
}

/** Bytes under way or waiting at once, unless one block alone is larger. */
const MEMORY = 48 * 1024 * 1024;

/**
 * Sends all blocks of a body in parallel, and ends them all when one fails.
 *
 * @returns how many bytes were sent.
 */
export async function sendBlocks({ first, next, send, signal }: SendBlocksInput): Promise<number> {
  const controller = new AbortController();
  const stop = (): void => controller.abort(signal?.reason);
  signal?.addEventListener("abort", stop, { once: true });
  const running = new Set<Promise<void>>();
  let index = 0;
  let total = 0;
  let failed: { readonly error: unknown } | undefined;
  try {
    for (let block = first; ; block = await next()) {
      const sending = send(block.bytes, index, total, controller.signal)
        .then(() => undefined)
        .catch((error: unknown) => {
          failed ??= { error };
        })
        .finally(() => running.delete(sending));
      running.add(sending);
      index += 1;
      total += block.bytes.byteLength;
      const most = Math.max(1, Math.floor(MEMORY / block.bytes.byteLength) - 1);
      while (running.size >= most) await Promise.race(running);
      if (failed) throw failed.error;
      if (block.last) break;
    }
    await Promise.all(running);
    if (failed) throw (failed as { readonly error: unknown }).error;
    return total;
  } catch (error) {
    controller.abort(error);
    await Promise.all(running);
    throw error;
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}
