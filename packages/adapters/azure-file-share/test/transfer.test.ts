import { faultyFetch, type FetchFault } from "@aml/adapter-testkit";
import { isAmlError, parseStorePath, type StorageAdapter } from "@aml/core/adapter";
import { withRetry } from "@aml/core/layers";
import { size as sizeOf } from "@aml/kit/runs";
import type { ShareClient } from "@azure/storage-file-share";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { newShare, openStore, sharedFiles, type FilesServer } from "./files-server.ts";

const MiB = 1024 * 1024;
const GiB = 1024 * MiB;
const at = parseStorePath;

let server: FilesServer;
let share: ShareClient;
beforeAll(async () => {
  server = await sharedFiles();
});
beforeEach(async () => {
  share = await newShare(server);
});

function pattern(size: number, seed: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(size / 4));
  for (let index = 0, x = seed; index < words.length; index++) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
    words[index] = x;
  }
  return new Uint8Array(words.buffer, 0, size);
}

interface Seen {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly signal: AbortSignal | null | undefined;
}

/** A store over real sockets whose requests are noted, and fail by script. */
function watched(script: readonly FetchFault[] = []): { storage: StorageAdapter; seen: Seen[] } {
  const seen: Seen[] = [];
  const faulty = faultyFetch(fetch, script);
  const storage = openStore(server, share.name, undefined, {
    fetch: (url, init) => {
      const { method = "GET", signal } = init ?? {};
      seen.push({
        method,
        url: new URL(url instanceof Request ? url.url : url),
        headers: new Headers(init?.headers),
        signal,
      });
      return faulty(url, init);
    },
  });
  return { storage, seen };
}

async function bytesOf(body: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(body).arrayBuffer());
}

async function put(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  await openStore(server, share.name).write?.(at(path), new Blob([bytes]).stream());
}

/** All names in the root, also those that the store does not show. */
async function everything(): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of share.rootDirectoryClient.listFilesAndDirectories()) names.push(name);
  return names;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

