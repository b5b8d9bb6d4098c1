import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AmlError, parseStorePath, type FileStat, type ReadResult, type StorageAdapter } from "@aml/core";
import {
  createLayer,
  withRetry,
  type LayerVerbs,
  type RetryEvent,
  type RetryOptions,
} from "@aml/core/layers";
import { memoryStorage } from "@aml/core/memory";

const path = parseStorePath("a.bin");
const content = Uint8Array.from({ length: 100 }, (_, index) => index);
const lost = (retryAfterMs?: number): AmlError => new AmlError("unavailable", "Lost.", { retryAfterMs });

/** Retries without waiting, and notes the waits it was asked for. */
function retrying(inner: StorageAdapter, options: RetryOptions = {}) {
  const waits: number[] = [];
  const events: RetryEvent[] = [];
  const sleep = (delayMs: number): Promise<void> => {
    waits.push(delayMs);
    return Promise.resolve();
  };
  const layer = withRetry({ sleep, random: () => 0.5, onRetry: (event) => events.push(event), ...options });
  return { store: layer(inner), waits, events };
}

function store(verbs: (inner: StorageAdapter) => LayerVerbs = () => ({}), chunkSize = 10): StorageAdapter {
  const inner = memoryStorage({ files: { "a.bin": content }, chunkSize });
  return createLayer(inner, verbs(inner));
}

/** Fails the first `times` calls. */
function failing(times: number, error: () => unknown): () => Promise<void> {
  let left = times;
  return async () => {
    left -= 1;
    if (left >= 0) throw error();
  };
}

/** Bodies that end after so many bytes: with an error, or as if that were all. */
function cutting(
  cuts: readonly (number | undefined)[],
  how: "error" | "end",
  change?: (result: ReadResult, call: number) => ReadResult,
) {
  let call = 0;
  return (inner: StorageAdapter): LayerVerbs => ({
    read: async (where, options) => {
      const result = await inner.read(where, options);
      const cut = cuts[call];
      call += 1;
      const shown = change?.(result, call) ?? result;
      return cut === undefined ? shown : { ...shown, body: cutAt(shown.body, cut, how) };
    },
  });
}

function cutAt(
  body: ReadableStream<Uint8Array>,
  bytes: number,
  how: "error" | "end",
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let left = bytes;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { value } = await reader.read();
        if (left <= 0 || value === undefined) {
          if (how === "error") controller.error(lost());
          else controller.close();
          return;
        }
        const chunk = value.subarray(0, left);
        left -= chunk.byteLength;
        controller.enqueue(chunk);
      },
    },
    { highWaterMark: 0 },
  );
}

/** Not through `Response`, which has an error of its own in browsers. */
async function bytes({ body }: Pick<ReadResult, "body">): Promise<Uint8Array> {
  const found: number[] = [];
  const reader = body.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) found.push(...next.value);
  return Uint8Array.from(found);
}

