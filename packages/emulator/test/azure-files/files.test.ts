import { createHash } from "node:crypto";
import { ShareFileClient, type ShareClient, type ShareDirectoryClient } from "@azure/storage-file-share";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startFiles, type FilesServer } from "./files-server.ts";

const GiB = 1024 ** 3;
let server: FilesServer;
let share: ShareClient;
let root: ShareDirectoryClient;
beforeAll(async () => {
  server = await startFiles();
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(async () => {
  share = await server.share();
  root = share.rootDirectoryClient;
});

async function put(path: string, content: string): Promise<ShareFileClient> {
  const names = path.split("/");
  let directory = root;
  for (const name of names.slice(0, -1)) {
    directory = directory.getDirectoryClient(name);
    await directory.createIfNotExists();
  }
  const file = directory.getFileClient(names.at(-1) ?? "");
  await file.uploadData(Buffer.from(content));
  return file;
}

async function list(directory: ShareDirectoryClient, options = {}, maxPageSize = 2): Promise<string[]> {
  const found: string[] = [];
  for await (const { segment } of directory.listFilesAndDirectories(options).byPage({ maxPageSize })) {
    found.push(...segment.fileItems.map(({ name }) => name));
    found.push(...segment.directoryItems.map(({ name }) => `${name}/`));
  }
  return found;
}

describe("files", () => {
  test("are zeros of a size until ranges of them are written", async () => {
    const file = root.getFileClient("a.bin");
    await file.create(10, { fileHttpHeaders: { fileContentType: "text/csv" }, metadata: { owner: "me" } });
    expect((await file.downloadToBuffer()).equals(Buffer.alloc(10))).toBe(true);
    await Promise.all([file.uploadRange("hel", 2, 3), file.uploadRange("lo", 5, 2)]);
    expect(String(await file.downloadToBuffer())).toBe("\0\0hello\0\0\0");
    expect((await file.getRangeList()).rangeList).toEqual([{ start: 2, end: 6 }]);
    await file.clearRange(3, 2);
    expect((await file.getRangeList()).rangeList).toEqual([
      { start: 2, end: 2 },
      { start: 5, end: 6 },
    ]);
    expect(await file.getProperties()).toMatchObject({
      contentLength: 10,
      contentType: "text/csv",
      metadata: { owner: "me" },
      fileType: "File",
    });
  });

  test("may begin with their content", async () => {
    const file = root.getFileClient("a.txt");
    await file.create(8, { content: "hello", contentLength: 5 });
    expect(String(await file.downloadToBuffer())).toBe("hello\0\0\0");
  });

  test("are read in ranges", async () => {
    const file = await put("a.txt", "0123456789");
    const part = await file.download(3, 4);
    expect(part).toMatchObject({ contentLength: 4, contentRange: "bytes 3-6/10" });
    expect(part._response.status).toBe(206);
    expect(String(await file.downloadToBuffer(7))).toBe("789");
    const checked = await file.download(0, 4, { rangeGetContentMD5: true });
    expect(checked.contentMD5).toEqual(createHash("md5").update("0123").digest());
    await expect(file.download(10, 1)).rejects.toMatchObject({ statusCode: 416, code: "InvalidRange" });
    const whole = await file.download();
    expect(whole._response.status).toBe(200);
    expect(whole.etag).toBe((await file.getProperties()).etag);
  });

  test("have another etag after every change", async () => {
    const file = await put("a.txt", "0123");
    const seen = new Set([(await file.getProperties()).etag]);
    const changes = [
      () => file.uploadRange("x", 0, 1),
      () => file.clearRange(0, 1),
      () => file.resize(2),
      () => file.setMetadata({ a: "1" }),
      () => file.setHttpHeaders({ fileContentType: "a/b" }),
      () => file.create(4),
    ];
    for (const change of changes) {
      const { etag } = await change();
      expect(etag).toBe((await file.getProperties()).etag);
      seen.add(etag);
    }
    expect(seen.size).toBe(7);
  });

  test("of 5 GiB take no space where they are empty", async () => {
    const file = root.getFileClient("large.bin");
    await file.create(5 * GiB);
    await file.uploadRange("end", 5 * GiB - 3, 3);
    expect((await file.getProperties()).contentLength).toBe(5 * GiB);
    expect(String(await file.downloadToBuffer(5 * GiB - 4, 4))).toBe("\0end");
    expect((await file.getRangeList()).rangeList).toEqual([{ start: 5 * GiB - 3, end: 5 * GiB - 1 }]);
  });

  test("refuse what does not fit", async () => {
    const file = await put("a.txt", "0123");
    await expect(file.uploadRange("xx", 3, 2)).rejects.toMatchObject({
      statusCode: 416,
      code: "InvalidRange",
    });
    const wrong = { contentMD5: new Uint8Array(16) };
    await expect(file.uploadRange("xx", 0, 2, wrong)).rejects.toMatchObject({ code: "Md5Mismatch" });
    expect(String(await file.downloadToBuffer())).toBe("0123");
  });

  test("know no conditions", async () => {
    const file = await put("a.txt", "0123");
    const { url, ...rest } = await signedRead(file, { "if-match": '"x"' });
    const response = await fetch(url, rest);
    expect(response.status).toBe(400);
    expect(response.headers.get("x-ms-error-code")).toBe("ConditionHeadersNotSupported");
  });

  test("go, and are not there then", async () => {
    const file = await put("d/a.txt", "x");
    await file.delete();
    await expect(file.getProperties()).rejects.toMatchObject({ statusCode: 404, code: "ResourceNotFound" });
    await expect(file.delete()).rejects.toMatchObject({ statusCode: 404, code: "ResourceNotFound" });
    const orphan = root.getDirectoryClient("no").getFileClient("x");
    await expect(orphan.create(1)).rejects.toMatchObject({ statusCode: 404, code: "ParentNotFound" });
    await expect(orphan.download()).rejects.toMatchObject({ statusCode: 404, code: "ParentNotFound" });
  });
});

/** A read with a header more, which the SDK would not send. */
async function signedRead(
  file: ShareFileClient,
  more: Record<string, string>,
): Promise<{ url: string; headers: Record<string, string> }> {
  const { generateFileSASQueryParameters, FileSASPermissions } = await import("@azure/storage-file-share");
  const token = generateFileSASQueryParameters(
    {
      shareName: file.shareName,
      filePath: file.path,
      permissions: FileSASPermissions.parse("r"),
      expiresOn: new Date(Date.now() + 1e6),
    },
    server.key,
  ).toString();
  return { url: `${file.url}?${token}`, headers: more };
}

describe("directories", () => {
  test("are created one at a time and go when they are empty", async () => {
    const deep = root.getDirectoryClient("a").getDirectoryClient("b");
    await expect(deep.create()).rejects.toMatchObject({ statusCode: 404, code: "ParentNotFound" });
    await root.getDirectoryClient("a").create({ metadata: { x: "1" } });
    await deep.create();
    await expect(deep.create()).rejects.toMatchObject({ statusCode: 409, code: "ResourceAlreadyExists" });
    expect(await root.getDirectoryClient("a").getProperties()).toMatchObject({
      metadata: { x: "1" },
      fileAttributes: "Directory",
    });
    await expect(root.getDirectoryClient("a").delete()).rejects.toMatchObject({
      statusCode: 409,
      code: "DirectoryNotEmpty",
    });
    await deep.delete();
    await root.getDirectoryClient("a").delete();
    expect(await root.getDirectoryClient("a").exists()).toBe(false);
  });

  test("are no files, nor files directories", async () => {
    await put("d/f", "x");
    const mismatch = { statusCode: 409, code: "ResourceTypeMismatch" };
    await expect(root.getFileClient("d").create(1)).rejects.toMatchObject(mismatch);
    await expect(root.getFileClient("d").download()).rejects.toMatchObject(mismatch);
    await expect(root.getDirectoryClient("d/f").create()).rejects.toMatchObject(mismatch);
    await expect(root.getDirectoryClient("d/f").getProperties()).rejects.toMatchObject(mismatch);
    await expect(list(root.getDirectoryClient("d").getDirectoryClient("f"))).rejects.toMatchObject(mismatch);
    await expect(root.getFileClient("d/f/x").download()).rejects.toMatchObject({ code: "ParentNotFound" });
  });

  test("are listed in pages, by prefix, with what was asked for", async () => {
    for (const name of ["b.txt", "A.txt", "ab/x", "c", "a.txt2"]) await put(name, name);
    expect((await list(root)).sort()).toEqual(["A.txt", "a.txt2", "ab/", "b.txt", "c"]);
    expect((await list(root, { prefix: "a" })).sort()).toEqual(["A.txt", "a.txt2", "ab/"]);
    expect(await list(root.getDirectoryClient("ab"))).toEqual(["x"]);
    const { value } = await root
      .listFilesAndDirectories({
        prefix: "b",
        includeTimestamps: true,
        includeEtag: true,
        includeAttributes: true,
      })
      .next();
    const properties = await root.getFileClient("b.txt").getProperties();
    expect(value).toMatchObject({
      name: "b.txt",
      properties: { contentLength: 5, etag: properties.etag, lastModified: properties.lastModified },
      attributes: "Archive",
    });
    await expect(list(root.getDirectoryClient("missing"))).rejects.toMatchObject({
      statusCode: 404,
      code: "ResourceNotFound",
    });
  });
});

describe("names", () => {
  const odd = [
    "a b",
    "100% + 2%2F3",
    "é",
    "日本 😀",
    "it's;=&+,~!@#$^()[]{}`",
    ".hidden",
    "a..b",
    "dot.",
    " lead",
    "x".repeat(255),
  ];

  test.each(odd)("%j is kept", async (name) => {
    const file = await put(name, name);
    expect(await list(root)).toEqual([name]);
    expect(String(await file.downloadToBuffer())).toBe(name);
  });

  test("that XML cannot carry come encoded", async () => {
    await put("a\uFFFEb\uFFFF", "x");
    const { value } = await root.listFilesAndDirectories().next();
    expect(value).toMatchObject({ name: "a\uFFFEb\uFFFF" });
  });

  test.each(['a"b', "a:b", "a|b", "a<b", "a*b", "a?b", "a\\b", "a\u0001b", "CON", "com1", "x".repeat(256)])(
    "%j is refused",
    async (name) => {
      await expect(root.getFileClient(name).create(0)).rejects.toMatchObject({
        statusCode: 400,
        code: "InvalidResourceName",
      });
    },
  );

  test("of too many directories", async () => {
    const path = Array.from({ length: 251 }, () => "d").join("/");
    await expect(root.getDirectoryClient(path).create()).rejects.toMatchObject({
      statusCode: 400,
      code: "InvalidFileOrDirectoryPathName",
    });
  });

  test("ignore case and keep it", async () => {
    await put("Case.TXT", "1");
    await put("case.txt", "2");
    expect(await list(root)).toHaveLength(1);
    expect(String(await root.getFileClient("CASE.txt").downloadToBuffer())).toBe("2");
  });

  test("lose their last dots unless told otherwise", async () => {
    await put("dots...", "kept");
    const plain = new ShareFileClient(`${share.url}/dots...`, server.key, { retryOptions: { maxTries: 1 } });
    await expect(plain.getProperties()).rejects.toMatchObject({ code: "ResourceNotFound" });
    await plain.create(1);
    expect((await list(root)).sort()).toEqual(["dots", "dots..."]);
  });
});

describe("rename", () => {
  test("moves a file with all that it has", async () => {
    const file = await put("a/x", "hello");
    await file.setMetadata({ k: "v" });
    const { etag } = await file.getProperties();
    const { destinationFileClient } = await file.rename("b ü.txt");
    expect(String(await destinationFileClient.downloadToBuffer())).toBe("hello");
    expect(await destinationFileClient.getProperties()).toMatchObject({ metadata: { k: "v" }, etag });
    expect(await file.exists()).toBe(false);
  });

  test("replaces a file only when told so, and never a directory", async () => {
    const file = await put("new", "new");
    await put("old", "old");
    await put("d/f", "x");
    await expect(file.rename("old")).rejects.toMatchObject({
      statusCode: 409,
      code: "ResourceAlreadyExists",
    });
    await expect(file.rename("d", { replaceIfExists: true })).rejects.toMatchObject({
      code: "ResourceTypeMismatch",
    });
    await expect(file.rename("no/x")).rejects.toMatchObject({ statusCode: 404, code: "ParentNotFound" });
    await file.rename("old", { replaceIfExists: true });
    expect(String(await root.getFileClient("old").downloadToBuffer())).toBe("new");
    await expect(file.rename("other")).rejects.toMatchObject({ statusCode: 404, code: "ResourceNotFound" });
  });

  test("moves a directory with all below it", async () => {
    await put("a/b/c", "x");
    await root.getDirectoryClient("a").rename("z");
    expect(String(await root.getFileClient("z/b/c").downloadToBuffer())).toBe("x");
    expect(await list(root)).toEqual(["z/"]);
  });
});

describe("leases", () => {
  test("keep others from changing a file", async () => {
    const file = await put("a", "0123");
    const lease = file.getShareLeaseClient();
    await lease.acquireLease();
    expect(await file.getProperties()).toMatchObject({ leaseState: "leased", leaseStatus: "locked" });
    await expect(file.uploadRange("x", 0, 1)).rejects.toMatchObject({
      statusCode: 412,
      code: "LeaseIdMissing",
    });
    await expect(file.delete()).rejects.toMatchObject({ code: "LeaseIdMissing" });
    const other = { leaseAccessConditions: { leaseId: crypto.randomUUID() } };
    await expect(file.delete(other)).rejects.toMatchObject({ code: "LeaseIdMismatchWithFileOperation" });
    await expect(file.getShareLeaseClient().acquireLease()).rejects.toMatchObject({
      code: "LeaseAlreadyPresent",
    });
    const source = await put("b", "new");
    await expect(source.rename("a", { replaceIfExists: true })).rejects.toMatchObject({
      code: "LeaseIdMissing",
    });
    await file.uploadRange("x", 0, 1, { leaseAccessConditions: { leaseId: lease.leaseId } });
    await lease.releaseLease();
    await expect(lease.releaseLease()).rejects.toMatchObject({ code: "LeaseNotPresentWithLeaseOperation" });
    await file.delete();
  });

  test("can be broken", async () => {
    const file = await put("a", "0123");
    await file.getShareLeaseClient().acquireLease();
    await file.getShareLeaseClient(crypto.randomUUID()).breakLease();
    await file.delete();
  });
});

describe("copies", () => {
  test("are pending, then done, within the account", async () => {
    const source = await put("d/a", "hello");
    await source.setMetadata({ k: "v" });
    const other = (await server.share()).rootDirectoryClient.getFileClient("copy");
    const begun = await other.startCopyFromURL(source.url);
    expect(begun.copyStatus).toBe("pending");
    expect(await other.getProperties()).toMatchObject({ copyStatus: "pending", copyId: begun.copyId });
    expect(await other.getProperties()).toMatchObject({
      copyStatus: "success",
      copyProgress: "5/5",
      metadata: { k: "v" },
    });
    expect(String(await other.downloadToBuffer())).toBe("hello");
    await expect(other.abortCopyFromURL(begun.copyId ?? "")).rejects.toMatchObject({
      statusCode: 409,
      code: "NoPendingCopyOperation",
    });
  });

  test("need a source that is there", async () => {
    const file = root.getFileClient("copy");
    await expect(file.startCopyFromURL(`${share.url}/missing`)).rejects.toMatchObject({
      statusCode: 404,
      code: "CannotVerifyCopySource",
    });
  });
});