describe("read", () => {
  test("a small file takes one request", async () => {
    await put("a", pattern(10_000, 1));
    const { storage, seen } = watched();
    const { body, stat } = await storage.read(at("a"));
    expect(same(await bytesOf(body), pattern(10_000, 1))).toBe(true);
    expect(stat).toMatchObject({ size: 10_000, etag: (await storage.stat(at("a"))).etag });
    expect(seen.filter(({ method }) => method === "GET")).toHaveLength(1);
  });

  test("a large file comes in ranges, in order, without If-Match", async () => {
    const big = pattern(11 * MiB + 17, 1);
    await put("big", big);
    const { storage, seen } = watched();
    const { body, stat } = await storage.read(at("big"));
    expect(stat?.size).toBe(big.byteLength);
    expect(same(await bytesOf(body), big)).toBe(true);
    expect(seen).toHaveLength(3);
    expect(seen.map(({ headers }) => headers.get("if-match"))).toEqual(Array(3).fill(null));
  });

  test("a file that changes meanwhile is precondition_failed, never spliced", async () => {
    const [first, second] = [pattern(14 * MiB, 1), pattern(14 * MiB, 2)];
    await put("big", first);
    const { storage } = watched();
    const reader = (await storage.read(at("big"))).body.getReader();
    let given = (await reader.read()).value?.byteLength ?? 0;
    await put("big", second);
    const rest = async (): Promise<void> => {
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        const expected = first.subarray(given, given + next.value.byteLength);
        if (!same(next.value, expected)) throw new Error("Spliced.");
        given += next.value.byteLength;
      }
    };
    await expect(rest()).rejects.toMatchObject({
      code: "precondition_failed",
      message: "File 'big' is not the version that was expected: it was changed meanwhile.",
    });
  });

  test("an etag that changes between two ranges", async () => {
    await put("big", pattern(12 * MiB, 1));
    const { storage } = watched([{ call: 2, method: "GET", does: "change_etag" }]);
    const { body } = await storage.read(at("big"));
    await expect(bytesOf(body)).rejects.toMatchObject({ code: "precondition_failed" });
  });

  test("a connection that is cut goes on where it broke off", async () => {
    const bytes = pattern(3 * MiB, 1);
    await put("a", bytes);
    const { storage } = watched([{ call: 1, method: "GET", does: "cut", afterBytes: 1_000_000 }]);
    const { body } = await withRetry({ sleep: () => Promise.resolve() })(storage).read(at("a"));
    expect(same(await bytesOf(body), bytes)).toBe(true);
  });

  test.each(["cut", "truncate"] as const)("%s without a retry is unavailable", async (does) => {
    await put("a", pattern(3 * MiB, 1));
    const { storage } = watched([{ call: 1, method: "GET", does, afterBytes: 1000 }]);
    const { body } = await storage.read(at("a"));
    await expect(bytesOf(body)).rejects.toMatchObject({ code: "unavailable" });
  });

  test("cancelling ends all requests", async () => {
    await put("big", pattern(14 * MiB, 1));
    const { storage, seen } = watched();
    const reader = (await storage.read(at("big"))).body.getReader();
    for (let size = 0; size < 2 * MiB;) size += (await reader.read()).value?.byteLength ?? 0;
    await reader.cancel();
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.slice(1).every(({ signal }) => signal?.aborted)).toBe(true);
  });

  test("files of 0 bytes and of 5 GiB", async () => {
    await put("empty", new Uint8Array());
    const sparse = share.rootDirectoryClient.getFileClient("large");
    await sparse.create(5 * GiB);
    await sparse.uploadRange("the end", 5 * GiB - 7, 7);
    const { storage } = watched();
    expect((await storage.read(at("empty"))).stat).toMatchObject({ size: 0, kind: "file" });
    expect(await bytesOf((await storage.read(at("empty"))).body)).toHaveLength(0);
    expect(await storage.stat(at("large"))).toMatchObject({ size: 5 * GiB });
    const { body, stat } = await storage.read(at("large"), { range: { offset: 5 * GiB - 9 } });
    expect(stat?.size).toBe(5 * GiB);
    expect(new TextDecoder().decode(await bytesOf(body))).toBe("\0\0the end");
    for await (const item of storage.list(at(""))) {
      if (item.path === "large") expect(item.size).toBe(5 * GiB);
    }
    await expect(storage.read(at("large"), { range: { offset: 5 * GiB + 1 } })).rejects.toMatchObject({
      code: "range_not_satisfiable",
      message: "Offset 5368709121 is past the end of file 'large', which has 5368709120 bytes.",
    });
  });

  test("a folder is no file", async () => {
    await put("folder/a", pattern(1, 1));
    await expect(openStore(server, share.name).read(at("folder"))).rejects.toMatchObject({
      code: "not_found",
      message: expect.stringContaining("a folder or a file of another kind is there"),
    });
    await expect(openStore(server, share.name).read(at(""))).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("write", () => {
  test("a small file takes three requests, and a folder that is missing three more", async () => {
    const { storage, seen } = watched();
    await storage.write?.(at("a"), new Blob(["hello"]).stream(), { contentType: "text/csv" });
    expect(seen.map(({ method, url }) => `${method} ${url.searchParams.get("comp")}`)).toEqual([
      "PUT null",
      "PUT range",
      "PUT rename",
    ]);
    await storage.write?.(at("x/a"), new Blob(["hello"]).stream());
    expect(seen).toHaveLength(3 + 5);
    const properties = await share.rootDirectoryClient.getFileClient("a").getProperties();
    expect(properties.contentType).toBe("text/csv");
  });

  test("a stream of unknown length beyond the first size is stored whole", async () => {
    const { storage } = watched();
    const part = pattern(10 * MiB + 3, 7);
    let left = 7;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (left === 0) return controller.close();
        left -= 1;
        controller.enqueue(part.slice());
      },
    });
    const stat = await storage.write?.(at("big"), body, { contentType: "a/b" });
    expect(stat?.size).toBe(7 * part.byteLength);
    expect(await storage.stat(at("big"))).toMatchObject({ size: 7 * part.byteLength, etag: stat?.etag });
    const { body: read } = await storage.read(at("big"), { range: { offset: 6 * part.byteLength } });
    expect(same(await bytesOf(read), part)).toBe(true);
    const properties = await share.rootDirectoryClient.getFileClient("big").getProperties();
    expect(properties.contentType).toBe("a/b");
    expect(await everything()).toEqual(["big"]);
  });

  test("a reader never sees half a file, nor the other name", async () => {
    const { storage } = watched();
    await put("a", new TextEncoder().encode("first"));
    let release: (() => void) | undefined;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(pattern(5 * MiB, 1));
        release = () => {
          controller.enqueue(pattern(10, 2));
          controller.close();
        };
      },
    });
    const writing = storage.write?.(at("a"), body);
    await expect.poll(everything).toHaveLength(2);
    expect(new TextDecoder().decode(await bytesOf((await storage.read(at("a"))).body))).toBe("first");
    const listed: string[] = [];
    for await (const { path } of storage.list(at(""), { recursive: true })) listed.push(path);
    expect(listed).toEqual(["a"]);
    release?.();
    await writing;
    expect((await storage.stat(at("a"))).size).toBe(5 * MiB + 10);
    expect(await everything()).toEqual(["a"]);
  });

  test.each<[string, FetchFault]>([
    ["the first request", { call: 1, method: "PUT", does: "network_error" }],
    ["a range", { call: 3, method: "PUT", does: "network_error" }],
    ["a range, busy", { call: 2, method: "PUT", does: "status", status: 503 }],
    ["the rename", { match: /comp=rename/, does: "status", status: 500 }],
  ])("a failure of %s leaves nothing behind", async (_, fault) => {
    const { storage } = watched([fault]);
    await put("a", new TextEncoder().encode("first"));
    const error = await storage
      .write?.(at("a"), new Blob([pattern(9 * MiB, 1)]).stream())
      .catch((thrown: unknown) => thrown);
    expect(isAmlError(error) && error.retryable).toBe(true);
    expect(await everything()).toEqual(["a"]);
    expect((await storage.stat(at("a"))).size).toBe(5);
  });

  test("an abort leaves nothing behind and is given back as it is", async () => {
    const { storage } = watched();
    const controller = new AbortController();
    const reason = new Error("enough");
    const body = new ReadableStream<Uint8Array>({
      pull: (stream) => stream.enqueue(pattern(MiB, 1)),
    });
    const writing = storage.write?.(at("x/y/a"), body, { signal: controller.signal });
    await expect.poll(everything).toHaveLength(1);
    controller.abort(reason);
    await expect(writing).rejects.toBe(reason);
    expect(await everything()).toEqual([]);
  });

  test("ifNoneMatch creates and never replaces; ifMatch is refused", async () => {
    const { storage } = watched();
    const text = (content: string) => new Blob([content]).stream();
    await storage.write?.(at("a"), text("1"), { ifNoneMatch: "*" });
    await expect(storage.write?.(at("a"), text("2"), { ifNoneMatch: "*" })).rejects.toMatchObject({
      code: "already_exists",
      message: "File 'a' exists already.",
    });
    await expect(storage.write?.(at("a"), text("2"), { ifMatch: '"x"' })).rejects.toMatchObject({
      code: "unsupported",
    });
    expect(await everything()).toEqual(["a"]);
  });

  test("more than 4 TiB is refused before any request, and its body let go", async () => {
    const { storage, seen } = watched();
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({ cancel: () => void (cancelled = true) });
    await expect(storage.write?.(at("a"), body, { size: 4 * 1024 ** 4 + 1 })).rejects.toMatchObject({
      code: "unsupported",
      message: expect.stringContaining("4 TiB"),
    });
    expect(cancelled).toBe(true);
    expect(seen).toHaveLength(0);
  });

  test("a folder where a file is written, and the reverse", async () => {
    const { storage } = watched();
    const text = () => new Blob(["x"]).stream();
    await put("folder/a", pattern(1, 1));
    await expect(storage.write?.(at("folder"), text())).rejects.toMatchObject({
      code: "already_exists",
      message: "'folder' is a folder.",
    });
    await expect(storage.write?.(at("folder/a/b/c"), text())).rejects.toMatchObject({
      code: "already_exists",
      message: "A file stands where a folder 'folder/a' is needed.",
    });
    await expect(storage.write?.(at(""), text())).rejects.toMatchObject({ code: "path_invalid" });
    expect(await everything()).toEqual(["folder"]);
  });

  test("a leased file is not replaced", async () => {
    await put("a", pattern(1, 1));
    await share.rootDirectoryClient.getFileClient("a").getShareLeaseClient().acquireLease();
    const { storage } = watched();
    await expect(storage.write?.(at("a"), new Blob(["x"]).stream())).rejects.toMatchObject({
      code: "precondition_failed",
      message: "File 'a' is leased, or open in another program.",
    });
    await expect(storage.delete?.(at("a"))).rejects.toMatchObject({ code: "precondition_failed" });
    expect(await everything()).toEqual(["a"]);
  });
});

