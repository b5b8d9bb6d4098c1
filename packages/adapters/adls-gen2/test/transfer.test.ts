import { faultyFetch, type FetchFault } from "@aml/adapter-testkit";
import { withRetry } from "@aml/core/layers";
import { parseStorePath, Secret, type StorePath } from "@aml/core/adapter";
import { adlsGen2, type AdlsGen2Storage } from "@aml/adls-gen2";
import { size as sizeOf } from "@aml/kit/runs";
import type { DataLakeFileSystemClient } from "@azure/storage-file-datalake";
import { beforeAll, describe, expect, test } from "vitest";
import {
  filesystemSas,
  newFilesystem,
  openStore,
  sasCredential,
  sharedServer,
  urlOf,
  type Server,
} from "./gen2.ts";

const MiB = 1024 * 1024;
const BIG = parseStorePath("data/big.bin");
const SIZE = sizeOf(24, 16) * MiB + 17;
const LARGE = sizeOf(20, 12) * MiB;
const big = pattern(SIZE, 1);

let server: Server;
let filesystem: DataLakeFileSystemClient;
let sas: string;

beforeAll(async () => {
  server = await sharedServer();
  filesystem = await newFilesystem(server);
  sas = filesystemSas(server, filesystem.name);
  await filesystem.getFileClient(BIG).upload(Buffer.from(big.buffer, 0, SIZE));
});

function pattern(size: number, seed: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(size / 4));
  for (let index = 0, x = seed; index < words.length; index += 1) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
    words[index] = x;
  }
  return new Uint8Array(words.buffer, 0, size);
}

interface Seen {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
}

/** A store over real sockets whose requests are noted, and fail by script. */
function watched(script: readonly FetchFault[] = []): { storage: AdlsGen2Storage; seen: Seen[] } {
  const seen: Seen[] = [];
  const faulty = faultyFetch(fetch, script);
  const storage = openStore(server, filesystem.name, sasCredential(sas), {
    fetch: (url, init) => {
      const headers = new Headers(init?.headers);
      seen.push({ method: init?.method ?? "GET", url: new URL(urlOf(url)), headers });
      return faulty(url, init);
    },
  });
  return { storage, seen };
}

async function bytesOf(body: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(body).arrayBuffer());
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function chunked(bytes: Uint8Array, size: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.byteLength) return controller.close();
      controller.enqueue(bytes.slice(at, (at += size)));
    },
  });
}

/** All names in a folder as the vendor's client sees them: half-written files too. */
async function names(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of filesystem.listPaths({ path: folder, recursive: true }))
    found.push(name ?? "");
  return found;
}

describe("read", () => {
  test("a large file comes in ranges of one version, in order", async () => {
    const { storage, seen } = watched();
    const { body, stat } = await storage.read(BIG);
    expect(stat?.size).toBe(SIZE);
    expect(same(await bytesOf(body), big)).toBe(true);
    expect(seen.map(({ headers }) => headers.get("if-match"))).toEqual([
      null,
      ...Array(Math.ceil(SIZE / (5 * MiB)) - 1).fill(stat?.etag),
    ]);
  });

  test("a file that changes while it is read is found out", async () => {
    const path = parseStorePath("data/changing.bin");
    await filesystem.getFileClient(path).upload(Buffer.from(big.buffer, 0, SIZE));
    const { storage } = watched();
    const reader = (await storage.read(path)).body.getReader();
    await reader.read();
    await filesystem.getFileClient(path).upload(Buffer.from("other"));
    const rest = async (): Promise<void> => {
      while (!(await reader.read()).done);
    };
    await expect(rest()).rejects.toMatchObject({ code: "precondition_failed" });
  });

  test("core's withRetry makes a whole file of a broken connection", async () => {
    const { storage } = watched([
      { call: 1, method: "GET", does: "status", status: 503 },
      { call: 2, method: "GET", does: "cut", afterBytes: 3 * MiB },
      { call: 5, method: "GET", does: "truncate", afterBytes: 1000 },
    ]);
    const { body } = await withRetry({ sleep: async () => undefined })(storage).read(BIG);
    expect(same(await bytesOf(body), big)).toBe(true);
  });
});

