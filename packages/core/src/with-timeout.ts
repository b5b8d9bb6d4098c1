import { AmlError } from "./aml-error.ts";
import { createLayer, pullStream, verb, writable } from "./storage-layer.ts";
import type {
  CopyFromOptions,
  FileStat,
  OperationOptions,
  ReadResult,
  StorageLayer,
  StorePath,
} from "./storage.ts";
import type { TraceOperation } from "./trace-event.ts";

export interface TimeoutOptions {
  /** For `stat`, `delete`, a page of `list`, and the opening of a `read`; 60,000 unless given. */
  readonly operationMs?: number | undefined;
  /** Between two chunks of a `read` while its reader waits for one; 30,000 unless given. */
  readonly stallMs?: number | undefined;
  /** For a `write` between taking two chunks, and after the last; for a copy between two steps; 120,000 unless given. */
  readonly writeStallMs?: number | undefined;
  /** Calls back after a time; what it returns calls that off. */
  readonly setTimer?: SetTimer | undefined;
}

export type SetTimer = (callback: () => void, delayMs: number) => () => void;

/**
 * Ends what hangs. Bounds the time to an answer and the silence within a stream, never the whole time: a big file
 * may take long, and a consumer may be slow.
 *
 * @throws `timeout` (retryable) naming what hung; the request or stream below is cancelled.
 */
