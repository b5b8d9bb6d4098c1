import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { parseStorePath, type FileRef, type ReadOptions } from "@aml/core";
import { memoryStorage } from "@aml/core/memory";
import { afterAll, afterEach, expect, test } from "vitest";
import { createStager, decompressionFor, type Stager } from "../src/index.ts";

const root = await mkdtemp(join(tmpdir(), "aml-start-test-"));
const stagers: Stager[] = [];
let count = 0;
afterEach(async () => {
  for (const stager of stagers.splice(0)) await stager[Symbol.asyncDispose]();
});
afterAll(() => rm(root, { recursive: true, force: true }));

function newStager(folder: string = join(root, String((count += 1)))): Stager {
  const stager = createStager({ folder });
  stagers.push(stager);
  return stager;
}

const KIB = 1024;
const MIB = 2 ** 20;

interface Remote {
  readonly file: FileRef;
  /** Offset and length of each request. */
  readonly asked: (readonly [number, number])[];
}

async function remote(
  bytes: Uint8Array,
  before: (options: ReadOptions) => Promise<void> = () => Promise.resolve(),
): Promise<Remote> {
  const inner = memoryStorage({ uri: `memory://start${(count += 1)}`, files: { "a.txt": bytes } });
  const asked: (readonly [number, number])[] = [];
  const storage: typeof inner = {
    ...inner,
    async read(path, options = {}) {
      asked.push([options.range?.offset ?? 0, options.range?.length ?? bytes.length]);
      await before(options);
      return inner.read(path, options);
    },
  };
  const stat = await inner.stat(parseStorePath("a.txt"));
  return { asked, file: { uri: `${storage.uri}/a.txt`, relativePath: "a.txt", stat, storage } };
}

/** At least so many bytes of a beginning. */
async function start(chunks: AsyncIterable<Uint8Array>, least: number): Promise<Buffer> {
  const out: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    out.push(chunk);
    length += chunk.length;
    if (length >= least) break;
  }
  return Buffer.concat(out);
}

const content = randomBytes(12 * MIB);
const gunzip = decompressionFor("a.gz");

test("pieces double, up to 4 MiB, and are kept for others", async () => {
  const { file, asked } = await remote(content);
  const stager = newStager();
  const first = await start(stager.readStart(file), 100);
  expect(first.equals(content.subarray(0, first.length))).toBe(true);
  expect(asked).toEqual([[0, 256 * KIB]]);
  expect((await start(stager.readStart(file), Infinity)).equals(content)).toBe(true);
  expect(asked.map(([, length]) => length / KIB)).toEqual([256, 256, 512, 1024, 2048, 4096, 4096]);
  const ends = asked.map(([offset, length]) => offset + length);
  expect(asked.slice(1).map(([offset]) => offset)).toEqual(ends.slice(0, -1));
  const other = newStager(stager.folder);
  expect((await start(other.readStart(file), Infinity)).equals(content)).toBe(true);
  expect(asked).toHaveLength(7);
});

test("a file that is here whole is not asked for, nor is a small one twice", async () => {
  const whole = await remote(content);
  const stager = newStager();
  await (await stager.stage(whole.file)).release();
  expect((await start(stager.readStart(whole.file), Infinity)).equals(content)).toBe(true);
  expect(whole.asked).toHaveLength(1);
  const packed = gzipSync(content.subarray(0, MIB / 2));
  const small = await remote(packed);
  for (let turn = 0; turn < 2; turn += 1) {
    const bytes = await start(stager.readStart(small.file, { transform: gunzip }), Infinity);
    expect(bytes.equals(content.subarray(0, MIB / 2))).toBe(true);
  }
  expect(small.asked).toEqual([[0, packed.length]]);
});

test("without an etag it is asked for each time, and refused when it is shorter by now", async () => {
  const { file, asked } = await remote(content);
  const { etag: _, ...stat } = file.stat;
  const stager = newStager();
  for (let turn = 0; turn < 2; turn += 1) await start(stager.readStart({ ...file, stat }), 1);
  expect(asked).toHaveLength(2);
  expect(await readdir(join(stager.folder, "objects")).catch(() => [])).toEqual([]);
  const longer = { ...file, stat: { ...stat, size: stat.size + 1 } };
  await expect(start(stager.readStart(longer), Infinity)).rejects.toMatchObject({
    code: "precondition_failed",
  });
});

test("another version is refused", async () => {
  const { file } = await remote(content);
  await file.storage.write?.(file.stat.path, new Blob(["other"]).stream());
  await expect(start(newStager().readStart(file), 1)).rejects.toMatchObject({ code: "precondition_failed" });
});

test("what a transform asks for ahead ends when the loop is left, and nothing stays open", async () => {
  let ended = 0;
  const { file, asked } = await remote(gzipSync(content), ({ range, signal }) => {
    if ((range?.offset ?? 0) === 0) return Promise.resolve();
    return new Promise((_, reject) => {
      signal?.addEventListener("abort", () => {
        ended += 1;
        reject(signal.reason as Error);
      });
    });
  });
  const stager = newStager();
  const bytes = await start(stager.readStart(file, { transform: gunzip }), 200 * KIB);
  expect(bytes.equals(content.subarray(0, bytes.length))).toBe(true);
  await wait(20);
  expect(ended).toBe(asked.length - 1);
  const [session = ""] = await readdir(join(stager.folder, "sessions"));
  expect(await readdir(join(stager.folder, "sessions", session))).toEqual([]);
});

test("an abort ends it with its reason", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const { file } = await remote(content, async ({ range }) => {
    if ((range?.offset ?? 0) > 0) controller.abort(reason);
  });
  const reading = start(newStager().readStart(file, { signal: controller.signal }), Infinity);
  await expect(reading).rejects.toBe(reason);
});
