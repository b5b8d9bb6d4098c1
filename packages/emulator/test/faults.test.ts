import http from "node:http";
import https from "node:https";
import { afterEach, describe, expect, test } from "vitest";
import {
  createFaultScript,
  parseFaults,
  serve,
  withFaults,
  type Fault,
  type RunningServer,
  type Service,
} from "../src/index.ts";

const BYTES = new Uint8Array(200_000).map((_, index) => index % 251);
const SEEN = "Mon, 02 Nov 2026 10:00:00 GMT";

/** A small file server. */
const files: Service = async (request) => {
  if (request.method === "PUT")
    return new Response(null, { status: 201, headers: { "x-read": await request.text() } });
  return new Response(request.method === "HEAD" ? null : BYTES, {
    headers: { "content-length": String(BYTES.length), etag: '"0x1"', "last-modified": SEEN },
  });
};

let server: RunningServer | undefined;
afterEach(() => server?.close());

async function start(faults: readonly Fault[], name?: string): Promise<string> {
  server = await serve(withFaults(files, faults, name));
  return server.url;
}

async function statuses(url: string, count: number): Promise<readonly number[]> {
  const seen: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const response = await fetch(url);
    await response.arrayBuffer();
    seen.push(response.status);
  }
  return seen;
}

/** What arrives before the connection ends, and whether it ended as HTTP says. */
function download(url: string): Promise<{ bytes: number; length: string | undefined; complete: boolean }> {
  return new Promise((resolve, reject) => {
    http
      .get(url, (response) => {
        let bytes = 0;
        response.on("data", (chunk: Buffer) => (bytes += chunk.length));
        response.on("error", () => undefined);
        response.on("close", () =>
          resolve({ bytes, length: response.headers["content-length"], complete: response.complete }),
        );
      })
      .on("error", reject);
  });
}

describe("whose turn it is", () => {
  test("every request unless narrowed", async () => {
    expect(await statuses(await start([{ does: "status", status: 503 }]), 3)).toEqual([503, 503, 503]);
  });

  test("call: one request; times: so many in a row", async () => {
    expect(await statuses(await start([{ does: "status", status: 503, call: 2 }]), 3)).toEqual([
      200, 503, 200,
    ]);
    await server?.close();
    const twice = await start([{ does: "status", status: 503, call: 2, times: 2 }]);
    expect(await statuses(twice, 4)).toEqual([200, 503, 503, 200]);
    await server?.close();
    expect(await statuses(await start([{ does: "status", status: 503, times: 2 }]), 3)).toEqual([
      503, 503, 200,
    ]);
  });

  test("method, path with query, and headers", async () => {
    const url = await start([
      { does: "status", status: 410, match: { method: "PUT", path: "^/a/.*comp=range" } },
      { does: "status", status: 418, match: { headers: ["x-tea"] } },
    ]);
    const status = async (path: string, init?: RequestInit): Promise<number> => {
      const response = await fetch(url + path, init);
      await response.arrayBuffer();
      return response.status;
    };
    expect(await status("/a/b?comp=range", { method: "PUT", body: "x" })).toBe(410);
    expect(await status("/a/b?comp=range")).toBe(200);
    expect(await status("/b/a/?comp=range", { method: "PUT", body: "x" })).toBe(201);
    expect(await status("/b", { headers: { "x-tea": "green" } })).toBe(418);
  });

  test("a script shared by services counts over all, and may name one", async () => {
    const script = createFaultScript([
      { does: "status", status: 500, call: 3 },
      { does: "status", status: 503, service: "files" },
    ]);
    const one = await serve(withFaults(files, script, "files"));
    const two = await serve(withFaults(files, script, "dfs"));
    const seen = [one, two, two, one].map(({ url }) => url);
    const got: number[] = [];
    for (const url of seen) got.push(...(await statuses(url, 1)));
    expect(got).toEqual([503, 200, 500, 503]);
    await one.close();
    await two.close();
  });
});

