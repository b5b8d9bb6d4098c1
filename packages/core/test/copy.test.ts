import {
  AmlError,
  type CopyEvent,
  type CopyOptions,
  type FileStat,
  type StorageAdapter,
  type StorePath,
  type Workspace,
} from "@aml/core";
import { createLayer, type LayerVerbs } from "@aml/core/layers";
import { memory, memoryRegistry, memorySecrets, memoryStorage } from "@aml/core/memory";
import { createWorkspace } from "@aml/core/workspace";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createNameCheck } from "../src/name-clashes.ts";
import { anyHash } from "./any-hash.ts";

const at = (path: string): StorePath => path as StorePath;
const md5 = (text: string): string => {
  const hash = anyHash();
  hash.update(new TextEncoder().encode(text));
  return hash.digest("base64");
};

function workspaceOf(stores: Readonly<Record<string, StorageAdapter>>): Workspace {
  return createWorkspace({
    adapters: [memory(new Map(Object.entries(stores)))],
    registry: memoryRegistry(),
    secrets: memorySecrets(),
    createHash: anyHash,
  });
}

async function contents(store: StorageAdapter): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { path } of store.list(at(""), { recursive: true }))
    found[path] = await new Response((await store.read(path)).body).text();
  return found;
}

async function failure(call: Promise<unknown>): Promise<AmlError> {
  return call.then(
    () => Promise.reject(new Error("It did not fail.")),
    (error: unknown) => error as AmlError,
  );
}

/** A store that counts what is asked of it, and does some verbs its own way. */
function counting(inner: StorageAdapter, verbs: (inner: StorageAdapter) => LayerVerbs = () => ({})) {
  const counts = { read: 0, stat: 0, list: 0, write: 0 };
  const own = createLayer(inner, verbs(inner));
  const store = createLayer(own, {
    read: (...call) => (counts.read++, own.read(...call)),
    stat: (...call) => (counts.stat++, own.stat(...call)),
    list: (...call) => (counts.list++, own.list(...call)),
    write: (...call) => (counts.write++, (own.write as NonNullable<typeof own.write>)(...call)),
  });
  return { store, counts };
}

const withCapabilities = (
  store: StorageAdapter,
  capabilities: Partial<StorageAdapter["capabilities"]>,
): StorageAdapter => ({ ...store, capabilities: { ...store.capabilities, ...capabilities } });

const FILES = { "t/a.csv": "alpha", "t/sub/b.csv": "beta", "u.txt": "u" };

function pair(files: Readonly<Record<string, string>> = FILES, there: Readonly<Record<string, string>> = {}) {
  const from = memoryStorage({ uri: "memory://from", files });
  const to = memoryStorage({ uri: "memory://to", files: there });
  const events: CopyEvent[] = [];
  const ws = workspaceOf({ from, to });
  const run = (source: string, target: string, options: CopyOptions = {}) =>
    ws.copy(source, target, { ...options, onEvent: (event) => void events.push(event) });
  return { from, to, run, events };
}

describe("where copies go", () => {
  it.each([
    ["memory://from/u.txt", "memory://to/v.txt", { "v.txt": "u" }],
    ["memory://from/u.txt", "memory://to/in/", { "in/u.txt": "u" }],
    ["memory://from/u.txt", "memory://to", { "u.txt": "u" }],
    ["memory://from/t", "memory://to/out", { "out/a.csv": "alpha", "out/sub/b.csv": "beta" }],
    ["memory://from/t/", "memory://to", { "a.csv": "alpha", "sub/b.csv": "beta" }],
    ["memory://from/t/*.csv", "memory://to/out", { "out/a.csv": "alpha" }],
    ["memory://from/**/*.csv", "memory://to", { "t/a.csv": "alpha", "t/sub/b.csv": "beta" }],
    [
      "memory://from",
      "memory://to/all",
      { "all/t/a.csv": "alpha", "all/t/sub/b.csv": "beta", "all/u.txt": "u" },
    ],
  ])("%s to %s", async (source, target, expected) => {
    const { run, to } = pair();
    await run(source, target, { recursive: true });
    expect(await contents(to)).toEqual(expected);
  });

  it("puts a file into a folder that is there", async () => {
    const { run, to } = pair(FILES, { "in/x": "x" });
    await run("memory://from/u.txt", "memory://to/in");
    expect(await contents(to)).toEqual({ "in/x": "x", "in/u.txt": "u" });
  });

  it("refuses a folder without recursive, a target in its source, and what is not there", async () => {
    const { run, from } = pair();
    expect(await failure(run("memory://from/t", "memory://to"))).toMatchObject({ code: "config_invalid" });
    const r = { recursive: true };
    expect(await failure(run("memory://from/t", "memory://from/t/x", r))).toMatchObject({
      code: "path_invalid",
    });
    expect(await failure(run("memory://from", "memory://from/x", r))).toMatchObject({ code: "path_invalid" });
    expect(await failure(run("memory://from/**/*.csv", "memory://from/t", r))).toMatchObject({
      code: "path_invalid",
    });
    expect(await failure(run("memory://from/u.txt", "memory://from/"))).toMatchObject({
      code: "path_invalid",
    });
    expect(await failure(run("memory://from/nope", "memory://to"))).toMatchObject({ code: "not_found" });
    expect(await failure(run("memory://from/nope/", "memory://to", r))).toMatchObject({ code: "not_found" });
    expect(await failure(run("memory://from/*.nope", "memory://to"))).toMatchObject({ code: "not_found" });
    await run("memory://from/t/*.csv", "memory://from/t/copies");
    expect(Object.keys(await contents(from))).toContain("t/copies/a.csv");
  });
});

