import { withTimeout } from "@aml/core/layers";
import { parseStorePath, type StorageAdapter, type StorePath } from "@aml/core/adapter";
import { createCertificate, serve, trustCertificate } from "@aml/emulator";
import { beforeAll, describe, expect, test } from "vitest";
import { openStore, sharedWorkspace, token, volumePath } from "./workspace.ts";

const ROOTS = [
  ["dbfs", async () => openStore(await sharedWorkspace())],
  ["a volume", async () => openStore(await sharedWorkspace(), token, { path: volumePath() })],
] as const;

async function sparse({ uri }: StorageAdapter, path: StorePath, size: number): Promise<void> {
  const root = decodeURIComponent(new URL(uri).pathname).replace(/^\/dbfs:/, "");
  (await sharedWorkspace()).emulator.addSparseFile(`${root}/${path}`, size);
}

describe.each(ROOTS)("bad input, %s", (_name, open) => {
  let storage: StorageAdapter;
  beforeAll(async () => {
    storage = await open();
  });

  test("names: dots, an encoded slash, emoji, 1,024 characters", async () => {
    const long = `${"é".repeat(250)}/${"x".repeat(250)}/${"y".repeat(250)}/${"z".repeat(271)}`;
    expect(long.length).toBe(1024);
    for (const path of ["a.", "...", "%2F", "a%2Fb", "😀/👩‍👩‍👧.csv", "..a", long]) {
      await storage.write?.(parseStorePath(path), new Blob([path]).stream());
      expect(await new Response((await storage.read(parseStorePath(path))).body).text()).toBe(path);
      expect((await storage.stat(parseStorePath(path))).path).toBe(path);
    }
    const listed: string[] = [];
    for await (const { path } of storage.list(parseStorePath(""), { recursive: true })) listed.push(path);
    expect(listed).toContain(long);
    expect(listed).toContain("😀/👩‍👩‍👧.csv");
    for (const verb of ["stat", "read", "delete"] as const)
      await expect(storage[verb]?.("a/../b" as StorePath)).rejects.toMatchObject({
        code: "path_invalid",
        message: 'The path "a/../b" leaves its store.',
      });
    const listing = storage.list("a\u0000b" as StorePath)[Symbol.asyncIterator]();
    await expect(listing.next()).rejects.toMatchObject({
      code: "path_invalid",
    });
    await expect(storage.write?.("../x" as StorePath, new Blob(["x"]).stream())).rejects.toMatchObject({
      code: "path_invalid",
    });
  });

  test("a file of no byte", async () => {
    await storage.write?.(parseStorePath("none"), new Blob([]).stream());
    expect(await storage.stat(parseStorePath("none"))).toMatchObject({ kind: "file", size: 0 });
    expect(await new Response((await storage.read(parseStorePath("none"))).body).text()).toBe("");
    await expect(storage.read(parseStorePath("none"), { range: { offset: 1 } })).rejects.toMatchObject({
      code: "range_not_satisfiable",
    });
  });

  test("a file of 5 GiB: its size, its last bytes, and a read that is left", async () => {
    const path = parseStorePath("sparse/big.bin");
    const size = 5 * 1024 ** 3;
    await sparse(storage, path, size);
    expect(await storage.stat(path)).toMatchObject({ kind: "file", size });
    const { body, stat } = await storage.read(path, { range: { offset: size - 10, length: 100 } });
    expect(await new Response(body).bytes()).toEqual(new Uint8Array(10));
    expect(stat?.size).toBe(size);
    const reader = (await storage.read(path)).body.getReader();
    expect((await reader.read()).done).toBe(false);
    await reader.cancel();
    await expect(storage.read(path, { range: { offset: size + 1 } })).rejects.toMatchObject({
      code: "range_not_satisfiable",
    });
  });
});

/** Never answers. */
const silent: typeof fetch = (_input, init) =>
  new Promise((_resolve, reject) => {
    const { signal } = init ?? {};
    const abort = (): void => reject(signal?.reason as Error);
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort, { once: true });
  });

test("a network that swallows all: core's time limit ends it, for every verb", async () => {
  for (const root of ["dbfs:/x", "/Volumes/main/default/data"]) {
    const timers: (() => void)[] = [];
    const storage = withTimeout({
      setTimer: (fire) => {
        timers.push(fire);
        queueMicrotask(() => setImmediate(fire));
        return () => undefined;
      },
    })(openStore(await sharedWorkspace(), token, { path: root, fetch: silent }));
    const path = parseStorePath("a");
    await expect(storage.stat(path)).rejects.toMatchObject({ code: "timeout" });
    await expect(storage.read(path)).rejects.toMatchObject({ code: "timeout" });
    await expect(storage.delete?.(path)).rejects.toMatchObject({ code: "timeout" });
    await expect(storage.list(path)[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "timeout",
    });
    await expect(storage.write?.(path, new Blob(["x"]).stream())).rejects.toMatchObject({ code: "timeout" });
    expect(timers.length).toBeGreaterThanOrEqual(5);
  }
});

test("a certificate that has expired, though it is trusted", async () => {
  const certificate = await createCertificate("expired", { notAfter: new Date(Date.now() - 60_000) });
  const untrust = trustCertificate(certificate.certificate);
  try {
    await using server = await serve((await sharedWorkspace()).emulator.service, { https: certificate });
    const error: unknown = await openStore(await sharedWorkspace(), token, { host: server.url })
      .stat(parseStorePath("a"))
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(/^The certificate of localhost:\d+ is not valid at this time\.$/),
      hint: expect.stringContaining("clock"),
    });
  } finally {
    untrust();
  }
});
