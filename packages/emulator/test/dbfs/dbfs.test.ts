import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createDbfs, serve, type Dbfs, type RunningServer } from "@aml/emulator";

const TOKEN = "dapi-0123456789abcdef";
const CLIENT = { clientId: "5f1c", secrets: ["dose:cret+/%"] };
const MiB = 1024 * 1024;
const base64 = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString("base64");

let now = Date.UTC(2026, 0, 1, 12, 0, 0, 250);
let dbfs: Dbfs;
let server: RunningServer;

beforeEach(async () => {
  dbfs = createDbfs({ tokens: [TOKEN], clients: [CLIENT], deleteLimit: 5, now: () => now });
  server = await serve(dbfs.service);
});
afterEach(async () => {
  await server.close();
  dbfs.close();
});

function send(path: string, init: RequestInit = {}, token: string = TOKEN): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("authorization", `Bearer ${token}`);
  return fetch(`${server.url}${path}`, { ...init, headers });
}

async function post(operation: string, body: unknown): Promise<readonly [number, unknown]> {
  const response = await send(`/api/2.0/dbfs/${operation}`, { method: "POST", body: JSON.stringify(body) });
  return [response.status, await response.json()];
}

async function get(operation: string, query: Record<string, string>): Promise<readonly [number, unknown]> {
  const response = await send(`/api/2.0/dbfs/${operation}?${new URLSearchParams(query).toString()}`);
  return [response.status, await response.json()];
}

const refused = (code: string): unknown => expect.objectContaining({ error_code: code });

