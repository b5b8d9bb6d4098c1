import { AmlError, type FileStat } from "@aml/core";
import { all, at, equal, names, ok, sorted } from "../expect.ts";
import { broken, filtered, listing, sortedBy } from "../mutate.ts";
import type { StorageCase } from "../storage-case.ts";

export const listCases: readonly StorageCase[] = [
  {
    id: "list/missing",
    title: "a folder that is not there lists as nothing",
    needs: ["list"],
    async run({ storage, seed }) {
      equal(await names(storage.list(at(""))), [], "The empty store");
      await seed({ "a.txt": "x" });
      equal(await names(storage.list(at("no"))), [], "The missing folder");
      equal(await names(storage.list(at("no/such"), { recursive: true })), [], "The missing folder");
    },
    mutate: listing(async function* (store, folder, options) {
      let found = false;
      for await (const item of store.list(folder, options)) {
        found = true;
        yield item;
      }
      if (!found) throw new AmlError("not_found", "No such folder.");
    }),
  },
  {
    id: "list/recursive",
    title: "a recursive listing has every file below and no directory",
    needs: ["list"],
    async run({ storage, seed }) {
      await seed({ "a.txt": "1", "b/c.txt": "2", "b/d/e.txt": "3", "b/d/f/g/h.txt": "4" });
      const found = sorted(await names(storage.list(at(""), { recursive: true })));
      equal(found, ["a.txt", "b/c.txt", "b/d/e.txt", "b/d/f/g/h.txt"], "The store");
      const below = sorted(await names(storage.list(at("b/d"), { recursive: true })));
      equal(below, ["b/d/e.txt", "b/d/f/g/h.txt"], "The folder");
    },
    mutate: listing((store, folder, options) =>
      filtered(store.list(folder, options), ({ path }) => path.split("/").length < 4),
    ),
  },
  {
    id: "list/folder",
    title: "a listing has the files and directories of that folder alone",
    needs: ["list"],
    async run({ storage, seed }) {
      await seed({ "a.txt": "1", "b/c.txt": "2", "b/d/e.txt": "3", "b/d/f.txt": "4", "z/y.txt": "5" });
      equal(sorted(await names(storage.list(at("")))), ["a.txt", "b/", "z/"], "The store");
      equal(sorted(await names(storage.list(at("b")))), ["b/c.txt", "b/d/"], "The folder");
      const directories = (await all(storage.list(at("")))).filter(({ kind }) => kind === "directory");
      equal(
        directories.map(({ size }) => size),
        [0, 0],
        "The sizes of the directories",
      );
    },
    mutate: listing((store, folder, options) =>
      filtered(store.list(folder, options), ({ kind }) => kind === "file"),
    ),
  },
  {
    id: "list/sorted",
    title: "a recursive listing is in code-unit order",
    needs: ["list", "sortedList"],
    async run({ storage, seed }) {
      const paths = [
        "B.txt",
        "a-b.txt",
        "a.txt",
        "a/b.txt",
        "a0.txt",
        "a/C.txt",
        "ab/c.txt",
        "é.txt",
        "z.txt",
        "10",
        "9",
      ];
      await seed(Object.fromEntries(paths.map((path) => [path, "x"])));
      equal(await names(storage.list(at(""), { recursive: true })), sorted(paths), "The store");
    },
    mutate: listing((store, folder, options) =>
      sortedBy(store.list(folder, options), ({ path }) => path.toLowerCase()),
    ),
  },
  {
    id: "list/sorted-folder",
    title: "a directory is sorted as if its name ended in a slash",
    needs: ["list", "sortedList"],
    async run({ storage, seed }) {
      await seed({ "a/x.txt": "1", "a-b/x.txt": "2", "a.txt": "3", "a0.txt": "4", "a!": "5" });
      equal(await names(storage.list(at(""))), ["a!", "a-b/", "a.txt", "a/", "a0.txt"], "The store");
    },
    mutate: listing((store, folder, options) => sortedBy(store.list(folder, options), ({ path }) => path)),
  },
  {
    id: "list/prefix",
    title: "a prefix counts from the folder and need not be a whole name",
    needs: ["list"],
    async run({ storage, seed }) {
      await seed({ "a/b1.txt": "1", "a/b2/x.txt": "2", "a/c.txt": "3", "b3.txt": "4", "a/ab.txt": "5" });
      equal(sorted(await names(storage.list(at("a"), { prefix: "b" }))), ["a/b1.txt", "a/b2/"], "Folder a");
      equal(await names(storage.list(at(""), { prefix: "b" })), ["b3.txt"], "The store");
      equal(await names(storage.list(at("a"), { prefix: "no" })), [], "A prefix without match");
    },
    mutate: listing((store, folder, { prefix = "", ...options }) =>
      filtered(store.list(folder, options), ({ path }) => path.includes(prefix)),
    ),
  },
  {
    id: "list/prefix-recursive",
    title: "a recursive listing takes a prefix across folders",
    needs: ["list"],
    async run({ storage, seed }) {
      await seed({ "a/b/c1.txt": "1", "a/b/c2/d.txt": "2", "a/b/e.txt": "3", "a/bc.txt": "4" });
      const within = async (prefix: string): Promise<string[]> =>
        sorted(await names(storage.list(at("a"), { recursive: true, prefix })));
      equal(await within("b/c"), ["a/b/c1.txt", "a/b/c2/d.txt"], "The prefix b/c");
      equal(await within("b"), ["a/b/c1.txt", "a/b/c2/d.txt", "a/b/e.txt", "a/bc.txt"], "The prefix b");
      equal(await within("b/"), ["a/b/c1.txt", "a/b/c2/d.txt", "a/b/e.txt"], "The prefix b/");
    },
    mutate: listing((store, folder, { prefix = "", ...options }) =>
      store.list(folder, { ...options, prefix: prefix.slice(0, (prefix.indexOf("/") + 1 || 99) - 1) }),
    ),
  },
  {
    id: "list/not-itself",
    title: "a folder's listing has no entry for itself, nor for a file of its name",
    needs: ["list"],
    async run({ storage, seed }) {
      await seed({ a: "1", "b/c.txt": "2" });
      equal(await names(storage.list(at("a"))), [], "The file's listing");
      equal(await names(storage.list(at("a"), { recursive: true })), [], "The file's listing");
      equal(await names(storage.list(at("b"))), ["b/c.txt"], "The folder's listing");
    },
    mutate: listing(async function* (store, folder, options) {
      if (folder !== "") yield await store.stat(folder);
      yield* store.list(folder, options);
    }),
  },
  {
    id: "list/sibling",
    title: "a folder whose name begins alike is another folder",
    needs: ["list"],
    async run({ storage, seed }) {
      await seed({ "a/1.txt": "1", "ab/2.txt": "2", "a.txt": "3" });
      equal(await names(storage.list(at("a"), { recursive: true })), ["a/1.txt"], "The folder");
    },
    mutate: listing((store, folder, { prefix = "", ...options }) =>
      store.list(at(""), { ...options, prefix: `${folder}${prefix === "" ? "" : `/${prefix}`}` }),
    ),
  },
  {
    id: "list/pages",
    title: "a listing of several pages has every file once",
    needs: ["list"],
    async run({ storage, seed, pageSize }) {
      const paths = Array.from(
        { length: pageSize * 2 + 1 },
        (_, index) => `many/${String(index).padStart(6, "0")}`,
      );
      await seed(Object.fromEntries(paths.map((path) => [path, ""])));
      for (const recursive of [false, true]) {
        equal(sorted(await names(storage.list(at("many"), { recursive }))), paths, "The folder");
      }
    },
    mutate: listing((store, folder, options) =>
      filtered(store.list(folder, options), (_item, index) => index < 10),
    ),
  },
  {
    id: "list/left-early",
    title: "a listing can be left early and begun again",
    needs: ["list"],
    async run({ storage, seed, pageSize }) {
      const paths = Array.from({ length: pageSize + 2 }, (_, index) => `f${String(index).padStart(6, "0")}`);
      await seed(Object.fromEntries(paths.map((path) => [path, ""])));
      for (let round = 0; round < 3; round += 1) {
        let count = 0;
        for await (const { kind } of storage.list(at(""))) {
          equal(kind, "file", "The kind");
          count += 1;
          if (count === 2) break;
        }
        equal(count, 2, "The number of items taken");
      }
      equal((await all(storage.list(at("")))).length, paths.length, "The number of files");
    },
    mutate: broken((store) => {
      const shared = new Map<string, AsyncIterator<FileStat>>();
      return {
        list(folder, options) {
          const iterator = shared.get(folder) ?? store.list(folder, options)[Symbol.asyncIterator]();
          shared.set(folder, iterator);
          return { [Symbol.asyncIterator]: () => ({ next: () => iterator.next() }) };
        },
      };
    }),
  },
  {
    id: "list/stat",
    title: "a listing tells of a file what stat tells",
    needs: ["list"],
    async run({ storage, seed }) {
      await seed({ "a.txt": "12345", "b/c.txt": "1234567" });
      for (const item of await all(storage.list(at(""), { recursive: true }))) {
        const { path, kind, size, etag } = await storage.stat(item.path);
        equal({ path: item.path, kind: item.kind, size: item.size }, { path, kind, size }, "The item");
        if (item.etag !== undefined) equal(item.etag, etag, "The item's etag");
        ok(item.modifiedAt === undefined || item.modifiedAt instanceof Date, "The item's date is no date.");
      }
    },
    mutate: listing(async function* (store, folder, options) {
      for await (const item of store.list(folder, options)) yield { ...item, size: 0 };
    }),
  },
];
