import { createHmac } from "node:crypto";
import * as blob from "@azure/storage-blob";
import * as dfs from "@azure/storage-file-datalake";
import * as file from "@azure/storage-file-share";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createStorageAuth, type StorageAccess } from "../../src/storage-auth/index.ts";
import { compareHeaderNames } from "../../src/storage-auth/shared-key.ts";
import { ACCOUNT, accessOf, KEY, OTHER_KEY, startJudge, type JudgeServer } from "./judge-server.ts";

let service: StorageAccess["service"] = "blob";
let server: JudgeServer;

beforeAll(async () => {
  server = await startJudge(() => ({ service }));
});
afterAll(() => server.close());

const NAMES = ["a.csv", "a b/ü#%+&=;,'(x)!~$@^`{}|.txt", "日本語/🦆.bin", "%2F", "x//y"];
const once = { retryOptions: { maxTries: 1 } };

/** What the SDK makes of the empty answer does not matter here. */
async function ask(call: () => unknown): Promise<unknown> {
  server.last.verdict = undefined;
  await Promise.resolve(call()).catch(() => undefined);
  return server.last.verdict;
}

const ALLOWED = { allowed: true, identity: { kind: "account_key" } };

describe("SharedKey of the official clients", () => {
  test("blob", async () => {
    service = "blob";
    const key = new blob.StorageSharedKeyCredential(ACCOUNT, KEY);
    const container = new blob.BlobServiceClient(server.endpoint, key, once).getContainerClient("data");
    expect(await ask(() => container.create({ metadata: { a_b: "1", ab: "2", a1: "x  y" } }))).toEqual(
      ALLOWED,
    );
    expect(
      await ask(() => container.listBlobsFlat({ prefix: "ä +&", includeMetadata: true }).byPage().next()),
    ).toEqual(ALLOWED);
    for (const name of NAMES) {
      const client = container.getBlockBlobClient(name);
      expect(
        await ask(() => client.upload("hello", 5, { blobHTTPHeaders: { blobContentType: "text/csv" } })),
      ).toEqual(ALLOWED);
      expect(await ask(() => client.upload("", 0, { conditions: { ifNoneMatch: "*" } }))).toEqual(ALLOWED);
      expect(await ask(() => client.download(3, 4, { conditions: { ifMatch: '"1"' } }))).toEqual(ALLOWED);
      expect(await ask(() => client.getProperties())).toEqual(ALLOWED);
      expect(await ask(() => client.delete())).toEqual(ALLOWED);
    }
  });

  test("file share", async () => {
    service = "file";
    const key = new file.StorageSharedKeyCredential(ACCOUNT, KEY);
    const share = new file.ShareServiceClient(server.endpoint, key, once).getShareClient("data");
    expect(await ask(() => share.create())).toEqual(ALLOWED);
    for (const name of NAMES.filter((each) => !each.includes("/"))) {
      const client = share.rootDirectoryClient.getFileClient(name);
      expect(await ask(() => client.create(5))).toEqual(ALLOWED);
      expect(await ask(() => client.uploadRange("hello", 0, 5))).toEqual(ALLOWED);
      expect(await ask(() => client.rename("other ü.txt", { replaceIfExists: true }))).toEqual(ALLOWED);
    }
    const listing = share.rootDirectoryClient.listFilesAndDirectories({
      prefix: "a b",
      includeTimestamps: true,
    });
    expect(await ask(() => listing.byPage({ maxPageSize: 10 }).next())).toEqual(ALLOWED);
  });

  test("data lake", async () => {
    service = "dfs";
    const key = new dfs.StorageSharedKeyCredential(ACCOUNT, KEY);
    const system = new dfs.DataLakeServiceClient(server.endpoint, key, once).getFileSystemClient("data");
    for (const name of NAMES) {
      const client = system.getFileClient(name);
      expect(await ask(() => client.create())).toEqual(ALLOWED);
      expect(await ask(() => client.append("hello", 0, 5))).toEqual(ALLOWED);
    }
    expect(await ask(() => system.listPaths({ path: "a/b", recursive: true }).next())).toEqual(ALLOWED);
  });

  test("a wrong key is refused in the words of the service", async () => {
    service = "blob";
    const key = new blob.StorageSharedKeyCredential(ACCOUNT, OTHER_KEY);
    const client = new blob.BlobServiceClient(server.endpoint, key, once).getContainerClient("data");
    await expect(client.create()).rejects.toMatchObject({
      statusCode: 403,
      code: "AuthenticationFailed",
      message: expect.stringContaining("Server failed to authenticate the request. Make sure the value of"),
    });
    service = "dfs";
    const lake = new dfs.DataLakeServiceClient(
      server.endpoint,
      new dfs.StorageSharedKeyCredential(ACCOUNT, OTHER_KEY),
      once,
    );
    await expect(lake.getFileSystemClient("data").getFileClient("x").create()).rejects.toMatchObject({
      statusCode: 403,
      code: "AuthenticationFailed",
    });
  });
});

