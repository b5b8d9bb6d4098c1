import { mkdtemp, rm } from "node:fs/promises";
import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import type { FileTree } from "../../src/file-tree/file-tree.ts";
import { openFileTree, type FileTreeOptions } from "../../src/file-tree/open-file-tree.ts";

const GiB = 1024 ** 3;
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

function fresh(options?: FileTreeOptions): FileTree {
  const tree = openFileTree(options);
  onTestFinished(() => tree.close());
  return tree;
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "aml-file-tree-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

test("five GiB of zeros cost nothing, and bytes may lie anywhere in them", () => {
  const tree = fresh();
  tree.createFile("big", { size: 5 * GiB });
  tree.write("big", 3 * GiB - 2, encode("four"));
  expect(tree.stat("big")?.size).toBe(5 * GiB);
  expect(tree.ranges("big")).toEqual([{ offset: 3 * GiB - 2, length: 4 }]);
  expect(new TextDecoder().decode(tree.readBytes("big", { offset: 3 * GiB - 3, length: 6 }))).toBe(
    "\0four\0",
  );
  tree.resize("big", 3 * GiB);
  tree.resize("big", 4 * GiB);
  expect(new TextDecoder().decode(tree.readBytes("big", { offset: 3 * GiB - 3, length: 6 }))).toBe(
    "\0fo\0\0\0",
  );
  tree.clear("big", 0, 4 * GiB);
  expect(tree.ranges("big")).toEqual([]);
});

test("etag, times and metadata", () => {
  let time = Date.UTC(2026, 0, 1);
  const tree = fresh({ now: () => (time += 1000) });
  const made = tree.createFile("a", { metadata: { owner: "x", tags: [1, null] } });
  expect(made.metadata).toEqual({ owner: "x", tags: [1, null] });
  expect(made.etag).toMatch(/^0x8D[0-9A-F]{13}$/);
  const written = tree.append("a", encode("x"));
  expect(written.id).toBe(made.id);
  expect(written.etag).not.toBe(made.etag);
  expect(written.createdAt).toEqual(made.createdAt);
  expect(written.modifiedAt.getTime()).toBeGreaterThan(made.modifiedAt.getTime());
  const moved = tree.move("a", "b");
  expect(moved).toEqual({ ...written, path: "b", name: "b" });
  const updated = tree.update("b", { metadata: {}, createdAt: new Date(5), modifiedAt: new Date(6) });
  expect(updated).toMatchObject({ metadata: {}, createdAt: new Date(5), modifiedAt: new Date(6), size: 1 });
  expect(updated.etag).not.toBe(moved.etag);
  const again = tree.createFile("b", { replace: true });
  expect(again.id).not.toBe(made.id);
  expect(again).toMatchObject({ size: 0, metadata: {} });
});

test("without regard to case, names keep the spelling they were created with", () => {
  const tree = fresh({ caseSensitive: false });
  tree.createDirectory("Straße");
  tree.createFile("Straße/Ünder.TXT", { size: 3 });
  expect(tree.stat("STRAßE/ünder.txt")?.path).toBe("Straße/Ünder.TXT");
  expect(() => tree.createFile("straße/ünder.txt")).toThrow("exists");
  expect(tree.move("straße/ÜNDER.txt", "straße/under.txt").path).toBe("Straße/under.txt");
  expect(tree.move("straße/under.txt", "straße/UNDER.txt").path).toBe("Straße/UNDER.txt");
  expect(tree.list("STRAßE", { prefix: "und" }).nodes.map(({ name }) => name)).toEqual(["UNDER.txt"]);
  expect(tree.list("", { after: "STRAßE" }).nodes).toEqual([]);
});

test("names: any length and alphabet, but none that means something else", () => {
  const tree = fresh();
  const long = "n".repeat(5000);
  for (const name of [long, " ", "a b ", "%2F", "…", "'\"`;--", "e\u0301", "\u00e9", "C:\\x", "..."]) {
    tree.createFile(name);
    expect(tree.stat(name)?.name).toBe(name);
  }
  for (const path of ["/a", "a/", "a//b", ".", "..", "a/../b", "a\0b", "\ud800", "\udc00x"]) {
    expect(() => tree.createFile(path, { parents: true }), path).toThrow("path_invalid");
  }
  expect(() => tree.delete("", { recursive: true })).toThrow("path_invalid");
  expect(() => tree.move("", "x")).toThrow("path_invalid");
  expect(() => tree.write(" ", -1, new Uint8Array())).toThrow(RangeError);
});

test("a reader of a replaced or deleted file sees it to its end; the space is free afterwards", async () => {
  const at = await folder();
  const tree = fresh({ folder: at });
  tree.createFile("a");
  tree.write("a", 0, new Uint8Array(200_000).fill(1));
  const reader = tree.read("a", { offset: 1 }).getReader();
  const cancelled = tree.read("a");
  const first = await reader.read();
  expect(first.value?.byteLength).toBe(65_535);
  tree.createFile("a", { replace: true });
  tree.append("a", encode("new"));
  tree.delete("a");
  let total = first.value?.byteLength ?? 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    expect(next.value.every((byte) => byte === 1)).toBe(true);
    total += next.value.byteLength;
  }
  expect(total).toBe(199_999);
  await cancelled.cancel();
  tree.close();
  using database = new DatabaseSync(join(at, "files.db"));
  expect(database.prepare("SELECT count(*) AS count FROM chunk").get()).toEqual({ count: 0 });
});

