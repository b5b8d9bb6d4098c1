import { fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { appendFile, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseStorePath, type FileRef, type StorageAdapter } from "@aml/core";
import { memoryStorage } from "@aml/core/memory";
import { local } from "@aml/local";
import fc from "fast-check";
import { afterAll, afterEach, expect, test } from "vitest";
import { mergeRanges, sizeOf, withoutRanges, type ByteRange } from "../src/byte-ranges.ts";
import { createStager, type SparseFile, type Stager, type StagerOptions } from "../src/index.ts";
import { PART_BYTES, planRequests } from "../src/plan-requests.ts";
import { createTransferMeter } from "../src/transfer-meter.ts";

const root = await mkdtemp(join(tmpdir(), "aml-sparse-test-"));
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

const MIB = 2 ** 20;
/** No zeros, so that a hole is not taken for data. */
const content = Buffer.from(randomBytes(12 * MIB).map((byte) => byte | 1));

interface Remote {
  readonly file: FileRef;
  readonly asked: ByteRange[];
}

/** A store in memory that notes the ranges it was asked for. */
async function remote(
  change: (storage: StorageAdapter) => Partial<StorageAdapter> = () => ({}),
  bytes: Uint8Array = content,
): Promise<Remote> {
  const inner = memoryStorage({ uri: `memory://sparse${(count += 1)}`, files: { "a.bin": bytes } });
  const changed: StorageAdapter = { ...inner, ...change(inner) };
  const asked: ByteRange[] = [];
  const storage: StorageAdapter = {
    ...changed,
    read(path, options) {
      const { offset = 0, length = bytes.length - offset } = options?.range ?? {};
      asked.push({ start: offset, end: offset + length });
      return changed.read(path, options);
    },
  };
  const path = parseStorePath("a.bin");
  const file = { uri: `${storage.uri}/a.bin`, relativePath: "a.bin", stat: await inner.stat(path), storage };
  return { file, asked };
}

async function sparse(stager: Stager, file: FileRef): Promise<SparseFile> {
  const staged = await stager.stageSparse(file);
  if (staged === undefined) throw new Error("not sparse");
  return staged;
}

const range = (start: number, length: number): ByteRange => ({ start, end: start + length });
const right = async (file: SparseFile, { start, end }: ByteRange): Promise<boolean> =>
  Buffer.from(await file.read({ start, end })).equals(content.subarray(start, end));
const taken = async (path: string): Promise<number> => (await stat(path)).blocks * 512;

test("only what is asked for is fetched and takes room; the file has its length", async () => {
  const { file, asked } = await remote();
  const one = await sparse(newStager(), file);
  const ranges = [range(content.length - 70_000, 70_000), range(5 * MIB, 100_000), range(10, 1000)];
  expect(await one.missing(ranges)).toBe(171_000);
  expect(await one.fetch(ranges)).toBe(171_000);
  expect(asked).toEqual(ranges.toReversed());
  expect((await stat(one.localPath)).size).toBe(content.length);
  expect(await taken(one.localPath)).toBeLessThan(300_000);
  for (const each of ranges) expect(await right(one, each)).toBe(true);
  expect(await one.read(range(2 * MIB, 4))).toEqual(new Uint8Array(4));
  expect(await one.fetch(ranges)).toBe(0);
  expect(await one.fetch([range(5 * MIB - 50, 100)])).toBe(50);
  expect(asked.slice(3)).toEqual([range(5 * MIB - 50, 50)]);
});

test("what lies between is fetched when it is little, and not kept", async () => {
  const { file, asked } = await remote();
  const one = await sparse(newStager(), file);
  await one.fetch([range(1000, 500), range(5000, 500)]);
  expect(asked).toEqual([{ start: 1000, end: 5500 }]);
  expect(await one.read(range(1500, 3500))).toEqual(new Uint8Array(3500));
  expect(await one.missing([range(1000, 4500)])).toBe(3500);
});

test("a large range is cut into requests", async () => {
  const { file, asked } = await remote();
  const one = await sparse(newStager(), file);
  expect(await one.fetch([range(MIB, 7 * MIB)])).toBe(7 * MIB);
  expect(asked.map(({ start, end }) => end - start)).toEqual([PART_BYTES, 2 * MIB]);
  expect(await right(one, range(MIB, 7 * MIB))).toBe(true);
});

test("a file of which most is wanted is staged whole in its place, and serves as such", async () => {
  const { file, asked } = await remote();
  const stager = newStager();
  const one = await sparse(stager, file);
  await one.fetch([range(0, 100)]);
  const before = await open(one.localPath);
  expect(await one.fetch([range(0, 8 * MIB)])).toBe(8 * MIB - 100);
  const parts = [0, PART_BYTES, 2 * PART_BYTES, content.length];
  expect(asked.slice(1)).toEqual(parts.slice(1).map((end, at) => ({ start: parts[at], end })));
  expect((await readFile(one.localPath)).equals(content)).toBe(true);
  // Who has it open reads on.
  expect((await before.read(Buffer.alloc(100), 0, 100, 0)).buffer.equals(content.subarray(0, 100))).toBe(
    true,
  );
  await before.close();
  expect(await one.missing([range(0, content.length)])).toBe(0);
  expect(await right(one, range(9 * MIB, 1000))).toBe(true);
  await one.release();
  expect(await stager.stageSparse(file)).toBeUndefined();
  expect((await readFile((await stager.stage(file)).localPath)).equals(content)).toBe(true);
  expect(asked).toHaveLength(4);
  for (const session of await readdir(join(stager.folder, "sessions"))) {
    expect(await readdir(join(stager.folder, "sessions", session))).toHaveLength(1);
  }
});

test("tables of one process and of later ones share what is there", async () => {
  const { file, asked } = await remote();
  const stager = newStager();
  const [a, b] = await Promise.all([sparse(stager, file), sparse(stager, file)]);
  expect(b.localPath).toBe(a.localPath);
  const wanted = [range(MIB, 1000), range(3 * MIB, 1000)];
  const brought = await Promise.all([a.fetch(wanted), b.fetch(wanted)]);
  expect(brought.toSorted((x, y) => x - y)).toEqual([0, 2000]);
  await a.release();
  await a.release();
  expect(await right(b, range(MIB, 1000))).toBe(true);
  await b.release();
  const other = await sparse(newStager({ folder: stager.folder }), file);
  expect(await other.missing(wanted)).toBe(0);
  expect(await right(other, range(3 * MIB, 1000))).toBe(true);
  expect(await other.fetch([...wanted, range(6 * MIB, 10)])).toBe(10);
  expect(asked).toHaveLength(3);
});

test("what another process is said to have written is checked", async () => {
  const { file, asked } = await remote();
  const stager = newStager();
  const one = await sparse(stager, file);
  await one.fetch([range(MIB, 1000), range(3 * MIB, 1000)]);
  const damaged = await open(one.localPath, "r+");
  await damaged.write(new Uint8Array(10), 0, 10, 3 * MIB + 500);
  await damaged.close();
  const journal = (await readdir(join(stager.folder, "objects"))).find((name) => name.endsWith(".ranges"));
  const path = join(stager.folder, "objects", journal ?? "");
  await appendFile(path, `\n${4 * MIB} ${4 * MIB + 64} 00000000;\n5 ${content.length + 5} 00000000;\n7 8`);
  const other = await sparse(newStager({ folder: stager.folder }), file);
  expect(await other.missing([range(MIB, 1000)])).toBe(0);
  expect(await other.missing([range(3 * MIB, 1000)])).toBe(1000);
  expect(await other.missing([range(0, content.length)])).toBe(content.length - 1000);
  await other.fetch([range(3 * MIB, 1000), range(4 * MIB, 64)]);
  expect(await right(other, range(3 * MIB, 1000))).toBe(true);
  expect(await right(other, range(4 * MIB, 64))).toBe(true);
  expect(asked).toHaveLength(4);
  // Behind the line that was cut off, the journal is read again.
  const third = await sparse(newStager({ folder: stager.folder }), file);
  expect(await third.missing([range(3 * MIB, 1000), range(4 * MIB, 64)])).toBe(0);
});

test("another version is another file; one that changes meanwhile is refused", async () => {
  const { file } = await remote();
  const stager = newStager();
  const one = await sparse(stager, file);
  await one.fetch([range(MIB, 1000)]);
  const next = Buffer.from(content).fill(7, MIB, MIB + 10);
  await file.storage.write?.(file.stat.path, new Blob([next]).stream());
  await expect(one.fetch([range(2 * MIB, 1000)])).rejects.toMatchObject({ code: "precondition_failed" });
  const listed = { ...file, stat: await file.storage.stat(file.stat.path) };
  const other = await sparse(stager, listed);
  expect(await other.fetch([range(MIB, 1000)])).toBe(1000);
  expect(Buffer.from(await other.read(range(MIB, 12)))).toEqual(next.subarray(MIB, MIB + 12));
});

test("a range that is cut, or too long, is an error, and does not count", async () => {
  let by = -5;
  const { file, asked } = await remote((inner) => ({
    read: (path, options) => {
      const { offset = 0, length = 0 } = options?.range ?? {};
      const isBad = offset === 2 * MIB;
      return inner.read(path, { ...options, range: { offset, length: isBad ? length + by : length } });
    },
  }));
  const one = await sparse(newStager(), file);
  const wanted = [range(MIB, 1000), range(2 * MIB, 1000)];
  for (by of [-5, 5, -1000]) {
    await expect(one.fetch(wanted)).rejects.toMatchObject({
      code: "unavailable",
      context: { uri: file.uri },
    });
    expect(await one.missing([range(2 * MIB, 1000)])).toBe(1000);
    expect(await one.read(range(2 * MIB, 64))).toEqual(new Uint8Array(64));
  }
  by = 0;
  await one.fetch(wanted);
  expect(await right(one, range(2 * MIB, 1000))).toBe(true);
  expect(asked.filter(({ start }) => start === MIB).length).toBeLessThan(4);
});

test("a range of which a request failed has no beginning", async () => {
  const { file } = await remote((inner) => ({
    read: (path, options) =>
      options?.range?.offset === MIB + PART_BYTES
        ? Promise.reject(new Error("no"))
        : inner.read(path, options),
  }));
  const one = await sparse(newStager(), file);
  await expect(one.fetch([range(MIB, 7 * MIB)])).rejects.toThrow("no");
  expect(await one.read(range(MIB, 64))).toEqual(new Uint8Array(64));
  expect(await one.missing([range(MIB, 7 * MIB)])).toBe(7 * MIB);
});

test("an abort ends a fetch, and not that of another", async () => {
  let go = (): void => undefined;
  const held = new Promise<void>((resolve) => (go = resolve));
  const { file } = await remote((inner) => ({
    read: async (path, options) => {
      await held;
      options?.signal?.throwIfAborted();
      return inner.read(path, options);
    },
  }));
  const stager = newStager();
  const [a, b] = [await sparse(stager, file), await sparse(stager, file)];
  const controller = new AbortController();
  const first = a.fetch([range(MIB, 1000)], { signal: controller.signal });
  const second = b.fetch([range(MIB, 1000)]);
  const reason = new Error("enough");
  controller.abort(reason);
  go();
  await expect(first).rejects.toBe(reason);
  expect(await second).toBe(1000);
  expect(await right(b, range(MIB, 1000))).toBe(true);
  await a.release();
  const late = expect(b.fetch([range(8 * MIB, 1000)])).rejects.toMatchObject({ code: "internal" });
  await b.release();
  await late;
});

test("files that are staged whole instead", async () => {
  const { file } = await remote();
  const stager = newStager();
  const { etag: _, ...unpinned } = file.stat;
  expect(await stager.stageSparse({ ...file, stat: unpinned })).toBeUndefined();
  const small = await remote(undefined, content.subarray(0, MIB));
  expect(await stager.stageSparse(small.file)).toBeUndefined();
  await writeFile(join(root, "a.bin"), content);
  const storage = local.open({ options: { path: root }, credential: { kind: "anonymous" } });
  const found = await storage.stat(parseStorePath("a.bin"));
  expect(
    await stager.stageSparse({ uri: `${storage.uri}/a.bin`, relativePath: "a.bin", stat: found, storage }),
  ).toBeUndefined();
  const whole = await stager.stage(file);
  expect(await stager.stageSparse(file)).toBeUndefined();
  await whole.release();
  expect(await stager.stageSparse(file)).toBeUndefined();
});

test("the cache is bounded by what is stored, and evicts files with their journals", async () => {
  const stager = newStager({ maxBytes: 4 * MIB });
  const made = await Promise.all([remote(), remote(), remote()]);
  const [a, b, c] = await Promise.all(made.map(({ file }) => sparse(stager, file)));
  await a?.fetch([range(0, 1.5 * MIB)]);
  await a?.release();
  await b?.fetch([range(0, 1.5 * MIB)]);
  await expect(b?.fetch([range(4 * MIB, 3 * MIB)])).rejects.toMatchObject({
    code: "resource_exhausted",
    context: { neededBytes: 3 * MIB, maxBytes: 4 * MIB },
  });
  const objects = (): Promise<string[]> => readdir(join(stager.folder, "objects"));
  expect(await objects()).toHaveLength(4);
  await c?.fetch([range(0, 2 * MIB)]);
  expect(await b?.missing([range(0, 1.5 * MIB)])).toBe(0);
  await b?.release();
  await c?.release();
  await stager.clean();
  expect(await objects()).toEqual([]);
});

test("two processes fill one file, one of them killed in the middle", async () => {
  const stager = newStager();
  const { file, asked } = await remote();
  const one = await sparse(stager, file);
  const child = fork(
    join(import.meta.dirname, "sparse-child.ts"),
    [stager.folder, file.uri, file.storage.uri],
    {
      execArgv: ["--conditions=@aml/source"],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    },
  );
  child.send({ etag: file.stat.etag, content: content.toString("base64") });
  await new Promise((resolve) => child.once("message", resolve));
  await one.fetch(Array.from({ length: 4 }, (_, at) => range((at + 7) * MIB, MIB)));
  const ended = new Promise((resolve) => child.once("exit", (_, signal) => resolve(signal)));
  child.kill("SIGKILL");
  expect(await ended).toBe("SIGKILL");
  const before = sizeOf(asked);
  const all = Array.from({ length: 12 }, (_, at) => range(at * MIB, MIB));
  const missing = await one.missing(all);
  // The child told that its first range is there, and then hung in its second.
  expect(missing).toBe(7 * MIB);
  await one.fetch(all);
  expect(sizeOf(asked) - before).toBe(missing);
  expect((await readFile(one.localPath)).equals(content)).toBe(true);
});

const byteRanges = (most: number): fc.Arbitrary<ByteRange[]> =>
  fc.array(
    fc.tuple(fc.nat(most), fc.nat(most)).map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) })),
  );
