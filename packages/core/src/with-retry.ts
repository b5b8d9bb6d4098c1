import { repeatVerbs } from "./repeat-verbs.ts";
import type { Pause } from "./resumable.ts";
import { createPause } from "./retry-pause.ts";
import type { StorageLayer, StorePath } from "./storage.ts";
import type { TraceEvent, TraceOperation } from "./trace-event.ts";

export interface RetryOptions {
  /** Tries in a row without any progress, the first included; 5 unless given. */
  readonly maxAttempts?: number | undefined;
  /** Upper bound of the first wait, doubled by each further one; 200 unless given. */
  readonly baseDelayMs?: number | undefined;
  /** Upper bound of every wait that the service does not ask for; 20,000 unless given. */
  readonly maxDelayMs?: number | undefined;
  /** When the service asks for a longer wait, the error surfaces at once; 120,000 unless given. */
  readonly maxRetryAfterMs?: number | undefined;
  /** Waits, and rejects with `signal.reason` when that comes first. */
  readonly sleep?: ((delayMs: number, signal?: AbortSignal) => Promise<void>) | undefined;
  /** From 0 to below 1. */
  readonly random?: (() => number) | undefined;
  readonly onRetry?: ((event: RetryEvent) => void) | undefined;
}

export type RetryEvent = Extract<TraceEvent, { kind: "retry" }>;

/**
 * Repeats what failed with a `retryable` error, after a wait with full jitter or as long as the service asks.
 *
 * - `stat`, `delete` and copies that the service makes are repeated.
 * - `read` goes on at the next byte under `ifMatch`, so that two versions of a file never mix; without an etag only
 *   a read that has given no byte yet. A body that ends before its announced length counts as broken off.
 * - `list` starts over where the store lists in order, without repeating an item; else only before the first item.
 * - `write` is repeated while nothing has been taken from its body.
 *
 * @throws the last error; `internal` for a body that is longer than announced; `precondition_failed` when the file
 * changed between two parts of a read.
 */
export function withRetry(options: RetryOptions = {}): StorageLayer {
  return (inner) => {
    const pauseOf = (operation: TraceOperation, path: StorePath): Pause =>
      createPause(options, operation, inner.uri, path);
    return repeatVerbs(inner, (operation, path) => ({ store: inner, pause: pauseOf(operation, path) }));
  };
}