describe("names", () => {
  test.each(["a?b", "a*b", "a|b", "a<b", "a>b", 'a"b', "a\\b", "a:b", "a\tb", `x/${"n".repeat(256)}`])(
    "%j is path_invalid, before any request",
    async (path) => {
      const { storage, seen } = watched();
      const invalid = { code: "path_invalid", hint: expect.stringMatching(/\w/) };
      await expect(storage.stat(at(path))).rejects.toMatchObject(invalid);
      await expect(storage.read(at(path))).rejects.toMatchObject(invalid);
      await expect(storage.delete?.(at(path))).rejects.toMatchObject(invalid);
      await expect(storage.write?.(at(path), new Blob(["x"]).stream())).rejects.toMatchObject(invalid);
      for await (const _ of storage.list(at(path))) throw new Error("It lists something.");
      expect(seen).toHaveLength(0);
    },
  );

  test("paths of 1,024 characters are exact, and those that are too long refused", async () => {
    const { storage } = watched();
    const path = `${"d".repeat(255)}/${"e".repeat(255)}/${"f".repeat(255)}/${"😀".repeat(127)}/g`;
    await put(path, pattern(5, 1));
    expect(await storage.stat(at(path))).toMatchObject({ path, size: 5 });
    const listed: string[] = [];
    for await (const item of storage.list(at(""), { recursive: true })) listed.push(item.path);
    expect(listed).toEqual([path]);
    const long = Array.from({ length: 9 }, () => "n".repeat(250)).join("/");
    await expect(storage.stat(at(long))).rejects.toMatchObject({ code: "path_invalid" });
  });

  test("%2F is no slash, dots and blanks at the ends stay, and '..' is refused", async () => {
    const { storage } = watched();
    for (const path of ["a%2Fb", "dots...", "a b ", "%2e%2e"])
      await put(path, new TextEncoder().encode(path));
    const listed: string[] = [];
    for await (const item of storage.list(at(""))) listed.push(`${item.kind} ${item.path}`);
    expect(listed).toEqual(["file %2e%2e", "file a b ", "file a%2Fb", "file dots..."]);
    expect(() => at("a/../b")).toThrow(expect.objectContaining({ code: "path_invalid" }));
  });

  test("upper and lower case are one name", async () => {
    await put("Case.txt", pattern(1, 1));
    await put("case.TXT", pattern(2, 1));
    expect(await everything()).toHaveLength(1);
    expect((await openStore(server, share.name).stat(at("CASE.TXT"))).size).toBe(2);
  });
});

