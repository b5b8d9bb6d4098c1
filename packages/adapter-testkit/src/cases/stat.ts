import { AmlError } from "@aml/core";
import { assertNoLeak } from "../canary.ts";
import { all, at, equal, exists, failure, ok, put, refuses } from "../expect.ts";
import { broken } from "../mutate.ts";
import type { Need, StorageCase } from "../storage-case.ts";

export const statCases: readonly StorageCase[] = [
  {
    id: "contract/claims",
    title: "what the store has is what the suite was told",
    needs: [],
    async run({ storage, lacks, secrets }) {
      equal(storage.contract, "aml.storage/1", "The contract");
      // No case needs them, so no suite says that they are lacking.
      const { ignoresCase: _ignoresCase, ownChunks: _ownChunks, ...claims } = storage.capabilities;
      const present: Readonly<Record<Need, boolean>> = {
        ...claims,
        properties: claims.properties === true,
        md5: claims.md5 === true,
        copy: storage.copySource !== undefined && storage.copyFrom !== undefined,
        resume: storage.keptBytes !== undefined,
        write: storage.write !== undefined,
        delete: storage.delete !== undefined,
        secrets: secrets.length > 0,
      };
      for (const [need, here] of Object.entries(present)) {
        equal(here, !lacks.includes(need as Need), `Whether the store has ${need}`);
      }
      if (!present.list) await refuses(async () => all(storage.list(at(""))), "unsupported");
    },
    mutate: (store) => Object.freeze({ ...store, delete: undefined }) as unknown as typeof store,
  },
  {
    id: "contract/uri",
    title: "the root is a URI without a trailing slash, user, query or fragment",
    needs: [],
    async run({ storage }) {
      ok(/^[a-z][a-z0-9+.-]*:\/\/[^\s?#]*$/.test(storage.uri), `The root ${storage.uri} is no URI.`);
      ok(!/[^:/]\/$/.test(storage.uri), `The root ${storage.uri} ends in a slash.`);
      ok(!/^[a-z0-9+.-]+:\/\/[^/]*:[^/]*@/.test(storage.uri), "The root holds a password.");
      ok(/^[a-z][a-z0-9_]*$/.test(storage.type), `The type ${storage.type} is not snake_case.`);
    },
    mutate: (store) => Object.freeze({ ...store, uri: "memory://user:pass@host/folder/?sig=abc" }),
  },
  {
    id: "stat/file",
    title: "stat tells path, kind, size and a real date",
    needs: [],
    async run({ storage, seed }) {
      await seed({ "folder/a.txt": "hello", "empty.txt": "" });
      const stat = await storage.stat(at("folder/a.txt"));
      equal(
        { path: stat.path, kind: stat.kind, size: stat.size },
        { path: "folder/a.txt", kind: "file", size: 5 },
        "The stat",
      );
      equal((await storage.stat(at("empty.txt"))).size, 0, "The size of an empty file");
      const { modifiedAt } = stat;
      if (modifiedAt === undefined) return;
      ok(modifiedAt instanceof Date && !Number.isNaN(modifiedAt.getTime()), "modifiedAt is no date.");
    },
    mutate: broken((store) => ({
      stat: async (path, options) => ({ ...(await store.stat(path, options)), size: 1 }),
    })),
  },
  {
    id: "stat/missing",
    title: "a missing path is not_found",
    needs: [],
    async run({ storage, seed }) {
      await seed({ "there.txt": "x" });
      await refuses(async () => storage.stat(at("missing.txt")), "not_found");
      await refuses(async () => storage.stat(at("no/such/folder/a.txt")), "not_found");
    },
    mutate: broken((store) => ({
      stat: (path, options) => store.stat(path, options).catch(() => ({ path, kind: "file", size: 0 })),
    })),
  },
  {
    id: "stat/etag",
    title: "the etag stays while the file does, and changes with every write",
    needs: ["etags", "write"],
    async run({ storage }) {
      const seen = new Set<string | undefined>();
      for (const content of ["one", "two", "two", "one"]) {
        await put(storage, "a.txt", content);
        const { etag } = await storage.stat(at("a.txt"));
        ok(typeof etag === "string" && etag !== "", "The file has no etag.");
        equal((await storage.stat(at("a.txt"))).etag, etag, "The etag, asked for again,");
        ok(!seen.has(etag), `The etag ${etag} came back after a write.`);
        seen.add(etag);
      }
    },
    mutate: broken((store) => ({
      stat: async (path, options) => {
        const stat = await store.stat(path, options);
        return { ...stat, etag: `"${stat.size}"` };
      },
    })),
  },
  {
    id: "stat/directory",
    title: "a directory is told from a file",
    needs: ["directories"],
    async run({ storage, seed }) {
      await seed({ "one/two/a.txt": "x" });
      for (const path of ["one", "one/two"]) {
        const { kind, size } = await storage.stat(at(path));
        equal({ kind, size }, { kind: "directory", size: 0 }, `The stat of ${path}`);
      }
    },
    mutate: broken((store) => ({
      async stat(path, options) {
        const stat = await store.stat(path, options);
        if (stat.kind === "file") return stat;
        throw new AmlError("not_found", "No such file.");
      },
    })),
  },
  {
    id: "stat/sibling",
    title: "the beginning of a name is not the name",
    needs: [],
    async run({ storage, seed }) {
      await seed({ "folder/abc.txt": "x" });
      equal(await exists(storage, "folder/abc"), false, "Whether folder/abc exists");
      equal(await exists(storage, "fold"), false, "Whether fold exists");
    },
    mutate: broken((store) => ({
      async stat(path, options) {
        for await (const item of store.list(at(""), { recursive: true, prefix: path }))
          return { ...item, path };
        return store.stat(path, options);
      },
    })),
  },
  {
    id: "secrets/hidden",
    title: "a store that is printed, logged or serialised shows no secret",
    needs: ["secrets"],
    async run({ storage, secrets }) {
      for (const secret of secrets) assertNoLeak(secret, storage);
    },
    mutate: (store, secrets) => Object.freeze({ ...store, options: { accountKey: secrets[0] } }),
  },
  {
    id: "secrets/errors",
    title: "no error shows a secret, neither in its message nor in its causes",
    needs: ["secrets"],
    async run({ storage, seed, secrets }) {
      await seed({ "a.txt": "0123456789" });
      const errors = [
        await failure(async () => storage.stat(at("missing.txt"))),
        await failure(async () => storage.read(at("missing.txt"))),
        await failure(async () => storage.read(at("a.txt"), { range: { offset: 99 } })),
        await failure(async () =>
          storage.stat(at("a.txt"), { signal: AbortSignal.abort(new Error("stop")) }),
        ),
      ];
      for (const secret of secrets) for (const error of errors) assertNoLeak(secret, error);
    },
    mutate: (store, secrets) =>
      broken(() => ({
        async read() {
          const cause = new Error("403");
          Object.defineProperty(cause, "request", {
            value: { headers: { authorization: btoa(`x:${secrets[0]}`) } },
          });
          const error = new AmlError("not_found", "No such file.");
          throw Object.defineProperty(error, "cause", { value: cause });
        },
      }))(store, secrets),
  },
];
