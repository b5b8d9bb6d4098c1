import { size } from "@aml/kit/runs";
import type { DataLakeFileSystemClient, Path } from "@azure/storage-file-datalake";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startGen2, type Gen2Server } from "./gen2-server.ts";

let gen2: Gen2Server;
let fs: DataLakeFileSystemClient;

beforeAll(async () => {
  gen2 = await startGen2({ pageSize: 50 });
});
afterAll(() => gen2.close());
beforeEach(async () => {
  fs = gen2.client.getFileSystemClient(`t-${crypto.randomUUID()}`);
  await fs.create({ metadata: { owner: "me" } });
});

async function put(path: string, text: string): Promise<void> {
  await fs.getFileClient(path).upload(Buffer.from(text));
}

async function text(path: string): Promise<string> {
  return (await fs.getFileClient(path).readToBuffer()).toString();
}

async function list(options: Parameters<typeof fs.listPaths>[0]): Promise<Path[]> {
  const items: Path[] = [];
  for await (const item of fs.listPaths(options)) items.push(item);
  return items;
}

const code = (error: unknown): string | undefined => {
  const { code: own, details } = error as { code?: string; details?: { errorCode?: string } };
  return own ?? details?.errorCode;
};

async function refused(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(() => "nothing", code);
}

describe("file systems", () => {
  test("create, list, properties, delete", async () => {
    const name = fs.name;
    expect((await fs.getProperties()).metadata).toEqual({ owner: "me" });
    expect(await refused(fs.create())).toMatch(/AlreadyExists/);
    const names: string[] = [];
    for await (const item of gen2.client.listFileSystems({ prefix: name })) names.push(item.name);
    expect(names).toEqual([name]);
    await fs.setMetadata({ a: "b" });
    expect((await fs.getProperties()).metadata).toEqual({ a: "b" });
    await fs.delete();
    expect(await fs.exists()).toBe(false);
    expect(await refused(list({ recursive: true }))).toBe("FilesystemNotFound");
  });
});

describe("files", () => {
  test("appends in any order, and a flush that joins them", async () => {
    const file = fs.getFileClient("a/b/c.txt");
    await file.create({ pathHttpHeaders: { contentType: "text/csv" }, metadata: { k: "v" } });
    await Promise.all([file.append("world", 6, 5), file.append("hello ", 0, 6), file.append("!", 11, 1)]);
    expect((await file.getProperties()).contentLength).toBe(0);
    expect(await refused(file.flush(11 + 2))).toBe("InvalidFlushPosition");
    const { etag } = await file.flush(12);
    const properties = await file.getProperties();
    expect(properties).toMatchObject({
      contentLength: 12,
      contentType: "text/csv",
      metadata: { k: "v" },
      etag,
    });
    expect(await text("a/b/c.txt")).toBe("hello world!");
    await file.append(" more", 12, 5, { flush: true });
    expect(await text("a/b/c.txt")).toBe("hello world! more");
    expect(await refused(file.flush(3))).toBe("InvalidFlushPosition");
  });

  test("what a flush leaves out is dropped; to retain it is not supported", async () => {
    const file = fs.getFileClient("r");
    await file.create();
    await file.append("one", 0, 3);
    await file.append("two", 3, 3);
    expect(await refused(file.flush(3, { retainUncommittedData: true }))).toBe("UnsupportedQueryParameter");
    await file.flush(3);
    expect(await text("r")).toBe("one");
    expect(await refused(file.flush(6))).toBe("InvalidFlushPosition");
  });

  test("a large file in parallel, and ranges of it", async () => {
    const bytes = Buffer.alloc(size(20_000_000, 8_000_000));
    for (let at = 0; at < bytes.length; at += 1) bytes[at] = at % 251;
    const file = fs.getFileClient("big");
    await file.upload(bytes, { chunkSize: 3_000_000, maxConcurrency: 4 });
    expect((await file.readToBuffer()).equals(bytes)).toBe(true);
    expect((await file.readToBuffer(5_000_001, 10)).equals(bytes.subarray(5_000_001, 5_000_011))).toBe(true);
  });

  test("create replaces, or refuses", async () => {
    await put("a.txt", "one");
    const file = fs.getFileClient("a.txt");
    expect(await refused(file.create({ conditions: { ifNoneMatch: "*" } }))).toBe("PathAlreadyExists");
    expect(await file.createIfNotExists()).toMatchObject({ succeeded: false });
    expect(await refused(file.create({ conditions: { ifMatch: '"0x1"' } }))).toBe("ConditionNotMet");
    await file.create();
    expect(await text("a.txt")).toBe("");
    expect(await refused(fs.getFileClient("a.txt/b").create())).toBe("PathConflict");
    expect(await refused(fs.getDirectoryClient("a.txt").create())).toBe("PathConflict");
    await fs.getDirectoryClient("d").create();
    expect(await refused(fs.getFileClient("d").create())).toBe("PathConflict");
  });

  test("append conditions: no file, a directory, what the blob surface wrote", async () => {
    expect(await refused(fs.getFileClient("no").append("x", 0, 1))).toBe("PathNotFound");
    await fs.getDirectoryClient("d").create();
    expect(await refused(fs.getFileClient("d").append("x", 0, 1))).toBe("PathConflict");
  });

  test("headers, metadata, leases", async () => {
    await put("a", "x");
    const file = fs.getFileClient("a");
    await file.setHttpHeaders({ contentType: "image/png" });
    await file.setMetadata({ m: "1" });
    expect(await file.getProperties()).toMatchObject({ contentType: "image/png", metadata: { m: "1" } });
    const lease = file.getDataLakeLeaseClient();
    await lease.acquireLease(15);
    expect(await refused(file.delete())).toBe("LeaseIdMissing");
    await lease.releaseLease();
    await file.delete();
    expect(await file.exists()).toBe(false);
    expect(await refused(file.delete())).toBe("PathNotFound");
  });
});

