import { isAmlError } from "./aml-error.ts";
import type { Pause } from "./resumable.ts";
import type { StorePath } from "./storage.ts";
import type { TraceOperation } from "./trace-event.ts";
import type { RetryOptions } from "./with-retry.ts";

/** Waits between tries as `withRetry` does, and gives up as it does. */
export function createPause(
  {
    maxAttempts = 5,
    baseDelayMs = 200,
    maxDelayMs = 20_000,
    maxRetryAfterMs = 120_000,
    sleep = sleepFor,
    random = Math.random,
    onRetry,
  }: RetryOptions,
  operation: TraceOperation,
  store: string,
  path: StorePath,
): Pause {
  return async (error, failures, signal) => {
    signal?.throwIfAborted();
    if (!isAmlError(error) || !error.retryable || failures >= maxAttempts) throw error;
    const { code, message, retryAfterMs = 0 } = error;
    if (retryAfterMs > maxRetryAfterMs) throw error;
    const jitter = random() * Math.min(maxDelayMs, baseDelayMs * 2 ** (failures - 1));
    const delayMs = Math.max(retryAfterMs, jitter);
    onRetry?.({
      kind: "retry",
      operation,
      store,
      path,
      attempt: failures,
      delayMs,
      error: { code, message },
    });
    await sleep(delayMs, signal);
    signal?.throwIfAborted();
  };
}

function sleepFor(delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, delayMs);
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/** Calls until it succeeds or `pause` throws. */
export async function repeat<T>(
  call: () => Promise<T>,
  pause: Pause,
  signal: AbortSignal | undefined,
): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await call();
    } catch (error) {
      await pause(error, failures, signal);
    }
  }
}
