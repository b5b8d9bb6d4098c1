import { ShareServiceClient } from "@azure/storage-file-share";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { trustCertificate } from "../../src/certificate.ts";
import { createStorageAuth, storageErrorResponse, type TokenClaims } from "../../src/storage-auth/index.ts";
import { ACCOUNT, accessOf, KEY, startJudge, type JudgeServer } from "./judge-server.ts";

const seconds = Math.floor(Date.now() / 1000);
const good: TokenClaims = { aud: "https://storage.azure.com", oid: "o", tid: "t", exp: seconds + 3600 };

function judge(
  claims: TokenClaims | undefined,
  init: { service?: "blob" | "file"; intent?: boolean; origin?: string; may?: boolean } = {},
) {
  const { service = "blob", intent = service === "file", origin, may = true } = init;
  const auth = createStorageAuth({
    account: { name: ACCOUNT, keys: [KEY] },
    verifyToken: (token) => Promise.resolve(token === "abc" ? claims : undefined),
    mayAccess: () => may,
  });
  const headers = {
    authorization: "Bearer abc",
    ...(intent && { "x-ms-file-request-intent": "backup" }),
  };
  const request = new Request(`${origin ?? "https://contoso.blob.core.windows.net"}/data/a`, { headers });
  return auth.judge(request, accessOf(request, { service }));
}

describe("bearer tokens", () => {
  test.each([good.aud, `${good.aud}/`, "https://contoso.blob.core.windows.net"])("for %s", async (aud) => {
    expect(await judge({ ...good, aud })).toEqual({
      allowed: true,
      identity: { kind: "token", objectId: "o", tenantId: "t" },
    });
  });

  test.each([
    ["unknown", undefined],
    ["for another resource", { ...good, aud: "https://management.azure.com" }],
    ["for another account", { ...good, aud: "https://fabrikam.blob.core.windows.net" }],
    ["expired", { ...good, exp: seconds - 1 }],
    ["not yet valid", { ...good, nbf: seconds + 3600 }],
  ])("%s: 401 with a challenge", async (_, claims) => {
    expect(await judge(claims)).toMatchObject({
      allowed: false,
      error: {
        status: 401,
        code: "InvalidAuthenticationInfo",
        headers: { "www-authenticate": expect.stringContaining("resource_id=https://storage.azure.com") },
      },
    });
  });

  test("never without https", async () => {
    expect(await judge(good, { origin: "http://127.0.0.1:1/contoso" })).toMatchObject({
      allowed: false,
      error: { status: 403, code: "AuthenticationFailed" },
    });
  });

  test("without a role", async () => {
    expect(await judge(good, { may: false })).toMatchObject({
      error: { status: 403, code: "AuthorizationPermissionMismatch" },
    });
  });

  test("Azure Files demands the intent", async () => {
    expect(await judge(good, { service: "file" })).toMatchObject({ allowed: true });
    expect(await judge(good, { service: "file", intent: false })).toMatchObject({
      error: {
        status: 400,
        code: "MissingRequiredHeader",
        details: { HeaderName: "x-ms-file-request-intent" },
      },
    });
  });
});

describe("over https, with the official client", () => {
  let server: JudgeServer;
  let distrust: () => void;
  beforeAll(async () => {
    const verifyToken = (token: string) => Promise.resolve(token === "abc" ? good : undefined);
    server = await startJudge(() => ({ service: "file" }), { verifyToken }, true);
    distrust = trustCertificate(server.certificatePem ?? "");
  });
  afterAll(async () => {
    distrust();
    await server.close();
  });

  test.each([
    ["backup", { allowed: true }],
    [undefined, { allowed: false, error: { code: "MissingRequiredHeader" } }],
  ] as const)("intent %s", async (fileRequestIntent, verdict) => {
    const credential = {
      getToken: () => Promise.resolve({ token: "abc", expiresOnTimestamp: Date.now() + 3.6e6 }),
    };
    const client = new ShareServiceClient(server.endpoint, credential, {
      retryOptions: { maxTries: 1 },
      ...(fileRequestIntent && { fileRequestIntent }),
    });
    const file = client.getShareClient("data").rootDirectoryClient.getFileClient("a");
    await file.getProperties().catch(() => undefined);
    expect(server.last.verdict).toMatchObject(verdict);
  });
});

describe("nobody", () => {
  const request = new Request("https://contoso.blob.core.windows.net/data/a");

  test("is challenged", async () => {
    const auth = createStorageAuth({ account: { name: ACCOUNT, keys: [KEY] } });
    expect(await auth.judge(request, accessOf(request, { service: "blob" }))).toMatchObject({
      error: { status: 401, code: "NoAuthenticationInformation" },
    });
  });

  test("may what is public", async () => {
    const auth = createStorageAuth({
      account: { name: ACCOUNT, keys: [KEY] },
      isPublic: ({ permissions }) => permissions.includes("r"),
    });
    const reading = accessOf(request, { service: "blob", permissions: ["r"] });
    expect(await auth.judge(request, reading)).toEqual({ allowed: true, identity: { kind: "anonymous" } });
    expect(await auth.judge(request, { ...reading, permissions: ["w"] })).toMatchObject({ allowed: false });
  });
});

describe("the answer of a refusal", () => {
  const error = { status: 403, code: "Code", message: "Said <this>.", details: { HeaderName: "a&b" } };
  const request = new Request("https://contoso.blob.core.windows.net/data/a", {
    headers: { "x-ms-version": "2025-01-05", "x-ms-client-request-id": "mine" },
  });

  test("in XML, after a byte order mark", async () => {
    const response = storageErrorResponse(error, "xml", request);
    expect(response.status).toBe(403);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "application/xml",
      "x-ms-error-code": "Code",
      "x-ms-version": "2025-01-05",
      "x-ms-client-request-id": "mine",
    });
    const bytes = new Uint8Array(await response.arrayBuffer());
    expect([...bytes.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
    expect(new TextDecoder().decode(bytes)).toMatch(
      /^<\?xml version="1.0" encoding="utf-8"\?><Error><Code>Code<\/Code><Message>Said &lt;this&gt;.\nRequestId:[0-9a-f-]{36}\nTime:[\dTZ.:-]+<\/Message><HeaderName>a&amp;b<\/HeaderName><\/Error>$/,
    );
  });

  test("in JSON", async () => {
    const response = storageErrorResponse(error, "json", request);
    expect(await response.json()).toEqual({
      error: {
        code: "Code",
        message: expect.stringMatching(/^Said <this>\.\nRequestId:/),
        detail: { HeaderName: "a&b" },
      },
    });
  });

  test("of a HEAD has no body", () => {
    const head = new Request(request, { method: "HEAD" });
    expect(storageErrorResponse(error, "xml", head).body).toBeNull();
  });
});
