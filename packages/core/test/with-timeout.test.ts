import { describe, expect, test } from "vitest";
import { parseStorePath, type FileStat, type StorageAdapter } from "@aml/core";
import {
  createLayer,
  withTimeout,
  type LayerVerbs,
  type SetTimer,
  type TimeoutOptions,
} from "@aml/core/layers";
import { memoryStorage } from "@aml/core/memory";

const path = parseStorePath("a.bin");
const files = { "a.bin": new Uint8Array(100), "b.bin": "" };

/** Timers that fire when the test says so. */
function timers() {
  const set = new Set<{ callback: () => void; delayMs: number }>();
  const setTimer: SetTimer = (callback, delayMs) => {
    const timer = { callback, delayMs };
    set.add(timer);
    return () => void set.delete(timer);
  };
  return {
    setTimer,
    delays: () => [...set].map(({ delayMs }) => delayMs),
    fire() {
      for (const timer of set) {
        set.delete(timer);
        timer.callback();
      }
    },
  };
}

function setUp(verbs: (inner: StorageAdapter) => LayerVerbs, options: TimeoutOptions = {}) {
  const inner = memoryStorage({ files, chunkSize: 10 });
  const clock = timers();
  const limits = {
    operationMs: 1000,
    stallMs: 2000,
    writeStallMs: 3000,
    setTimer: clock.setTimer,
    ...options,
  };
  return { ...clock, store: withTimeout(limits)(createLayer(inner, verbs(inner))) };
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/** Never answers, and tells why it was aborted. */
function hanging(aborted: (reason: unknown) => void) {
  return (_path: unknown, options?: { readonly signal?: AbortSignal | undefined }): Promise<never> => {
    options?.signal?.addEventListener("abort", () => aborted(options.signal?.reason));
    return new Promise(() => undefined);
  };
}

describe("a call that hangs", () => {
  test.each(["stat", "read", "delete"] as const)("%s ends with timeout and is aborted", async (verb) => {
    let reason: unknown;
    const { store, delays, fire } = setUp(() => ({ [verb]: hanging((why) => (reason = why)) }));
    const call = store[verb]?.(path) as Promise<unknown>;
    const failure = expect(call).rejects.toMatchObject({
      code: "timeout",
      retryable: true,
      context: { path: "a.bin", limitMs: 1000 },
    });
    await turn();
    expect(delays()).toEqual([1000]);
    fire();
    await failure;
    expect(reason).toBe(await call.catch((error: unknown) => error));
  });

  test("a page of a listing ends with timeout, and waiting for the consumer does not count", async () => {
    const { store, delays, fire } = setUp((inner) => ({
      async *list(folder, options): AsyncGenerator<FileStat> {
        yield* inner.list(folder, options);
        await new Promise(() => undefined);
      },
    }));
    const items = store.list(parseStorePath(""))[Symbol.asyncIterator]();
    expect((await items.next()).value).toMatchObject({ path: "a.bin" });
    expect(delays()).toEqual([]);
    expect((await items.next()).value).toMatchObject({ path: "b.bin" });
    const failure = expect(items.next()).rejects.toMatchObject({ code: "timeout" });
    await turn();
    expect(delays()).toEqual([1000]);
    fire();
    await failure;
  });

  test("a body that comes after the time is up is cancelled", async () => {
    let answer: (() => void) | undefined;
    let cancelled: unknown;
    const body = new ReadableStream<Uint8Array>({ cancel: () => void (cancelled = true) });
    const { store, fire } = setUp(() => ({
      read: () => new Promise((resolve) => (answer = () => resolve({ body }))),
    }));
    const failure = expect(store.read(path)).rejects.toMatchObject({ code: "timeout" });
    await turn();
    fire();
    await failure;
    answer?.();
    await turn();
    expect(cancelled).toBe(true);
  });
});

describe("a body", () => {
  test("that stalls ends with timeout and is cancelled", async () => {
    let cancelled: unknown;
    let chunks = 1;
    const body = new ReadableStream<Uint8Array>(
      {
        pull: (controller) =>
          chunks-- > 0 ? controller.enqueue(new Uint8Array(5)) : new Promise(() => undefined),
        cancel: (reason) => void (cancelled = reason),
      },
      { highWaterMark: 0 },
    );
    const { store, delays, fire } = setUp(() => ({ read: async () => ({ body }) }));
    const reader = (await store.read(path)).body.getReader();
    expect((await reader.read()).value?.byteLength).toBe(5);
    const stalled = reader.read();
    const failure = expect(stalled).rejects.toMatchObject({ code: "timeout", context: { limitMs: 2000 } });
    await turn();
    expect(delays()).toEqual([2000]);
    fire();
    await failure;
    expect(cancelled).toMatchObject({ code: "timeout" });
    expect(delays()).toEqual([]);
  });

  test("may be read slowly: no timer runs while nobody waits for a chunk", async () => {
    const { store, delays, fire } = setUp(() => ({}));
    const reader = (await store.read(path)).body.getReader();
    let total = 0;
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      total += next.value.byteLength;
      expect(delays()).toEqual([]);
      fire();
    }
    expect(total).toBe(100);
  });

  test("hands on the caller's abort, untouched", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const { store, delays } = setUp(() => ({}));
    const reader = (await store.read(path, { signal: controller.signal })).body.getReader();
    await reader.read();
    controller.abort(reason);
    await expect(reader.read()).rejects.toBe(reason);
    await expect(store.stat(path, { signal: controller.signal })).rejects.toBe(reason);
    expect(delays()).toEqual([]);
  });
});

describe("a write", () => {
  test("may wait for its body as long as it takes, and not for the store", async () => {
    let give: ((chunk: Uint8Array) => void) | undefined;
    const body = new ReadableStream<Uint8Array>(
      {
        pull: (controller) =>
          new Promise((resolve) => (give = (chunk) => resolve(controller.enqueue(chunk)))),
      },
      { highWaterMark: 0 },
    );
    const { store, delays, fire } = setUp(() => ({
      write: async (_path, rest) => {
        const reader = rest.getReader();
        await reader.read();
        return new Promise(() => undefined);
      },
    }));
    const writing = store.write?.(path, body);
    const failure = expect(writing).rejects.toMatchObject({ code: "timeout", context: { limitMs: 3000 } });
    await turn();
    expect(delays()).toEqual([]);
    give?.(new Uint8Array(5));
    await turn();
    expect(delays()).toEqual([3000]);
    fire();
    await failure;
  });

  test("that works leaves no timer", async () => {
    const { store, delays } = setUp(() => ({}));
    expect((await store.write?.(path, new Blob(["12345"]).stream()))?.size).toBe(5);
    expect(delays()).toEqual([]);
  });
});

test("keeps capabilities and absent verbs", () => {
  const { write: _write, delete: _delete, ...readOnly } = memoryStorage();
  const bounded = withTimeout()(readOnly);
  expect(bounded.capabilities).toBe(readOnly.capabilities);
  expect("write" in bounded || "delete" in bounded || "close" in bounded).toBe(false);
});
