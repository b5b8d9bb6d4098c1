import { faultyFetch, runStorageCase, storageCases, type FetchFault } from "@aml/adapter-testkit";
import { withRetry } from "@aml/core/layers";
import { isAmlError, parseStorePath, Secret, type StorageAdapter } from "@aml/core/adapter";
import { dbfs } from "@aml/dbfs";
import { size as sizeOf } from "@aml/kit/runs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  client,
  openStore,
  sharedWorkspace,
  startWorkspace,
  token,
  volumePath,
  type TestWorkspace,
} from "./workspace.ts";

const MiB = 1024 * 1024;
const BIG = parseStorePath("big.bin");
let workspace: TestWorkspace;
beforeAll(async () => {
  workspace = await sharedWorkspace();
});

function bytes(size: number, seed = 1): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(size);
  for (let index = 0, x = seed; index < size; index += 1) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
    all[index] = x >>> 24;
  }
  return all;
}

function streamOf(...chunks: Uint8Array[]): ReadableStream<Uint8Array> {
  const rest = chunks.values();
  return new ReadableStream({
    pull(controller) {
      const { value, done } = rest.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
  });
}

async function put(storage: StorageAdapter, path: string, content: Uint8Array): Promise<void> {
  await storage.write?.(parseStorePath(path), streamOf(content));
}

async function readAll(storage: StorageAdapter, path: string): Promise<Uint8Array> {
  return new Response((await storage.read(parseStorePath(path))).body).bytes();
}

/** A store whose requests are noted, and fail by script. */
function watched(
  path: string,
  script: readonly FetchFault[] = [],
): { storage: StorageAdapter; seen: string[] } {
  const seen: string[] = [];
  const faulty = faultyFetch(fetch, script);
  const storage = openStore(workspace, token, {
    path,
    fetch: (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input);
      seen.push(
        `${init?.method ?? "GET"} ${url.pathname.replace(/^\/api\/2\.0\//, "").replace(/\/Volumes.*/, "")}`,
      );
      return faulty(input, init);
    },
  });
  return { storage, seen };
}

const folder = (): string => `dbfs:/t/${crypto.randomUUID()}`;

describe("what a large file of DBFS costs, and what it holds", () => {
  test("a small file is one call to write and two, at once, to read", async () => {
    const { storage, seen } = watched(folder());
    await put(storage, "a", bytes(MiB));
    expect(seen.splice(0)).toEqual(["POST dbfs/put"]);
    expect(await readAll(storage, "a")).toEqual(bytes(MiB));
    expect(seen).toEqual(["GET dbfs/get-status", "GET dbfs/read"]);
  });

  test("a large one is written aside, and read in chunks ahead between two looks", async () => {
    const { storage, seen } = watched(folder());
    const large = bytes(2 * MiB + 5);
    await put(storage, "f/a", large);
    expect(seen.splice(0)).toEqual([
      "GET dbfs/get-status",
      "POST dbfs/create",
      ...Array(3).fill("POST dbfs/add-block"),
      "POST dbfs/close",
      "POST dbfs/mkdirs",
      "POST dbfs/move",
    ]);
    expect(await readAll(storage, "f/a")).toEqual(large);
    expect(seen.splice(0)).toEqual([
      "GET dbfs/get-status",
      ...Array(3).fill("GET dbfs/read"),
      "GET dbfs/get-status",
    ]);
  });

  test("no more than the first chunk is fetched for a look at the beginning", async () => {
    const { storage, seen } = watched(folder());
    await put(storage, "a", bytes(sizeOf(9, 4) * MiB));
    seen.length = 0;
    const reader = (await storage.read(parseStorePath("a"))).body.getReader();
    await reader.read();
    await reader.cancel();
    expect(seen).toEqual(["GET dbfs/get-status", "GET dbfs/read"]);
  });

  // DBFS does not claim atomicWrites, for replacing takes two steps; all but that moment must hold all the same.
  const atomic = storageCases.filter(({ needs }) => needs.includes("atomicWrites"));
  test.each(atomic.map((each) => [each.id, each] as const))("%s holds", async (_id, storageCase) => {
    await runStorageCase(storageCase, () => ({ storage: openStore(workspace) }), {
      lacks: ["etags", "atomicWrites", "properties", "md5", "copy", "resume"],
    });
  });

  test("a file that is replaced by one of the same size while it is read", async () => {
    const storage = openStore(workspace);
    await put(storage, "a", bytes(3 * MiB, 1));
    const reader = (await storage.read(parseStorePath("a"))).body.getReader();
    await reader.read();
    await put(storage, "a", bytes(3 * MiB, 2));
    const end = (async () => {
      for (let next = await reader.read(); !next.done; next = await reader.read());
    })();
    await expect(end).rejects.toMatchObject({ code: "precondition_failed" });
  });

  test("large writers of one file at once leave one of their versions", async () => {
    const storage = openStore(workspace);
    const contents = [1, 2, 3].map((seed) => bytes(MiB + 100, seed));
    const outcomes = await Promise.allSettled(contents.map((content) => put(storage, "a", content)));
    expect(outcomes.filter(({ status }) => status === "fulfilled").length).toBeGreaterThan(0);
    const found = await readAll(storage, "a");
    expect(contents.some((content) => Buffer.from(content).equals(found))).toBe(true);
    const names = [];
    for await (const { path } of storage.list(parseStorePath(""))) names.push(path);
    expect(names).toEqual(["a"]);
  });

  test("a write that fails on its way keeps the old file and leaves no part, and an abort too", async () => {
    const root = folder();
    const storage = openStore(workspace, token, { path: root });
    await put(storage, "a", bytes(10));
    const cut = watched(root, [{ match: /add-block/, call: 2, does: "network_error" }]);
    await expect(put(cut.storage, "a", bytes(3 * MiB))).rejects.toMatchObject({ code: "unavailable" });
    const controller = new AbortController();
    const reason = new Error("enough");
    const aborted = storage.write?.(
      parseStorePath("a"),
      streamOf(bytes(2 * MiB), ...[0].map(() => (controller.abort(reason), bytes(2 * MiB)))),
      { signal: controller.signal },
    );
    await expect(aborted).rejects.toBe(reason);
    expect(await readAll(storage, "a")).toEqual(bytes(10));
    // Not even one that listings would hide.
    const { server } = workspace;
    const response = await fetch(`${server.url}/api/2.0/dbfs/list?path=${root}`, {
      headers: { authorization: `Bearer ${(token as { token: Secret }).token.reveal()}` },
    });
    const { files } = (await response.json()) as { files: { path: string }[] };
    expect(files.map((file) => file.path)).toEqual([`${root.slice(5)}/a`]);
  });

  test("ifNoneMatch refuses a large file before it is sent", async () => {
    const { storage, seen } = watched(folder());
    await put(storage, "a", bytes(10));
    seen.length = 0;
    const write = storage.write?.(parseStorePath("a"), streamOf(bytes(3 * MiB)), { ifNoneMatch: "*" });
    await expect(write).rejects.toMatchObject({ code: "already_exists" });
    expect(seen).toEqual(["GET dbfs/get-status"]);
  });
});