const bytesOf = (ranges: readonly ByteRange[]): Set<number> =>
  new Set(ranges.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, at) => start + at)));

test("ranges are sets of bytes", () => {
  fc.assert(
    fc.property(byteRanges(60), fc.nat(60), fc.nat(60), (ranges, a, b) => {
      const merged = mergeRanges(ranges);
      expect(bytesOf(merged)).toEqual(bytesOf(ranges));
      expect(sizeOf(merged)).toBe(bytesOf(ranges).size);
      for (const [at, one] of merged.entries()) {
        if (at > 0) expect(one.start).toBeGreaterThan(merged[at - 1]?.end ?? 0);
      }
      const one = { start: Math.min(a, b), end: Math.max(a, b) };
      const rest = withoutRanges(one, merged);
      const all = bytesOf(ranges);
      expect([...bytesOf(rest)]).toEqual([...bytesOf([one])].filter((byte) => !all.has(byte)));
    }),
  );
});

test("requests have each byte of the pieces once, gaps within their bound, and no more than their size", () => {
  const sizes = fc.array(fc.tuple(fc.nat(3 * PART_BYTES), fc.integer({ min: 1, max: 2 * PART_BYTES })), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(sizes, fc.nat(MIB), (pairs, gap) => {
      let at = 0;
      const pieces = pairs.map(([skip, size]) => {
        const start = at + skip;
        return { start, end: (at = start + size) };
      });
      const requests = [...planRequests(pieces.toReversed(), () => gap)];
      const parts = requests.flatMap((request) => request.parts);
      expect(sizeOf(parts)).toBe(sizeOf(pieces));
      expect(mergeRanges(parts)).toEqual(mergeRanges(pieces));
      for (const { start, end, parts: own } of requests) {
        expect(end - start).toBeLessThanOrEqual(PART_BYTES);
        expect([own[0]?.start, own.at(-1)?.end]).toEqual([start, end]);
        for (const [index, part] of own.entries()) {
          if (index > 0) expect(part.start - (own[index - 1]?.end ?? 0)).toBeLessThanOrEqual(gap);
        }
      }
      for (const [index, piece] of pieces.toReversed().entries()) {
        expect(mergeRanges(parts.filter((part) => part.piece === index))).toEqual([piece]);
      }
    }),
  );
});

