import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseStorePath, type FileRef, type StorageAdapter } from "@aml/core";
import { memoryStorage } from "@aml/core/memory";
import { local } from "@aml/local";
import { afterAll, afterEach, expect, test } from "vitest";
import { createStager, transcode, type Stager, type StagerOptions } from "../src/index.ts";

const root = await mkdtemp(join(tmpdir(), "aml-staging-test-"));
const stagers: Stager[] = [];
let count = 0;
afterEach(async () => {
  for (const stager of stagers.splice(0)) await stager[Symbol.asyncDispose]();
});
afterAll(() => rm(root, { recursive: true, force: true }));

function newStager(options: Partial<StagerOptions> = {}): Stager {
  const stager = createStager({ folder: join(root, String((count += 1))), ...options });
  stagers.push(stager);
  return stager;
}

/** A store in memory that counts reads, with one file. */
async function remote(
  content: string | Uint8Array,
  change: (storage: StorageAdapter) => Partial<StorageAdapter> = () => ({}),
): Promise<{ file: FileRef; reads: () => number }> {
  const inner = memoryStorage({ uri: `memory://${(count += 1)}`, files: { "a.txt": content } });
  const changed: StorageAdapter = { ...inner, ...change(inner) };
  let reads = 0;
  const storage: StorageAdapter = {
    ...changed,
    read(path, options) {
      reads += 1;
      return changed.read(path, options);
    },
  };
  const path = parseStorePath("a.txt");
  const file = { uri: `${storage.uri}/a.txt`, relativePath: "a.txt", stat: await inner.stat(path), storage };
  return { file, reads: () => reads };
}

const unpinned = (file: FileRef): FileRef => {
  const { etag: _, ...stat } = file.stat;
  return { ...file, stat };
};
async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const out: Uint8Array[] = [];
  for await (const chunk of chunks) out.push(chunk);
  return Buffer.concat(out).toString();
}
const objects = (stager: Stager): Promise<string[]> => readdir(join(stager.folder, "objects"));
const body = (text: string): ReadableStream<Uint8Array> => new Blob([text]).stream();

test("a file is downloaded once, by whoever asks, and again in another session", async () => {
  const { file, reads } = await remote("hello");
  const stager = newStager();
  const staged = await Promise.all([stager.stage(file), stager.stage(file), stager.stage(file)]);
  expect(await readFile(staged[0].localPath, "utf8")).toBe("hello");
  for (const one of staged) await one.release();
  await staged[0].release();
  const other = newStager({ folder: stager.folder });
  expect(await readFile((await other.stage(file)).localPath, "utf8")).toBe("hello");
  expect(reads()).toBe(1);
});

test("a local file is used where it lies, unless it changed", async () => {
  const folder = join(root, "lake");
  await mkdir(folder);
  await writeFile(join(folder, "a b.txt"), "hello");
  const storage = local.open({ options: { path: folder }, credential: { kind: "anonymous" } });
  const path = parseStorePath("a b.txt");
  const file = {
    uri: `${storage.uri}/a%20b.txt`,
    relativePath: "a b.txt",
    stat: await storage.stat(path),
    storage,
  };
  const stager = newStager();
  expect((await stager.stage(file)).localPath).toBe(join(folder, "a b.txt"));
  expect(await textOf(stager.readStart(file))).toBe("hello");
  await writeFile(join(folder, "a b.txt"), "jelly");
  await expect(stager.stage(file)).rejects.toMatchObject({ code: "precondition_failed" });
  await expect(textOf(stager.readStart(file))).rejects.toMatchObject({ code: "precondition_failed" });
});

test("without an etag nothing is kept", async () => {
  const { file, reads } = await remote("hello");
  const stager = newStager();
  const first = await stager.stage(unpinned(file));
  await first.release();
  await (await stager.stage(unpinned(file))).release();
  expect(reads()).toBe(2);
  expect(await objects(stager)).toEqual([]);
});

test("a file that changed, was cut or grew is refused, and leaves nothing", async () => {
  const stager = newStager();
  const changed = await remote("hello");
  await changed.file.storage.write?.(changed.file.stat.path, body("other"));
  await expect(stager.stage(changed.file)).rejects.toMatchObject({ code: "precondition_failed" });
  const short = await remote("hello", () => ({ read: () => Promise.resolve({ body: body("hel") }) }));
  await expect(stager.stage(short.file)).rejects.toMatchObject({ code: "unavailable" });
  const long = await remote("hello", () => ({ read: () => Promise.resolve({ body: body("hello!") }) }));
  await expect(stager.stage(long.file)).rejects.toMatchObject({ code: "precondition_failed" });
  expect(await objects(stager)).toEqual([]);
  for (const session of await readdir(join(stager.folder, "sessions"))) {
    expect(await readdir(join(stager.folder, "sessions", session))).toEqual([]);
  }
});

test("the cache is bounded: old files go, those in use stay", async () => {
  const stager = newStager({ maxBytes: 25 });
  const files = await Promise.all(["a", "b", "c", "d"].map((letter) => remote(letter.repeat(10))));
  const [a, b, c, d] = files.map(({ file }) => file);
  const pinned = await stager.stage(a as FileRef);
  await (await stager.stage(b as FileRef)).release();
  const second = await stager.stage(c as FileRef);
  expect(await objects(stager)).toHaveLength(2);
  const refused = stager.stage(d as FileRef);
  await expect(refused).rejects.toMatchObject({
    code: "resource_exhausted",
    context: { neededBytes: 10, maxBytes: 25 },
  });
  expect(await readFile(pinned.localPath, "utf8")).toBe("aaaaaaaaaa");
  await second.release();
  expect(await readFile((await stager.stage(d as FileRef)).localPath, "utf8")).toBe("dddddddddd");
  await pinned.release();
  await stager.clean();
  expect(await objects(stager)).toHaveLength(1);
});

