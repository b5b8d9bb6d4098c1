import { faultyFetch, type FetchFault } from "@aml/adapter-testkit";
import { parseStorePath, type StorageAdapter, type StoreWarning } from "@aml/core/adapter";
import { afterAll, beforeEach, afterEach, describe, expect, test, vi } from "vitest";
import process from "node:process";
import { openStore, startStore, stopStore, TOKEN, type TestStore } from "./gen1.ts";

const MiB = 1024 * 1024;
let store: TestStore;
beforeEach(async () => {
  store = await startStore();
});
afterEach(() => stopStore(store));
afterAll(() => vi.restoreAllMocks());

function bytes(size: number, seed = 1): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(size);
  for (let index = 0, x = seed; index < size; index += 1) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
    all[index] = x >>> 24;
  }
  return all;
}

async function put(storage: StorageAdapter, path: string, content: Uint8Array<ArrayBuffer>): Promise<void> {
  await storage.write?.(parseStorePath(path), new Blob([content]).stream());
}

async function readAll(storage: StorageAdapter, path: string): Promise<Uint8Array> {
  return new Response((await storage.read(parseStorePath(path))).body).bytes();
}

function watched(script: readonly FetchFault[] = []): { storage: StorageAdapter; seen: string[] } {
  const seen: string[] = [];
  const faulty = faultyFetch(fetch, script);
  const storage = openStore(store, {
    fetch: (input, init) => {
      seen.push(new URL(input instanceof Request ? input.url : input).searchParams.get("op") ?? "");
      return faulty(input, init);
    },
  });
  return { storage, seen };
}

/** What lies in the root, ours that are hidden too. */
async function everything(): Promise<string[]> {
  const response = await fetch(`${store.server.url}/webhdfs/v1/?op=LISTSTATUS`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  const { FileStatuses } = (await response.json()) as {
    FileStatuses: { FileStatus: { pathSuffix: string }[] };
  };
  return FileStatuses.FileStatus.map(({ pathSuffix }) => pathSuffix);
}

test("requests: a new file, an old one, a look", async () => {
  const { storage, seen } = watched();
  await put(storage, "d/a", bytes(10));
  expect(seen.splice(0)).toEqual(["GETFILESTATUS", "CREATE", "MKDIRS", "RENAME"]);
  await put(storage, "d/a", bytes(9 * MiB));
  expect(seen.splice(0)).toEqual(["GETFILESTATUS", "CREATE", "APPEND", "APPEND", "RENAME"]);
  expect(await readAll(storage, "d/a")).toEqual(bytes(9 * MiB));
  expect(seen.splice(0)).toEqual(["GETFILESTATUS", "OPEN", "GETFILESTATUS"]);
  await put(storage, "s", bytes(10));
  seen.length = 0;
  expect(await readAll(storage, "s")).toEqual(bytes(10));
  expect(seen).toEqual(["GETFILESTATUS", "OPEN"]);
});

test("a body that breaks off is unavailable, however it does", async () => {
  await put(openStore(store), "a", bytes(6 * MiB));
  for (const does of ["cut", "truncate"] as const) {
    const { storage } = watched([{ match: /op=OPEN/, does, afterBytes: MiB }]);
    await expect(readAll(storage, "a")).rejects.toMatchObject({ code: "unavailable" });
  }
});

test("a file that is replaced while it is read", async () => {
  const storage = openStore(store);
  for (const size of [6 * MiB, 7 * MiB]) {
    await put(storage, "a", bytes(6 * MiB, 1));
    const reader = (await storage.read(parseStorePath("a"))).body.getReader();
    await reader.read();
    await put(storage, "a", bytes(size, 2));
    const end = (async () => {
      for (let next = await reader.read(); !next.done; next = await reader.read());
    })();
    await expect(end).rejects.toMatchObject({ code: "precondition_failed" });
  }
});

test("a write that fails on its way keeps the old file and leaves nothing behind", async () => {
  await put(openStore(store), "a", bytes(10));
  const { storage } = watched([{ match: /op=APPEND/, call: 1, does: "network_error" }]);
  const error: unknown = await put(storage, "a", bytes(9 * MiB)).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "unavailable", context: expect.objectContaining({ path: "a" }) });
  const stuck = watched([{ match: /op=RENAME/, call: 1, does: "status", status: 503 }]);
  await expect(put(stuck.storage, "a", bytes(9))).rejects.toMatchObject({ code: "unavailable" });
  expect(await readAll(storage, "a")).toEqual(bytes(10));
  expect(await everything()).toEqual(["a"]);
});

test("rights on the way to a path", async () => {
  const storage = openStore(store);
  await put(storage, "d/e/f", bytes(1));
  const headers = { authorization: `Bearer ${TOKEN}` };
  await fetch(
    `${store.server.url}/webhdfs/v1/d/e?op=SETACL&aclSpec=user::rwx,group::r-x,other::---,user:u1:r--`,
    {
      method: "PUT",
      headers,
    },
  );
  const found = [];
  for await (const rights of storage.pathRights?.(parseStorePath("d/e/f/none")) ?? []) found.push(rights);
  expect(found.map(({ path }) => path)).toEqual(["", "d", "d/e", "d/e/f"]);
  expect(found[2]).toMatchObject({ permissions: "rwxr-x---", acl: "user:u1:r--" });
});

describe("the store says that it is retired", () => {
  test("once, on use, with the Gen2 form of its URI", async () => {
    const warnings: StoreWarning[] = [];
    const storage = openStore(store, { onWarning: (warning) => warnings.push(warning) });
    expect(warnings).toEqual([]);
    await put(storage, "a", bytes(1));
    await readAll(storage, "a");
    expect(warnings).toEqual([
      {
        code: "store_retired",
        message: expect.stringContaining("retired on 29 February 2024"),
        hint: expect.stringContaining("abfss://FILESYSTEM@contoso.dfs.core.windows.net/PATH"),
      },
    ]);
  });

  test("to the runtime, when nobody else listens", async () => {
    const emit = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const storage = openStore(store, { onWarning: undefined });
    await storage.stat(parseStorePath(""));
    expect(emit).toHaveBeenCalledExactlyOnceWith(expect.stringContaining("abfss://"), {
      type: "DeprecationWarning",
      code: "AML_STORE_RETIRED",
    });
  });
});

test("a listing that breaks off is unavailable, never shorter", async () => {
  await put(openStore(store), "f/a", bytes(1));
  const { storage } = watched([{ match: /op=LISTSTATUS/, does: "truncate", afterBytes: 9 }]);
  const listing = storage.list(parseStorePath("f"))[Symbol.asyncIterator]();
  await expect(listing.next()).rejects.toMatchObject({ code: "unavailable" });
});