test("a reader of a file that is cut short fails, rather than to give zeros", async () => {
  const tree = fresh();
  tree.createFile("a", { size: 200_000 });
  const reader = tree.read("a").getReader();
  await reader.read();
  tree.resize("a", 100);
  await expect(reader.read()).rejects.toThrow("was cut while it was read");
});

test("what throws inside a transaction undoes its own part, and all of it when it is not caught", () => {
  const tree = fresh();
  tree.transaction(() => {
    tree.createFile("a");
    expect(() =>
      tree.transaction(() => {
        tree.createFile("b");
        throw new Error("no");
      }),
    ).toThrow("no");
  });
  expect(tree.list("").nodes.map(({ name }) => name)).toEqual(["a"]);
  expect(() =>
    tree.transaction(() => {
      tree.delete("a");
      tree.createFile("x/y", { parents: true });
      throw new Error("no");
    }),
  ).toThrow("no");
  expect(tree.list("").nodes.map(({ name }) => name)).toEqual(["a"]);
});

test("a folder keeps the tree, for one process at a time and one sense of case", async () => {
  const at = join(await folder(), "new");
  const first = openFileTree({ folder: at });
  first.createFile("d/f", { parents: true });
  const { etag } = first.write("d/f", 70_000, encode("end"));
  expect(() => openFileTree({ folder: at })).toThrow(/locked/);
  first.close();
  expect(() => openFileTree({ folder: at, caseSensitive: false })).toThrow(/case/);
  using second = openFileTree({ folder: at });
  expect(second.stat("d/f")).toMatchObject({ size: 70_003, etag });
  expect(new TextDecoder().decode(second.readBytes("d/f", { offset: 70_000 }))).toBe("end");
});

test("a process that is killed leaves whole transactions, and says nothing of SQLite", async () => {
  const at = await folder();
  const script = `
    import { openFileTree } from ${JSON.stringify(new URL("../../src/file-tree/open-file-tree.ts", import.meta.url).href)};
    const tree = openFileTree({ folder: ${JSON.stringify(at)} });
    tree.createFile("kept", { size: 5 });
    tree.read("kept");
    tree.createFile("kept", { replace: true });
    tree.transaction(() => { tree.createFile("lost"); process.kill(process.pid, "SIGKILL"); });
  `;
  const run = promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
  await expect(run).rejects.toMatchObject({ signal: "SIGKILL", stderr: "" });
  using tree = openFileTree({ folder: at });
  expect(tree.list("").nodes.map(({ name, size }) => [name, size])).toEqual([["kept", 0]]);
});
