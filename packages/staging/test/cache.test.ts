import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseStorePath, type FileRef } from "@aml/core";
import { memoryStorage } from "@aml/core/memory";
import { local } from "@aml/local";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { createStager, transcode, type Stager, type StagerOptions } from "../src/index.ts";
import type { ChildTask } from "./cache-child.ts";

const root = await mkdtemp(join(tmpdir(), "aml-cache-test-"));
const stagers: Stager[] = [];
const children: ChildProcess[] = [];
let count = 0;
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  for (const stager of stagers.splice(0)) await stager[Symbol.asyncDispose]();
});
afterAll(() => rm(root, { recursive: true, force: true }));

const newFolder = (): string => join(root, String((count += 1)));

function newStager(options: Partial<StagerOptions> = {}): Stager {
  const stager = createStager({ folder: newFolder(), ...options });
  stagers.push(stager);
  return stager;
}

interface Store {
  readonly file: (name: string) => FileRef;
  /** Names of the files that were read. */
  readonly reads: string[];
}

async function store(files: Readonly<Record<string, string | Uint8Array>>): Promise<Store> {
  const inner = memoryStorage({ uri: `memory://cache${(count += 1)}`, files });
  const reads: string[] = [];
  const storage: typeof inner = {
    ...inner,
    read(path, options) {
      reads.push(path);
      return inner.read(path, options);
    },
  };
  const refs = new Map<string, FileRef>();
  for (const name of Object.keys(files)) {
    const found = await inner.stat(parseStorePath(name));
    refs.set(name, { uri: `${storage.uri}/${name}`, relativePath: name, stat: found, storage });
  }
  return { reads, file: (name) => refs.get(name) as FileRef };
}

/** Stages a file, looks at it, and lets it go. */
async function content(stager: Stager, file: FileRef): Promise<string> {
  const staged = await stager.stage(file);
  try {
    return await readFile(staged.localPath, "utf8");
  } finally {
    await staged.release();
  }
}

const entries = async (folder: string): Promise<string[]> =>
  readdir(folder, { recursive: true, withFileTypes: true }).then((found) =>
    found.filter((entry) => entry.isFile()).map(({ name }) => name),
  );

async function keptBytes(folder: string): Promise<number> {
  let sum = 0;
  for (const name of await readdir(join(folder, "objects"))) {
    sum += (await stat(join(folder, "objects", name))).size;
  }
  return sum;
}

describe("what is kept", () => {
  test("files that were not used for longest go first, however long they are there", async () => {
    const names = ["a", "b", "c", "d", "e"];
    const { file, reads } = await store(Object.fromEntries(names.map((name) => [name, name.repeat(10)])));
    const stager = newStager({ maxBytes: 30 });
    for (const name of ["a", "b", "c", "a", "d", "c", "e"]) {
      expect(await content(stager, file(name))).toBe(name.repeat(10));
      expect(await keptBytes(stager.folder)).toBeLessThanOrEqual(30);
      // Times of files are told apart by milliseconds.
      await wait(5);
    }
    // d pushed b out, e pushed a out.
    expect(reads.splice(0)).toEqual(["a", "b", "c", "d", "e"]);
    for (const name of ["c", "d", "e"]) await content(stager, file(name));
    expect(reads.splice(0)).toEqual([]);
    for (const name of ["b", "a"]) await content(stager, file(name));
    expect(reads).toEqual(["b", "a"]);
  });

  test("another version is another file, and the old one is not given for it", async () => {
    const { file } = await store({ a: "old" });
    const stager = newStager();
    const before = file("a");
    expect(await content(stager, before)).toBe("old");
    const written = await before.storage.write?.(before.stat.path, new Blob(["new"]).stream());
    const after = { ...before, stat: { ...before.stat, etag: written?.etag } };
    expect(await content(stager, after)).toBe("new");
    expect(await content(stager, before)).toBe("old");
  });

  test("a copy that is kept serves for what a transform makes of it", async () => {
    const { file, reads } = await store({ a: Buffer.from("\ufeffé", "utf16le") });
    const stager = newStager();
    await (await stager.stage(file("a"))).release();
    const staged = await stager.stage(file("a"), { transform: transcode("utf16") });
    expect(await readFile(staged.localPath, "utf8")).toBe("é");
    expect(reads).toEqual(["a"]);
  });

  test.each([
    ["as it is", undefined, "a,b\n1,2\n"],
    ["transcoded", transcode("utf16"), Buffer.from("a,b\n1,2\n", "utf16le")],
  ])("a kept file that is cut, as by a power failure, is fetched again: %s", async (_, transform, text) => {
    const { file, reads } = await store({ a: text });
    const folder = newFolder();
    const options = transform === undefined ? {} : { transform };
    const contentOf = async (stager: Stager): Promise<string> => {
      const staged = await stager.stage(file("a"), options);
      const found = await readFile(staged.localPath, "utf8");
      await staged.release();
      return found;
    };
    expect(await contentOf(newStager({ folder }))).toBe("a,b\n1,2\n");
    for (const left of [4, 0]) {
      for (const name of await readdir(join(folder, "objects")))
        await truncate(join(folder, "objects", name), left);
      const offline = newStager({ folder, offline: true });
      expect(await offline.isHere(file("a"), options)).toBe(false);
      await expect(contentOf(offline)).rejects.toMatchObject({ code: "unavailable" });
      reads.splice(0);
      const stager = newStager({ folder });
      expect(await contentOf(stager)).toBe("a,b\n1,2\n");
      expect(reads).toEqual(["a"]);
      expect(await contentOf(stager)).toBe("a,b\n1,2\n");
      expect(reads).toEqual(["a"]);
    }
    await newStager({ folder }).clean();
    expect(await readdir(join(folder, "objects"))).toEqual([]);
  });

  test.each([0, -1, Number.NaN])("maxBytes of %d is refused", (maxBytes) => {
    expect(() => newStager({ maxBytes })).toThrow(expect.objectContaining({ code: "config_invalid" }));
  });
});