describe("status", () => {
  test("with headers and a body", async () => {
    const url = await start([
      { does: "status", status: 429, headers: { "retry-after": "7" }, body: { error: { code: "Busy" } } },
    ]);
    const response = await fetch(url, { method: "PUT", body: "not read" });
    expect(response.status).toBe(429);
    expect(response.headers.get("retry-after")).toBe("7");
    expect(await response.json()).toEqual({ error: { code: "Busy" } });
  });

  test.each([
    ["files", "<Code>ServerBusy</Code>"],
    ["blob", "<Code>ServerBusy</Code>"],
    ["dfs", '{"error":{"code":"ServerBusy"'],
    ["key-vault", '{"error":{"code":"ServiceUnavailable"'],
    ["adls1", '{"RemoteException":{"exception":"RuntimeException"'],
    ["dbfs", '{"error_code":"TEMPORARILY_UNAVAILABLE"'],
    ["entra", '{"error":"temporarily_unavailable"'],
  ])("without a body: as %s says it", async (name, text) => {
    const response = await fetch(await start([{ does: "status", status: 503 }], name));
    expect(await response.text()).toContain(text);
  });

  test("a code of choice; none where an answer has no body", async () => {
    const url = await start([{ does: "status", status: 409, code: "ShareBeingDeleted" }], "files");
    const response = await fetch(url);
    expect(response.headers.get("x-ms-error-code")).toBe("ShareBeingDeleted");
    expect(await response.text()).toContain("<Code>ShareBeingDeleted</Code>");
    expect(await (await fetch(url, { method: "HEAD" })).text()).toBe("");
  });
});

describe("connections", () => {
  test("reset", async () => {
    const url = await start([{ does: "reset" }]);
    const code = await new Promise((resolve) => {
      http.get(url).on("error", (error: NodeJS.ErrnoException) => resolve(error.code));
    });
    expect(code).toBe("ECONNRESET");
  });

  test("reset with https", async () => {
    server = await serve(withFaults(files, [{ does: "reset" }]), { https: true });
    const { url, certificatePem } = server;
    const code = await new Promise((resolve) => {
      https
        .get(url, { ca: certificatePem, agent: false })
        .on("error", (error: NodeJS.ErrnoException) => resolve(error.code));
    });
    expect(code).toBe("ECONNRESET");
  });

  test.each([0, 1, 70_000])("cut after %i bytes", async (afterBytes) => {
    const url = await start([{ does: "cut", afterBytes }]);
    expect(await download(url)).toEqual({ bytes: afterBytes, length: "200000", complete: false });
  });

  test("a body of unknown length is cut as well", async () => {
    const chunked: Service = async () => new Response(new Blob([BYTES]).stream());
    server = await serve(withFaults(chunked, [{ does: "cut", afterBytes: 10 }]));
    expect(await download(server.url)).toEqual({ bytes: 10, length: undefined, complete: false });
  });

  test.each([0, 70_000])("truncate after %i bytes looks complete", async (afterBytes) => {
    const url = await start([{ does: "truncate", afterBytes }]);
    expect(await download(url)).toEqual({ bytes: afterBytes, length: String(afterBytes), complete: true });
  });

  test("stall: no head, or no more of the body, until the client leaves", async () => {
    const left: string[] = [];
    const watched =
      (service: Service): Service =>
      async (request) => {
        request.signal.addEventListener("abort", () => left.push(new URL(request.url).pathname));
        return service(request);
      };
    const faults: readonly Fault[] = [
      { does: "stall", match: { path: "^/head" } },
      { does: "stall", match: { path: "^/body" }, afterBytes: 1000 },
    ];
    server = await serve(watched(withFaults(files, faults)));
    const { url } = server;
    const head = new AbortController();
    const waiting = fetch(`${url}/head`, { signal: head.signal });
    const response = await fetch(`${url}/body`);
    const reader = response.body?.getReader();
    let bytes = 0;
    while (bytes < 1000) bytes += (await reader?.read())?.value?.length ?? 0;
    expect(bytes).toBe(1000);
    const more = reader?.read();
    expect(
      await Promise.race([more, waiting, new Promise((resolve) => setImmediate(resolve, "silence"))]),
    ).toBe("silence");
    head.abort();
    await expect(waiting).rejects.toThrow("aborted");
    await reader?.cancel();
    await expect.poll(() => left.toSorted()).toEqual(["/body", "/head"]);
  });

  test("delay", async () => {
    const url = await start([{ does: "delay", delayMs: 50 }]);
    const started = performance.now();
    expect(await statuses(url, 1)).toEqual([200]);
    expect(performance.now() - started).toBeGreaterThan(45);
  });

  test("closing the server ends stalled requests", async () => {
    const url = await start([{ does: "stall" }]);
    const waiting = fetch(url).catch((error: unknown) => error);
    await server?.close();
    expect(await waiting).toBeInstanceOf(TypeError);
  });
});

