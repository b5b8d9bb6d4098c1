import { isAmlError } from "./aml-error.ts";
import { resumable, type Pause } from "./resumable.ts";
import { createLayer, pullStream, writable } from "./storage-layer.ts";
import type {
  FileStat,
  ListOptions,
  ReadOptions,
  ReadResult,
  StorageAdapter,
  StorageLayer,
  StorePath,
  WriteOptions,
} from "./storage.ts";
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
 * - `stat` and `delete` are repeated.
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
    return createLayer(inner, {
      stat: (path, o) => repeat(() => inner.stat(path, o), pauseOf("stat", path), o?.signal),
      delete: (path, o) => repeat(async () => inner.delete?.(path, o), pauseOf("delete", path), o?.signal),
      list: (folder, o) => list(inner, folder, o, pauseOf("list", folder)),
      read: (path, o) => read(inner, path, o ?? {}, pauseOf("read", path)),
      write: (path, body, o) => write(inner, path, body, o, pauseOf("write", path)),
    });
  };
}

function createPause(
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

async function repeat<T>(call: () => Promise<T>, pause: Pause, signal: AbortSignal | undefined): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await call();
    } catch (error) {
      await pause(error, failures, signal);
    }
  }
}

async function* list(
  inner: StorageAdapter,
  folder: StorePath,
  options: ListOptions | undefined,
  pause: Pause,
): AsyncGenerator<FileStat> {
  let last: string | undefined;
  for (let failures = 1; ; failures += 1) {
    try {
      for await (const item of inner.list(folder, options)) {
        const key = item.kind === "directory" ? `${item.path}/` : item.path;
        if (last !== undefined && inner.capabilities.sortedList && key <= last) continue;
        last = key;
        failures = 0;
        yield item;
      }
      return;
    } catch (error) {
      if (last !== undefined && !inner.capabilities.sortedList) throw error;
      failures = Math.max(failures, 1);
      await pause(error, failures, options?.signal);
    }
  }
}

async function read(
  inner: StorageAdapter,
  path: StorePath,
  options: ReadOptions,
  pause: Pause,
): Promise<ReadResult> {
  const first = await repeat(() => inner.read(path, options), pause, options.signal);
  return { ...first, body: resumable(inner, path, options, first, pause) };
}

async function write(
  inner: StorageAdapter,
  path: StorePath,
  body: ReadableStream<Uint8Array>,
  options: WriteOptions | undefined,
  pause: Pause,
): Promise<FileStat> {
  let source: ReadableStreamDefaultReader<Uint8Array> | undefined;
  const attempt = async (): Promise<FileStat> => {
    const untouched = pullStream(
      async () => {
        source ??= body.getReader();
        return (await source.read()).value;
      },
      // Until a byte is taken the body can still serve another try.
      (reason) => source?.cancel(reason),
    );
    return writable(inner)(path, untouched, options);
  };
  const once: Pause = (error, failures, signal) =>
    source === undefined ? pause(error, failures, signal) : Promise.reject(error);
  try {
    return await repeat(attempt, once, options?.signal);
  } catch (error) {
    await (source ?? body).cancel(error).catch(() => undefined);
    throw error;
  }
}