describe("a copy", () => {
  it("tells what it does, and counts bytes", async () => {
    const { run, events } = pair();
    let bytes = 0;
    const report = await run("memory://from/t", "memory://to", {
      recursive: true,
      verify: true,
      concurrency: 1,
      onBytes: (more) => (bytes += more),
    });
    expect(report).toEqual({ files: 2, bytes: 9, skipped: 0, skippedBytes: 0, byService: 0 });
    expect(bytes).toBe(9);
    expect(events).toEqual([
      { kind: "planned", files: 2, bytes: 9 },
      {
        kind: "copied",
        from: "memory://from/t/a.csv",
        to: "memory://to/a.csv",
        bytes: 5,
        via: "stream",
        md5: md5("alpha"),
      },
      {
        kind: "copied",
        from: "memory://from/t/sub/b.csv",
        to: "memory://to/sub/b.csv",
        bytes: 4,
        via: "stream",
        md5: md5("beta"),
      },
    ]);
  });

  it("goes on where it broke off, and reads nothing twice that stores have hashes of", async () => {
    const hashed = (inner: StorageAdapter): LayerVerbs => {
      const withHash = async (stat: FileStat): Promise<FileStat> => ({
        ...stat,
        md5: md5(await new Response((await inner.read(stat.path)).body).text()),
      });
      return {
        stat: async (path, o) => {
          const stat = await inner.stat(path, o);
          return stat.kind === "file" ? withHash(stat) : stat;
        },
        async *list(folder, o) {
          for await (const stat of inner.list(folder, o)) yield withHash(stat);
        },
      };
    };
    let broken = true;
    const from = counting(memoryStorage({ uri: "memory://from", files: FILES }), hashed);
    const to = counting(memoryStorage({ uri: "memory://to" }), hashed);
    const flaky = createLayer(from.store, {
      read: (path, o) =>
        broken && path === "t/sub/b.csv"
          ? Promise.reject(new AmlError("permission_denied", "No."))
          : from.store.read(path, o),
    });
    const ws = workspaceOf({ from: flaky, to: to.store });
    const run = () => ws.copy("memory://from/t", "memory://to/", { recursive: true, concurrency: 1 });
    expect(await failure(run())).toMatchObject({ code: "permission_denied" });
    expect(await contents(to.store)).toEqual({ "a.csv": "alpha" });
    broken = false;
    from.counts.read = to.counts.read = 0;
    expect(await run()).toEqual({ files: 1, bytes: 4, skipped: 1, skippedBytes: 5, byService: 0 });
    expect([from.counts.read, to.counts.read]).toEqual([1, 0]);
    expect(await run()).toEqual({ files: 0, bytes: 0, skipped: 2, skippedBytes: 9, byService: 0 });
    expect([from.counts.read, to.counts.read]).toEqual([1, 0]);
  });

  it("tells same from different by reading where no hash is kept", async () => {
    const { run, to } = pair(FILES, { "a.csv": "alpha", "sub/b.csv": "BETA" });
    expect(await failure(run("memory://from/t", "memory://to/", { recursive: true }))).toMatchObject({
      code: "already_exists",
      message: "memory://to/sub/b.csv exists already, with another content than memory://from/t/sub/b.csv.",
    });
    expect(await contents(to)).toEqual({ "a.csv": "alpha", "sub/b.csv": "BETA" });
    expect(await run("memory://from/t", "memory://to/", { recursive: true, overwrite: true })).toMatchObject({
      files: 1,
      skipped: 1,
    });
    expect(await contents(to)).toEqual({ "a.csv": "alpha", "sub/b.csv": "beta" });
  });

  it("finds files of another size before it writes anything", async () => {
    const { run, to } = pair(FILES, { "sub/b.csv": "another" });
    expect(await failure(run("memory://from/t", "memory://to/", { recursive: true }))).toMatchObject({
      code: "already_exists",
      message: "1 of 2 files exist already with another content, e.g. memory://to/sub/b.csv.",
    });
    expect(await contents(to)).toEqual({ "sub/b.csv": "another" });
  });

  it("writes nothing in a dry run, and tells what it would", async () => {
    const { run, to, events } = pair(FILES, { "a.csv": "alpha" });
    const report = await run("memory://from/t", "memory://to/", { recursive: true, dryRun: true });
    expect(report).toEqual({ files: 1, bytes: 4, skipped: 1, skippedBytes: 5, byService: 0 });
    expect(events.map(({ kind }) => kind).toSorted()).toEqual(["skipped", "would_copy"]);
    expect(await contents(to)).toEqual({ "a.csv": "alpha" });
  });

  it("begins a file again that broke off while it was written", async () => {
    const from = memoryStorage({ uri: "memory://from", files: FILES, chunkSize: 2 });
    let failures = 2;
    const to = counting(memoryStorage({ uri: "memory://to" }), (inner) => ({
      async write(path, body, o) {
        if (failures-- <= 0) return (inner.write as NonNullable<typeof inner.write>)(path, body, o);
        const reader = body.getReader();
        await reader.read();
        throw new AmlError("unavailable", "Lost.", { retryAfterMs: 1 });
      },
    }));
    let bytes = 0;
    await workspaceOf({ from, to: to.store }).copy("memory://from/u.txt", "memory://to/", {
      onBytes: (more) => (bytes += more),
    });
    expect([await contents(to.store), bytes]).toEqual([{ "u.txt": "u" }, 1]);
  });

  it("lets nothing be seen of a file that is not what its store says it is", async () => {
    const from = counting(memoryStorage({ uri: "memory://from", files: FILES }), (inner) => ({
      stat: async (path, o) => ({ ...(await inner.stat(path, o)), md5: md5("other") }),
    }));
    const to = memoryStorage({ uri: "memory://to" });
    const ws = workspaceOf({ from: from.store, to });
    expect(await failure(ws.copy("memory://from/u.txt", "memory://to/"))).toMatchObject({
      code: "precondition_failed",
      message: "memory://from/u.txt has another MD5 than its store keeps with it.",
    });
    expect(await contents(to)).toEqual({});
  });

  it("finds with verify that a store keeps other bytes, and removes them", async () => {
    const from = memoryStorage({ uri: "memory://from", files: FILES });
    const to = counting(memoryStorage({ uri: "memory://to" }), (inner) => ({
      async write(path, body, o) {
        const text = await new Response(body).text();
        return (inner.write as NonNullable<typeof inner.write>)(
          path,
          new Blob([text.replace("u", "x")]).stream(),
          o,
        );
      },
    }));
    const ws = workspaceOf({ from, to: to.store });
    expect(await failure(ws.copy("memory://from/u.txt", "memory://to/", { verify: true }))).toMatchObject({
      code: "precondition_failed",
    });
    expect(await contents(to.store)).toEqual({});
  });

  it("ends with the reason of an abort, and leaves whole files only", async () => {
    const from = memoryStorage({ uri: "memory://from", files: FILES, chunkSize: 1 });
    const to = memoryStorage({ uri: "memory://to" });
    const controller = new AbortController();
    const reason = new Error("enough");
    const copying = workspaceOf({ from, to }).copy("memory://from/t", "memory://to/", {
      recursive: true,
      concurrency: 1,
      signal: controller.signal,
      onBytes: (bytes) => bytes > 0 && controller.abort(reason),
    });
    expect(await failure(copying)).toBe(reason);
    expect(await contents(to)).toEqual({});
  });

  it("asks for no rights that it does not need: a target that may only be written", async () => {
    const denied = () => Promise.reject(new AmlError("permission_denied", "No."));
    const from = memoryStorage({ uri: "memory://from", files: FILES });
    const inner = memoryStorage({ uri: "memory://to" });
    const to = createLayer(inner, {
      stat: denied,
      list: () => ({ [Symbol.asyncIterator]: () => ({ next: denied }) }),
    });
    const ws = workspaceOf({ from, to });
    await ws.copy("memory://from/t", "memory://to/x/", { recursive: true });
    expect(await contents(inner)).toEqual({ "x/a.csv": "alpha", "x/sub/b.csv": "beta" });
    expect(await failure(ws.copy("memory://from/t", "memory://to/x/", { recursive: true }))).toMatchObject({
      code: "already_exists",
    });
  });
});