describe("repeating", () => {
  test("stat and delete, until they succeed", async () => {
    const broken = failing(2, lost);
    const {
      store: retried,
      waits,
      events,
    } = retrying(store((inner) => ({ stat: (where) => broken().then(() => inner.stat(where)) })));
    expect((await retried.stat(path)).size).toBe(100);
    expect(waits).toEqual([100, 200]);
    expect(events.map(({ attempt, operation, delayMs }) => [attempt, operation, delayMs])).toEqual([
      [1, "stat", 100],
      [2, "stat", 200],
    ]);
    const unstable = failing(1, lost);
    const other = retrying(
      store((inner) => ({ delete: (where) => unstable().then(() => inner.delete?.(where)) })),
    );
    await other.store.delete?.(path);
    await expect(other.store.stat(path)).rejects.toMatchObject({ code: "not_found" });
  });

  test("gives up after maxAttempts with the last error", async () => {
    let calls = 0;
    const { store: retried } = retrying(
      store(() => ({
        stat: async () => {
          calls += 1;
          throw new AmlError("timeout", `Call ${calls}.`);
        },
      })),
      { maxAttempts: 3 },
    );
    await expect(retried.stat(path)).rejects.toMatchObject({ code: "timeout", message: "Call 3." });
    expect(calls).toBe(3);
  });

  test.each([
    new AmlError("not_found", "No."),
    new AmlError("internal", "Bug."),
    new TypeError("raw"),
    "text",
  ])("never what is not retryable: %s", async (error) => {
    const { store: retried, waits } = retrying(store(() => ({ stat: () => Promise.reject(error) })));
    await expect(retried.stat(path)).rejects.toBe(error);
    expect(waits).toEqual([]);
  });

  test("waits as long as the service asks, but not longer than maxRetryAfterMs", async () => {
    const throttled = failing(1, () => new AmlError("rate_limited", "Slow down.", { retryAfterMs: 7000 }));
    const inner = store((under) => ({ stat: (where) => throttled().then(() => under.stat(where)) }));
    const { store: retried, waits } = retrying(inner);
    await retried.stat(path);
    expect(waits).toEqual([7000]);
    const far = retrying(store(() => ({ stat: () => Promise.reject(lost(3_600_000)) })));
    await expect(far.store.stat(path)).rejects.toMatchObject({ retryAfterMs: 3_600_000 });
    expect(far.waits).toEqual([]);
  });

  test("an abort ends the wait with its own reason", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const retried = withRetry({
      baseDelayMs: 1e9,
      maxDelayMs: 1e9,
      random: () => 1,
      onRetry: () => controller.abort(reason),
    })(store(() => ({ stat: () => Promise.reject(lost()) })));
    await expect(retried.stat(path, { signal: controller.signal })).rejects.toBe(reason);
  });

  test("keeps capabilities and absent verbs", () => {
    const { write: _write, delete: _delete, ...readOnly } = memoryStorage();
    const retried = withRetry()(readOnly);
    expect(retried.capabilities).toBe(readOnly.capabilities);
    expect("write" in retried || "delete" in retried || "close" in retried).toBe(false);
  });
});

describe("reading", () => {
  test.each(["error", "end"] as const)("goes on at the next byte when a body is cut (%s)", async (how) => {
    const ranges: unknown[] = [];
    const cut = store(cutting([37, 0, 20], how));
    const noted = createLayer(cut, {
      read: (where, options) => {
        ranges.push(options?.range, options?.ifMatch);
        return cut.read(where, options);
      },
    });
    const { store: retried } = retrying(noted);
    expect(await bytes(await retried.read(path))).toEqual(content);
    const { etag } = await cut.stat(path);
    expect(ranges).toEqual([
      undefined,
      undefined,
      { offset: 37, length: undefined },
      etag,
      { offset: 37, length: undefined },
      etag,
      { offset: 57, length: undefined },
      etag,
    ]);
  });

  test("any cuts of any range give the same bytes", async () => {
    const cuts = fc.array(fc.nat(60), { maxLength: 4 });
    const how = fc.constantFrom("error" as const, "end" as const);
    await fc.assert(
      fc.asyncProperty(
        cuts,
        how,
        fc.nat(100),
        fc.option(fc.nat(120), { nil: undefined }),
        async (at, kind, offset, length) => {
          const { store: retried } = retrying(store(cutting(at, kind), 7), { maxAttempts: 9 });
          const end = length === undefined ? 100 : offset + length;
          expect(await bytes(await retried.read(path, { range: { offset, length } }))).toEqual(
            content.slice(offset, end),
          );
        },
      ),
    );
  });

  test("never mixes two versions of a file", async () => {
    const inner = store();
    let reads = 0;
    const changing = createLayer(inner, {
      read: async (where, options) => {
        reads += 1;
        if (reads === 2) await inner.write?.(path, new Blob([new Uint8Array(100)]).stream());
        const result = await inner.read(where, options);
        return reads === 1 ? { ...result, body: cutAt(result.body, 50, "error") } : result;
      },
    });
    const { body } = await retrying(changing).store.read(path);
    await expect(bytes({ body })).rejects.toMatchObject({
      code: "precondition_failed",
    });
  });

  test("notices a store that ignores ifMatch", async () => {
    const other = (result: ReadResult, call: number): ReadResult =>
      call === 1 ? result : { ...result, stat: result.stat && { ...result.stat, etag: '"other"' } };
    const { store: retried } = retrying(store(cutting([50], "error", other)));
    await expect(bytes(await retried.read(path))).rejects.toMatchObject({ code: "precondition_failed" });
  });

  test("without an etag goes on only before the first byte", async () => {
    const bare = ({ body, stat }: ReadResult): ReadResult => ({
      body,
      stat: stat && { ...stat, etag: undefined },
    });
    const none = retrying(store(cutting([0], "error", bare)));
    expect(await bytes(await none.store.read(path))).toEqual(content);
    const some = retrying(store(cutting([30], "error", bare)));
    await expect(bytes(await some.store.read(path))).rejects.toMatchObject({
      code: "unavailable",
      message: "Lost.",
    });
  });

  test("a body that stays short is an error, not a shorter file", async () => {
    const { store: retried } = retrying(store(cutting([0, 0, 0, 0, 0], "end")));
    await expect(bytes(await retried.read(path))).rejects.toMatchObject({
      code: "unavailable",
      context: { given: 0, announced: 100 },
    });
  });

  test("a body that is too long is an error", async () => {
    const longer = ({ body, stat }: ReadResult): ReadResult => ({
      body,
      stat: stat && { ...stat, size: 99 },
    });
    const { store: retried, waits } = retrying(store(cutting([], "end", longer)));
    await expect(bytes(await retried.read(path))).rejects.toMatchObject({ code: "internal" });
    expect(waits).toEqual([]);
  });

  test("counts attempts anew after progress", async () => {
    const { store: retried } = retrying(store(cutting([10, 10, 10, 10, 10, 10, 10, 10], "error")), {
      maxAttempts: 2,
    });
    expect(await bytes(await retried.read(path))).toEqual(content);
  });

  test("a reader that leaves during a wait is the last", async () => {
    let reads = 0;
    const inner = store(cutting([0, 0, 0], "error"));
    const counted = createLayer(inner, {
      read: (where, options) => {
        reads += 1;
        return inner.read(where, options);
      },
    });
    let waiting: () => void = () => undefined;
    const waits = new Promise<void>((resolve) => (waiting = resolve));
    const retried = withRetry({
      baseDelayMs: 1e9,
      maxDelayMs: 1e9,
      random: () => 1,
      onRetry: () => waiting(),
    })(counted);
    const reader = (await retried.read(path)).body.getReader();
    const pending = reader.read();
    await waits;
    await reader.cancel("left");
    expect(await pending).toEqual({ done: true, value: undefined });
    expect(reads).toBe(1);
  });
});