describe("volumes", () => {
  test("one request each way; a body that breaks off is unavailable, and begun again by core", async () => {
    const path = volumePath();
    const { storage, seen } = watched(path);
    const big = bytes(sizeOf(6, 3) * MiB);
    await put(storage, "big.bin", big);
    expect(await readAll(storage, "big.bin")).toEqual(big);
    expect(seen).toEqual(["PUT fs/files", "GET fs/files"]);
    for (const does of ["cut", "truncate"] as const) {
      const broken = watched(path, [{ method: "GET", call: 1, does, afterBytes: MiB }]);
      await expect(readAll(broken.storage, "big.bin")).rejects.toMatchObject({ code: "unavailable" });
    }
    const early = watched(path, [{ method: "GET", call: 1, does: "cut", afterBytes: 0 }]);
    const retried = withRetry({ sleep: () => Promise.resolve() })(early.storage);
    expect(await readAll(retried, "big.bin")).toEqual(big);
  });

  test("a server that ignores the range is told from one that does not", async () => {
    const path = volumePath();
    await put(openStore(workspace, token, { path }), "a", bytes(100));
    const { storage } = watched(path, [{ method: "GET", does: "ignore_range" }]);
    await expect(storage.read(parseStorePath("a"), { range: { offset: 7 } })).rejects.toMatchObject({
      code: "internal",
    });
  });

  test("a listing fails whole when a later page fails", async () => {
    const path = volumePath();
    const files = openStore(workspace, token, { path });
    await Promise.all(Array.from({ length: 9 }, (_, index) => put(files, `d${index}/f`, bytes(1))));
    const { storage } = watched(path, [{ match: /\/d7(?![0-9a-f])/, does: "status", status: 503 }]);
    const seen: string[] = [];
    const list = async (): Promise<void> => {
      for await (const item of storage.list(parseStorePath(""), { recursive: true })) seen.push(item.path);
    };
    await expect(list()).rejects.toMatchObject({ code: "unavailable" });
    expect(seen).toEqual(Array.from({ length: 7 }, (_, index) => `d${index}/f`));
  });

  test("folders are listed a few at once, never more than five", async () => {
    const path = volumePath();
    const files = openStore(workspace, token, { path });
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => put(files, `d${index % 10}/e${index}/f`, bytes(1))),
    );
    let running = 0;
    let most = 0;
    const storage = openStore(workspace, token, {
      path,
      fetch: async (input, init) => {
        most = Math.max(most, (running += 1));
        return fetch(input, init).finally(() => (running -= 1));
      },
    });
    let count = 0;
    for await (const _ of storage.list(parseStorePath(""), { recursive: true })) count += 1;
    expect(count).toBe(20);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(5);
  });

  test("more than 5 GiB is refused before a byte is taken", async () => {
    const storage = openStore(workspace, token, { path: volumePath() });
    let pulled = false;
    const body = new ReadableStream<Uint8Array>({ pull: () => void (pulled = true) }, { highWaterMark: 0 });
    await expect(storage.write?.(BIG, body, { size: 5 * 1024 * MiB + 1 })).rejects.toMatchObject({
      code: "unsupported",
    });
    expect(pulled).toBe(false);
  });
});

