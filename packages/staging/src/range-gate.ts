import { createGate } from "./gate.ts";

/** Lets some requests for ranges run at a time, each with a buffer for what comes. */
export interface RangeGate {
  /** @throws the signal's reason when it is aborted before the task's turn; what the task throws. */
  run<T>(task: (buffer: Uint8Array) => Promise<T>, signal?: AbortSignal): Promise<T>;
}

/** Bytes of a buffer: a write of so many costs little more than their copy. */
const BUFFER_BYTES = 512 * 1024;

export function createRangeGate(limit: number): RangeGate {
  const gate = createGate(limit);
  const free: Uint8Array[] = [];
  let running = 0;
  return {
    run: (task, signal) =>
      gate.run(async () => {
        running += 1;
        const buffer = free.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
        try {
          return await task(buffer);
        } finally {
          running -= 1;
          if (running > 0) free.push(buffer);
          // Nobody needs them for now.
          else free.length = 0;
        }
      }, signal),
  };
}