describe("list", () => {
  test("makes one request a page, and tells etag and time without another", async () => {
    await Promise.all(Array.from({ length: 25 }, (_, index) => put(`f${index}`, pattern(index, 1))));
    const { storage, seen } = watched();
    const items = [];
    for await (const item of storage.list(at(""))) items.push(item);
    expect(items).toHaveLength(25);
    // Pages of ten.
    expect(seen).toHaveLength(3);
    for (const { etag, modifiedAt } of items) {
      expect(etag).toMatch(/^"0x8D[0-9A-F]+"$/);
      expect(modifiedAt).toBeInstanceOf(Date);
    }
  });

  test("walks a tree in order, and ends its requests when it is left", async () => {
    const paths = [];
    for (const a of ["a", "b", "c-d", "c"]) {
      for (const b of ["x", "y"]) for (let index = 0; index < 2; index++) paths.push(`${a}/${b}/${index}`);
    }
    for (const path of paths) await put(path, pattern(1, 1));
    const { storage, seen } = watched();
    const found = [];
    for await (const { path } of storage.list(at(""), { recursive: true })) found.push(path);
    expect(found).toEqual(paths.toSorted());
    seen.length = 0;
    for await (const _ of storage.list(at(""), { recursive: true })) break;
    expect(seen.length).toBeLessThan(10);
    expect(seen.every(({ signal }) => signal?.aborted)).toBe(true);
  });

  test("an abort ends it with its reason", async () => {
    await put("a/b", pattern(1, 1));
    await put("c/d", pattern(1, 1));
    const controller = new AbortController();
    const reason = new Error("enough");
    const { storage } = watched();
    const walk = async (): Promise<void> => {
      const items = storage.list(at(""), { recursive: true, signal: controller.signal });
      for await (const _ of items) controller.abort(reason);
    };
    await expect(walk()).rejects.toBe(reason);
  });

  test("a share that vanishes is no empty listing", async () => {
    const storage = openStore(server, "never-there");
    await expect(storage.list(at("a"))[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "not_found",
    });
  });
});

describe("delete", () => {
  test("a folder that is not empty says so", async () => {
    await put("a/b", pattern(1, 1));
    await expect(openStore(server, share.name).delete?.(at("a"))).rejects.toMatchObject({
      code: "precondition_failed",
      message: "'a' is a folder that is not empty.",
      hint: "Delete it recursively.",
    });
  });

  test("recursively, all of a large tree, what uploads left too, and the share stays", async () => {
    const count = sizeOf(30, 12);
    await Promise.all(Array.from({ length: count }, (_, index) => put(`a/b/${index}`, pattern(1, 1))));
    await put("c", pattern(1, 1));
    await share.rootDirectoryClient.getFileClient(".aml-0123456789abcdef.partial").create(5);
    await openStore(server, share.name).delete?.(at(""), { recursive: true });
    expect(await everything()).toEqual([]);
    expect(await share.exists()).toBe(true);
  });
});
