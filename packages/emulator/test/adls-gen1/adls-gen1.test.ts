import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createAdlsGen1, serve, type AdlsGen1, type Gen1Access, type RunningServer } from "@aml/emulator";
import { verify } from "./verify.ts";

let now = Date.UTC(2024, 0, 1);
let denied: ((access: Gen1Access) => boolean) | undefined;
let store: AdlsGen1;
let server: RunningServer;

beforeEach(async () => {
  denied = undefined;
  store = createAdlsGen1({ verify, now: () => now, mayAccess: (access) => denied?.(access) !== true });
  server = await serve(store.service);
});
afterEach(async () => {
  await server.close();
  store.close();
});

function send(
  method: string,
  path: string,
  query: Record<string, string>,
  body?: string,
  token = "good",
): Promise<Response> {
  const parameters = new URLSearchParams({ "api-version": "2018-09-01", ...query });
  return fetch(`${server.url}/webhdfs/v1/${path}?${parameters.toString()}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body !== undefined && { body }),
  });
}

const create = (path: string, body: string, query: Record<string, string> = {}): Promise<Response> =>
  send("PUT", path, { op: "CREATE", write: "true", overwrite: "false", ...query }, body);

async function told(response: Promise<Response>): Promise<readonly [number, unknown]> {
  const answered = await response;
  return [answered.status, await answered.json()];
}

const exception = (name: string, message: unknown = expect.any(String)): unknown => ({
  RemoteException: { exception: name, message, javaClassName: expect.stringContaining(name) },
});

test("create, append and open, without a redirect", async () => {
  const created = await create("a/b.txt", "hello ");
  expect([created.status, await created.text()]).toEqual([201, ""]);
  expect(await told(create("a/b.txt", "x"))).toEqual([403, exception("FileAlreadyExistsException")]);
  const append = (offset: number, text: string): Promise<Response> =>
    send(
      "POST",
      "a/b.txt",
      { op: "APPEND", append: "true", offset: String(offset), syncFlag: "CLOSE" },
      text,
    );
  expect((await append(6, "you")).status).toBe(200);
  expect(await told(append(6, "you"))).toEqual([400, exception("BadOffsetException")]);
  const opened = await send("GET", "a/b.txt", { OP: "OPEN", read: "true", offset: "6", length: "2" });
  expect(opened.headers.get("content-type")).toBe("application/octet-stream");
  expect(opened.headers.get("content-length")).toBeNull();
  expect(await opened.text()).toBe("yo");
  expect((await send("GET", "a", { op: "OPEN", read: "true" })).status).toBe(404);
  expect((await create("a/b.txt", "new", { overwrite: "true" })).status).toBe(201);
  expect(await told(create("a", "new", { overwrite: "true" }))).toEqual([
    403,
    exception("FileAlreadyExistsException"),
  ]);
});

test("the status of a file, of a folder, of nothing", async () => {
  await create("f/a", "12345");
  expect(await told(send("GET", "f/a", { op: "GETFILESTATUS" }))).toEqual([
    200,
    {
      FileStatus: {
        length: 5,
        pathSuffix: "",
        type: "FILE",
        blockSize: 268_435_456,
        accessTime: now,
        modificationTime: now,
        replication: 1,
        permission: "770",
        owner: "oid-1",
        group: "oid-1",
        msExpirationTime: 0,
        aclBit: false,
      },
    },
  ]);
  expect(await told(send("GET", "f", { op: "GETFILESTATUS" }))).toMatchObject([
    200,
    { FileStatus: { type: "DIRECTORY", length: 0, blockSize: 0, replication: 0 } },
  ]);
  expect(await told(send("GET", "f/no", { op: "GETFILESTATUS" }))).toEqual([
    404,
    exception("FileNotFoundException", expect.stringMatching(/^File\/Folder does not exist: \/f\/no \[/)),
  ]);
});

test("pages: by a token since 2018-09-01, by the last name before", async () => {
  for (const name of ["c", "a", "b", "d", "e"]) await create(`p/${name}`, "");
  const page = async (query: Record<string, string>): Promise<unknown[]> => {
    const [, answer] = await told(send("GET", "p", { op: "LISTSTATUS", ...query }));
    const { FileStatus, continuationToken } = (
      answer as { FileStatuses: { FileStatus: { pathSuffix: string }[]; continuationToken?: string } }
    ).FileStatuses;
    return [FileStatus.map(({ pathSuffix }) => pathSuffix).join(""), continuationToken];
  };
  expect(await page({ listSize: "2" })).toEqual(["ab", "b"]);
  expect(await page({ listSize: "2", listAfter: "b" })).toEqual(["cd", "d"]);
  expect(await page({ listSize: "2", listAfter: "d" })).toEqual(["e", ""]);
  expect(await page({ listSize: "2", listAfter: "d", "api-version": "2016-11-01" })).toEqual([
    "e",
    undefined,
  ]);
  expect(await told(send("GET", "no", { op: "LISTSTATUS" }))).toEqual([
    404,
    exception("FileNotFoundException", expect.stringMatching(/^Folder does not exist/)),
  ]);
});

test("renames as HDFS does", async () => {
  const rename = async (from: string, destination: string, more = {}): Promise<unknown> =>
    (await told(send("PUT", from, { op: "RENAME", destination, ...more })))[1];
  await create("a", "A");
  await create("b", "B");
  await create("d/c", "C");
  expect(await rename("no", "/x")).toEqual({ boolean: false });
  expect(await rename("a", "/b")).toEqual({ boolean: false });
  expect(await rename("a", "/nowhere/x")).toEqual({ boolean: false });
  expect(await rename("d", "/d/e")).toEqual({ boolean: false });
  expect(await rename("a", "b", { renameoptions: "OVERWRITE" })).toEqual({ boolean: true });
  expect(await rename("b", "/d")).toEqual({ boolean: true });
  expect(await (await send("GET", "d/b", { op: "OPEN", read: "true" })).text()).toBe("A");
});

test("deletes, folders, totals", async () => {
  await send("PUT", "x/y", { op: "MKDIRS" });
  await create("x/f", "123");
  expect(await told(send("PUT", "x/f", { op: "MKDIRS" }))).toEqual([
    403,
    exception("FileAlreadyExistsException"),
  ]);
  expect(await told(create("x/f/g", ""))).toEqual([403, exception("ParentNotDirectoryException")]);
  expect((await told(send("GET", "x", { op: "GETCONTENTSUMMARY" })))[1]).toMatchObject({
    ContentSummary: { directoryCount: 2, fileCount: 1, length: 3 },
  });
  const remove = (path: string, recursive: string): ReturnType<typeof told> =>
    told(send("DELETE", path, { op: "DELETE", recursive }));
  expect(await remove("x", "false")).toEqual([403, exception("PathIsNotEmptyDirectoryException")]);
  expect(await remove("no", "true")).toEqual([200, { boolean: false }]);
  expect(await remove("x", "True")).toEqual([200, { boolean: true }]);
});

test("concatenation, from both forms of body, takes the sources away", async () => {
  await create("s/1", "hello ");
  await create("s/2", "world");
  expect((await send("POST", "c", { op: "MSCONCAT" }, "sources=s/1,/s/2")).status).toBe(200);
  expect(await (await send("GET", "c", { op: "OPEN" })).text()).toBe("hello world");
  await create("s/3", "!");
  const body = JSON.stringify({ sources: ["/s/3"] });
  await send("POST", "c", { op: "MSCONCAT", deleteSourceDirectory: "true" }, body);
  expect(await (await send("GET", "c", { op: "OPEN" })).text()).toBe("hello world!");
  expect((await send("GET", "s", { op: "LISTSTATUS" })).status).toBe(404);
});

test("a file that expires is gone", async () => {
  await create("e/f", "x");
  await send("PUT", "e/f", { op: "SETEXPIRY", expiryOption: "RelativeToNow", expireTime: "1000" });
  now += 999;
  expect((await send("GET", "e/f", { op: "GETFILESTATUS" })).status).toBe(200);
  now += 1;
  expect((await told(send("GET", "e", { op: "LISTSTATUS" })))[1]).toMatchObject({
    FileStatuses: { FileStatus: [] },
  });
  expect((await send("GET", "e/f", { op: "GETFILESTATUS" })).status).toBe(404);
});

describe("who is let in", () => {
  test("no token and a wrong one 401", async () => {
    for (const token of ["", "bad"]) {
      const response = await send("GET", "", { op: "LISTSTATUS" }, undefined, token);
      expect(response.status).toBe(401);
      expect(response.headers.get("www-authenticate")).toContain("Bearer");
    }
  });

  test("what the caller may not do is 403", async () => {
    denied = ({ caller, operation, path }) => caller === "oid-1" && operation === "OPEN" && path === "secret";
    await create("secret", "x");
    expect(await told(send("GET", "secret", { op: "OPEN" }))).toEqual([
      403,
      exception("AccessControlException"),
    ]);
  });
});

test("access lists", async () => {
  await create("f", "");
  const acl = async (op: string, aclSpec?: string): Promise<unknown> => {
    const changed = await send("PUT", "f", { op, ...(aclSpec !== undefined && { aclSpec }) });
    expect(changed.status).toBe(200);
    return ((await told(send("GET", "f", { op: "MSGETACLSTATUS" })))[1] as { AclStatus: unknown }).AclStatus;
  };
  expect(
    await acl("SETACL", "user::rwx,group::r-x,other::---,user:u1:r--,default:user:u2:rwx"),
  ).toMatchObject({
    permission: "750",
    entries: ["user:u1:r--", "default:user:u2:rwx"],
  });
  expect(await acl("MODIFYACLENTRIES", "user:u1:rw-")).toMatchObject({
    entries: ["user:u1:rw-", "default:user:u2:rwx"],
  });
  expect(await acl("REMOVEACLENTRIES", "user:u1")).toMatchObject({ entries: ["default:user:u2:rwx"] });
  expect(await acl("REMOVEDEFAULTACL")).toMatchObject({ entries: [] });
  expect(await told(send("PUT", "f", { op: "SETACL", aclSpec: "nobody" }))).toEqual([
    400,
    exception("IllegalArgumentException"),
  ]);
  expect(await told(send("GET", "f", { op: "NOSUCH" }))).toEqual([
    400,
    exception("IllegalArgumentException"),
  ]);
  expect(await told(send("GET", "f", { op: "OPEN", offset: "9" }))).toEqual([
    400,
    exception("BadOffsetException"),
  ]);
});
