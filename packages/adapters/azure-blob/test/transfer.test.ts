import { faultyFetch, type FetchFault } from "@aml/adapter-testkit";
import { withRetry } from "@aml/core/layers";
import { parseStorePath, type StorageAdapter } from "@aml/core/adapter";
import { size as sizeOf } from "@aml/kit/runs";
import type { ContainerClient } from "@azure/storage-blob";
import { beforeAll, describe, expect, test } from "vitest";
import { blockSize } from "@aml/azure-auth/transfer";
import {
  containerSas,
  newContainer,
  openStore,
  sasCredential,
  serviceOf,
  sharedAzurite,
  urlOf,
  type Service,
} from "./azurite.ts";

const MiB = 1024 * 1024;
const BIG = parseStorePath("big.bin");
const SMALL = parseStorePath("small.bin");
const SIZE = sizeOf(64, 34) * MiB + 17;
/** Requests of 5 MiB each. */
const REQUESTS = Math.ceil(SIZE / (5 * MiB));

let azure: Service;
let container: ContainerClient;
let sas: string;
const big = pattern(SIZE, 1);

beforeAll(async () => {
  azure = serviceOf(await sharedAzurite());
  container = await newContainer(azure);
  sas = containerSas(azure, container.containerName);
  await container.getBlockBlobClient(BIG).upload(big, big.byteLength);
  await container.getBlockBlobClient(SMALL).upload(big.subarray(0, 10_000), 10_000);
});

function pattern(size: number, seed: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4));
  for (let index = 0, x = seed; index < words.length; index++) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
    words[index] = x;
  }
  return new Uint8Array(words.buffer, 0, size);
}

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly signal: AbortSignal | null | undefined;
}

