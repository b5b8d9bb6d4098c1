import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { faultyFetch, type FetchFault } from "@aml/adapter-testkit";
import { AmlError, parseStorePath, type ReadOptions, type StorageAdapter, type StorePath } from "@aml/core";
import { withRetry } from "@aml/core/layers";
import { http } from "@aml/http";
import { startFileServer, type FileServer, type Handler } from "./file-server.ts";

const at = (path: string): StorePath => parseStorePath(path);
const text = "0123456789".repeat(20);
const servers: FileServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function start(first?: Handler, faults: readonly FetchFault[] = []) {
  const server = await startFileServer(first);
  servers.push(server);
  server.files.set("a.txt", new TextEncoder().encode(text));
  server.files.set("empty.txt", new Uint8Array());
  const fetch = faultyFetch((input, init) => globalThis.fetch(input, init), faults);
  const store = http.open({ options: { baseUrl: server.origin }, credential: { kind: "anonymous" }, fetch });
  return { ...server, store };
}

async function read(store: StorageAdapter, path: string, options?: ReadOptions): Promise<string> {
  return new Response((await store.read(at(path), options)).body).text();
}

const code = (expected: string): unknown => expect.objectContaining({ code: expected });

describe("servers that do not keep to the book", () => {
  test("one that ignores ranges is read up to the range", async () => {
    const { store } = await start(undefined, [{ does: "ignore_range" }]);
    expect(await read(store, "a.txt", { range: { offset: 13, length: 4 } })).toBe("3456");
    expect(await read(store, "a.txt", { range: { offset: 195 } })).toBe("56789");
    expect(await read(store, "a.txt", { range: { offset: 195, length: 50 } })).toBe("56789");
    expect(await read(store, "a.txt", { range: { offset: 200 } })).toBe("");
    await expect(read(store, "a.txt", { range: { offset: 201 } })).rejects.toEqual(
      code("range_not_satisfiable"),
    );
  });

  test("one that ignores ranges and tells no length", async () => {
    const { store } = await start((_request, response) => {
      response.writeHead(200);
      response.write(text.slice(0, 50));
      response.end(text.slice(50));
      return true;
    });
    expect(await read(store, "a.txt", { range: { offset: 48, length: 4 } })).toBe("8901");
    await expect(read(store, "a.txt", { range: { offset: 201 } })).rejects.toEqual(
      code("range_not_satisfiable"),
    );
    await expect(store.stat(at("a.txt"))).rejects.toEqual(code("unsupported"));
    expect((await store.read(at("a.txt"))).stat).toBeUndefined();
  });

  test.each(["bytes 0-3/200", "bytes 10-12/200", "bytes 10-14/200", "bytes x", undefined])(
    "one that answers with another range (%s) is an error",
    async (contentRange) => {
      const { store } = await start((_request, response) => {
        response
          .writeHead(206, contentRange === undefined ? {} : { "content-range": contentRange })
          .end("0123");
        return true;
      });
      await expect(store.read(at("a.txt"), { range: { offset: 10, length: 4 } })).rejects.toEqual(
        code("internal"),
      );
    },
  );

  test("a body shorter or longer than its range is an error", async () => {
    for (const [body, expected] of [
      ["012", "unavailable"],
      ["01234", "internal"],
    ] as const) {
      const { store } = await start((_request, response) => {
        response.writeHead(206, { "content-range": "bytes 0-3/200" });
        response.end(body);
        return true;
      });
      await expect(read(store, "a.txt", { range: { offset: 0, length: 4 } })).rejects.toEqual(code(expected));
    }
  });

  test("one that compresses anyway gives the right bytes whole, and no size", async () => {
    const { store } = await start((_request, response) => {
      const body = gzipSync(text);
      response
        .writeHead(200, { "content-encoding": "gzip", "content-length": body.length, etag: '"z"' })
        .end(body);
      return true;
    });
    const { body, stat } = await store.read(at("a.txt"));
    expect(await new Response(body).text()).toBe(text);
    expect(stat).toBeUndefined();
    expect(await read(store, "a.txt", { range: { offset: 7, length: 5 } })).toBe("78901");
    await expect(store.stat(at("a.txt"))).rejects.toEqual(code("unsupported"));
  });

  test.each([403, 405, 501])("one that refuses HEAD with %i is asked for one byte", async (status) => {
    const { store, requests } = await start((request, response) => {
      if (request.method === "HEAD") response.writeHead(status).end();
      return request.method === "HEAD";
    });
    expect(await store.stat(at("a.txt"))).toMatchObject({ kind: "file", size: 200 });
    expect(await store.stat(at("empty.txt"))).toMatchObject({ size: 0 });
    await expect(store.stat(at("missing.txt"))).rejects.toEqual(code("not_found"));
    expect(requests.slice(0, 2)).toEqual(["HEAD /a.txt", "GET /a.txt bytes=0-0"]);
  });

  test("a weak etag is none, and ifMatch is checked where the server does not", async () => {
    const weak = await start((_request, response) => {
      response.writeHead(200, { etag: 'W/"1"', "content-length": 1 }).end("x");
      return true;
    });
    expect((await weak.store.stat(at("a.txt"))).etag).toBeUndefined();
    await expect(read(weak.store, "a.txt", { ifMatch: '"1"' })).rejects.toEqual(code("precondition_failed"));
  });

  test("416 without a size is settled by the whole file", async () => {
    const { store } = await start((request, response) => {
      if (request.headers.range !== undefined) response.writeHead(416).end();
      return request.headers.range !== undefined;
    });
    expect(await read(store, "empty.txt", { range: { offset: 0, length: 10 } })).toBe("");
    expect(await read(store, "a.txt", { range: { offset: 0, length: 3 } })).toBe("012");
    await expect(read(store, "a.txt", { range: { offset: 5 } })).rejects.toEqual(
      code("range_not_satisfiable"),
    );
  });

  test("redirects are followed", async () => {
    const { store } = await start((request, response) => {
      if (request.url === "/old.txt") response.writeHead(302, { location: "/a.txt" }).end();
      return request.url === "/old.txt";
    });
    expect(await read(store, "old.txt", { range: { offset: 8, length: 4 } })).toBe("8901");
    expect((await store.stat(at("old.txt"))).size).toBe(200);
  });
});

