import { PART_BYTES, type RangeRequest } from "./plan-requests.ts";
import type { RangeGate } from "./range-gate.ts";
import { PARALLEL_RANGES } from "./transfer-meter.ts";

export interface RequestRun {
  /** Each is taken when its turn comes. */
  readonly requests: Iterator<RangeRequest, void>;
  /** Of the pieces that they are for, which there are at least. */
  readonly pieces: number;
  readonly bytes: number;
  readonly gate: RangeGate;
  readonly signal: AbortSignal;
}

/**
 * Runs requests, several at a time. The first that fails ends the others.
 *
 * @returns why not all were run; undefined when they were.
 */
export async function runRequests(
  { requests, pieces, bytes, gate, signal: outer }: RequestRun,
  run: (request: RangeRequest, buffer: Uint8Array, signal: AbortSignal) => Promise<void>,
): Promise<{ readonly reason: unknown } | undefined> {
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, outer]);
  const next = async (buffer: Uint8Array): Promise<boolean> => {
    const request = requests.next();
    if (request.done === true) return false;
    await run(request.value, buffer, signal);
    return true;
  };
  const worker = async (): Promise<void> => {
    try {
      while (await gate.run(next, signal));
    } catch (error) {
      failed.abort(error);
    }
  };
  const most = pieces + Math.floor(bytes / PART_BYTES);
  await Promise.all(Array.from({ length: Math.min(PARALLEL_RANGES, most) }, worker));
  return signal.aborted ? { reason: signal.reason } : undefined;
}
