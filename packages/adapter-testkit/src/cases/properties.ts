import type { StorageAdapter } from "@aml/core";
import { at, equal, put, readText, streamOf, utf8, write } from "../expect.ts";
import { broken, writing } from "../mutate.ts";
import type { StorageCase } from "../storage-case.ts";

const GIVEN = { contentType: "text/csv", metadata: { owner: "ada", rows: "3" } };
/** Of `hello`. */
const MD5 = "XUFAKrxLKna5cZ2REBfFkg==";

export const propertyCases: readonly StorageCase[] = [
  {
    id: "properties/kept",
    title: "read tells the content type and metadata that write was given, of an empty file too",
    needs: ["write", "properties"],
    async run({ storage }) {
      await put(storage, "a.csv", "a,b", GIVEN);
      await put(storage, "empty.csv", "", GIVEN);
      equal(await propertiesOf(storage, "a.csv"), GIVEN, "The properties");
      equal(await propertiesOf(storage, "empty.csv"), GIVEN, "The properties of the empty file");
    },
    mutate: writing((send, path, bytes, { metadata: _lost, ...options }) =>
      send(path, streamOf(bytes), options),
    ),
  },
  {
    id: "properties/replaced",
    title: "a file that is replaced keeps no metadata of the old one",
    needs: ["write", "properties"],
    async run({ storage }) {
      await put(storage, "a.csv", "a,b", GIVEN);
      await put(storage, "a.csv", "c,d", { metadata: { stage: "raw" } });
      const { metadata } = await propertiesOf(storage, "a.csv");
      equal(metadata, { stage: "raw" }, "The metadata");
    },
    mutate: writing(async (send, path, bytes, options, store) => {
      const before = await propertiesOf(store, path).catch(() => undefined);
      const metadata = { ...before?.metadata, ...options.metadata };
      return send(path, streamOf(bytes), { ...options, metadata });
    }),
  },
  {
    id: "md5/kept",
    title: "stat and read tell the MD5 that write was given",
    needs: ["write", "md5"],
    async run({ storage }) {
      await put(storage, "a.txt", "hello", { md5: () => MD5 });
      equal((await storage.stat(at("a.txt"))).md5, MD5, "The MD5 that stat tells");
      const { body, stat } = await storage.read(at("a.txt"));
      await body.cancel();
      equal(stat?.md5, MD5, "The MD5 that read tells");
    },
    mutate: writing((send, path, bytes, { md5: _lost, ...options }) => send(path, streamOf(bytes), options)),
  },
  {
    id: "md5/at-the-end",
    title: "the MD5 is asked for once, when the body has ended",
    needs: ["write", "md5"],
    async run({ storage }) {
      let ended = false;
      const asked: boolean[] = [];
      const chunks = [utf8("hel"), utf8("lo")];
      const body = new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            const chunk = chunks.shift();
            if (chunk !== undefined) return controller.enqueue(chunk);
            ended = true;
            controller.close();
          },
        },
        { highWaterMark: 0 },
      );
      const md5 = (): string => {
        asked.push(ended);
        return MD5;
      };
      await write(storage)(at("a.txt"), body, { md5 });
      equal(asked, [true], "Whether the body had ended, each time it was asked for");
    },
    mutate: broken((store) => ({
      write: (path, body, options) => {
        const md5 = options?.md5?.();
        return write(store)(path, body, { ...options, ...(md5 !== undefined && { md5: () => md5 }) });
      },
    })),
  },
  {
    id: "md5/of-the-whole",
    title: "a read of a range tells the MD5 of the whole file, or none",
    needs: ["write", "md5"],
    async run({ storage }) {
      await put(storage, "a.txt", "hello", { md5: () => MD5 });
      const { body, stat } = await storage.read(at("a.txt"), { range: { offset: 1, length: 2 } });
      await body.cancel();
      equal(stat?.md5 ?? MD5, MD5, "The MD5");
    },
    mutate: broken((store) => ({
      read: async (path, options) => {
        const { stat, ...result } = await store.read(path, options);
        return { ...result, stat: stat && { ...stat, md5: "b2hubyBhbm90aGVyIGhhc2g=" } };
      },
    })),
  },
  {
    id: "md5/replaced",
    title: "a file that is replaced does not keep the old one's MD5",
    needs: ["write", "md5"],
    async run({ storage }) {
      await put(storage, "a.txt", "hello", { md5: () => MD5 });
      await put(storage, "a.txt", "other");
      equal((await storage.stat(at("a.txt"))).md5 === MD5, false, "Whether the old MD5 is told");
      equal(await readText(storage, "a.txt"), "other", "The file");
    },
    mutate: writing(async (send, path, bytes, options, store) => {
      const before = await store.stat(path).catch(() => undefined);
      const { md5 = before?.md5 === undefined ? undefined : () => before.md5 ?? "" } = options;
      return send(path, streamOf(bytes), { ...options, md5 });
    }),
  },
];

export async function propertiesOf(
  storage: StorageAdapter,
  path: string,
): Promise<{ readonly contentType: unknown; readonly metadata: unknown & object }> {
  const { body, properties = {} } = await storage.read(at(path));
  await body.cancel();
  const { contentType, metadata = {} } = properties;
  const names = Object.keys(metadata).sort();
  return { contentType, metadata: Object.fromEntries(names.map((name) => [name, metadata[name]])) };
}