export function withTimeout(options: TimeoutOptions = {}): StorageLayer {
  const { operationMs = 60_000, stallMs = 30_000, writeStallMs = 120_000, setTimer = startTimer } = options;
  const watch = (operation: TraceOperation, path: StorePath, o: OperationOptions | undefined): Watch =>
    createWatch(setTimer, operation, path, o?.signal);
  return (inner) => {
    return createLayer(inner, {
      stat: (path, o) => {
        const { signal, within, end } = watch("stat", path, o);
        return within(operationMs, () => inner.stat(path, { ...o, signal })).finally(end);
      },
      delete: (path, o) => {
        const { signal, within, end } = watch("delete", path, o);
        return within(operationMs, async () => inner.delete?.(path, { ...o, signal })).finally(end);
      },
      keptBytes: (path, resume, o) => {
        const { signal, within, end } = watch("stat", path, o);
        const ask = async (): Promise<number> => inner.keptBytes?.(path, resume, { ...o, signal }) ?? 0;
        return within(operationMs, ask).finally(end);
      },
      copySource: (path, o) => {
        const { signal, within, end } = watch("copy", path, o);
        return within(operationMs, () => verb(inner, "copySource")(path, { ...o, signal })).finally(end);
      },
      copyFrom: (source, path, o) => {
        const call = (told: CopyFromOptions): Promise<FileStat> =>
          verb(inner, "copyFrom")(source, path, told);
        return copy(call, o, watch("copy", path, o), writeStallMs);
      },
      list: (folder, o) =>
        list((signal) => inner.list(folder, { ...o, signal }), watch("list", folder, o), operationMs),
      read: async (path, o) => {
        const watching = watch("read", path, o);
        const { signal, within, end } = watching;
        try {
          const opening = (): Promise<ReadResult> => inner.read(path, { ...o, signal });
          const result = await within(operationMs, opening, ({ body }) => body.cancel());
          return { ...result, body: watched(result.body.getReader(), watching, stallMs) };
        } catch (error) {
          end();
          throw error;
        }
      },
      write: (path, body, o) => {
        const send = async (rest: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<FileStat> =>
          writable(inner)(path, rest, { ...o, signal });
        return write(send, body, watch("write", path, o), writeStallMs);
      },
    });
  };
}

interface Watch {
  /** Aborts with the caller's signal, and when a time is up. */
  readonly signal: AbortSignal;
  /** Awaits a call for at most `limitMs`; `late` gets what it gives afterwards. */
  readonly within: <T>(
    limitMs: number,
    call: () => Promise<T>,
    late?: (result: T) => Promise<void>,
  ) => Promise<T>;
  /** Runs `callback` with a `timeout` error unless called off in time. */
  readonly arm: (limitMs: number, callback: (error: AmlError) => void) => () => void;
  /** Lets the caller's signal go. */
  readonly end: () => void;
}

function createWatch(
  setTimer: SetTimer,
  operation: TraceOperation,
  path: StorePath,
  outer: AbortSignal | undefined,
): Watch {
  const controller = new AbortController();
  const abort = (): void => controller.abort(outer?.reason);
  if (outer?.aborted) abort();
  else outer?.addEventListener("abort", abort, { once: true });
  const arm: Watch["arm"] = (limitMs, callback) =>
    setTimer(() => {
      const error = stalled(operation, path, limitMs);
      callback(error);
      controller.abort(error);
    }, limitMs);
  return {
    signal: controller.signal,
    arm,
    end: () => outer?.removeEventListener("abort", abort),
    within: (limitMs, call, late) =>
      new Promise((resolve, reject) => {
        let over = false;
        const stop = arm(limitMs, (error) => {
          over = true;
          reject(error);
        });
        call()
          .then((result) => (over ? late?.(result) : resolve(result)))
          .catch(reject)
          .finally(stop);
      }),
  };
}

function stalled(operation: TraceOperation, path: StorePath, limitMs: number): AmlError {
  return new AmlError(
    "timeout",
    `The ${operation} of ${JSON.stringify(path)} got no answer for ${limitMs} ms.`,
    {
      operation,
      hint: "Check the network and the service, or allow more time.",
      context: { path, limitMs },
    },
  );
}

function watched(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  { within, end }: Watch,
  stallMs: number,
): ReadableStream<Uint8Array> {
  return pullStream(
    async () => {
      try {
        const { done, value } = await within(stallMs, () => reader.read());
        if (done) end();
        return value;
      } catch (error) {
        end();
        void reader.cancel(error).catch(() => undefined);
        throw error;
      }
    },
    (reason) => {
      end();
      return reader.cancel(reason);
    },
  );
}

async function* list(
  pages: (signal: AbortSignal) => AsyncIterable<FileStat>,
  { signal, within, end }: Watch,
  operationMs: number,
): AsyncGenerator<FileStat> {
  const iterator = pages(signal)[Symbol.asyncIterator]();
  let waiting = false;
  try {
    for (;;) {
      waiting = true;
      const next = await within(operationMs, () => iterator.next());
      waiting = false;
      if (next.done) return;
      yield next.value;
    }
  } finally {
    end();
    const left = iterator.return?.();
    // An iterator that hangs would answer only after its page.
    if (waiting) void left?.catch(() => undefined);
    else await left;
  }
}

/** Each step of a copy starts the time anew. */
async function copy(
  call: (options: CopyFromOptions) => Promise<FileStat>,
  options: CopyFromOptions,
  { signal, arm, end }: Watch,
  stallMs: number,
): Promise<FileStat> {
  let stop = (): void => undefined;
  try {
    return await new Promise<FileStat>((resolve, reject) => {
      const onBytes = (bytes: number): void => {
        stop();
        stop = arm(stallMs, reject);
        options.onBytes?.(bytes);
      };
      stop = arm(stallMs, reject);
      call({ ...options, signal, onBytes }).then(resolve, reject);
    });
  } finally {
    stop();
    end();
  }
}

/** Counts only the store's own silence: while the body is asked for a chunk the time stands still. */
async function write(
  send: (body: ReadableStream<Uint8Array>, signal: AbortSignal) => Promise<FileStat>,
  body: ReadableStream<Uint8Array>,
  { signal, arm, end }: Watch,
  stallMs: number,
): Promise<FileStat> {
  const reader = body.getReader();
  let stop: (() => void) | undefined;
  try {
    return await new Promise<FileStat>((resolve, reject) => {
      const start = (): void => {
        stop?.();
        stop = arm(stallMs, reject);
      };
      const taken = async (): Promise<Uint8Array | undefined> => {
        stop?.();
        const { value } = await reader.read();
        start();
        return value;
      };
      start();
      send(
        pullStream(taken, (reason) => reader.cancel(reason)),
        signal,
      ).then(resolve, reject);
    });
  } catch (error) {
    await reader.cancel(error).catch(() => undefined);
    throw error;
  } finally {
    stop?.();
    end();
  }
}

function startTimer(callback: () => void, delayMs: number): () => void {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
}