describe("write", () => {
  const steps = (seen: readonly Seen[]): string[] =>
    seen.map(({ method, url, headers }) =>
      headers.has("x-ms-rename-source")
        ? "rename"
        : (url.searchParams.get("action") ?? url.searchParams.get("resource") ?? method),
    );

  test("is create, append, flush and rename; an empty file needs no append", async () => {
    const path = parseStorePath("w/a.csv");
    const { storage, seen } = watched();
    const written = await storage.write?.(path, new Blob(["hello"]).stream(), { contentType: "text/csv" });
    expect(steps(seen)).toEqual(["file", "append", "flush", "rename"]);
    expect(written).toEqual(await storage.stat(path));
    expect((await filesystem.getFileClient(path).getProperties()).contentType).toBe("text/csv");
    seen.length = 0;
    const empty = await storage.write?.(path, new Blob([]).stream());
    expect(steps(seen)).toEqual(["file", "rename"]);
    expect(empty).toEqual(await storage.stat(path));
    expect(await names("w")).toEqual(["w/a.csv"]);
  });

  test("blocks go out in parallel at their offsets, and show together at the end", async () => {
    const path = parseStorePath("late/big.bin");
    const { storage, seen } = watched();
    let visible: boolean | undefined;
    let listed: string[] = [];
    let at = 0;
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        if (at < SIZE) return controller.enqueue(big.subarray(at, (at += MiB)));
        visible = await filesystem.getFileClient(path).exists();
        listed = [];
        for await (const entry of storage.list(parseStorePath("late"))) listed.push(entry.path);
        controller.close();
      },
    });
    const written = await storage.write?.(path, body, { md5: () => "1B2M2Y8AsgTpgAmY7PhCfg==" });
    expect([visible, listed]).toEqual([false, []]);
    const appends = seen.filter(({ url }) => url.searchParams.get("action") === "append");
    expect(appends.map(({ url }) => Number(url.searchParams.get("position")))).toEqual(
      [0, 8, 16, 24].map((n) => n * MiB).filter((position) => position < SIZE),
    );
    expect(written).toMatchObject({ size: SIZE, md5: "1B2M2Y8AsgTpgAmY7PhCfg==" });
    expect(written).toEqual(await storage.stat(path));
    expect(same(await bytesOf((await storage.read(path)).body), big)).toBe(true);
  });

  test.each([
    [3 * MiB, 3 * MiB + 1],
    [3 * MiB, 3 * MiB - 1],
    [LARGE, LARGE + 1],
    [LARGE, LARGE - 1],
  ])("a body of %i bytes announced as %i leaves nothing", async (actual, size) => {
    const { storage } = watched();
    const wrong = storage.write?.(parseStorePath("size/x"), chunked(big.subarray(0, actual), 700_001), {
      size,
    });
    await expect(wrong).rejects.toMatchObject({ code: "precondition_failed" });
    expect((await names("").catch(() => [])).filter((name) => name.includes(".partial"))).toEqual([]);
    expect(await filesystem.getFileClient("size/x").exists()).toBe(false);
  });

  test("an abort leaves nothing, cancels the body, and keeps the old file", async () => {
    const path = parseStorePath("abort/x");
    const { storage } = watched();
    await storage.write?.(path, new Blob(["old"]).stream());
    const controller = new AbortController();
    const reason = new Error("enough");
    let sent = 0;
    let cancelled: unknown;
    const body = new ReadableStream<Uint8Array>({
      pull(source) {
        sent += MiB;
        if (sent > 20 * MiB) controller.abort(reason);
        source.enqueue(new Uint8Array(MiB));
      },
      cancel(why) {
        cancelled = why;
      },
    });
    await expect(storage.write?.(path, body, { signal: controller.signal })).rejects.toBe(reason);
    expect(cancelled).toBe(reason);
    expect(await names("abort")).toEqual(["abort/x"]);
    expect(await new Response((await storage.read(path)).body).text()).toBe("old");
  });

  test.each(["append", "flush", "mode"])(
    "a %s that fails leaves the old file and nothing else",
    async (step) => {
      const path = parseStorePath(`fail-${step}/x`);
      await watched().storage.write?.(path, new Blob(["old"]).stream());
      const { storage } = watched([{ match: new RegExp(`${step}=|=${step}`), does: "status", status: 503 }]);
      await expect(storage.write?.(path, chunked(big, MiB))).rejects.toMatchObject({ code: "rate_limited" });
      expect(await names(`fail-${step}`)).toEqual([path]);
      expect(await new Response((await storage.read(path)).body).text()).toBe("old");
    },
  );

  test("a condition that fails is found before much is sent", async () => {
    const path = parseStorePath("early/x");
    const { storage, seen } = watched();
    await storage.write?.(path, new Blob(["old"]).stream());
    seen.length = 0;
    const refused = storage.write?.(path, chunked(big, MiB), { ifNoneMatch: "*" });
    await expect(refused).rejects.toMatchObject({ code: "already_exists" });
    expect(steps(seen)).toEqual(["HEAD"]);
    const other = storage.write?.(path, chunked(big, MiB), { ifMatch: '"0x1"' });
    await expect(other).rejects.toMatchObject({ code: "precondition_failed" });
  });
});