test("downloads run a few at a time", async () => {
  let now = 0;
  let most = 0;
  let go = (): void => undefined;
  const three = new Promise<void>((resolve) => (go = resolve));
  const slow = (inner: StorageAdapter): Partial<StorageAdapter> => ({
    async read(path, options) {
      now += 1;
      most = Math.max(most, now);
      if (now === 3) go();
      await three;
      await new Promise(setImmediate);
      now -= 1;
      return inner.read(path, options);
    },
  });
  const files = await Promise.all(Array.from({ length: 20 }, (_, at) => remote(String(at), slow)));
  const stager = newStager({ concurrency: 3 });
  await Promise.all(files.map(({ file }) => stager.stage(file)));
  expect(most).toBe(3);
});

test("one caller's abort does not end another's download", async () => {
  const { file } = await remote("hello");
  const stager = newStager();
  const controller = new AbortController();
  const reason = new Error("enough");
  const [first, second] = [stager.stage(file, { signal: controller.signal }), stager.stage(file)];
  controller.abort(reason);
  await expect(first).rejects.toBe(reason);
  expect(await readFile((await second).localPath, "utf8")).toBe("hello");
});

test("a killed process leaves nothing for long, and no half file", async () => {
  const { file } = await remote("hello");
  const stager = newStager();
  await stager.stage(file);
  const dead = join(stager.folder, "sessions", `${(await import("node:os")).hostname()}~999999999~x`);
  await mkdir(dead);
  await writeFile(join(dead, "half"), "hel");
  await newStager({ folder: stager.folder }).stage(file);
  expect((await readdir(join(stager.folder, "sessions"))).length).toBe(2);
});

test("a full disk names the folder and what was needed", async () => {
  const folder = join(root, "small");
  await mkdir(folder);
  let mounted = true;
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], { stdio: "ignore" });
  } catch {
    mounted = false;
  }
  try {
    const { file } = await remote(new Uint8Array(300_000));
    const stager = newStager({ folder });
    if (mounted) {
      await expect(stager.stage(file)).rejects.toMatchObject({
        code: "resource_exhausted",
        context: { folder, neededBytes: 300_000 },
      });
      expect(await objects(stager)).toEqual([]);
    } else {
      const full = Object.assign(new Error("write"), { code: "ENOSPC" });
      const failing = { id: "full", apply: () => failWith(full) };
      await expect(stager.stage(file, { transform: failing })).rejects.toMatchObject({
        code: "resource_exhausted",
      });
    }
    await stager[Symbol.asyncDispose]();
  } finally {
    if (mounted) execFileSync("umount", ["-l", folder]);
  }
});

// eslint-disable-next-line require-yield
async function* failWith(error: Error): AsyncIterable<Uint8Array> {
  throw error;
}

test("transcoding, in pieces of any size", async () => {
  const words = "aé€𝄞\n";
  const swap = (bytes: Buffer): Buffer => Buffer.from(bytes).swap16();
  const utf32 = (text: string): Buffer =>
    Buffer.concat(
      [...text].map((letter) => {
        const bytes = Buffer.alloc(4);
        bytes.writeUInt32LE(letter.codePointAt(0) ?? 0);
        return bytes;
      }),
    );
  const cases = [
    ["utf8", Buffer.from(words), words],
    ["utf8bom", Buffer.from(`\ufeff${words}`), words],
    ["utf16", Buffer.from(words, "utf16le"), words],
    ["utf16", Buffer.from(`\ufeff${words}`, "utf16le"), words],
    ["utf16", swap(Buffer.from(`\ufeff${words}`, "utf16le")), words],
    ["utf32", utf32(words), words],
    ["utf32", utf32(`\ufeff${words}`), words],
    ["latin1", Buffer.from([0x61, 0xe9, 0x80]), "aé€"],
    ["iso88591", Buffer.from([0x93, 0x81]), "“\u0081"],
    ["windows1252", Buffer.from([0x61, 0xe9, 0x80, 0x93]), "aé€“"],
    ["ascii", Buffer.from("abc"), "abc"],
  ] as const;
  for (const [encoding, bytes, expected] of cases) {
    for (const size of [1, 3, 100]) {
      const out: Uint8Array[] = [];
      for await (const chunk of transcode(encoding).apply(pieces(bytes, size), {} as FileRef))
        out.push(chunk);
      expect(Buffer.concat(out).toString(), `${encoding} by ${size}`).toBe(expected);
    }
  }
});

test("bytes that are not of the encoding are an error with their place", async () => {
  const cases = [
    ["utf8", [0x61, 0x62, 0xff, 0x63], 2],
    ["utf8", [0x61, 0xe2, 0x82], 1],
    ["utf16", [0x61, 0x00, 0x00, 0xd8, 0x61, 0x00], 2],
    ["utf16", [0x61, 0x00, 0x62], 2],
    ["utf32", [0x61, 0, 0, 0, 0, 0, 0x20, 0], 4],
    ["ascii", [0x61, 0x80], 1],
  ] as const;
  for (const [encoding, bytes, byteOffset] of cases) {
    for (const size of [1, 2, 100]) {
      const read = (async () => {
        const file = { uri: "x://y" } as FileRef;
        for await (const _ of transcode(encoding).apply(pieces(Buffer.from(bytes), size), file));
      })();
      await expect(read, `${encoding} by ${size}`).rejects.toMatchObject({
        code: "parse_failed",
        context: { uri: "x://y", byteOffset },
      });
    }
  }
});

async function* pieces(bytes: Uint8Array, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