describe("connections that fail", () => {
  test("a refused and a lost connection are unavailable, and say why", async () => {
    const { store, close } = await start();
    servers.pop();
    await close();
    await expect(store.stat(at("a.txt"))).rejects.toMatchObject({
      code: "unavailable",
      context: { reason: "ECONNREFUSED" },
    });
  });

  test("a body cut by the server is unavailable, and resumed by withRetry", async () => {
    let cuts = 0;
    const { store, requests } = await start((request, response) => {
      if (request.method !== "GET" || cuts > 1) return false;
      cuts += 1;
      const from = Number(/\d+/.exec(request.headers.range ?? "0")?.[0]);
      const headers = { etag: '"5-200-48"', "content-length": 200 - from };
      response.writeHead(from > 0 ? 206 : 200, {
        ...headers,
        ...(from > 0 && { "content-range": `bytes ${from}-199/200` }),
      });
      response.write(text.slice(from, from + 60), () => response.destroy());
      return true;
    });
    const retried = withRetry({ sleep: () => Promise.resolve() })(store);
    expect(await read(retried, "a.txt")).toBe(text);
    expect(requests).toEqual(["GET /a.txt", "GET /a.txt bytes=60-", "GET /a.txt bytes=120-"]);
    cuts = 0;
    await expect(read(store, "a.txt")).rejects.toEqual(code("unavailable"));
  });

  test("a file that changes between two parts is an error", async () => {
    const { store } = await start(undefined, [
      { call: 1, method: "GET", does: "cut", afterBytes: 50 },
      { does: "change_etag" },
    ]);
    const retried = withRetry({ sleep: () => Promise.resolve() })(store);
    await expect(read(retried, "a.txt")).rejects.toEqual(code("precondition_failed"));
  });

  test("429 and 503 are waited for as long as they ask", async () => {
    const waits: number[] = [];
    const { store } = await start(undefined, [
      { call: 1, does: "status", status: 429, headers: { "retry-after": "7" } },
      {
        call: 1,
        does: "status",
        status: 503,
        headers: { date: "Fri, 20 Nov 2026 08:00:00 GMT", "retry-after": "Fri, 20 Nov 2026 08:00:09 GMT" },
      },
    ]);
    const sleep = async (delayMs: number): Promise<void> => void waits.push(delayMs);
    expect(await read(withRetry({ sleep, random: () => 0 })(store), "a.txt")).toBe(text);
    expect(waits).toEqual([7000, 9000]);
  });
});

describe("secrets and options", () => {
  test("the query goes with every request and into no URI or error", async () => {
    const { origin, requests, files } = await start();
    files.set("f/x y.txt", new Uint8Array([65]));
    const baseUrl = `${origin}/f/?token=hunter2`;
    const store = http.open({ options: { baseUrl }, credential: { kind: "anonymous" } });
    expect(store.uri).toBe(`${origin}/f`);
    expect(await read(store, "x y.txt")).toBe("A");
    expect(requests.at(-1)).toBe("GET /f/x%20y.txt?token=hunter2");
    const error: unknown = await store.stat(at("no.txt")).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AmlError);
    expect(JSON.stringify(error) + String((error as AmlError).stack)).not.toContain("hunter2");
  });

  test.each([
    undefined,
    {},
    { baseUrl: "ftp://h" },
    { baseUrl: "http://" },
    { baseUrl: "http://u:p@h" },
    { baseUrl: "http://h/#x" },
    { baseUrl: "http://h", x: 1 },
  ])("refuses the options %j", (options) => {
    expect(() => http.parseOptions(options)).toThrow(code("config_invalid"));
  });

  test("locate splits a URL into host and decoded path", () => {
    expect(http.locate?.("https://h/a%20b/c.csv?v=1")).toEqual({
      options: { baseUrl: "https://h?v=1" },
      path: "a b/c.csv",
    });
    expect(http.locate?.("HTTP://H:8080/")).toEqual({ options: { baseUrl: "http://h:8080" }, path: "" });
    expect(http.locate?.("file:///x")).toBeUndefined();
    for (const bad of ["https://h/a%2Fb", "https://h/%zz"]) {
      expect(() => http.locate?.(bad)).toThrow(code("path_invalid"));
    }
  });
});
