import { redact } from "./aml-error.ts";
import { createLayer, pullStream, verb, writable } from "./storage-layer.ts";
import type { FileStat, StorageLayer, StorePath } from "./storage.ts";
import type { OnTrace, TraceEvent, TraceOperation } from "./trace-event.ts";

export interface TraceOptions {
  /** Milliseconds that only grow; `performance.now` unless given. */
  readonly clock?: (() => number) | undefined;
  /** Numbers the operations. Give several stores one counter to tell their operations apart. */
  readonly nextId?: (() => number) | undefined;
}

/**
 * Reports each operation's start, bytes and end to `onTrace`. A `read` ends with its body: at its end, when it is
 * cancelled, or with an error. What `onTrace` throws fails the operation.
 */
export function withTrace(
  onTrace: OnTrace,
  { clock = now, nextId = createCounter() }: TraceOptions = {},
): StorageLayer {
  return (inner) => {
    const begin = (operation: TraceOperation, path: StorePath): Span =>
      beginSpan(onTrace, clock, { id: nextId(), operation, store: inner.uri, path });
    return createLayer(inner, {
      stat: (path, o) => whole(begin("stat", path), () => inner.stat(path, o)),
      delete: (path, o) => whole(begin("delete", path), async () => inner.delete?.(path, o)),
      copyFrom: (source, path, o) => {
        const span = begin("copy", path);
        const onBytes = (bytes: number): void => {
          span.progress(bytes);
          o.onBytes?.(bytes);
        };
        return whole(span, () => verb(inner, "copyFrom")(source, path, { ...o, onBytes }));
      },
      list: (folder, o) => list(() => begin("list", folder), inner.list(folder, o)),
      read: async (path, o) => {
        const span = begin("read", path);
        try {
          const result = await inner.read(path, o);
          return { ...result, body: counted(result.body, span, span.end) };
        } catch (error) {
          span.end(error);
          throw error;
        }
      },
      write: (path, body, o) => {
        const span = begin("write", path);
        return whole(span, async () => writable(inner)(path, counted(body, span), o));
      },
    });
  };
}

interface Span {
  readonly progress: (bytes: number) => void;
  readonly end: (error?: unknown) => void;
}

function beginSpan(
  onTrace: OnTrace,
  clock: () => number,
  what: Omit<Extract<TraceEvent, { kind: "start" }>, "kind">,
): Span {
  const startedAt = clock();
  let total = 0;
  onTrace({ kind: "start", ...what });
  return {
    progress(bytes) {
      total += bytes;
      onTrace({ kind: "progress", ...what, bytes });
    },
    end(error) {
      const failure = error === undefined ? {} : { error: summary(error) };
      onTrace({ kind: "end", ...what, bytes: total, durationMs: clock() - startedAt, ...failure });
    },
  };
}

function summary(error: unknown): { code: string; message: string } {
  const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
  const code = error instanceof Error && "code" in error && name === "AmlError" ? String(error.code) : name;
  return { code, message: redact(message) };
}

async function whole<T>(span: Span, call: () => Promise<T>): Promise<T> {
  let result: T;
  try {
    result = await call();
  } catch (error) {
    span.end(error);
    throw error;
  }
  span.end();
  return result;
}

async function* list(begin: () => Span, items: AsyncIterable<FileStat>): AsyncGenerator<FileStat> {
  const span = begin();
  let failure: unknown;
  try {
    yield* items;
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    span.end(failure);
  }
}

function counted(
  body: ReadableStream<Uint8Array>,
  { progress }: Span,
  end: (error?: unknown) => void = () => undefined,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const next = async (): Promise<Uint8Array | undefined> => {
    try {
      const { value } = await reader.read();
      return value;
    } catch (error) {
      end(error);
      throw error;
    }
  };
  return pullStream(
    async () => {
      const chunk = await next();
      if (chunk === undefined) end();
      else progress(chunk.byteLength);
      return chunk;
    },
    (reason) => {
      end();
      return reader.cancel(reason);
    },
  );
}

function now(): number {
  return performance.now();
}

function createCounter(): () => number {
  let last = 0;
  return () => (last += 1);
}
