import { AmlError, isAmlError, type FileStat } from "@aml/core";
import {
  at,
  equal,
  exists,
  failure,
  join,
  names,
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
import { broken, salvage, writing } from "../mutate.ts";
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
    id: "write/size-mismatch",
    title: "a body that is shorter or longer than announced is refused and leaves nothing",
    needs: ["write"],
    async run({ storage }) {
      await refuses(async () => put(storage, "short.txt", "12345", { size: 6 }), "precondition_failed");
      await refuses(async () => put(storage, "long.txt", "12345", { size: 4 }), "precondition_failed");
      equal(await exists(storage, "short.txt"), false, "Whether short.txt exists");
      equal(await exists(storage, "long.txt"), false, "Whether long.txt exists");
    },
    mutate: writing((send, path, bytes, { size, ...options }) =>
      send(path, streamOf(bytes.slice(0, size)), options),
    ),
  },
  {
    id: "write/size-mismatch-keeps",
    title: "a body of the wrong length leaves the file that was there",
    needs: ["write"],
    async run({ storage }) {
      await put(storage, "a.txt", "first");
      await refuses(async () => put(storage, "a.txt", "12345", { size: 6 }), "precondition_failed");
      equal(await readText(storage, "a.txt"), "first", "The file");
    },
    mutate: broken((store) => ({
      write: async (path, body, options) => {
        await store.delete?.(path);
        return write(store)(path, body, options);
      },
    })),
  },
  {
    id: "write/failing-body",
    title: "a body that fails rejects with that very error and leaves nothing",
    needs: ["write"],
    async run({ storage }) {
      const reason = new AmlError("unavailable", "The source went away.");
      equal(
        (await failure(async () => write(storage)(at("new.txt"), failing(reason)))) === reason,
        true,
        "Whether the error is the body's",
      );
      equal(await exists(storage, "new.txt"), false, "Whether new.txt exists");
    },
    mutate: broken((store) => ({
      write: async (path, body, options) => write(store)(path, streamOf(await salvage(body)), options),
    })),
  },
  {
    id: "write/failing-body-keeps",
    title: "a body that fails leaves the file that was there",
    needs: ["write", "atomicWrites"],
    async run({ storage }) {
      await put(storage, "a.txt", "first");
      await failure(async () => write(storage)(at("a.txt"), failing(new Error("gone"))));
      equal(await readText(storage, "a.txt"), "first", "The file");
    },
    mutate: broken((store) => ({
      write: async (path, body, options) => {
        await put(store, path, "");
        return write(store)(path, body, options);
      },
    })),
  },
  {
    id: "write/leaves-nothing",
    title: "what fails leaves no part, folder or temporary file to be listed",
    needs: ["write", "list"],
    async run({ storage }) {
      await put(storage, "kept.txt", "x");
      await failure(async () => write(storage)(at("one/two/a.txt"), failing(new Error("gone"))));
      await failure(async () => put(storage, "one/b.txt", "12345", { size: 1 }));
      equal(await names(storage.list(at(""))), ["kept.txt"], "The store");
    },
    mutate: broken((store) => ({
      write: async (path, body, options) => {
        const bytes = await salvage(body);
        await put(store, `${path}.tmp`, bytes);
        const written = await write(store)(
          path,
          options?.size === undefined ? failing(new Error("gone")) : streamOf(bytes),
          options,
        ).catch((error: unknown) => (path === "kept.txt" ? put(store, path, bytes) : Promise.reject(error)));
        await store.delete?.(at(`${path}.tmp`));
        return written;
      },
    })),
  },
  {
    id: "write/atomic",
    title: "until a write is complete its readers see what was there before",
    needs: ["write", "atomicWrites"],
    async run({ storage }) {
      await put(storage, "a.txt", "first");
      const gate = gated(utf8("sec"), utf8("ond"));
      const replacing = write(storage)(at("a.txt"), gate.body);
      const fresh = gated(utf8("sec"), utf8("ond"));
      const creating = write(storage)(at("new.txt"), fresh.body);
      await Promise.all([gate.taken, fresh.taken]);
      equal(await readText(storage, "a.txt"), "first", "The file during the write");
      equal(await exists(storage, "new.txt"), false, "Whether new.txt exists during the write");
      gate.open();
      fresh.open();
      await Promise.all([replacing, creating]);
      equal(await readText(storage, "a.txt"), "second", "The file after the write");
      equal(await readText(storage, "new.txt"), "second", "The new file after the write");
    },
    mutate: broken((store) => ({
      write: async (path, body, options) => {
        let soFar = new Uint8Array();
        for await (const chunk of body) {
          soFar = join([soFar, chunk]);
          await put(store, path, soFar);
        }
        return put(store, path, soFar, options);
      },
    })),
  },
  {
    id: "write/reader-keeps",
    title: "a read that has begun gives one version, or fails",
    needs: ["write", "atomicWrites"],
    async run({ storage }) {
      const [first, second] = [noise(2_000_000, 1), noise(2_000_000, 2)];
      await put(storage, "a.bin", first);
      const reader = (await storage.read(at("a.bin"))).body.getReader();
      const chunks = [(await reader.read()).value ?? new Uint8Array()];
      await put(storage, "a.bin", second);
      try {
        for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(next.value);
      } catch (error) {
        ok(isAmlError(error), `It failed with ${String(error)}, not with an AmlError.`);
        return;
      }
      equal(join(chunks), first, "The file");
    },
    mutate: broken((store) => ({
      read: async (path, options = {}) => {
        const { size } = await store.stat(path);
        let offset = 0;
        const body = new ReadableStream<Uint8Array>(
          {
            async pull(controller) {
              if (offset >= size) return controller.close();
              const range = { offset, length: 65_536 };
              const chunk = await readAll(store, path, { range, signal: options.signal });
              offset += chunk.byteLength;
              controller.enqueue(chunk);
            },
          },
          { highWaterMark: 0 },
        );
        return { body };
      },
    })),
  },
  {
    id: "write/if-none-match",
    title: "ifNoneMatch creates a file and never replaces one",
    needs: ["write", "conditionalWrites"],
    async run({ storage }) {
      await put(storage, "a.txt", "first", { ifNoneMatch: "*" });
      await refuses(async () => put(storage, "a.txt", "second", { ifNoneMatch: "*" }), "already_exists");
      equal(await readText(storage, "a.txt"), "first", "The file");
    },
    mutate: writing((send, path, bytes, { ifNoneMatch: _ignored, ...options }) =>
      send(path, streamOf(bytes), options),
    ),
  },
  {
    id: "write/if-match",
    title: "ifMatch replaces that version only",
    needs: ["write", "conditionalWrites", "etags"],
    async run({ storage }) {
      const { etag } = await put(storage, "a.txt", "first");
      const second = await put(storage, "a.txt", "second", { ifMatch: etag });
      await refuses(async () => put(storage, "a.txt", "third", { ifMatch: etag }), "precondition_failed");
      equal(await readText(storage, "a.txt"), "second", "The file");
      ok(second.etag !== etag, "The etag did not change.");
    },
    mutate: writing((send, path, bytes, { ifMatch: _ignored, ...options }) =>
      send(path, streamOf(bytes), options),
    ),
  },
  {
    id: "write/if-match-missing",
    title: "ifMatch does not create a file",
    needs: ["write", "conditionalWrites"],
    async run({ storage }) {
      await refuses(
        async () => put(storage, "a.txt", "x", { ifMatch: '"0x8D4BCC2E4835CD0"' }),
        "precondition_failed",
        "not_found",
      );
      equal(await exists(storage, "a.txt"), false, "Whether the file exists");
    },
    mutate: writing(async (send, path, bytes, { ifMatch, ...options }, store) =>
      send(path, streamOf(bytes), (await exists(store, path)) ? { ...options, ifMatch } : options),
    ),
  },
  {
    id: "write/race",
    title: "of eight writers that create one file, one succeeds",
    needs: ["write", "conditionalWrites"],
    async run({ storage }) {
      const outcomes = await Promise.allSettled(
        Array.from({ length: 8 }, (_, index) =>
          put(storage, "a.txt", `writer ${index}`, { ifNoneMatch: "*" }),
        ),
      );
      const winners = outcomes.flatMap(({ status }, index) => (status === "fulfilled" ? [index] : []));
      equal(winners.length, 1, "The number of writers that succeeded");
      equal(await readText(storage, "a.txt"), `writer ${winners[0]}`, "The file");
      for (const outcome of outcomes) {
        if (outcome.status === "rejected")
          await refuses(Promise.reject(outcome.reason), "already_exists", "precondition_failed");
      }
    },
    mutate: broken((store) => ({
      write: async (path, body, { ifNoneMatch, ...options } = {}) => {
        if (ifNoneMatch !== undefined && (await exists(store, path)))
          throw new AmlError("already_exists", "Taken.");
        return write(store)(path, body, options);
      },
    })),
  },
  {
    id: "write/race-if-match",
    title: "of eight writers that replace one version, one succeeds",
    needs: ["write", "conditionalWrites", "etags"],
    async run({ storage }) {
      const { etag } = await put(storage, "a.txt", "first");
      const outcomes = await Promise.allSettled(
        Array.from({ length: 8 }, (_, index) => put(storage, "a.txt", `writer ${index}`, { ifMatch: etag })),
      );
      equal(
        outcomes.filter(({ status }) => status === "fulfilled").length,
        1,
        "The number of writers that succeeded",
      );
    },
    mutate: broken((store) => ({
      write: async (path, body, { ifMatch, ...options } = {}) => {
        if (ifMatch !== undefined && (await store.stat(path)).etag !== ifMatch)
          throw new AmlError("precondition_failed", "Changed.");
        return write(store)(path, body, options);
      },
    })),
  },
  {
    id: "write/frees-body",
    title: "a write that is refused cancels its body, so that the source is freed",
    needs: ["write", "conditionalWrites"],
    async run({ storage }) {
      await put(storage, "a.txt", "first");
      let cancelled = false;
      const body = new ReadableStream<Uint8Array>({
        pull: (controller) => controller.enqueue(utf8("endless")),
        cancel: () => {
          cancelled = true;
        },
      });
      const limited = limitedTo(body, 64 * 1024 * 1024, () => {
        cancelled = true;
      });
      await refuses(async () => write(storage)(at("a.txt"), limited, { ifNoneMatch: "*" }), "already_exists");
      equal(cancelled, true, "Whether the body was cancelled or read to its end");
    },
    mutate: broken((store) => ({
      write: async (path, body, options) => {
        if (options?.ifNoneMatch !== undefined && (await exists(store, path)))
          throw new AmlError("already_exists", "Taken.");
        return write(store)(path, body, options);
      },
    })),
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

function failing(reason: unknown): ReadableStream<Uint8Array> {
  let sent = false;
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (sent) return controller.error(reason);
        sent = true;
        controller.enqueue(noise(100_000));
      },
    },
    { highWaterMark: 0 },
  );
}

/** A body that waits between its two chunks until it is opened. */
function gated(first: Uint8Array, second: Uint8Array) {
  let open: () => void = () => undefined;
  let tell: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const taken = new Promise<void>((resolve) => (tell = resolve));
  let count = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        count += 1;
        if (count === 1) return controller.enqueue(first);
        tell();
        await opened;
        controller.enqueue(second);
        controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  return { body, taken, open };
}

function limitedTo(
  body: ReadableStream<Uint8Array>,
  bytes: number,
  done: () => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let left = bytes;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { value } = await reader.read();
        left -= value?.byteLength ?? left;
        if (left > 0 && value !== undefined) return controller.enqueue(value);
        done();
        controller.close();
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
