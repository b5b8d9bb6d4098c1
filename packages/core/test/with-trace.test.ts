import { describe, expect, test } from "vitest";
import { AmlError, parseStorePath, type StorageAdapter, type TraceEvent } from "@aml/core";
import { createLayer, withTrace, type LayerVerbs } from "@aml/core/layers";
import { memoryStorage } from "@aml/core/memory";

const path = parseStorePath("a.bin");

function setUp(verbs: (inner: StorageAdapter) => LayerVerbs = () => ({})) {
  const events: TraceEvent[] = [];
  let time = 0;
  const clock = (): number => (time += 10);
  const inner = memoryStorage({
    uri: "memory://lake",
    files: { "a.bin": new Uint8Array(25), "b/c": "x" },
    chunkSize: 10,
  });
  return {
    events,
    store: withTrace((event) => events.push(event), { clock })(createLayer(inner, verbs(inner))),
  };
}

/** kind, bytes and error code of each event. */
const brief = (events: readonly TraceEvent[]): unknown[] =>
  events.map((event) => [
    event.kind,
    "bytes" in event ? event.bytes : undefined,
    "error" in event ? event.error?.code : undefined,
  ]);

describe("withTrace", () => {
  test("tells a read's start, chunks and end", async () => {
    const { events, store } = setUp();
    const { body } = await store.read(path);
    expect(events).toEqual([
      { kind: "start", id: 1, operation: "read", store: "memory://lake", path: "a.bin" },
    ]);
    await new Response(body as BodyInit).arrayBuffer();
    expect(brief(events).slice(1)).toEqual([
      ["progress", 10, undefined],
      ["progress", 10, undefined],
      ["progress", 5, undefined],
      ["end", 25, undefined],
    ]);
    expect(events.at(-1)).toEqual({
      kind: "end",
      id: 1,
      operation: "read",
      store: "memory://lake",
      path: "a.bin",
      bytes: 25,
      durationMs: 10,
    });
  });

  test("tells a write's bytes, and ends of stat, list and delete", async () => {
    const { events, store } = setUp();
    await store.write?.(path, new Blob(["12345"]).stream());
    for await (const _item of store.list(parseStorePath(""))) break;
    await store.stat(path);
    await store.delete?.(path);
    expect(events.map((event) => `${event.kind} ${"operation" in event ? event.operation : ""}`)).toEqual([
      "start write",
      "progress write",
      "end write",
      "start list",
      "end list",
      "start stat",
      "end stat",
      "start delete",
      "end delete",
    ]);
    expect(events.flatMap((event) => ("id" in event ? [event.id] : []))).toEqual([1, 1, 1, 2, 2, 3, 3, 4, 4]);
  });

  test("tells errors by code, without secrets", async () => {
    const secret = new AmlError("permission_denied", "https://h/c?sig=hunter2");
    const { events, store } = setUp(() => ({
      stat: () => Promise.reject(secret),
      read: () => Promise.reject(new TypeError("Password=hunter2")),
    }));
    await expect(store.stat(path)).rejects.toBe(secret);
    await expect(store.read(path)).rejects.toThrow(TypeError);
    expect(brief(events)).toEqual([
      ["start", undefined, undefined],
      ["end", 0, "permission_denied"],
      ["start", undefined, undefined],
      ["end", 0, "TypeError"],
    ]);
    expect(JSON.stringify(events)).not.toContain("hunter2");
  });

  test("ends a read that is left, and one that breaks", async () => {
    const { events, store } = setUp();
    const reader = (await store.read(path)).body.getReader();
    await reader.read();
    await reader.cancel();
    expect(brief(events).at(-1)).toEqual(["end", 10, undefined]);
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.error(new AmlError("unavailable", "Lost.")),
    });
    const broken = setUp(() => ({ read: async () => ({ body }) }));
    await expect((await broken.store.read(path)).body.getReader().read()).rejects.toThrow("Lost.");
    expect(brief(broken.events).at(-1)).toEqual(["end", 0, "unavailable"]);
  });

  test("numbers operations of several stores with a shared counter", async () => {
    const ids: number[] = [];
    let last = 0;
    const layer = withTrace((event) => event.kind === "start" && ids.push(event.id), {
      nextId: () => (last += 1),
    });
    const stores = [memoryStorage({ files: { "a.bin": "" } }), memoryStorage({ files: { "a.bin": "" } })].map(
      layer,
    );
    for (const store of stores) await store.stat(path);
    expect(ids).toEqual([1, 2]);
  });

  test("keeps capabilities and absent verbs", () => {
    const { write: _write, delete: _delete, ...readOnly } = memoryStorage();
    const traced = withTrace(() => undefined)(readOnly);
    expect(traced.capabilities).toBe(readOnly.capabilities);
    expect("write" in traced || "delete" in traced || "close" in traced).toBe(false);
  });
});