describe("processes", () => {
  const start = async (task: ChildTask): Promise<{ child: ChildProcess; told: Promise<unknown[]> }> => {
    const child = fork(fileURLToPath(new URL("cache-child.ts", import.meta.url)), {
      execArgv: ["--conditions=@aml/source"],
    });
    children.push(child);
    const told = once(child, "message");
    child.send(task);
    return { child, told };
  };

  test("one that is killed in mid-download leaves no half file, and nothing behind for the next", async () => {
    const folder = newFolder();
    const files = { a: "0123456789".repeat(10_000) };
    const { child, told } = await start({ folder, files, hang: true });
    expect(await told).toEqual(["half", undefined]);
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
    expect(await readdir(join(folder, "objects"))).toEqual([]);
    expect(await entries(folder)).toHaveLength(1);
    const next = await start({ folder, files });
    expect(await next.told).toMatchObject([{ reads: 1, right: ["a"] }, undefined]);
    expect(await readdir(join(folder, "sessions"))).toHaveLength(1);
    expect(await readdir(join(folder, "objects"))).toHaveLength(1);
    expect(await keptBytes(folder)).toBe(100_000);
  });

  test("two at once give whole files; what one has fetched the next need not", async () => {
    const folder = newFolder();
    const files = Object.fromEntries(
      Array.from({ length: 20 }, (_, at) => [`f${at}`, randomBytes(50_000).toString("hex")]),
    );
    const both = await Promise.all([start({ folder, files }), start({ folder, files })]);
    for (const { told } of both) expect(await told).toMatchObject([{ right: Object.keys(files) }, undefined]);
    const third = await start({ folder, files });
    expect(await third.told).toMatchObject([{ reads: 0, right: Object.keys(files) }, undefined]);
    expect(await readdir(join(folder, "objects"))).toHaveLength(20);
  });

  test("two that evict each other's files still read theirs whole", async () => {
    const folder = newFolder();
    const filesOf = (letter: string): Record<string, string> =>
      Object.fromEntries(
        Array.from({ length: 30 }, (_, at) => [`${letter}${at}`, randomBytes(5000).toString("hex")]),
      );
    const tasks = ["x", "y"].map((letter) => ({ folder, files: filesOf(letter), maxBytes: 60_000 }));
    const both = await Promise.all(tasks.map(start));
    for (const [at, { told }] of both.entries()) {
      expect(await told).toMatchObject([
        { reads: 30, right: Object.keys(tasks[at]?.files ?? {}) },
        undefined,
      ]);
    }
    // Each counts on its own between two looks at what the other has added; the next one looks.
    const { file } = await store({ a: "a" });
    const stager = newStager({ folder, maxBytes: 60_000 });
    await content(stager, file("a"));
    expect(await keptBytes(folder)).toBeLessThanOrEqual(60_000);
  });
});