describe("DBFS 2.0", () => {
  test("a file by handle: visible at once, growing block by block", async () => {
    const [, created] = await post("create", { path: "/a/b/x.bin" });
    const { handle } = created as { handle: number };
    expect(Number.isSafeInteger(handle)).toBe(true);
    expect(await get("get-status", { path: "dbfs:/a/b/x.bin" })).toEqual([
      200,
      { path: "/a/b/x.bin", is_dir: false, file_size: 0, modification_time: now },
    ]);
    expect(await post("add-block", { handle, data: base64("hello ") })).toEqual([200, {}]);
    expect(await post("add-block", { handle, data: base64("you") })).toEqual([200, {}]);
    expect(await post("add-block", { handle, data: base64(new Uint8Array(MiB + 1)) })).toEqual([
      400,
      refused("MAX_BLOCK_SIZE_EXCEEDED"),
    ]);
    expect(await post("add-block", { handle, data: "no base64" })).toEqual([
      400,
      refused("INVALID_PARAMETER_VALUE"),
    ]);
    expect(await post("close", { handle })).toEqual([200, {}]);
    expect(await post("close", { handle })).toEqual([404, refused("RESOURCE_DOES_NOT_EXIST")]);
    expect(await get("read", { path: "/a/b/x.bin", offset: "6", length: "9" })).toEqual([
      200,
      { bytes_read: 3, data: base64("you") },
    ]);
  });

  test("a handle ends after ten idle minutes", async () => {
    const [, created] = await post("create", { path: "/x" });
    const { handle } = created as { handle: number };
    now += 9 * 60_000;
    expect((await post("add-block", { handle, data: "" }))[0]).toBe(200);
    now += 10 * 60_000 + 1;
    expect(await post("add-block", { handle, data: "" })).toEqual([404, refused("RESOURCE_DOES_NOT_EXIST")]);
  });

  test("put as JSON and as a form", async () => {
    expect(await post("put", { path: "/p", contents: base64("one") })).toEqual([200, {}]);
    expect(await post("put", { path: "/p", contents: base64("two") })).toEqual([
      400,
      refused("RESOURCE_ALREADY_EXISTS"),
    ]);
    expect(await post("put", { path: "/p", contents: base64(new Uint8Array(MiB + 1)) })).toEqual([
      400,
      refused("MAX_BLOCK_SIZE_EXCEEDED"),
    ]);
    const form = new FormData();
    form.set("path", "/p");
    form.set("overwrite", "True");
    form.set("contents", new Blob([new Uint8Array(2 * MiB)]), "x");
    expect((await send("/api/2.0/dbfs/put", { method: "POST", body: form })).status).toBe(200);
    expect(await get("get-status", { path: "/p" })).toEqual([
      200,
      expect.objectContaining({ file_size: 2 * MiB }),
    ]);
    expect(await get("read", { path: "/p" })).toEqual([
      200,
      expect.objectContaining({ bytes_read: MiB / 2 }),
    ]);
    expect(await get("read", { path: "/p", length: String(MiB + 1) })).toEqual([
      400,
      refused("MAX_READ_SIZE_EXCEEDED"),
    ]);
    expect(await get("read", { path: "/p", offset: "-1" })).toEqual([
      400,
      refused("INVALID_PARAMETER_VALUE"),
    ]);
    expect(await get("read", { path: "/p", offset: String(9 * MiB) })).toEqual([
      200,
      { bytes_read: 0, data: "" },
    ]);
    expect(await get("read", { path: "/" })).toEqual([400, refused("INVALID_PARAMETER_VALUE")]);
  });

  test("folders: an empty one has no files key, a file lists itself", async () => {
    expect(await post("mkdirs", { path: "/d/e" })).toEqual([200, {}]);
    expect(await post("mkdirs", { path: "/d/e" })).toEqual([200, {}]);
    expect(await get("list", { path: "/d/e" })).toEqual([200, {}]);
    await post("put", { path: "/d/f.txt", contents: base64("x") });
    const file = { path: "/d/f.txt", is_dir: false, file_size: 1, modification_time: now };
    const folder = { path: "/d/e", is_dir: true, file_size: 0, modification_time: now };
    expect(await get("list", { path: "/d" })).toEqual([200, { files: [folder, file] }]);
    expect(await get("list", { path: "/d/f.txt" })).toEqual([200, { files: [file] }]);
    expect(await get("list", { path: "/no" })).toEqual([404, refused("RESOURCE_DOES_NOT_EXIST")]);
    expect(await get("list", { path: "d" })).toEqual([400, refused("INVALID_PARAMETER_VALUE")]);
    expect(await get("list", {})).toEqual([400, refused("INVALID_PARAMETER_VALUE")]);
    expect(await post("mkdirs", { path: "/d/f.txt" })).toEqual([400, refused("RESOURCE_ALREADY_EXISTS")]);
    expect(await post("put", { path: "/d/f.txt/g", contents: "" })).toEqual([400, refused("IO_ERROR")]);
  });

  test("moves", async () => {
    await post("put", { path: "/m/a", contents: base64("a") });
    await post("put", { path: "/m/b", contents: base64("b") });
    const move = (source_path: string, destination_path: string): ReturnType<typeof post> =>
      post("move", { source_path, destination_path });
    expect(await move("/m/a", "/m/b")).toEqual([400, refused("RESOURCE_ALREADY_EXISTS")]);
    expect(await move("/m/no", "/m/c")).toEqual([404, refused("RESOURCE_DOES_NOT_EXIST")]);
    expect(await move("/m", "/n")).toEqual([200, {}]);
    expect(await get("read", { path: "/n/a" })).toEqual([200, { bytes_read: 1, data: base64("a") }]);
  });

  test("deletes: what is missing, a folder that is not empty, one that takes several calls", async () => {
    for (let index = 0; index < 8; index += 1)
      await post("put", { path: `/many/${index % 2}/${index}`, contents: "" });
    expect(await post("delete", { path: "/no" })).toEqual([200, {}]);
    expect(await post("delete", { path: "/many" })).toEqual([400, refused("IO_ERROR")]);
    const all = { path: "/many", recursive: true };
    expect(await post("delete", all)).toEqual([503, refused("PARTIAL_DELETE")]);
    expect(await get("list", { path: "/many" })).toEqual([200, expect.anything()]);
    expect(await post("delete", all)).toEqual([200, {}]);
    expect(await get("list", { path: "/many" })).toEqual([404, refused("RESOURCE_DOES_NOT_EXIST")]);
  });

  test("parameters of a GET as JSON in its body; broken JSON; answers by gzip", async () => {
    const body = JSON.stringify({ path: "/" });
    const ask = (text: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connect(server.port, "127.0.0.1");
        socket.write(
          `GET /api/2.0/dbfs/get-status HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer ${TOKEN}\r\n` +
            `content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
        );
        let answer = "";
        socket.on("data", (data) => (answer += String(data)));
        socket.on("end", () => resolve(answer)).on("error", reject);
      });
    expect(await ask(body)).toContain('"is_dir":true');
    expect(await ask("{")).toMatch(/ 400 [\s\S]*MALFORMED_REQUEST/);
    const plain = await send("/api/2.0/dbfs/list?path=/", { headers: { "accept-encoding": "gzip" } });
    expect(plain.headers.get("content-encoding")).toBe("gzip");
    expect(await plain.json()).toEqual({});
  });
});

describe("who is let in", () => {
  test("no token 401, a wrong one 403", async () => {
    const none = await fetch(`${server.url}/api/2.0/dbfs/list?path=/`);
    expect([none.status, await none.json()]).toEqual([401, refused("401")]);
    const wrong = await send("/api/2.0/dbfs/list?path=/", {}, "dapi-wrong");
    expect([wrong.status, await wrong.json()]).toEqual([403, refused("403")]);
  });

  test("a service principal fetches its token, which expires", async () => {
    const { token_endpoint } = (await (
      await fetch(`${server.url}/oidc/.well-known/oauth-authorization-server`)
    ).json()) as { token_endpoint: string };
    const fetchToken = (secret: string, scope = "all-apis"): Promise<Response> =>
      fetch(token_endpoint, {
        method: "POST",
        headers: { authorization: `Basic ${base64(`5f1c:${encodeURIComponent(secret)}`)}` },
        body: new URLSearchParams({ grant_type: "client_credentials", scope }),
      });
    expect((await fetchToken("wrong")).status).toBe(401);
    expect(await (await fetchToken("dose:cret+/%", "sql")).json()).toMatchObject({ error: "invalid_scope" });
    const { access_token, expires_in } = (await (await fetchToken("dose:cret+/%")).json()) as {
      access_token: string;
      expires_in: number;
    };
    expect((await send("/api/2.0/dbfs/list?path=/", {}, access_token)).status).toBe(200);
    now += expires_in * 1000;
    expect((await send("/api/2.0/dbfs/list?path=/", {}, access_token)).status).toBe(403);
  });
});

describe("Files API", () => {
  const FILES = "/api/2.0/fs/files/Volumes/main/default/data";
  const FOLDERS = "/api/2.0/fs/directories/Volumes/main/default/data";

  test("upload, look up, download whole and in part", async () => {
    const put = await send(`${FILES}/a/%25%20b.txt?overwrite=true`, { method: "PUT", body: "0123456789" });
    expect(put.status).toBe(204);
    const head = await send(`${FILES}/a/%25%20b.txt`, { method: "HEAD" });
    expect(head.headers.get("content-length")).toBe("10");
    expect(head.headers.get("last-modified")).toBe(new Date(now).toUTCString());
    const part = await send(`${FILES}/a/%25%20b.txt`, { headers: { range: "bytes=2-4" } });
    expect([part.status, part.headers.get("content-range"), await part.text()]).toEqual([
      206,
      "bytes 2-4/10",
      "234",
    ]);
    const last = await send(`${FILES}/a/%25%20b.txt`, { headers: { range: "bytes=-3" } });
    expect(await last.text()).toBe("789");
    expect((await send(`${FILES}/a/%25%20b.txt`, { headers: { range: "bytes=10-" } })).status).toBe(416);
    expect(await (await send(`${FILES}/a/%25%20b.txt`)).text()).toBe("0123456789");
    const before = { "if-unmodified-since": new Date(now - 1000).toUTCString() };
    expect((await send(`${FILES}/a/%25%20b.txt`, { headers: before })).status).toBe(412);
    const at = { "if-unmodified-since": new Date(now).toUTCString() };
    expect((await send(`${FILES}/a/%25%20b.txt`, { headers: at })).status).toBe(200);
    const again = await send(`${FILES}/a/%25%20b.txt?overwrite=false`, { method: "PUT", body: "x" });
    expect([again.status, await again.json()]).toEqual([409, refused("ALREADY_EXISTS")]);
    expect((await send(`${FILES}/a`, { method: "PUT", body: "x" })).status).toBe(409);
    expect((await send(`${FILES}/a`)).status).toBe(404);
    expect((await send(`${FILES}/a/%25%20b.txt`, { method: "DELETE" })).status).toBe(204);
    expect((await send(`${FILES}/a/%25%20b.txt`, { method: "DELETE" })).status).toBe(404);
  });

  test("folders and pages", async () => {
    for (const name of ["c", "a", "b", "é"]) await send(`${FILES}/f/${name}`, { method: "PUT", body: name });
    expect((await send(`${FOLDERS}/f/d/e`, { method: "PUT" })).status).toBe(204);
    expect((await send(`${FOLDERS}/f/d/e`, { method: "HEAD" })).status).toBe(200);
    const names: string[] = [];
    for (let token: string | undefined = ""; token !== undefined;) {
      const query = new URLSearchParams({ page_size: "2", ...(token !== "" && { page_token: token }) });
      const page = (await (await send(`${FOLDERS}/f?${query.toString()}`)).json()) as {
        contents: { name: string; is_directory: boolean }[];
        next_page_token?: string;
      };
      expect(page.contents.length).toBeLessThanOrEqual(2);
      names.push(...page.contents.map((entry) => entry.name + (entry.is_directory ? "/" : "")));
      token = page.next_page_token;
    }
    expect(names).toEqual(["a", "b", "c", "d/", "é"]);
    const full = await send(`${FOLDERS}/f`, { method: "DELETE" });
    expect([full.status, await full.json()]).toEqual([
      400,
      expect.objectContaining({
        details: [expect.objectContaining({ reason: "FILES_API_DIRECTORY_IS_NOT_EMPTY" })],
      }),
    ]);
    expect((await send(`${FOLDERS}/f/d/e`, { method: "DELETE" })).status).toBe(204);
    expect((await send(`${FOLDERS}/no`)).status).toBe(404);
    expect((await send(`${FOLDERS}/f/a`)).status).toBe(404);
    expect(await (await send(`${FOLDERS}/f/d`)).json()).toEqual({});
    expect((await send("/api/2.0/fs/directories/Volumes/main/default/no")).status).toBe(404);
    expect((await send("/api/2.0/fs/files/dbfs/x")).status).toBe(400);
  });

  test("an upload that breaks off leaves what was there", async () => {
    await send(`${FILES}/x`, { method: "PUT", body: "first" });
    let pulled = false;
    const body = new ReadableStream({
      pull(controller) {
        if (pulled) throw new Error("The connection is gone.");
        pulled = true;
        controller.enqueue(Buffer.from("secon"));
      },
    });
    const headers = { authorization: `Bearer ${TOKEN}` };
    const init = { method: "PUT", headers, body, duplex: "half" } as RequestInit;
    expect((await dbfs.service(new Request(`${server.url}${FILES}/x`, init))).status).toBe(500);
    expect(await (await send(`${FILES}/x`)).text()).toBe("first");
  });
});