describe("listing and writing", () => {
  const names = ["a/1", "a-b", "a.txt", "b", "c/d/e", "z"];
  const listed = (sortedList: boolean, failAfter: readonly number[]): StorageAdapter => {
    const inner = memoryStorage({ files: Object.fromEntries(names.map((name) => [name, ""])) });
    let call = 0;
    const layer = createLayer(inner, {
      async *list(folder, options): AsyncGenerator<FileStat> {
        let left = failAfter[call] ?? Infinity;
        call += 1;
        for await (const item of inner.list(folder, options)) {
          if (left === 0) throw lost();
          left -= 1;
          yield item;
        }
      },
    });
    return { ...layer, capabilities: { ...layer.capabilities, sortedList } };
  };
  const collect = async (items: AsyncIterable<FileStat>): Promise<string[]> => {
    const found: string[] = [];
    for await (const { path: name } of items) found.push(name);
    return found;
  };

  test("a sorted listing goes on without repeating or losing an item", async () => {
    const all = await collect(listed(true, []).list(parseStorePath("")));
    for (const cuts of [[0], [1], [3, 2, 5], [4, 0, 4]]) {
      const { store: retried } = retrying(listed(true, cuts));
      expect(await collect(retried.list(parseStorePath("")))).toEqual(all);
    }
  });

  test("an unsorted listing goes on only before its first item", async () => {
    expect(await collect(retrying(listed(false, [0])).store.list(parseStorePath("")))).toHaveLength(6);
    await expect(collect(retrying(listed(false, [1])).store.list(parseStorePath("")))).rejects.toMatchObject({
      code: "unavailable",
    });
  });

  test("a write is repeated while its body is untouched, and never after", async () => {
    const early = failing(2, lost);
    const first = retrying(
      store((inner) => ({
        write: (where, body) => early().then(() => inner.write?.(where, body) as Promise<FileStat>),
      })),
    );
    expect((await first.store.write?.(path, new Blob(["12345"]).stream()))?.size).toBe(5);

    let calls = 0;
    let cancelled: unknown;
    const late = retrying(
      store(() => ({
        write: async (_where, body) => {
          calls += 1;
          await body.getReader().read();
          throw lost();
        },
      })),
    );
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(content),
      cancel: (reason) => void (cancelled = reason),
    });
    await expect(late.store.write?.(path, body)).rejects.toMatchObject({ code: "unavailable" });
    expect([calls, cancelled]).toEqual([1, expect.objectContaining({ code: "unavailable" })]);
  });
});
