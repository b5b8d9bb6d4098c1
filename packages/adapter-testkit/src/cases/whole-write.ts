import { AmlError, isAmlError, type StorageAdapter } from "@aml/core";
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
import { failing, gated } from "../bodies.ts";
import type { StorageCase } from "../storage-case.ts";

export const wholeWriteCases: readonly StorageCase[] = [
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
    id: "write/large-failing-body",
    title: "a large body that fails on its way rejects with that very error, and the old file stays",
    needs: ["write", "list"],
    async run({ storage }) {
      const reason = new Error("The source went away.");
      const body = endingLate((controller) => controller.error(reason));
      await keepsOld(storage, async () => {
        const error = await failure(async () => write(storage)(OLD, body));
        equal(error === reason, true, "Whether the error is the body's");
      });
    },
    mutate: broken((store) => ({
      write: async (path, body, options) => write(store)(path, streamOf(await salvage(body)), options),
    })),
  },
  {
    id: "write/large-abort",
    title: "a large body that is aborted on its way rejects with the reason, and the old file stays",
    needs: ["write", "list"],
    async run({ storage }) {
      const reason = new Error("The user changed her mind.");
      const abort = new AbortController();
      const body = endingLate(async () => {
        abort.abort(reason);
        await new Promise(() => undefined);
      });
      await keepsOld(storage, async () => {
        const error = await failure(async () => write(storage)(OLD, body, { signal: abort.signal }));
        equal(error === reason, true, "Whether the error is the signal's reason");
      });
    },
    mutate: broken((store) => ({
      write: (path, body, options) => write(store)(path, body, { ...options, signal: undefined }),
    })),
  },
  {
    id: "write/large-size-mismatch",
    title: "a large body that is longer than announced is refused, and the old file stays",
    needs: ["write", "list"],
    async run({ storage }) {
      const body = endingLate((controller) => controller.close());
      await keepsOld(storage, () =>
        refuses(async () => write(storage)(OLD, body, { size: LARGE - 1 }), "precondition_failed"),
      );
    },
    mutate: writing((send, path, bytes, { size, ...options }) =>
      send(path, streamOf(bytes.slice(0, size)), options),
    ),
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
];

const OLD = at("d/a.bin");
/** More than the stores send with one request. */
const LARGE = 4 * 1024 * 1024;

/** Gives all its bytes, and ends then in some way. */
function endingLate(
  end: (controller: ReadableStreamDefaultController<Uint8Array>) => void | Promise<void>,
): ReadableStream<Uint8Array> {
  const chunk = new Uint8Array(LARGE / 4).fill(7);
  let count = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        count += 1;
        if (count <= 4) controller.enqueue(chunk.slice());
        else await end(controller);
      },
    },
    { highWaterMark: 0 },
  );
}

/** What fails leaves the file that was there, and nothing else. */
async function keepsOld(storage: StorageAdapter, fails: () => Promise<void>): Promise<void> {
  await put(storage, OLD, "first");
  await fails();
  equal(await readText(storage, OLD), "first", "The old file");
  equal(await names(storage.list(at(""), { recursive: true })), [OLD], "The store");
}
