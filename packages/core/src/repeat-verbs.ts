import { resumable, type Pause } from "./resumable.ts";
import { repeat } from "./retry-pause.ts";
import { createLayer, pullStream, verb, writable } from "./storage-layer.ts";
import type {
  FileStat,
  ListOptions,
  ReadOptions,
  ReadResult,
  StorageAdapter,
  StorePath,
  WriteOptions,
} from "./storage.ts";
import type { TraceOperation } from "./trace-event.ts";

/** One operation: the store that it is tried on, and what decides after a failure. */
export interface Attempts {
  readonly store: StorageAdapter;
  readonly pause: Pause;
}

/**
 * The verbs of a store, repeated where that is safe (see `withRetry`) for as long as `pause` does not throw.
 *
 * @param begin - called once for each operation.
 */
export function repeatVerbs(
  inner: StorageAdapter,
  begin: (operation: TraceOperation, path: StorePath) => Attempts,
): StorageAdapter {
  return createLayer(inner, {
    stat(path, o) {
      const { store, pause } = begin("stat", path);
      return repeat(() => store.stat(path, o), pause, o?.signal);
    },
    delete(path, o) {
      const { store, pause } = begin("delete", path);
      return repeat(async () => store.delete?.(path, o), pause, o?.signal);
    },
    keptBytes(path, resume, o) {
      const { store, pause } = begin("stat", path);
      return repeat(async () => store.keptBytes?.(path, resume, o) ?? 0, pause, o?.signal);
    },
    dropKept(path, resume, o) {
      const { store, pause } = begin("delete", path);
      return repeat(async () => store.dropKept?.(path, resume, o), pause, o?.signal);
    },
    copySource(path, o) {
      const { store, pause } = begin("copy", path);
      return repeat(() => verb(store, "copySource")(path, o), pause, o?.signal);
    },
    copyFrom(source, path, o) {
      const { store, pause } = begin("copy", path);
      return repeat(() => verb(store, "copyFrom")(source, path, o), pause, o.signal);
    },
    list: (folder, o) => list(begin("list", folder), folder, o),
    read: (path, o) => read(begin("read", path), path, o ?? {}),
    write: (path, body, o) => write(begin("write", path), path, body, o),
  });
}

async function* list(
  { store: inner, pause }: Attempts,
  folder: StorePath,
  options: ListOptions | undefined,
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
  { store: inner, pause }: Attempts,
  path: StorePath,
  options: ReadOptions,
): Promise<ReadResult> {
  const first = await repeat(() => inner.read(path, options), pause, options.signal);
  return { ...first, body: resumable(inner, path, options, first, pause) };
}

async function write(
  { store: inner, pause }: Attempts,
  path: StorePath,
  body: ReadableStream<Uint8Array>,
  options: WriteOptions | undefined,
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
