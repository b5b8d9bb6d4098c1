import type { ReadOptions, ReadResult } from "@aml/core";
import {
  all,
  at,
  collect,
  equal,
  join,
  noise,
  ok,
  put,
  readAll,
  readText,
  refuses,
  streamOf,
  utf8,
} from "../expect.ts";
import { broken, giving, reading } from "../mutate.ts";
import type { StorageCase } from "../storage-case.ts";

const text = "0123456789";

export const readCases: readonly StorageCase[] = [
  {
    id: "read/whole",
    title: "a file comes back byte for byte, whatever the bytes",
    needs: [],
    async run({ storage, seed }) {
      const bytes = join([
        Uint8Array.from({ length: 256 }, (_, index) => index),
        utf8("\r\n\uFEFF\0"),
        noise(999),
      ]);
      await seed({ "bytes.bin": bytes });
      equal(await readAll(storage, "bytes.bin"), bytes, "The file");
    },
    mutate: giving((bytes) => utf8(new TextDecoder().decode(bytes))),
  },
  {
    id: "read/missing",
    title: "a missing file is not_found",
    needs: [],
    async run({ storage, seed }) {
      await seed({ "there.txt": text });
      await refuses(async () => readAll(storage, "missing.txt"), "not_found");
      await refuses(async () => readAll(storage, "folder/missing.txt"), "not_found");
      await refuses(async () => readAll(storage, "there.tx"), "not_found");
    },
    mutate: broken((store) => ({
      read: (path, options) =>
        store
          .read(path, options)
          .catch((): ReadResult => ({ body: new Response("").body ?? new ReadableStream() })),
    })),
  },
  {
    id: "read/large",
    title: "a file of several MiB arrives whole and in order",
    needs: [],
    async run({ storage, seed }) {
      const bytes = noise(5 * 1024 * 1024 + 13);
      await seed({ "large.bin": bytes });
      equal(await readAll(storage, "large.bin"), bytes, "The file");
      const range = { offset: 1_048_575, length: 2_097_155 };
      equal(await readAll(storage, "large.bin", { range }), bytes.slice(1_048_575, 3_145_730), "The range");
    },
    mutate: giving((bytes) => bytes.slice(0, 4 * 1024 * 1024)),
  },
  {
    id: "read/concurrent",
    title: "16 ranges read at once do not mix",
    needs: [],
    async run({ storage, seed }) {
      const bytes = noise(160_000);
      await seed({ "a.bin": bytes });
      const parts = await Promise.all(
        Array.from({ length: 16 }, (_, index) =>
          readAll(storage, "a.bin", { range: { offset: index * 10_000, length: 10_000 } }),
        ),
      );
      equal(join(parts), bytes, "The parts together");
    },
    mutate: broken((store) => {
      let range: ReadOptions["range"];
      return {
        read: async (path, options = {}) => {
          ({ range } = options);
          await Promise.resolve();
          return store.read(path, { ...options, range });
        },
      };
    }),
  },
  {
    id: "read/own-chunks",
    title: "whoever reads a chunk may do what they like with its memory, where the store says so",
    needs: [],
    async run({ storage, seed }) {
      if (storage.capabilities.ownChunks !== true) return;
      const bytes = noise(300_000);
      await seed({ "a.bin": bytes });
      const spoiling = (await storage.read(at("a.bin"))).body.getReader();
      const kept: Uint8Array[] = [];
      const other = (await storage.read(at("a.bin"))).body.getReader();
      for (let next = await other.read(); !next.done; next = await other.read()) {
        kept.push(next.value);
        (await spoiling.read()).value?.fill(0);
      }
      await spoiling.cancel();
      equal(join(kept), bytes, "The file, read beside a reader that overwrites what it gets,");
      equal(await readAll(storage, "a.bin"), bytes, "The file, read again,");
    },
    mutate: (store) => {
      let kept: Uint8Array | undefined;
      const sharing = broken((inner) => ({
        async read(path, options) {
          const { body } = await inner.read(path, options);
          const bytes = await collect(body);
          kept = kept?.byteLength === bytes.byteLength ? kept : bytes;
          return { body: streamOf(kept) };
        },
      }))(store, []);
      return Object.freeze({ ...sharing, capabilities: { ...store.capabilities, ownChunks: true } });
    },
  },
  {
    id: "read/if-match",
    title: "ifMatch reads that version or fails with precondition_failed",
    needs: ["etags"],
    async run({ storage, seed }) {
      await seed({ "a.txt": text });
      const { etag } = await storage.stat(at("a.txt"));
      ok(etag !== undefined, "The file has no etag.");
      equal(await readText(storage, "a.txt", { ifMatch: etag }), text, "The file");
      equal(await readText(storage, "a.txt", { ifMatch: etag, range: { offset: 8 } }), "89", "The range");
      await refuses(
        async () => readAll(storage, "a.txt", { ifMatch: '"0x8D4BCC2E4835CD0"' }),
        "precondition_failed",
      );
      const range = { offset: 2, length: 2 };
      await refuses(
        async () => readAll(storage, "a.txt", { ifMatch: '"0x8D4BCC2E4835CD0"', range }),
        "precondition_failed",
      );
    },
    mutate: reading(({ ifMatch: _ignored, ...others }) => others),
  },
  {
    id: "read/if-match-changed",
    title: "the etag of a version that was overwritten does not match",
    needs: ["etags", "write"],
    async run({ storage }) {
      await put(storage, "a.txt", text);
      const { etag } = await storage.stat(at("a.txt"));
      await put(storage, "a.txt", "abcdefghij");
      await refuses(async () => readAll(storage, "a.txt", { ifMatch: etag }), "precondition_failed");
    },
    mutate: broken((store) => {
      const seen = new Set<string | undefined>();
      return {
        stat: async (path, options) => {
          const stat = await store.stat(path, options);
          seen.add(stat.etag);
          return stat;
        },
        read: (path, { ifMatch, ...others } = {}) =>
          store.read(path, seen.has(ifMatch) ? others : { ...others, ifMatch }),
      };
    }),
  },
  {
    id: "read/directory",
    title: "reading a directory is not_found",
    needs: ["directories"],
    async run({ storage, seed }) {
      await seed({ "folder/a.txt": text });
      await refuses(async () => readAll(storage, "folder"), "not_found");
    },
    mutate: broken((store) => ({
      read: async (path, options) =>
        (await store.stat(path)).kind === "directory"
          ? { body: new ReadableStream({ start: (c) => c.close() }) }
          : store.read(path, options),
    })),
  },
  {
    id: "read/below-file",
    title: "a path below a file is not_found",
    needs: [],
    async run({ storage, seed }) {
      await seed({ "a.txt": text });
      await refuses(async () => readAll(storage, "a.txt/b.txt"), "not_found");
      await refuses(async () => storage.stat(at("a.txt/b.txt")), "not_found");
    },
    mutate: broken((store) => ({ read: (path, o) => store.read(at(path.replace(/\/b.txt$/, "")), o) })),
  },
  {
    id: "read/cancel",
    title: "a body can be left early, which frees it and harms nothing",
    needs: [],
    async run({ storage, seed, openStreams }) {
      await seed({ "large.bin": noise(3 * 1024 * 1024), "a.txt": text });
      for (let round = 0; round < 3; round += 1) {
        const reader = (await storage.read(at("large.bin"))).body.getReader();
        const first = await reader.read();
        ok(!first.done && first.value.byteLength > 0, "The body gave no bytes.");
        await reader.cancel();
        equal((await reader.read()).done, true, "The end after cancelling");
      }
      await (await storage.read(at("large.bin"))).body.cancel();
      equal(await readText(storage, "a.txt"), text, "Another file");
      await drained(openStreams);
    },
    mutate: broken((store) => ({
      read: async (path, options) => {
        const { body, stat } = await store.read(path, options);
        const reader = body.getReader();
        const stuck = new ReadableStream<Uint8Array>({
          async pull(controller) {
            const { done, value } = await reader.read();
            if (done) controller.close();
            else controller.enqueue(value);
          },
          cancel: () => Promise.reject(new Error("This body cannot be left.")),
        });
        return { body: stuck, stat };
      },
    })),
  },
  {
    id: "read/owned-chunks",
    title: "a chunk belongs to its reader, who may overwrite it",
    needs: [],
    async run({ storage, seed }) {
      await seed({ "a.txt": text });
      const chunks = await all((await storage.read(at("a.txt"))).body);
      for (const chunk of chunks) chunk.fill(0);
      equal(await readText(storage, "a.txt"), text, "The file, after its bytes were overwritten in memory,");
    },
    mutate: broken((store) => {
      let cached: Promise<Uint8Array> | undefined;
      return {
        read: async (path, options) => {
          cached ??= store.read(path, options).then(({ body }) => collect(body));
          const bytes = await cached;
          return {
            body: new ReadableStream({
              start(controller) {
                controller.enqueue(bytes);
                controller.close();
              },
            }),
          };
        },
      };
    }),
  },
  {
    id: "read/stat",
    title: "the stat of a read, whole or ranged, is the file's own",
    needs: [],
    async run({ storage, seed }) {
      await seed({ "a.txt": text });
      const { size, etag } = await storage.stat(at("a.txt"));
      for (const range of [undefined, { offset: 2, length: 3 }]) {
        const { body, stat } = await storage.read(at("a.txt"), { range });
        await body.cancel();
        if (stat === undefined) continue;
        const { path, kind } = stat;
        equal(
          { path, kind, size: stat.size, etag: stat.etag },
          { path: "a.txt", kind: "file", size, etag },
          "The stat",
        );
      }
    },
    mutate: broken((store) => ({
      read: async (path, options) => {
        const { body, stat } = await store.read(path, options);
        const bytes = await collect(body);
        return {
          body: new Response(bytes).body as ReadableStream<Uint8Array>,
          stat: stat && { ...stat, size: bytes.length },
        };
      },
    })),
  },
];

/** The other side notices a closed connection a little later. */
async function drained(openStreams: (() => number) | undefined): Promise<void> {
  if (openStreams === undefined) return;
  for (let turn = 0; turn < 200 && openStreams() > 0; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  equal(openStreams(), 0, "The number of bodies still being sent");
}