/** A request of the SDK as it would go to `https://contoso.blob.core.windows.net`. */
async function signed(name: string, metadata: Record<string, string>, body: string): Promise<Request> {
  let seen: Request | undefined;
  const key = new blob.StorageSharedKeyCredential(ACCOUNT, KEY);
  const pipeline = blob.newPipeline(key, {
    ...once,
    httpClient: {
      sendRequest(request) {
        const headers = new Headers(request.headers.toJson());
        seen = new Request(request.url, { method: request.method, headers });
        return Promise.reject(new Error("Not sent."));
      },
    },
  });
  const client = new blob.ContainerClient("https://contoso.blob.core.windows.net/data", pipeline);
  await client
    .getBlockBlobClient(name)
    .upload(body, Buffer.byteLength(body), { metadata, blobHTTPHeaders: { blobContentType: "text/plain" } })
    .catch(() => undefined);
  if (!seen) throw new Error("The client sent nothing.");
  return seen;
}

const auth = createStorageAuth({ account: { name: ACCOUNT, keys: [OTHER_KEY, KEY] } });
const judge = async (request: Request) => auth.judge(request, accessOf(request, { service: "blob" }));

function changed(request: Request, name: string, change: (value: string) => string): Request {
  const headers = new Headers(request.headers);
  headers.set(name, change(headers.get(name) ?? ""));
  return new Request(request.url, { method: request.method, headers });
}

describe("whatever is signed", () => {
  const metaName = fc.stringMatching(/^[a-z][a-z0-9_]{0,8}$/);
  const metaValue = fc.stringMatching(/^[!-~]([ -~]{0,10}[!-~])?$/);
  const segment = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }).filter((text) => {
    return !/[\p{C}\\/]/u.test(text) && !/^\.+$/.test(text) && text.trim() === text;
  });
  const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((list) => list.join("/"));

  test("is let in, host-style, with the second key, and no letter of it may change", async () => {
    await fc.assert(
      fc.asyncProperty(
        path,
        fc.dictionary(metaName, metaValue, { noNullPrototype: true }),
        fc.string({ maxLength: 20 }),
        fc.nat(),
        async (name, metadata, body, pick) => {
          const request = await signed(name, metadata, body);
          expect(await judge(request)).toMatchObject({ allowed: true });
          const names = [...request.headers.keys()].filter(
            (key) => key.startsWith("x-ms-") && key !== "x-ms-date",
          );
          const header = names[pick % names.length] ?? "x-ms-version";
          expect(await judge(changed(request, header, (value) => `${value}1`))).toMatchObject({
            allowed: false,
          });
          expect(await judge(changed(request, "content-type", () => "text/other"))).toMatchObject({
            allowed: false,
          });
          expect(await judge(changed(request, "x-ms-meta-added", () => "1"))).toMatchObject({
            allowed: false,
          });
          expect(await judge(new Request(`${request.url}x`, request))).toMatchObject({ allowed: false });
          expect(await judge(new Request(`${request.url}?a=b`, request))).toMatchObject({ allowed: false });
          expect(await judge(new Request(request, { method: "DELETE" }))).toMatchObject({ allowed: false });
          const letter = changed(request, "authorization", (value) => flip(value, pick));
          expect(await judge(letter)).toMatchObject({ allowed: false });
        },
      ),
      { numRuns: 150 },
    );
  });
});

