/** Requests for ranges under way at once, of all files together. */
export const PARALLEL_RANGES = 32;

/** What a store took so far: how long until it answers, and how fast bytes then come. */
export interface TransferMeter {
  /** An answer begins to come, so long after it was asked for. */
  began(waitedMs: number): void;
  came(bytes: number): void;
  /** It has come whole, or broke off. */
  ended(): void;
  /** How many unwanted bytes are cheaper than a request more, for so many pieces. */
  gapFor(pieces: number): number;
}

const LEAST_GAP = 16 * 1024;
const MOST_GAP = 4 * 2 ** 20;
/** Fewer tell little of how fast bytes come. */
const MEASURED_BYTES = 2 * 2 ** 20;

/** @param now - milliseconds of a clock. */
export function createTransferMeter(now: () => number = () => performance.now()): TransferMeter {
  let latencyMs: number | undefined;
  /** Until it is known: 100 MB a second. */
  let bytesPerMs = 100_000;
  let isMeasured = false;
  // Answers that come at once share the time in which any of them does: waiting for the first byte is none of it.
  let open = 0;
  let since = 0;
  let busyMs = 0;
  let busyBytes = 0;
  const tick = (): void => {
    if (open > 0) busyMs += now() - since;
    since = now();
  };
  return {
    began(waitedMs) {
      // Among as many others as there will be: a server that takes them one by one makes them all wait.
      latencyMs = latencyMs === undefined ? waitedMs : latencyMs + (waitedMs - latencyMs) / 8;
      tick();
      open += 1;
    },
    ended() {
      tick();
      open -= 1;
    },
    came(bytes) {
      tick();
      busyBytes += bytes;
      if (busyBytes < MEASURED_BYTES || busyMs <= 0) return;
      const rate = busyBytes / busyMs;
      bytesPerMs = isMeasured ? bytesPerMs + (rate - bytesPerMs) / 4 : rate;
      isMeasured = true;
      busyMs = busyBytes = 0;
    },
    gapFor(pieces) {
      // All of them run at once: a request less saves no time.
      if (pieces <= PARALLEL_RANGES) return LEAST_GAP;
      const saved = ((latencyMs ?? 0) * bytesPerMs) / PARALLEL_RANGES;
      return Math.min(Math.max(Math.round(saved), LEAST_GAP), MOST_GAP);
    },
  };
}