test("gaps grow with the time that a request takes", () => {
  let clock = 0;
  const meter = createTransferMeter(() => clock);
  const transfer = (bytes: number, ms: number, waitedMs: number, atOnce = 1): void => {
    for (let at = 0; at < atOnce; at += 1) meter.began(waitedMs);
    for (let step = 0; step < 100; step += 1) {
      clock += ms / 100;
      for (let at = 0; at < atOnce; at += 1) meter.came(bytes / atOnce / 100);
    }
    for (let at = 0; at < atOnce; at += 1) meter.ended();
  };
  expect(meter.gapFor(1000)).toBe(16 * 1024);
  transfer(1000, 1, 25);
  expect(meter.gapFor(1000)).toBe(78_125);
  expect(meter.gapFor(32)).toBe(16 * 1024);
  // How long nothing comes says nothing of how fast bytes do.
  clock += 10_000;
  transfer(100 * MIB, 200, 25, 10);
  expect(meter.gapFor(1000)).toBeGreaterThan(400_000);
  for (let at = 0; at < 20; at += 1) transfer(1000 * MIB, 50, 25, 3);
  expect(meter.gapFor(1000)).toBe(4 * MIB);
  for (let at = 0; at < 40; at += 1) transfer(100 * MIB, 200, 1);
  expect(meter.gapFor(1000)).toBeLessThan(50_000);
});

test("what the first requests tell counts for the ones behind them", async () => {
  const pieces = Array.from({ length: 100 }, (_, at) => range(at * 100_000, 10_000));
  let gap = 0;
  const lengths: number[] = [];
  for (const { start, end } of planRequests(pieces, () => gap)) {
    lengths.push(end - start);
    if (lengths.length === 20) gap = 90_000;
  }
  expect(lengths).toEqual([...Array.from({ length: 20 }, () => 10_000), 5_210_000, 2_610_000]);
});

test("small gaps everywhere: the file comes whole; large ones: the ranges alone", async () => {
  const { file, asked } = await remote();
  const one = await sparse(newStager(), file);
  const wanted = Array.from({ length: 96 }, (_, at) => range(at * 131_072, 120_000 * (at % 2)));
  await one.fetch(wanted.filter(({ start, end }) => end > start));
  expect(sizeOf(asked)).toBeLessThan(0.6 * content.length);
  const dense = await remote();
  const other = await sparse(newStager(), dense.file);
  // Gaps of 8 KiB cost less than a request, though less than 60 % is wanted.
  await other.fetch(Array.from({ length: 600 }, (_, at) => range(at * 20_480, 12_288)));
  expect(await other.missing([range(0, content.length)])).toBe(0);
});