describe("keep: false", () => {
  test("files are there while they are in use, shared, and then no more", async () => {
    const { file, reads } = await store({ a: "hello" });
    const stager = newStager({ keep: false });
    const [one, two] = await Promise.all([stager.stage(file("a")), stager.stage(file("a"))]);
    await one.release();
    expect(await readFile(two.localPath, "utf8")).toBe("hello");
    expect(await stager.isHere(file("a"))).toBe(true);
    await two.release();
    expect(await entries(stager.folder)).toEqual([]);
    expect(await stager.isHere(file("a"))).toBe(false);
    expect(await content(stager, file("a"))).toBe("hello");
    expect(reads).toHaveLength(2);
  });

  test("what others keep is neither used nor evicted", async () => {
    const { file, reads } = await store({ a: "hello", b: "x".repeat(20) });
    const keeping = newStager();
    await content(keeping, file("a"));
    const stager = newStager({ folder: keeping.folder, keep: false, maxBytes: 20 });
    expect(await content(stager, file("a"))).toBe("hello");
    const staged = await stager.stage(file("b"));
    await expect(stager.stage(file("a"))).rejects.toMatchObject({ code: "resource_exhausted" });
    await staged.release();
    expect(reads).toEqual(["a", "a", "b"]);
    expect(await content(keeping, file("a"))).toBe("hello");
    expect(reads).toHaveLength(3);
  });

  test("ranges of a file, while it is in use", async () => {
    const bytes = randomBytes(3 * 2 ** 20);
    const { file, reads } = await store({ a: bytes });
    const stager = newStager({ keep: false });
    for (let turn = 0; turn < 2; turn += 1) {
      const staged = await stager.stageSparse(file("a"));
      expect(await staged?.fetch([{ start: 0, end: 1000 }])).toBe(1000);
      expect(
        Buffer.from((await staged?.read({ start: 0, end: 1000 })) ?? []).equals(bytes.subarray(0, 1000)),
      ).toBe(true);
      await staged?.release();
      expect(await entries(stager.folder)).toEqual([]);
    }
    expect(reads).toHaveLength(2);
  });
});

describe("offline", () => {
  const big = randomBytes(3 * 2 ** 20);

  test("gives what is kept, of the same version, and asks no store", async () => {
    const { file, reads } = await store({ a: "hello", b: "not read before", c: big });
    const online = newStager();
    await content(online, file("a"));
    const ranges = await online.stageSparse(file("c"));
    await ranges?.fetch([{ start: 0, end: 2 ** 18 }]);
    reads.length = 0;
    const stager = newStager({ folder: online.folder, offline: true });
    expect(await content(stager, file("a"))).toBe("hello");
    const changed = await stager.stage(file("a"), { transform: transcode("utf8") });
    expect(await readFile(changed.localPath, "utf8")).toBe("hello");
    for await (const chunk of stager.readStart(file("c"))) {
      expect(Buffer.from(chunk).equals(big.subarray(0, chunk.length))).toBe(true);
      break;
    }
    const refused = { code: "unavailable", message: expect.stringContaining(file("b").uri) };
    await expect(stager.stage(file("b"))).rejects.toMatchObject(refused);
    await expect(stager.stage(file("b"))).rejects.toMatchObject({
      hint: expect.stringContaining(file("b").uri),
    });
    await expect(stager.stageSparse(file("b"))).rejects.toMatchObject(refused);
    await expect(stager.stage(file("c"))).rejects.toMatchObject({ code: "unavailable" });
    const other = { ...file("a"), stat: { ...file("a").stat, etag: "other" } };
    await expect(stager.stage(other)).rejects.toMatchObject({ code: "unavailable" });
    const rest = await stager.stageSparse(file("c"));
    await expect(rest?.fetch([{ start: 0, end: 2 ** 20 }])).rejects.toMatchObject({ code: "unavailable" });
    expect(reads).toEqual([]);
  });

  test("evicts nothing for what it cannot get; files of this machine are read", async () => {
    const { file } = await store({ a: "a".repeat(10), b: "b".repeat(10) });
    const online = newStager({ maxBytes: 10 });
    await content(online, file("a"));
    const stager = newStager({ folder: online.folder, maxBytes: 10, offline: true });
    await expect(stager.stage(file("b"))).rejects.toMatchObject({ code: "unavailable" });
    expect(await content(stager, file("a"))).toBe("a".repeat(10));
    const storage = local.open({ options: { path: root }, credential: { kind: "anonymous" } });
    await storage.write?.(parseStorePath("here.txt"), new Blob(["é"]).stream());
    const found = await storage.stat(parseStorePath("here.txt"));
    const here = { uri: `${storage.uri}/here.txt`, relativePath: "here.txt", stat: found, storage };
    expect(await content(stager, here)).toBe("é");
    const staged = await stager.stage(here, { transform: transcode("utf8") });
    await staged.release();
  });
});