describe("5 GiB", () => {
  const SIZE_5G = 5 * 1024 ** 3;
  const HUGE = parseStorePath("huge.bin");

  function open(fetch: typeof globalThis.fetch): AdlsGen2Storage {
    const accountKey = new Secret(btoa("key"));
    return adlsGen2.open({
      options: { accountName: "contoso", filesystem: "fs" },
      credential: { kind: "account_key", accountKey },
      fetch,
    });
  }

  test("are listed and read exactly, at their far end too", async () => {
    const storage = open(async (url, init) => {
      if (urlOf(url).includes("resource=filesystem")) {
        return Response.json({ paths: [{ name: HUGE, contentLength: String(SIZE_5G), etag: "0x1" }] });
      }
      const headers = new Headers(init?.headers);
      const [, from = "", to = ""] = /bytes=(\d+)-(\d+)/.exec(headers.get("x-ms-range") ?? "") ?? [];
      const end = Math.min(Number(to), SIZE_5G - 1);
      return new Response(new Uint8Array(end - Number(from) + 1), {
        status: 206,
        headers: {
          "content-length": String(end - Number(from) + 1),
          "content-range": `bytes ${from}-${end}/${SIZE_5G}`,
          etag: '"0x1"',
        },
      });
    });
    const sizes: number[] = [];
    for await (const { size } of storage.list("" as StorePath)) sizes.push(size);
    expect(sizes).toEqual([SIZE_5G]);
    const { body, stat } = await storage.read(HUGE, { range: { offset: SIZE_5G - 6 * MiB - 3 } });
    expect(stat?.size).toBe(SIZE_5G);
    expect((await bytesOf(body)).byteLength).toBe(6 * MiB + 3);
  });

  test("are written in blocks that cover them without a gap", async () => {
    const whole = sizeOf(SIZE_5G, SIZE_5G / 16);
    const covered: [number, number][] = [];
    let flushed = 0;
    const storage = open(async (url, init) => {
      const { searchParams } = new URL(urlOf(url));
      const position = Number(searchParams.get("position"));
      if (searchParams.get("action") === "append") {
        covered.push([position, init?.body instanceof Uint8Array ? init.body.byteLength : 0]);
        return new Response(null, { status: 202 });
      }
      if (searchParams.get("action") === "flush") flushed = position;
      const status = searchParams.get("action") === "flush" ? 200 : 201;
      return new Response(null, { status, headers: { etag: '"0x2"' } });
    });
    const chunk = new Uint8Array(16 * MiB);
    let left = whole;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          if (left === 0) return controller.close();
          left -= chunk.byteLength;
          controller.enqueue(chunk);
        },
      },
      { highWaterMark: 0 },
    );
    const written = await storage.write?.(HUGE, body, { size: whole });
    expect(written?.size).toBe(whole);
    expect(flushed).toBe(whole);
    let end = 0;
    for (const [position, length] of covered.toSorted(([a], [b]) => a - b)) {
      expect(position).toBe(end);
      end += length;
    }
    expect(end).toBe(whole);
  });
});
