import { describe, expect, test } from "vitest";
import { faultyFetch, withFaults, type FetchFault, type StorageFault } from "@aml/adapter-testkit";
import { parseStorePath, type StorageAdapter } from "@aml/core";
import { withRetry, withTimeout } from "@aml/core/layers";
import { memoryStorage } from "@aml/core/memory";

const path = parseStorePath("a.txt");
const text = "0123456789";
const instant = withRetry({ sleep: () => Promise.resolve() });

function faulty(...script: StorageFault[]): StorageAdapter {
  return withFaults(script)(
    memoryStorage({ files: { "a.txt": text, "b.txt": "", "c.txt": "" }, chunkSize: 4 }),
  );
}

async function read(store: StorageAdapter): Promise<string> {
  return new Response((await store.read(path)).body).text();
}

async function list(store: StorageAdapter): Promise<string[]> {
  const found: string[] = [];
  for await (const item of store.list(parseStorePath(""))) found.push(item.path);
  return found;
}

describe("withFaults", () => {
  test("hits the call that the script names", async () => {
    const store = faulty({ on: "stat", call: 2, does: "error", code: "rate_limited", retryAfterMs: 5000 });
    await store.stat(path);
    await expect(store.stat(path)).rejects.toMatchObject({ code: "rate_limited", retryAfterMs: 5000 });
    expect((await store.stat(path)).size).toBe(10);
  });

  test("cuts, truncates and extends bodies at the byte; withRetry mends the first two", async () => {
    const cut = (): StorageAdapter => faulty({ on: "read", call: 1, does: "cut", afterBytes: 7 });
    const truncated = (): StorageAdapter => faulty({ on: "read", call: 1, does: "truncate", afterBytes: 7 });
    await expect(read(cut())).rejects.toMatchObject({ code: "unavailable" });
    expect(await read(truncated())).toBe("0123456");
    expect(await read(instant(cut()))).toBe(text);
    expect(await read(instant(truncated()))).toBe(text);
    const extended = faulty({ on: "read", does: "extend" });
    expect(await read(extended)).toHaveLength(26);
    await expect(read(instant(extended))).rejects.toMatchObject({ code: "internal" });
  });

  test("stalls until it is aborted; withTimeout notices", async () => {
    const soon = withTimeout({ setTimer: (callback) => (setTimeout(() => callback(), 1), () => undefined) });
    for (const store of [
      faulty({ on: "read", does: "stall", afterBytes: 4 }),
      faulty({ on: "read", does: "stall" }),
    ]) {
      await expect(read(soon(store))).rejects.toMatchObject({ code: "timeout" });
    }
    await expect(soon(faulty({ on: "stat", does: "stall" })).stat(path)).rejects.toMatchObject({
      code: "timeout",
    });
    await expect(list(soon(faulty({ on: "list", does: "stall", afterItems: 1 })))).rejects.toMatchObject({
      code: "timeout",
    });
    const reason = new Error("enough");
    await expect(
      faulty({ on: "delete", does: "stall" }).delete?.(path, { signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason);
  });

  test("breaks listings after some items; withRetry goes on", async () => {
    const broken = (): StorageAdapter => faulty({ on: "list", call: 1, does: "error", afterItems: 2 });
    await expect(list(broken())).rejects.toMatchObject({ code: "unavailable" });
    expect(await list(instant(broken()))).toEqual(["a.txt", "b.txt", "c.txt"]);
  });

  test("changes the etag between two parts of a read, which withRetry refuses to join", async () => {
    const store = faulty(
      { on: "read", call: 1, does: "cut", afterBytes: 5 },
      { on: "read", call: 2, does: "change_etag" },
    );
    await expect(read(instant(store))).rejects.toMatchObject({ code: "precondition_failed" });
    expect((await store.stat(path)).etag).toBe('"1-v1"');
    expect(await read(store)).toBe(text);
  });

  test("skews the clock", async () => {
    const inner = memoryStorage({ files: { "a.txt": "" }, now: () => 10_000 });
    const store = withFaults([{ on: "stat", does: "clock_skew", skewMs: -4000 }])(inner);
    expect((await store.stat(path)).modifiedAt?.getTime()).toBe(6000);
  });
});

describe("faultyFetch", () => {
  const served: Request[] = [];
  const server = async (input: string | URL | Request): Promise<Response> => {
    served.push(input as Request);
    const headers = { etag: '"1"', "last-modified": "Fri, 20 Nov 2026 08:00:00 GMT" };
    return new Response((input as Request).headers.has("range") ? "23" : text, { headers });
  };
  const get = (fault: FetchFault, headers: Record<string, string> = {}): Promise<Response> =>
    faultyFetch(server, [fault])("http://h/a.txt", { headers });

  test("answers with a status and headers, without asking the server", async () => {
    served.length = 0;
    const response = await get({ does: "status", status: 429, headers: { "retry-after": "3" } });
    expect([response.status, response.headers.get("retry-after"), served.length]).toEqual([429, "3", 0]);
  });

  test("hits the matching call only", async () => {
    const fetch = faultyFetch(server, [{ call: 2, method: "GET", match: /a\.txt/, does: "network_error" }]);
    const outcomes: string[] = [];
    for (const [url, method] of [
      ["b.txt", "GET"],
      ["a.txt", "HEAD"],
      ["a.txt", "GET"],
      ["a.txt", "GET"],
      ["a.txt", "GET"],
    ]) {
      outcomes.push(await fetch(`http://h/${url}`, { method: method as string }).then(() => "ok", String));
    }
    expect(outcomes).toEqual(["ok", "ok", "ok", "TypeError: fetch failed", "ok"]);
  });

  test("cuts, truncates and stalls bodies", async () => {
    expect(await (await get({ does: "truncate", afterBytes: 3 })).text()).toBe("012");
    await expect((await get({ does: "cut", afterBytes: 3 })).text()).rejects.toThrow("terminated");
    const controller = new AbortController();
    const fetch = faultyFetch(server, [{ does: "stall", afterBytes: 3 }]);
    const reader = (await fetch("http://h/a", { signal: controller.signal })).body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("012");
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(reader?.read()).rejects.toBe(reason);
  });

  test("changes the etag, ignores ranges, skews the clock", async () => {
    expect((await get({ does: "change_etag" })).headers.get("etag")).toBe('"another-version"');
    expect((await get({ does: "change_etag" }, { "if-match": '"1"' })).status).toBe(412);
    expect(await (await get({ does: "ignore_range" }, { range: "bytes=2-3" })).text()).toBe(text);
    const skewed = await get({ does: "clock_skew", skewMs: 60_000 });
    expect(skewed.headers.get("last-modified")).toBe("Fri, 20 Nov 2026 08:01:00 GMT");
  });
});