describe("versions and clocks", () => {
  test("change_etag: another ETag, and 412 for who asked for the old one", async () => {
    const url = await start([{ does: "change_etag", call: 2, times: 2 }], "files");
    const etag = async (headers: Record<string, string> = {}): Promise<unknown> => {
      const response = await fetch(url, { headers });
      await response.arrayBuffer();
      return response.status === 200 ? response.headers.get("etag") : response.headers.get("x-ms-error-code");
    };
    expect(await etag()).toBe('"0x1"');
    expect(await etag()).toBe('"0x1-changed"');
    expect(await etag({ "if-match": '"0x1"' })).toBe("ConditionNotMet");
    expect(await etag({ "if-match": '"0x1"' })).toBe('"0x1"');
  });

  test("clock_skew moves Date and Last-Modified", async () => {
    const response = await fetch(await start([{ does: "clock_skew", skewMs: 3_600_000 }]), {
      method: "HEAD",
    });
    expect(response.headers.get("last-modified")).toBe("Mon, 02 Nov 2026 11:00:00 GMT");
    const date = Date.parse(response.headers.get("date") ?? "");
    expect(Math.abs(date - Date.now() - 3_600_000)).toBeLessThan(30_000);
  });
});

describe("faults.json", () => {
  test("is read", () => {
    const text = `[
      { "service": "files", "match": { "method": "GET", "path": "comp=list" }, "times": 2, "does": "status", "status": 503 },
      { "does": "cut", "afterBytes": 0, "call": 1 }
    ]`;
    expect(parseFaults(text)).toEqual(JSON.parse(text));
  });

  test.each([
    ["{", /^faults\.json is not JSON: /],
    ["{}", 'faults.json must be a list of faults, [{ "does": … }, …].'],
    ["[1]", 'faults.json, fault 1 must be an object such as { "does": "reset" }.'],
    [
      '[{"does":"explode"}]',
      'faults.json, fault 1: "does" must be one of status, delay, cut, truncate, stall, reset, change_etag, clock_skew.',
    ],
    ['[{"does":"toString"}]', /fault 1: "does" must be one of/],
    [
      '[{"does":"reset"},{"does":"reset","afterBytes":1}]',
      'faults.json, fault 2 has an unknown key "afterBytes"; here it may have does, service, match, call, times.',
    ],
    ['[{"does":"status"}]', 'faults.json, fault 1: "status" must be a whole number from 200 to 599.'],
    [
      '[{"does":"status","status":503,"body":7}]',
      'faults.json, fault 1: "body" must be a text or an object.',
    ],
    ['[{"does":"reset","call":0}]', 'faults.json, fault 1: "call" must be a whole number from 1.'],
    ['[{"does":"reset","match":"GET"}]', 'faults.json, fault 1: "match" must be an object.'],
    [
      '[{"does":"reset","match":{"url":"x"}}]',
      'faults.json, fault 1, "match" has an unknown key "url"; here it may have method, path, headers.',
    ],
    [
      '[{"does":"reset","match":{"path":"("}}]',
      'faults.json, fault 1, "match": "path" must be a regular expression, as a text.',
    ],
    ['[{"does":"delay","delayMs":-1}]', 'faults.json, fault 1: "delayMs" must be a whole number from 0.'],
    ['[{"does":"clock_skew","skewMs":"1h"}]', 'faults.json, fault 1: "skewMs" must be a whole number.'],
  ])("%s is refused", (text, message) => {
    expect(() => parseFaults(text)).toThrow(message);
  });
});