describe("directories", () => {
  test("exist by themselves, and with their files", async () => {
    await fs.getDirectoryClient("empty/deep").create();
    expect(await fs.getDirectoryClient("empty").exists()).toBe(true);
    expect(await fs.getDirectoryClient("empty").getProperties()).toMatchObject({
      contentLength: 0,
      metadata: { hdi_isfolder: "true" },
    });
    await put("made/by/file.txt", "x");
    await fs.getFileClient("made/by/file.txt").delete();
    expect(await fs.getDirectoryClient("made/by").exists()).toBe(true);
    expect(await refused(fs.getDirectoryClient("made").delete(false))).toBe("DirectoryNotEmpty");
    await fs.getDirectoryClient("made").delete(true);
    expect(await fs.getDirectoryClient("made").exists()).toBe(false);
    await fs.getDirectoryClient("empty/deep").delete();
    expect((await list({ recursive: true })).map(({ name }) => name)).toEqual(["empty"]);
  });

  test("are listed in a tree's order, by pages", async () => {
    const names = [
      "A/dat1",
      "A-B/dat2",
      "A-B-C",
      "A-C",
      "A.C/dat3",
      "AB/AB",
      "AB/dat4",
      "AB.txt",
      "ABC",
      "é😀/x",
    ];
    for (const name of names) await put(name, "123");
    const all = await list({ recursive: true });
    expect(all.map(({ name }) => name)).toEqual([
      "A",
      "A/dat1",
      "A-B",
      "A-B/dat2",
      "A-B-C",
      "A-C",
      "A.C",
      "A.C/dat3",
      "AB",
      "AB/AB",
      "AB/dat4",
      "AB.txt",
      "ABC",
      "é😀",
      "é😀/x",
    ]);
    expect(all[1]).toMatchObject({
      contentLength: 3,
      permissions: { owner: { read: true, write: true, execute: false } },
    });
    expect(all[0]).toMatchObject({ isDirectory: true });
    expect(all[1]?.isDirectory).toBeFalsy();
    for (const maxPageSize of [1, 2, 7]) {
      const pages: string[][] = [];
      for await (const { pathItems } of fs.listPaths({ recursive: true }).byPage({ maxPageSize })) {
        pages.push((pathItems ?? []).map(({ name }) => name ?? ""));
      }
      expect(pages.flat()).toEqual(all.map(({ name }) => name));
      expect(Math.max(...pages.map(({ length }) => length))).toBe(maxPageSize);
    }
    expect((await list({ path: "AB", recursive: false })).map(({ name }) => name)).toEqual([
      "AB/AB",
      "AB/dat4",
    ]);
    expect((await list({})).length).toBe(9);
    expect(await refused(list({ path: "no" }))).toBe("PathNotFound");
  });

  test("many paths go in parts", async () => {
    for (let at = 0; at < 60; at += 1) await fs.getDirectoryClient(`many/d${at}`).create();
    expect((await list({ recursive: true })).length).toBe(61);
    await fs.getDirectoryClient("many").delete(true);
    expect(await list({ recursive: true })).toEqual([]);
  });
});