test("a folder of many files is deleted in as many calls as it takes", async () => {
  const small = await startWorkspace({ deleteLimit: 3 });
  const storage = openStore(small, token, { path: "dbfs:/many" });
  await Promise.all(Array.from({ length: 10 }, (_, index) => put(storage, `f/${index}`, bytes(1))));
  await storage.delete?.(parseStorePath("f"), { recursive: true });
  await expect(storage.stat(parseStorePath("f"))).rejects.toMatchObject({ code: "not_found" });
  await small.server.close();
});

test("a name that no path can express is reported, not left out", async () => {
  const storage = dbfs.open({
    options: { host: "adb-1.2.azuredatabricks.net" },
    credential: token,
    fetch: async () => Response.json({ files: [{ path: "/", is_dir: true }] }),
  });
  const first = storage.list(parseStorePath(""))[Symbol.asyncIterator]().next();
  await expect(first).rejects.toMatchObject({ code: "unsupported" });
});

describe("a client's token", () => {
  let own: TestWorkspace;
  let now = Date.now();
  const fetched = { count: 0 };
  const counting: typeof fetch = (input, init) => {
    const url = input instanceof Request ? input.url : input.toString();
    if (url.endsWith("/oidc/v1/token")) fetched.count += 1;
    return fetch(input, init);
  };
  beforeAll(async () => {
    own = await startWorkspace({ now: () => now });
  });
  afterAll(() => own.server.close());

  test("is fetched once for all who ask, and anew once when it is refused", async () => {
    const storage = openStore(own, client, { path: "dbfs:/", fetch: counting });
    const stats = Array.from({ length: 9 }, () => storage.stat(parseStorePath("")));
    await Promise.all(stats);
    expect(fetched.count).toBe(1);
    own.emulator.revokeTokens();
    await storage.stat(parseStorePath(""));
    expect(fetched.count).toBe(2);
    now += 2 * 3_600_000;
    await storage.stat(parseStorePath(""));
    expect(fetched.count).toBe(3);
  });

  test("is renewed for a look at a volume too, whose refusal has no words", async () => {
    const storage = openStore(own, client, { path: "/Volumes/main/default/data" });
    await storage.stat(parseStorePath(""));
    own.emulator.revokeTokens();
    expect(await storage.stat(parseStorePath(""))).toMatchObject({ kind: "directory" });
  });

  test("signIn gives it for a look", async () => {
    const options = dbfs.parseOptions({ host: own.server.url });
    const signedIn = await dbfs.signIn?.({ options, credential: client });
    expect(signedIn).toMatchObject({ scope: "all-apis", token: expect.any(Secret) });
    expect(await dbfs.signIn?.({ options, credential: token })).toBeUndefined();
  });

  test("one that no renewal helps is auth_failed", async () => {
    const storage = openStore(own, client, {
      fetch: async (input, init) =>
        (input instanceof Request ? input.url : input.toString()).includes("/oidc/")
          ? fetch(input, init)
          : Response.json({ error_code: "403", message: "Invalid access token." }, { status: 403 }),
    });
    const error: unknown = await storage.stat(parseStorePath("a")).catch((reason: unknown) => reason);
    expect(isAmlError(error, "auth_failed")).toBe(true);
  });
});

test("a listing that breaks off is unavailable, never shorter", async () => {
  for (const path of [folder(), volumePath()]) {
    await put(openStore(workspace, token, { path }), "f/a", bytes(1));
    const { storage } = watched(path, [{ match: /list|directories/, does: "truncate", afterBytes: 9 }]);
    const listing = storage.list(parseStorePath("f"))[Symbol.asyncIterator]();
    await expect(listing.next()).rejects.toMatchObject({ code: "unavailable" });
  }
});

test("an upload whose connection is cut is unavailable, whatever its body was doing", async () => {
  const cutting = createServer((request) => {
    let received = 0;
    request.on("data", (chunk: Uint8Array) => {
      received += chunk.byteLength;
      if (received > MiB) request.socket.destroy();
    });
  });
  await new Promise<void>((resolve) => cutting.listen(0, "127.0.0.1", resolve));
  const { port } = cutting.address() as AddressInfo;
  const storage = openStore({ ...workspace, server: { url: `http://127.0.0.1:${port}` } as never }, token, {
    path: volumePath(),
  });
  let given = 0;
  let reason: unknown;
  const body = new ReadableStream<Uint8Array>({
    // It waits for more in the middle of the third block.
    pull: (controller) => (given++ < 11 ? controller.enqueue(bytes(MiB / 4)) : new Promise(() => undefined)),
    cancel: (why) => void (reason = why),
  });
  const error = await storage.write?.(parseStorePath("a"), body, { size: 9 * MiB }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(isAmlError(error) && error.code).toBe("unavailable");
  expect(reason).toBeDefined();
  cutting.close();
});