/** A store over real sockets whose requests are noted, and fail by script. */
function watched(script: readonly FetchFault[] = []): { storage: StorageAdapter; seen: Seen[] } {
  const seen: Seen[] = [];
  const faulty = faultyFetch(fetch, script);
  const storage = openStore(azure, container.containerName, sasCredential(sas), {
    fetch: (url, init) => {
      const headers = new Headers(init?.headers);
      seen.push({ method: init?.method ?? "GET", url: urlOf(url), headers, signal: init?.signal });
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

describe("read", () => {
  test("a small blob takes one request", async () => {
    const { storage, seen } = watched();
    const { body, stat } = await storage.read(SMALL);
    expect(same(await bytesOf(body), big.subarray(0, 10_000))).toBe(true);
    expect(stat?.size).toBe(10_000);
    expect(seen).toHaveLength(1);
  });

  test("a large blob comes in ranges of one version, in order", async () => {
    const { storage, seen } = watched();
    const { body, stat } = await storage.read(BIG);
    expect(stat?.size).toBe(SIZE);
    expect(same(await bytesOf(body), big)).toBe(true);
    expect(seen.map(({ headers }) => headers.get("if-match"))).toEqual([
      null,
      ...Array(REQUESTS - 1).fill(stat?.etag),
    ]);
  });

  test("a large range of a blob too", async () => {
    const { storage, seen } = watched();
    const { body } = await storage.read(BIG, { range: { offset: 5, length: 20 * MiB } });
    expect(same(await bytesOf(body), big.subarray(5, 5 + 20 * MiB))).toBe(true);
    expect(seen).toHaveLength(4);
  });

  test("nothing is fetched ahead for a look at the beginning, and little for a slow reader", async () => {
    const { storage, seen } = watched();
    const { body } = await storage.read(BIG);
    const reader = body.getReader();
    await reader.read();
    expect(seen).toHaveLength(1);
    for (let size = 0; size < 2 * MiB;) size += (await reader.read()).value?.byteLength ?? 0;
    expect(seen).toHaveLength(5);
    await reader.cancel();
    expect(seen.slice(1).every(({ signal }) => signal?.aborted)).toBe(true);
  });

  test("cancelling ends the first response too", async () => {
    let ended: unknown;
    const storage = openStore(azure, container.containerName, sasCredential(sas), {
      fetch: async (url, init) => {
        const response = await fetch(url, init);
        const reader = response.body?.getReader();
        const body = new ReadableStream<Uint8Array>({
          async pull(controller) {
            controller.enqueue((await reader?.read())?.value ?? new Uint8Array());
          },
          async cancel(reason) {
            ended = true;
            await reader?.cancel(reason);
          },
        });
        return new Response(body, response);
      },
    });
    const reader = (await storage.read(BIG)).body.getReader();
    await reader.read();
    expect(ended).toBeUndefined();
    await reader.cancel();
    await expect.poll(() => ended).toBe(true);
  });

  test("an abort ends a small body that nobody has read yet", async () => {
    const controller = new AbortController();
    const { body } = await watched().storage.read(SMALL, { signal: controller.signal });
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(bytesOf(body)).rejects.toBe(reason);
  });

  test.each(["cut", "truncate"] as const)("%s in a small body is unavailable", async (does) => {
    const { storage } = watched([{ call: 1, method: "GET", does, afterBytes: 1000 }]);
    await expect(storage.read(SMALL).then(({ body }) => bytesOf(body))).rejects.toMatchObject({
      code: "unavailable",
    });
  });

  test("an abort ends the body with its reason, and all requests", async () => {
    const { storage, seen } = watched();
    const controller = new AbortController();
    const { body } = await storage.read(BIG, { signal: controller.signal });
    const reader = body.getReader();
    for (let size = 0; size < 2 * MiB;) size += (await reader.read()).value?.byteLength ?? 0;
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(
      (async () => {
        for (;;) if ((await reader.read()).done) return;
      })(),
    ).rejects.toBe(reason);
    expect(seen.every(({ signal }) => signal?.aborted)).toBe(true);
  });

  test("a blob that changes meanwhile is precondition_failed, never spliced", async () => {
    const path = parseStorePath("changing.bin");
    const other = pattern(SIZE, 2);
    await container.getBlockBlobClient(path).upload(big, SIZE);
    const { storage } = watched();
    const reader = (await storage.read(path)).body.getReader();
    let given = 0;
    const next = async (): Promise<boolean> => {
      const { value, done } = await reader.read();
      if (value && !same(value, big.subarray(given, given + value.byteLength))) throw new Error("Spliced.");
      given += value?.byteLength ?? 0;
      return !done;
    };
    await next();
    await container.getBlockBlobClient(path).upload(other, SIZE);
    await expect(
      (async () => {
        while (await next());
      })(),
    ).rejects.toMatchObject({ code: "precondition_failed" });
    expect(given).toBe(5 * MiB);
  });

  test("a proxy that ignores If-Match is found out by the etag", async () => {
    const storage = openStore(azure, container.containerName, sasCredential(sas), {
      fetch: async (url, init) => {
        const headers = new Headers(init?.headers);
        const later = headers.has("if-match");
        headers.delete("if-match");
        const response = await fetch(url, { ...init, headers });
        const changed = new Headers(response.headers);
        if (later) changed.set("etag", '"another"');
        return new Response(response.body, { status: response.status, headers: changed });
      },
    });
    const { body } = await storage.read(BIG);
    await expect(bytesOf(body)).rejects.toMatchObject({ code: "precondition_failed" });
  });

  test("an etag that changes between two ranges", async () => {
    const { storage } = watched([{ call: 2, method: "GET", does: "change_etag" }]);
    const { body } = await storage.read(BIG);
    await expect(bytesOf(body)).rejects.toMatchObject({ code: "precondition_failed" });
  });

  test("a proxy that ignores the range is found out", async () => {
    const storage = openStore(azure, container.containerName, sasCredential(sas), {
      fetch: (url, init) => {
        const headers = new Headers(init?.headers);
        headers.delete("x-ms-range");
        return fetch(url, { ...init, headers });
      },
    });
    await expect(storage.read(SMALL, { range: { offset: 100, length: 10 } })).rejects.toMatchObject({
      code: "internal",
      message: expect.stringContaining("ignored the range"),
    });
  });

  test.each(["cut", "truncate"] as const)("%s in the middle of any part is unavailable", async (does) => {
    for (const call of [1, 2, 5]) {
      const { storage } = watched([{ call, method: "GET", does, afterBytes: 100_000 }]);
      const { body } = await storage.read(BIG);
      await expect(bytesOf(body)).rejects.toMatchObject({ code: "unavailable" });
    }
  });

  test("429 with Retry-After, in the first and in a later request", async () => {
    const busy = { method: "GET", does: "status", status: 429, headers: { "retry-after": "3" } } as const;
    await expect(watched([{ ...busy, call: 1 }]).storage.read(BIG)).rejects.toMatchObject({
      code: "rate_limited",
      retryAfterMs: 3000,
    });
    const { body } = await watched([{ ...busy, call: 4 }]).storage.read(BIG);
    await expect(bytesOf(body)).rejects.toMatchObject({ code: "rate_limited", retryAfterMs: 3000 });
  });

  test("core's withRetry makes a whole blob of it all", async () => {
    const { storage } = watched([
      { call: 1, method: "GET", does: "status", status: 503 },
      { call: 2, method: "GET", does: "cut", afterBytes: 3 * MiB },
      { call: 5, method: "GET", does: "truncate", afterBytes: 1000 },
      { call: 9, method: "GET", does: "network_error" },
    ]);
    const waits: number[] = [];
    const sleep = async (delayMs: number): Promise<void> => void waits.push(delayMs);
    const { body } = await withRetry({ sleep })(storage).read(BIG);
    expect(same(await bytesOf(body), big)).toBe(true);
    expect(waits.length).toBeGreaterThanOrEqual(3);
  });
});

describe("write", () => {
  const NEW = parseStorePath("written.bin");

  function chunked(bytes: Uint8Array, size: number): ReadableStream<Uint8Array> {
    let at = 0;
    return new ReadableStream({
      pull(controller) {
        if (at >= bytes.byteLength) return controller.close();
        controller.enqueue(bytes.slice(at, at + size));
        at += size;
      },
    });
  }

  test("what fits into one block is one request", async () => {
    const { storage, seen } = watched();
    const written = await storage.write?.(NEW, chunked(big.subarray(0, 8 * MiB), 1_000_003), {
      contentType: "text/csv",
    });
    expect(seen.map(({ method }) => method)).toEqual(["PUT"]);
    expect(written).toEqual(await storage.stat(NEW));
    expect((await container.getBlobClient(NEW).getProperties()).contentType).toBe("text/csv");
  });

  test("more becomes visible at the end, all at once", async () => {
    const path = parseStorePath("late.bin");
    const { storage, seen } = watched();
    let visible: boolean | undefined;
    let at = 0;
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        if (at < 20 * MiB) controller.enqueue(big.subarray(at, (at += MiB)));
        else {
          visible = await container.getBlobClient(path).exists();
          controller.close();
        }
      },
    });
    await storage.write?.(path, body);
    expect(visible).toBe(false);
    expect(seen.map(({ url }) => new URL(url).searchParams.get("comp"))).toEqual([
      "block",
      "block",
      "block",
      "blocklist",
    ]);
    expect(same(await bytesOf((await storage.read(path)).body), big.subarray(0, 20 * MiB))).toBe(true);
  });

  test("an abort leaves nothing and cancels the body", async () => {
    const path = parseStorePath("aborted.bin");
    const { storage } = watched();
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
    expect(await container.getBlobClient(path).exists()).toBe(false);
  });

  test.each([
    [3 * MiB, 3 * MiB + 1],
    [3 * MiB, 3 * MiB - 1],
    [20 * MiB, 20 * MiB + 1],
    [20 * MiB, 20 * MiB - 1],
  ])("a body of %i bytes announced as %i is refused before it is visible", async (actual, size) => {
    const path = parseStorePath("wrong-size.bin");
    const { storage } = watched();
    await expect(
      storage.write?.(path, chunked(big.subarray(0, actual), 700_001), { size }),
    ).rejects.toMatchObject({ code: "precondition_failed" });
    expect(await container.getBlobClient(path).exists()).toBe(false);
  });

  test("a block that fails ends the upload", async () => {
    const path = parseStorePath("failing.bin");
    const { storage, seen } = watched([{ call: 2, method: "PUT", does: "status", status: 503 }]);
    await expect(storage.write?.(path, chunked(big, MiB))).rejects.toMatchObject({ code: "rate_limited" });
    expect(seen.some(({ url }) => url.includes("comp=blocklist"))).toBe(false);
    expect(await container.getBlobClient(path).exists()).toBe(false);
  });

  test("blocks grow so that 50,000 of them are enough", () => {
    expect(blockSize(0, undefined)).toBe(8 * MiB);
    expect(blockSize(4999, undefined)).toBe(8 * MiB);
    expect(blockSize(5000, undefined)).toBe(16 * MiB);
    expect(blockSize(49_999, undefined)).toBe(512 * MiB);
    expect(blockSize(0, 100 * MiB)).toBe(8 * MiB);
    const terabytes = 190 * 1024 ** 4;
    expect(blockSize(0, terabytes) * 50_000).toBeGreaterThanOrEqual(terabytes);
  });
});
