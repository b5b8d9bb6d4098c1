import { AmlError, type FileStat } from "@aml/core";
import {
  at,
  equal,
  exists,
  join,
  noise,
  ok,
  put,
  readAll,
  readText,
  refuses,
  streamOf,
  utf8,
  write,
} from "../expect.ts";
import { broken, writing } from "../mutate.ts";
import type { StorageCase } from "../storage-case.ts";

export const writeCases: readonly StorageCase[] = [
  {
    id: "write/stat",
    title: "a write gives back the stat of what it wrote",
    needs: ["write"],
    async run({ storage }) {
      const written = await put(storage, "folder/a.txt", "hello", { size: 5, contentType: "text/plain" });
      const { path, kind, size, etag } = await storage.stat(at("folder/a.txt"));
      equal({ path: written.path, kind: written.kind, size: written.size }, { path, kind, size }, "The stat");
      if (storage.capabilities.etags) equal(written.etag, etag, "The etag");
      equal(await readText(storage, "folder/a.txt"), "hello", "The file");
    },
    mutate: writing(async (send, path, bytes, options) => ({
      ...(await send(path, streamOf(bytes), options)),
      size: -1,
    })),
  },
  {
    id: "write/overwrite",
    title: "a shorter file replaces a longer one whole",
    needs: ["write"],
    async run({ storage }) {
      await put(storage, "a.txt", "a long first version");
      await put(storage, "a.txt", "short");
      equal(await readText(storage, "a.txt"), "short", "The file");
      equal((await storage.stat(at("a.txt"))).size, 5, "The size");
    },
    mutate: writing(async (send, path, bytes, options, store) => {
      const old = await readAll(store, path).catch(() => new Uint8Array());
      return send(path, streamOf(bytes, old.slice(bytes.byteLength)), options);
    }),
  },
  {
    id: "write/empty",
    title: "an empty body makes an empty file",
    needs: ["write"],
    async run({ storage }) {
      await write(storage)(at("no-chunk.txt"), streamOf());
      await write(storage)(at("empty-chunk.txt"), streamOf(utf8("")), { size: 0 });
      for (const path of ["no-chunk.txt", "empty-chunk.txt"]) {
        equal((await storage.stat(at(path))).size, 0, `The size of ${path}`);
        equal(await readText(storage, path), "", path);
      }
    },
    mutate: writing(async (send, path, bytes, options) =>
      bytes.byteLength === 0 ? { path, kind: "file", size: 0 } : send(path, streamOf(bytes), options),
    ),
  },
  {
    id: "write/large",
    title: "several MiB of unknown length, in uneven chunks, are stored whole and in order",
    needs: ["write"],
    async run({ storage }) {
      const chunks = [1, 65_537, 3_000_001, 0, 17, 2_097_152, 4_000_000, 5].map((length, index) =>
        noise(length, index + 1),
      );
      const { size } = await write(storage)(at("large.bin"), streamOf(...chunks));
      equal(size, 9_162_713, "The size");
      equal(await readAll(storage, "large.bin"), join(chunks), "The file");
    },
    mutate: writing((send, path, bytes, options) =>
      send(
        path,
        streamOf(bytes.slice(0, bytes.byteLength - (bytes.byteLength > 4_194_304 ? 5 : 0))),
        options,
      ),
    ),
  },
  {
    id: "write/concurrent",
    title: "twelve files written at once do not mix",
    needs: ["write"],
    async run({ storage }) {
      const contents = Array.from({ length: 12 }, (_, index) => noise(50_000 + index, index + 1));
      await Promise.all(
        contents.map((bytes, index) =>
          write(storage)(at(`f/${index}`), streamOf(bytes.slice(0, 9), bytes.slice(9))),
        ),
      );
      for (const [index, bytes] of contents.entries())
        equal(await readAll(storage, `f/${index}`), bytes, `File ${index}`);
    },
    mutate: broken((store) => {
      let buffer = new Uint8Array();
      return {
        write: async (path, body, options) => {
          buffer = new Uint8Array();
          for await (const chunk of body) buffer = join([buffer, chunk]);
          return put(store, path, buffer, options);
        },
      };
    }),
  },
  {
    id: "write/same-file",
    title: "many writers of one file leave one of their versions, whole",
    needs: ["write", "atomicWrites"],
    async run({ storage }) {
      const contents = Array.from({ length: 8 }, (_, index) => noise(30_000, index + 1));
      await Promise.all(
        contents.map((bytes) => write(storage)(at("a.bin"), streamOf(bytes.slice(0, 7), bytes.slice(7)))),
      );
      const found = await readAll(storage, "a.bin");
      ok(
        contents.some(
          (bytes) =>
            found.byteLength === bytes.byteLength && found.every((byte, index) => byte === bytes[index]),
        ),
        "The file is a mixture.",
      );
    },
    mutate: broken((store) => {
      let buffer = new Uint8Array();
      return {
        write: async (path, body, options) => {
          for await (const chunk of body) buffer = join([buffer, chunk]);
          return put(store, path, buffer, options);
        },
      };
    }),
  },
  {
    id: "write/folders",
    title: "the folders of a new file need not be made first",
    needs: ["write"],
    async run({ storage }) {
      await put(storage, "one/two/three/a.txt", "deep");
      equal(await readText(storage, "one/two/three/a.txt"), "deep", "The file");
    },
    mutate: broken((store) => ({
      write: async (path, body, options) => {
        if (path.includes("/")) throw new AmlError("not_found", "No such folder.");
        return write(store)(path, body, options);
      },
    })),
  },
  {
    id: "write/root",
    title: "the root is no file to write",
    needs: ["write"],
    async run({ storage }) {
      await refuses(async () => put(storage, "", "x"), "path_invalid", "already_exists");
    },
    mutate: broken((store) => ({
      write: (path, body, options) => write(store)(at(path === "" ? "unnamed" : path), body, options),
    })),
  },
  {
    id: "write/below-file",
    title: "a file cannot be a folder too",
    needs: ["write", "directories"],
    async run({ storage }) {
      await put(storage, "a.txt", "first");
      await refuses(
        async () => put(storage, "a.txt/b.txt", "x"),
        "already_exists",
        "path_invalid",
        "precondition_failed",
      );
      equal(await readText(storage, "a.txt"), "first", "The file");
    },
    mutate: broken((store) => ({
      write: async (path, body, options): Promise<FileStat> => {
        const parent = at(path.split("/").slice(0, -1).join("/"));
        if (parent !== "" && (await exists(store, parent))) await store.delete?.(parent);
        return write(store)(path, body, options);
      },
    })),
  },
  {
    id: "write/over-directory",
    title: "a file does not replace a directory",
    needs: ["write", "directories"],
    async run({ storage }) {
      await put(storage, "folder/a.txt", "first");
      await refuses(
        async () => put(storage, "folder", "x"),
        "already_exists",
        "path_invalid",
        "precondition_failed",
      );
      equal(await readText(storage, "folder/a.txt"), "first", "The file");
    },
    mutate: broken((store) => ({
      write: async (path, body, options) => {
        await store.delete?.(path, { recursive: true });
        return write(store)(path, body, options);
      },
    })),
  },
];