/** Another letter somewhere in the signature, its padding and last (partly unused) letter left alone. */
function flip(authorization: string, pick: number): string {
  const start = authorization.indexOf(":") + 1;
  const at = start + (pick % (authorization.length - start - 2));
  return `${authorization.slice(0, at)}${authorization[at] === "A" ? "B" : "A"}${authorization.slice(at + 1)}`;
}

describe("the date", () => {
  const at = (minutes: number) =>
    createStorageAuth({
      account: { name: ACCOUNT, keys: [KEY] },
      now: () => Date.now() + minutes * 60_000,
    });

  test.each([
    [14, true],
    [-14, true],
    [16, false],
    [-16, false],
  ])("a clock that differs by %d minutes", async (minutes, allowed) => {
    const request = await signed("a", {}, "x");
    const verdict = await at(minutes).judge(request, accessOf(request, { service: "blob" }));
    expect(verdict.allowed).toBe(allowed);
    if (!verdict.allowed) {
      expect(verdict.error).toMatchObject({ status: 403, code: "AuthenticationFailed" });
      expect(verdict.error.details?.["AuthenticationErrorDetail"]).toMatch(/^Request date header too /);
    }
  });

  test("is mandatory", async () => {
    const headers = { authorization: `SharedKey ${ACCOUNT}:c2ln` };
    const request = new Request("https://contoso.blob.core.windows.net/data/a", { headers });
    expect(await judge(request)).toMatchObject({ allowed: false, error: { status: 403 } });
  });
});

describe("SharedKeyLite", () => {
  const url = "http://127.0.0.1:1/contoso/data/a%20b?comp=metadata&timeout=30";
  const date = new Date().toUTCString();
  const text = [
    "PUT",
    "",
    "text/plain",
    "",
    `x-ms-date:${date}`,
    "x-ms-meta-m1:v1",
    "/contoso/contoso/data/a%20b?comp=metadata",
  ].join("\n");
  const signature = createHmac("sha256", Buffer.from(KEY, "base64")).update(text).digest("base64");
  const headers = { "x-ms-date": date, "x-ms-meta-m1": "v1", "content-type": "text/plain" };

  test("signs less of the request", async () => {
    const authorization = `SharedKeyLite ${ACCOUNT}:${signature}`;
    const request = new Request(url, { method: "PUT", headers: { ...headers, authorization } });
    expect(await judge(request)).toMatchObject({ allowed: true });
    expect(await judge(new Request(url.replace("30", "31"), request))).toMatchObject({ allowed: true });
    expect(await judge(new Request(url.replace("metadata", "acl"), request))).toMatchObject({
      allowed: false,
    });
  });
});

describe("an Authorization header that is none", () => {
  test.each(["SharedKey", "SharedKey contoso", "Basic abc", "", "SharedKey :x"])(
    "%j",
    async (authorization) => {
      const request = new Request("https://contoso.blob.core.windows.net/data/a", {
        headers: { authorization },
      });
      expect(await judge(request)).toMatchObject({
        allowed: false,
        error: { status: 400, code: "InvalidAuthenticationInfo" },
      });
    },
  );

  test("another account's", async () => {
    const request = changed(await signed("a", {}, "x"), "authorization", (value) =>
      value.replace(ACCOUNT, "fabrikam"),
    );
    expect(await judge(request)).toMatchObject({ allowed: false, error: { code: "AuthenticationFailed" } });
  });
});

test("header names are ordered as the service orders them", () => {
  const names = ["x-ms-meta-ab", "x-ms-meta-a_b", "x-ms-meta-a1", "x-ms-meta-a-c", "x-ms-meta-a"];
  expect(names.sort(compareHeaderNames)).toEqual([
    "x-ms-meta-a",
    "x-ms-meta-a_b",
    "x-ms-meta-a1",
    "x-ms-meta-ab",
    "x-ms-meta-a-c",
  ]);
});
