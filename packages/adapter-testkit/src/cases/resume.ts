import type { KeptWrite, StorageAdapter } from "@aml/core";
import {
  at,
  equal,
  exists,
  failure,
  names,
  noise,
  ok,
  put,
  readAll,
  refuses,
  streamOf,
  write,
} from "../expect.ts";
import { broken } from "../mutate.ts";
import type { StorageCase } from "../storage-case.ts";

const STEP = 512 * 1024;
const SIZE = 3 * STEP + 100;

export const resumeCases: readonly StorageCase[] = [
  {
    id: "resume/goes-on",
    title: "a write that broke off shows nothing, and goes on with what has arrived",
    needs: ["write", "list", "resume"],
    async run({ storage }) {
      const bytes = noise(SIZE, 1);
      const kept = keptWrite();
      const offset = await breakOff(storage, "d/a.bin", bytes, kept);
      ok(offset >= STEP && offset % STEP === 0, `It keeps ${offset} bytes, which are no whole steps.`);
      equal(await exists(storage, "d/a.bin"), false, "Whether the file exists");
      const listed = await names(storage.list(at(""), { recursive: true }));
      equal(listed, [], "What is listed");
      const rest = streamOf(bytes.slice(offset));
      const stat = await write(storage)(at("d/a.bin"), rest, { size: SIZE, resume: { ...kept, offset } });
      equal(stat.size, SIZE, "The size");
      equal(await readAll(storage, "d/a.bin"), bytes, "The file");
      equal(await keptBytes(storage, "d/a.bin", kept), 0, "What is kept afterwards");
    },
    mutate: broken((store) => ({
      write: (path, body, { resume, ...options } = {}) =>
        write(store)(path, body, {
          ...options,
          ...(resume && { resume: { ...resume, offset: 0, size: resume.size - resume.offset } }),
          size: resume && resume.size - resume.offset,
        }),
    })),
  },
  {
    id: "resume/by-id",
    title: "what one write keeps is nothing to another",
    needs: ["write", "resume"],
    async run({ storage }) {
      const kept = keptWrite();
      equal(await keptBytes(storage, "a.bin", kept), 0, "What is kept before");
      await breakOff(storage, "a.bin", noise(SIZE, 1), kept);
      equal(await keptBytes(storage, "a.bin", keptWrite()), 0, "What is kept for another");
    },
    mutate: broken((store) => {
      let last: KeptWrite | undefined;
      return {
        write: (path, body, options) => {
          last = options?.resume ?? last;
          return write(store)(path, body, options);
        },
        keptBytes: async (path, kept) => (await store.keptBytes?.(path, last ?? kept)) ?? 0,
      };
    }),
  },
  {
    id: "resume/anew",
    title: "a write that starts anew has nothing of the one that broke off",
    needs: ["write", "resume"],
    async run({ storage }) {
      const kept = keptWrite();
      await breakOff(storage, "a.bin", noise(SIZE, 1), kept);
      const other = noise(SIZE, 2);
      await put(storage, "a.bin", other, { size: SIZE, resume: { ...kept, offset: 0 } });
      equal(await readAll(storage, "a.bin"), other, "The file");
    },
    mutate: broken((store) => ({
      write: async (path, body, options) => {
        const { resume } = options ?? {};
        const offset = resume ? await keptBytes(store, path, resume) : 0;
        const skipped = offset === 0 || !resume ? body : skip(body, offset);
        return write(store)(path, skipped, { ...options, ...(resume && { resume: { ...resume, offset } }) });
      },
    })),
  },
  {
    id: "resume/drop",
    title: "what is thrown away is not kept",
    needs: ["write", "resume"],
    async run({ storage }) {
      const kept = keptWrite();
      await breakOff(storage, "a.bin", noise(SIZE, 1), kept);
      // Where there is no such verb it goes by itself, some day.
      if (storage.dropKept === undefined) return;
      await storage.dropKept(at("a.bin"), kept);
      equal(await keptBytes(storage, "a.bin", kept), 0, "What is kept");
    },
    mutate: broken(() => ({ dropKept: async () => undefined })),
  },
  {
    id: "resume/size-mismatch",
    title: "a rest that is shorter or longer than announced is refused and shows nothing",
    needs: ["write", "resume"],
    async run({ storage }) {
      const bytes = noise(SIZE, 1);
      for (const end of [SIZE - 1, SIZE + 1]) {
        const kept = keptWrite();
        const offset = await breakOff(storage, "a.bin", bytes, kept);
        const rest = new Uint8Array(end - offset);
        const resume = { ...kept, offset };
        await refuses(async () => put(storage, "a.bin", rest, { size: SIZE, resume }), "precondition_failed");
        equal(await exists(storage, "a.bin"), false, "Whether the file exists");
      }
    },
    mutate: broken((store) => ({
      write: (path, body, { size: _ignored, ...options } = {}) => write(store)(path, body, options),
    })),
  },
];

function keptWrite(): KeptWrite {
  return { id: crypto.randomUUID(), size: SIZE, stepBytes: STEP };
}

async function keptBytes(storage: StorageAdapter, path: string, kept: KeptWrite): Promise<number> {
  ok(storage.keptBytes !== undefined, "The store has no keptBytes.");
  return storage.keptBytes(at(path), kept);
}

/** Writes until something is kept, and fails then. @returns how much. */
async function breakOff(
  storage: StorageAdapter,
  path: string,
  bytes: Uint8Array,
  kept: KeptWrite,
): Promise<number> {
  const reason = new Error("The source went away.");
  let sent = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (sent < 2 * STEP + 200_000) {
          controller.enqueue(bytes.slice(sent, sent + 100_000));
          sent += 100_000;
          return;
        }
        while ((await keptBytes(storage, path, kept)) === 0) await new Promise((next) => setTimeout(next, 5));
        controller.error(reason);
      },
    },
    { highWaterMark: 0 },
  );
  const error = await failure(async () =>
    write(storage)(at(path), body, { size: SIZE, resume: { ...kept, offset: 0 } }),
  );
  equal(error === reason, true, "Whether the error is the body's");
  return keptBytes(storage, path, kept);
}

function skip(body: ReadableStream<Uint8Array>, bytes: number): ReadableStream<Uint8Array> {
  let left = bytes;
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        const rest = chunk.subarray(Math.min(left, chunk.byteLength));
        left -= chunk.byteLength - rest.byteLength;
        if (rest.byteLength > 0) controller.enqueue(rest);
      },
    }),
  );
}
