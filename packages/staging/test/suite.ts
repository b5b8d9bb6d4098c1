import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { isAmlError, parseStorePath, type AmlErrorCode, type FileRef, type StorageAdapter } from "@aml/core";
import { memoryStorage } from "@aml/core/memory";
import { local } from "@aml/local";
import { createStager, decompressionFor, transcode, type Stager, type StagerOptions } from "../src/index.ts";

export interface Runner {
  readonly describe: (name: string, body: () => void) => void;
  readonly test: (name: string, body: () => Promise<void>) => void;
}

interface Bench {
  readonly folder: string;
  stager(options?: Partial<StagerOptions>): Stager;
}

/** What staging promises, in little: for any runtime and any test library. */
export function suite({ describe, test }: Runner): void {
  const check = (name: string, body: (bench: Bench) => Promise<void>): void =>
    test(name, async () => {
      const folder = await mkdtemp(join(tmpdir(), "aml-staging-suite-"));
      const stagers: Stager[] = [];
      const stager = (options: Partial<StagerOptions> = {}): Stager => {
        const made = createStager({ folder: join(folder, "cache"), ...options });
        stagers.push(made);
        return made;
      };
      try {
        await body({ folder, stager });
      } finally {
        for (const made of stagers) await made[Symbol.asyncDispose]();
        await rm(folder, { recursive: true, force: true });
      }
    });
  describe("stage", () => stageCases(check));
  describe("refuse", () => refuseCases(check));
}

type Case = (name: string, body: (bench: Bench) => Promise<void>) => void;

async function refOf(storage: StorageAdapter, name: string): Promise<FileRef> {
  const stat = await storage.stat(parseStorePath(name));
  return { uri: `${storage.uri}/${name}`, relativePath: name, stat, storage };
}

async function remote(files: Record<string, string | Uint8Array>): Promise<FileRef> {
  return refOf(memoryStorage({ uri: "memory://suite", files }), Object.keys(files)[0] ?? "");
}

async function onDisk(folder: string, content: string): Promise<FileRef> {
  const root = join(folder, "disk");
  await mkdir(root, { recursive: true });
  await writeFile(join(root, "a.txt"), content);
  return refOf(local.open({ options: { path: root }, credential: { kind: "anonymous" } }), "a.txt");
}

async function fails(work: Promise<unknown>, code: AmlErrorCode): Promise<void> {
  await assert.rejects(work, (error) => {
    if (!isAmlError(error)) throw error;
    assert.equal(error.code, code);
    return true;
  });
}

function stageCases(check: Case): void {
  check("a file of a store, kept, shared and released", async ({ stager, folder }) => {
    const file = await remote({ "a.txt": "content" });
    const made = stager();
    const [one, two] = await Promise.all([made.stage(file), made.stage(file)]);
    assert.equal(await readFile(one.localPath, "utf8"), "content");
    await one.release();
    await one.release();
    assert.equal(await readFile(two.localPath, "utf8"), "content");
    await two.release();
    assert.equal((await readdir(join(folder, "cache/objects"))).length, 1);
    await made.clean();
    assert.deepEqual(await readdir(join(folder, "cache/objects")), []);
  });
  check("a local file where it lies, and its beginning", async ({ stager, folder }) => {
    const file = await onDisk(folder, "content");
    const staged = await stager().stage(file);
    assert.equal(staged.localPath, join(folder, "disk/a.txt"));
    await staged.check();
    const start = stager().readStart(file)[Symbol.asyncIterator]();
    assert.equal(Buffer.from((await start.next()).value ?? "").toString(), "content");
    await start.return?.();
  });
  check("a file in part, what of it is there for the next one, and most of it", async ({ stager }) => {
    const bytes = Buffer.alloc(3 * 2 ** 20, "some bytes of a file ");
    const file = await remote({ "a.bin": bytes });
    const range = { start: 2 ** 20, end: 2 ** 20 + 5000 };
    const made = stager();
    const one = await made.stageSparse(file);
    assert.equal(await one?.fetch([range]), 5000);
    assert.ok(bytes.subarray(range.start, range.end).equals((await one?.read(range)) ?? Buffer.of()));
    const two = await stager().stageSparse(file);
    assert.equal(await two?.missing([range]), 0);
    await one?.fetch([{ start: 0, end: bytes.length }]);
    assert.ok(bytes.equals(await readFile(one?.localPath ?? "")));
    await one?.release();
    assert.equal(await made.stageSparse(file), undefined);
  });
  check("encodings and archives", async ({ stager }) => {
    const utf16 = await stager().stage(await remote({ "a.txt": Buffer.from("\ufeffé😀", "utf16le") }), {
      transform: transcode("utf16"),
    });
    assert.equal(await readFile(utf16.localPath, "utf8"), "é😀");
    const zipped = await stager().stage(await remote({ "a.txt.gz": gzipSync("content") }), {
      transform: decompressionFor("a.txt.gz"),
    });
    assert.equal(await readFile(zipped.localPath, "utf8"), "content");
  });
}

function refuseCases(check: Case): void {
  check("a local file that changed before, and while it was used", async ({ stager, folder }) => {
    const file = await onDisk(folder, "content");
    const staged = await stager().stage(file);
    await writeFile(staged.localPath, "changed, and longer");
    await fails(staged.check(), "precondition_failed");
    await fails(stager().stage(file), "precondition_failed");
    await rm(staged.localPath);
    await fails(staged.check(), "precondition_failed");
  });
  check("a local file that changes while a copy of it is made", async ({ stager, folder }) => {
    const file = await onDisk(folder, "content");
    const path = join(folder, "disk/a.txt");
    const transform = {
      id: "slow",
      async *apply(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
        for await (const chunk of chunks) {
          await writeFile(path, "CONTENT and more");
          yield chunk;
        }
      },
    };
    await fails(stager().stage(file, { transform }), "precondition_failed");
    assert.deepEqual(await readdir(join(folder, "cache/objects")), []);
  });
  check("more than the cache holds; bytes that are not of the encoding; an abort", async ({ stager }) => {
    const file = await remote({ "a.txt": Buffer.from([0x61, 0xff]) });
    await fails(stager({ maxBytes: 1 }).stage(file), "resource_exhausted");
    await fails(stager().stage(file, { transform: transcode("ascii") }), "parse_failed");
    const reason = new Error("enough");
    const stopped = stager().stage(file, { signal: AbortSignal.abort(reason) });
    await assert.rejects(stopped, (error) => error === reason);
  });
}
