import { all, at, equal, exists, failure, noise, put, readText, remove, utf8, write } from "../expect.ts";
import { broken, deaf } from "../mutate.ts";
import type { StorageCase } from "../storage-case.ts";

/** Compared by identity: an abort's reason is handed on untouched. */
const stopped = (): { readonly signal: AbortSignal; readonly reason: Error } => {
  const reason = new Error("The user changed her mind.");
  return { signal: AbortSignal.abort(reason), reason };
};

export const abortCases: readonly StorageCase[] = [
  {
    id: "abort/before-stat",
    title: "an aborted signal stops stat, with its own reason",
    needs: [],
    async run({ storage, seed }) {
      await seed({ "a.txt": "x" });
      const { signal, reason } = stopped();
      const error = await failure(async () => storage.stat(at("a.txt"), { signal }));
      equal(error === reason, true, "Whether the reason came back untouched");
    },
    mutate: deaf("stat"),
  },
  {
    id: "abort/before-read",
    title: "an aborted signal stops read, with its own reason",
    needs: [],
    async run({ storage, seed }) {
      await seed({ "a.txt": "x" });
      const { signal, reason } = stopped();
      const error = await failure(async () => storage.read(at("a.txt"), { signal }));
      equal(error === reason, true, "Whether the reason came back untouched");
    },
    mutate: deaf("read"),
  },
  {
    id: "abort/before-list",
    title: "an aborted signal stops list, with its own reason",
    needs: ["list"],
    async run({ storage, seed }) {
      await seed({ "a.txt": "x" });
      const { signal, reason } = stopped();
      const error = await failure(async () => all(storage.list(at(""), { signal })));
      equal(error === reason, true, "Whether the reason came back untouched");
    },
    mutate: deaf("list"),
  },
  {
    id: "abort/before-write",
    title: "an aborted signal stops write, with its own reason, and nothing is written",
    needs: ["write"],
    async run({ storage }) {
      const { signal, reason } = stopped();
      const error = await failure(async () => put(storage, "a.txt", "x", { signal }));
      equal(error === reason, true, "Whether the reason came back untouched");
      equal(await exists(storage, "a.txt"), false, "Whether the file exists");
    },
    mutate: deaf("write"),
  },
  {
    id: "abort/before-delete",
    title: "an aborted signal stops delete, with its own reason, and nothing is deleted",
    needs: ["delete"],
    async run({ storage, seed }) {
      await seed({ "a.txt": "x" });
      const { signal, reason } = stopped();
      const error = await failure(async () => remove(storage)(at("a.txt"), { signal }));
      equal(error === reason, true, "Whether the reason came back untouched");
      equal(await readText(storage, "a.txt"), "x", "The file");
    },
    mutate: deaf("delete"),
  },
  {
    id: "abort/during-read",
    title: "an abort ends a body that is being read, with its own reason",
    needs: [],
    async run({ storage, seed }) {
      await seed({ "large.bin": noise(8 * 1024 * 1024) });
      const controller = new AbortController();
      const reason = new Error("The user changed her mind.");
      const reader = (await storage.read(at("large.bin"), { signal: controller.signal })).body.getReader();
      await reader.read();
      controller.abort(reason);
      const error = await failure(async () => {
        for (let next = await reader.read(); !next.done; next = await reader.read());
      });
      equal(error === reason, true, "Whether the reason came back untouched");
    },
    mutate: deaf("read"),
  },
  {
    id: "abort/during-list",
    title: "an abort ends a listing, with its own reason",
    needs: ["list"],
    async run({ storage, seed, pageSize }) {
      const paths = Array.from(
        { length: pageSize * 2 + 1 },
        (_, index) => `f${String(index).padStart(6, "0")}`,
      );
      await seed(Object.fromEntries(paths.map((path) => [path, ""])));
      const controller = new AbortController();
      const reason = new Error("The user changed her mind.");
      const error = await failure(async () => {
        for await (const { kind } of storage.list(at(""), { signal: controller.signal })) {
          if (kind === "file") controller.abort(reason);
        }
      });
      equal(error === reason, true, "Whether the reason came back untouched");
    },
    mutate: deaf("list"),
  },
  {
    id: "abort/during-write",
    title: "an abort ends a write whose body hangs, with its own reason, and leaves nothing",
    needs: ["write"],
    async run({ storage }) {
      const controller = new AbortController();
      const reason = new Error("The user changed her mind.");
      let count = 0;
      const body = new ReadableStream<Uint8Array>(
        {
          async pull(stream) {
            count += 1;
            if (count === 1) return stream.enqueue(utf8("first"));
            controller.abort(reason);
            await new Promise(() => undefined);
          },
        },
        { highWaterMark: 0 },
      );
      const error = await failure(async () =>
        write(storage)(at("a.txt"), body, { signal: controller.signal }),
      );
      equal(error === reason, true, "Whether the reason came back untouched");
      equal(await exists(storage, "a.txt"), false, "Whether the file exists");
    },
    mutate: deaf("write"),
  },
  {
    id: "abort/afterwards",
    title: "an abort after the end changes nothing",
    needs: [],
    async run({ storage, seed }) {
      await seed({ "a.txt": "x" });
      const controller = new AbortController();
      const options = { signal: controller.signal };
      const stat = await storage.stat(at("a.txt"), options);
      equal(await readText(storage, "a.txt", options), "x", "The file");
      controller.abort(new Error("The user changed her mind."));
      equal((await storage.stat(at("a.txt"))).etag, stat.etag, "The etag");
      equal(await readText(storage, "a.txt"), "x", "The file");
    },
    mutate: broken((store) => {
      let last: AbortSignal | undefined;
      return {
        read: (path, options = {}) => {
          last = options.signal ?? last;
          return store.read(path, { ...options, signal: last });
        },
      };
    }),
  },
];