describe("names", () => {
  it("that cannot be side by side are refused before the first byte", async () => {
    const files = { a: "1", "a-b": "2", "a/c": "3" };
    for (const sortedList of [true, false]) {
      const from = withCapabilities(memoryStorage({ uri: "memory://from", files }), { sortedList });
      const to = withCapabilities(memoryStorage({ uri: "memory://to" }), { directories: true });
      expect(
        await failure(workspaceOf({ from, to }).copy("memory://from/", "memory://to/", { recursive: true })),
      ).toMatchObject({
        code: "already_exists",
        message: "Some names cannot be side by side in memory://to/: 'a' is a file and a folder at once.",
      });
      expect(await contents(to)).toEqual({});
    }
    const from = memoryStorage({ uri: "memory://from", files: { "x/Ä.csv": "1", "x/ä.csv": "2" } });
    const to = withCapabilities(memoryStorage({ uri: "memory://to" }), { ignoresCase: true });
    expect(
      await failure(workspaceOf({ from, to }).copy("memory://from/", "memory://to/", { recursive: true })),
    ).toMatchObject({
      code: "already_exists",
      message: expect.stringContaining("differs from another name in case only"),
    });
    expect(await contents(to)).toEqual({});
  });

  it("are checked alike in order and out of order", () => {
    const blob = memoryStorage();
    const disk = withCapabilities(blob, { directories: true });
    const name = fc.string({ unit: fc.constantFrom("a", "-", "0", "/", "b"), minLength: 1, maxLength: 6 });
    const paths = fc.uniqueArray(
      name.filter((text) => !/^\/|\/$|\/\//.test(text)),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(paths, (list) => {
        const clash = list.some((one) => list.some((other) => other.startsWith(`${one}/`)));
        for (const sorted of [true, false]) {
          const check = createNameCheck(blob, disk, sorted);
          const found = (sorted ? list.toSorted() : list).map(check).filter((words) => words !== undefined);
          expect(found.length > 0).toBe(clash);
        }
      }),
    );
  });

  it("of a folder that stands where a file goes, and the reverse", async () => {
    for (const [there, words] of [
      [{ "t/a.csv/x": "1" }, "is a folder there, and a file here"],
      [{ "t/sub": "1" }, "is a file there, and a folder of 't/sub/b.csv' here"],
    ] as const) {
      const from = memoryStorage({ uri: "memory://from", files: FILES });
      const to = withCapabilities(memoryStorage({ uri: "memory://to", files: there }), { directories: true });
      const ws = workspaceOf({ from, to });
      expect(await failure(ws.copy("memory://from", "memory://to", { recursive: true }))).toMatchObject({
        code: "already_exists",
        message: expect.stringContaining(words),
      });
      expect(await contents(to)).toEqual(there);
    }
  });
});

describe("bounds", () => {
  it("has few large files under way at once, and many small ones", async () => {
    const MiB = 2 ** 20;
    for (const [size, most] of [
      [100 * MiB, 4],
      [1000, 16],
    ] as const) {
      let open = 0;
      let peak = 0;
      const inner = memoryStorage({
        uri: "memory://from",
        files: Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`f${index}`, "x"])),
      });
      const from = createLayer(inner, {
        async *list(folder, o) {
          for await (const stat of inner.list(folder, o)) yield { ...stat, size };
        },
        async read(path, o) {
          const { stat, body } = await inner.read(path, o);
          peak = Math.max(peak, ++open);
          const reader = body.getReader();
          return {
            stat: stat as FileStat,
            body: new ReadableStream({
              async pull(controller) {
                await new Promise((resolve) => setTimeout(resolve));
                const { value } = await reader.read();
                if (value) return controller.enqueue(value);
                open--;
                controller.close();
              },
            }),
          };
        },
      });
      const to = memoryStorage({ uri: "memory://to" });
      await workspaceOf({ from, to }).copy("memory://from", "memory://to", {
        recursive: true,
        concurrency: 16,
      });
      expect(peak).toBe(most);
    }
  });
});
