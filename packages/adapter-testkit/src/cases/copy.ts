import { Secret } from "@aml/core/adapter";
import type { CopyFromOptions, CopySource, FileStat, StorageAdapter } from "@aml/core";
import { at, equal, exists, noise, ok, put, readAll, readText, refuses } from "../expect.ts";
import { broken } from "../mutate.ts";
import type { StorageCase } from "../storage-case.ts";
import { propertiesOf } from "./properties.ts";

export const copyCases: readonly StorageCase[] = [
  {
    id: "copy/bytes",
    title: "the service copies a file whole; the source stays",
    needs: ["write", "copy"],
    async run({ storage, seed }) {
      const bytes = noise(300_000);
      await seed({ "from/ü 1.bin": bytes });
      const stat = await copy(storage, "from/ü 1.bin", "to/b.bin");
      equal({ path: stat.path, size: stat.size }, { path: "to/b.bin", size: 300_000 }, "The stat");
      equal(await readAll(storage, "to/b.bin"), bytes, "The copy");
      equal(await readAll(storage, "from/ü 1.bin"), bytes, "The source");
    },
    mutate: copying(async (from, source, path, options, store) => {
      const stat = await from(source, path, options);
      await put(store, path, (await readAll(store, path)).slice(1));
      return stat;
    }),
  },
  {
    id: "copy/properties",
    title: "a copy keeps the content type and metadata of its source",
    needs: ["write", "copy", "properties"],
    async run({ storage }) {
      const given = { contentType: "text/csv", metadata: { owner: "ada" } };
      await put(storage, "a.csv", "a,b", given);
      await copy(storage, "a.csv", "b.csv");
      equal(await propertiesOf(storage, "b.csv"), given, "The properties");
    },
    mutate: copying(async (_from, _source, path, _options, store) => put(store, path, "a,b")),
  },
  {
    id: "copy/tells-bytes",
    title: "a copy tells how many bytes are copied",
    needs: ["write", "copy"],
    async run({ storage, seed }) {
      await seed({ "a.txt": "hello" });
      let told = 0;
      await copy(storage, "a.txt", "b.txt", { onBytes: (bytes) => (told += bytes) });
      equal(told, 5, "The bytes that were told");
    },
    mutate: copying((from, source, path, { onBytes: _deaf, ...options }) => from(source, path, options)),
  },
  {
    id: "copy/if-none-match",
    title: "a copy with ifNoneMatch replaces nothing, and without it does",
    needs: ["write", "copy"],
    async run({ storage, seed }) {
      await seed({ "a.txt": "new", "b.txt": "old" });
      await refuses(async () => copy(storage, "a.txt", "b.txt", { ifNoneMatch: "*" }), "already_exists");
      equal(await readText(storage, "b.txt"), "old", "The file");
      await copy(storage, "a.txt", "b.txt");
      equal(await readText(storage, "b.txt"), "new", "The file");
    },
    mutate: copying((from, source, path, { ifNoneMatch: _ignored, ...options }) =>
      from(source, path, options),
    ),
  },
  {
    id: "copy/changed-source",
    title: "a source that is another version is refused, and leaves nothing",
    needs: ["write", "copy", "etags"],
    async run({ storage, seed }) {
      await seed({ "a.txt": "first" });
      const { etag } = await storage.stat(at("a.txt"));
      await put(storage, "a.txt", "other");
      await refuses(async () => copy(storage, "a.txt", "b.txt", { sourceEtag: etag }), "precondition_failed");
      equal(await exists(storage, "b.txt"), false, "Whether b.txt exists");
    },
    mutate: copying((from, source, path, { sourceEtag: _ignored, ...options }) =>
      from(source, path, options),
    ),
  },
  {
    id: "copy/other-service",
    title: "a source of another service is unsupported",
    needs: ["write", "copy"],
    async run({ storage }) {
      const source = { service: "elsewhere", url: new Secret("https://elsewhere.example/a.txt") };
      await refuses(async () => copyFrom(storage)(source, at("b.txt"), { size: 5 }), "unsupported");
      equal(await exists(storage, "b.txt"), false, "Whether b.txt exists");
    },
    mutate: copying(async (_from, _source, path, _options, store) => put(store, path, "hello")),
  },
  {
    id: "copy/secret",
    title: "what says how to fetch a source does not print how",
    needs: ["write", "copy"],
    async run({ storage, seed }) {
      await seed({ "a.txt": "hello" });
      const source = await sourceOf(storage, "a.txt");
      const printed = `${JSON.stringify(source)} ${String(source.url)} ${String(source.authorization)}`;
      for (const secret of [source.url, source.authorization]) {
        ok(secret === undefined || !printed.includes(secret.reveal()), `It prints ${printed}.`);
      }
    },
    mutate: broken((store) => ({
      copySource: async (path) => {
        const source = await sourceOf(store, path);
        const url = source.url.reveal();
        return { ...source, url: { reveal: () => url, toString: () => url } as unknown as Secret };
      },
    })),
  },
];

async function copy(
  storage: StorageAdapter,
  from: string,
  to: string,
  options: Partial<CopyFromOptions> = {},
): Promise<FileStat> {
  const { size, etag } = await storage.stat(at(from));
  const source = await sourceOf(storage, from);
  return copyFrom(storage)(source, at(to), { size, sourceEtag: etag, ...options });
}

async function sourceOf(storage: StorageAdapter, path: string): Promise<CopySource> {
  ok(storage.copySource !== undefined, "The store has no copySource.");
  return storage.copySource(at(path));
}

function copyFrom(storage: StorageAdapter): NonNullable<StorageAdapter["copyFrom"]> {
  ok(storage.copyFrom !== undefined, "The store has no copyFrom.");
  return storage.copyFrom.bind(storage);
}

type CopyFrom = NonNullable<StorageAdapter["copyFrom"]>;

/** Copies something else than asked. */
function copying(
  change: (from: CopyFrom, ...rest: [...Parameters<CopyFrom>, StorageAdapter]) => Promise<FileStat>,
): StorageCase["mutate"] {
  return broken((store) => ({
    copyFrom: (source, path, options) => change(copyFrom(store), source, path, options, store),
  }));
}