describe("rename", () => {
  const destination = (path: string): [string, string] => [fs.name, path];

  test("keeps content, etag and time; replaces", async () => {
    await put("from.txt", "content");
    await put("to.txt", "old");
    const before = await fs.getFileClient("from.txt").getProperties();
    await fs.getFileClient("from.txt").move(...destination("to.txt"));
    const after = await fs.getFileClient("to.txt").getProperties();
    expect(after).toMatchObject({ etag: before.etag, lastModified: before.lastModified, contentLength: 7 });
    expect(await fs.getFileClient("from.txt").exists()).toBe(false);
    expect(await text("to.txt")).toBe("content");
  });

  test("moves a directory whole", async () => {
    await put("d/a.txt", "1");
    await put("d/e/b.txt", "2");
    await fs.getDirectoryClient("d").move(...destination("moved"));
    expect((await list({ recursive: true })).map(({ name }) => name)).toEqual([
      "moved",
      "moved/a.txt",
      "moved/e",
      "moved/e/b.txt",
    ]);
    expect(await text("moved/e/b.txt")).toBe("2");
  });

  test("refusals", async () => {
    await put("a", "1");
    await put("b", "2");
    await put("d/x", "3");
    await put("e/x", "3");
    const a = fs.getFileClient("a");
    expect(await refused(fs.getFileClient("no").move(...destination("x")))).toBe("SourcePathNotFound");
    expect(await refused(a.move(...destination("no/x")))).toBe("RenameDestinationParentPathNotFound");
    const exclusive = { destinationConditions: { ifNoneMatch: "*" } };
    expect(await refused(a.move(...destination("b"), exclusive))).toBe("PathAlreadyExists");
    expect(await refused(a.move(...destination("b"), { destinationConditions: { ifMatch: '"x"' } }))).toBe(
      "ConditionNotMet",
    );
    expect(await refused(a.move(...destination("b"), { conditions: { ifMatch: '"x"' } }))).toBe(
      "SourceConditionNotMet",
    );
    expect(await refused(a.move(...destination("d")))).toBe("PathConflict");
    expect(await refused(a.move(...destination("b/c")))).toBe("PathConflict");
    const d = fs.getDirectoryClient("d");
    expect(await refused(d.move(...destination("d/y")))).toBe("InvalidRenameSourcePath");
    expect(await refused(d.move(...destination("e")))).toBe("DirectoryNotEmpty");
    expect(await refused(d.move(...destination("a")))).toBe("PathConflict");
    await a.move(...destination("c"), exclusive);
    expect(await text("c")).toBe("1");
  });

  test("into another file system", async () => {
    await put("d/a.txt", "1");
    const other = gen2.client.getFileSystemClient(`t-${crypto.randomUUID()}`);
    await other.create();
    await fs.getDirectoryClient("d").move(other.name, "d2");
    expect((await other.getFileClient("d2/a.txt").readToBuffer()).toString()).toBe("1");
    expect(await list({ recursive: true })).toEqual([]);
  });
});

describe("access control", () => {
  test("defaults, changes, inheritance", async () => {
    const d = fs.getDirectoryClient("d");
    await d.create();
    expect(await d.getAccessControl()).toMatchObject({ owner: "$superuser", group: "$superuser" });
    const entry = {
      accessControlType: "user",
      entityId: "11",
      defaultScope: true,
      permissions: { read: true, write: false, execute: true },
    } as const;
    const { acl } = await d.getAccessControl();
    await d.setAccessControl([...acl, entry], { owner: "me", group: "us" });
    expect(await d.getAccessControl()).toMatchObject({ owner: "me", group: "us" });
    await put("d/f", "x");
    const inherited = await fs.getFileClient("d/f").getAccessControl();
    expect(inherited.acl).toEqual([{ ...entry, defaultScope: false }]);
    await fs.getFileClient("d/f").setPermissions({
      owner: { read: true, write: true, execute: true },
      group: { read: true, write: false, execute: false },
      other: { read: false, write: false, execute: false },
      stickyBit: false,
      extendedAcls: false,
    });
    expect((await fs.getFileClient("d/f").getAccessControl()).permissions).toMatchObject({
      owner: { execute: true },
      extendedAcls: true,
    });
  });

  test("recursive, by batches", async () => {
    await put("d/e/f", "x");
    await put("d/g", "x");
    const acl = {
      accessControlType: "user",
      entityId: "22",
      defaultScope: false,
      permissions: { read: true, write: true, execute: true },
    } as const;
    const result = await fs.getDirectoryClient("d").updateAccessControlRecursive([acl], { batchSize: 1 });
    expect(result.counters).toEqual({
      changedDirectoriesCount: 2,
      changedFilesCount: 2,
      failedChangesCount: 0,
    });
    expect((await fs.getFileClient("d/e/f").getAccessControl()).acl).toContainEqual(acl);
    await fs
      .getDirectoryClient("d")
      .removeAccessControlRecursive([{ accessControlType: "user", entityId: "22", defaultScope: false }]);
    expect((await fs.getFileClient("d/e/f").getAccessControl()).acl).not.toContainEqual(acl);
  });
});
