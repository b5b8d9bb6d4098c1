import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { inspect } from "node:util";
import { canary } from "@aml/adapter-testkit";
import { azureFileShare } from "@aml/azure-file-share";
import { isAmlError, parseStorePath, Secret, type AmlError, type StorageAdapter } from "@aml/core/adapter";
import { withTimeout } from "@aml/core/layers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CODES } from "../src/errors.ts";
import {
  newShare,
  openStore,
  sasCredential,
  sharedFiles,
  shareSas,
  signatureOf,
  startFiles,
  type FileCredential,
  type FilesServer,
} from "./files-server.ts";

const PATH = parseStorePath("folder/a.txt");
const KEY = canary();
const VERBS = ["stat", "read", "write", "delete", "list"] as const;
type Verb = (typeof VERBS)[number];

function run(verb: Verb, storage: StorageAdapter, path = PATH): Promise<unknown> {
  switch (verb) {
    case "write":
      return storage.write?.(path, new Blob(["x"]).stream()) ?? Promise.resolve();
    case "delete":
      return storage.delete?.(path) ?? Promise.resolve();
    case "list":
      return storage.list(path)[Symbol.asyncIterator]().next();
    default:
      return storage[verb](path);
  }
}

async function failureOf(promise: Promise<unknown>): Promise<AmlError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (isAmlError(error)) return error;
  throw new Error("It did not fail with an AmlError.", { cause: error });
}

/** Opens a share of a service that gives one answer. */
function answering(response: () => Response, credential: FileCredential): StorageAdapter {
  return azureFileShare.open({
    options: { accountName: "contoso", fileShareName: "trips" },
    credential,
    fetch: async () => response(),
  });
}

const key: FileCredential = { kind: "account_key", accountKey: new Secret(btoa(KEY.secret)) };
const sas = sasCredential("sv=2024-11-04&sr=s&sp=r&se=2999-01-01T00:00:00Z&sig=sas-canary-88aa");
const expired = sasCredential("?sv=2024-11-04&sr=s&sp=r&se=2020-02-03T04:05:06Z&sig=sas-canary-88aa");

type Row = [
  verb: Verb,
  status: number,
  serviceCode: string,
  credential: FileCredential,
  code: string,
  message: RegExp,
  hint: RegExp,
];
const gone = /no file 'folder\/a.txt' in share 'trips'/;
const server = /'contoso' failed to answer/;
const inUse = /file 'folder\/a.txt' is leased, or open/i;
const rows: Row[] = [
  ["read", 404, "ResourceNotFound", key, "not_found", gone, /list the folder above/],
  ["read", 404, "ParentNotFound", key, "not_found", gone, /Check the path/],
  ["write", 404, "CannotVerifyCopySource", key, "not_found", /no file to copy/, /source/],
  ["read", 409, "ResourceTypeMismatch", key, "not_found", /a folder or a file of another kind/, /see what/],
  [
    "list",
    404,
    "ShareNotFound",
    key,
    "not_found",
    /no file share 'trips' in storage account 'contoso'/,
    /create/,
  ],
  ["list", 409, "ShareBeingDeleted", key, "not_found", /no file share 'trips'/, /fileShareName/],
  ["list", 403, "ShareDisabled", key, "not_found", /no file share 'trips'/, /fileShareName/],
  [
    "write",
    409,
    "ResourceAlreadyExists",
    key,
    "already_exists",
    /File 'folder\/a.txt' exists/,
    /another path/,
  ],
  [
    "read",
    403,
    "AuthenticationFailed",
    key,
    "auth_failed",
    /'contoso' refused the account key/,
    /rotated.*clock/,
  ],
  [
    "read",
    403,
    "AuthenticationFailed",
    sas,
    "auth_failed",
    /refused the SAS token/,
    /new SAS token for share/,
  ],
  [
    "stat",
    403,
    "AuthenticationFailed",
    expired,
    "auth_failed",
    /expired at 2020-02-03T04:05:06.000Z/,
    /new SAS/,
  ],
  ["list", 401, "InvalidAuthenticationInfo", key, "auth_failed", /refused/, /key1/],
  ["list", 401, "NoAuthenticationInformation", sas, "auth_failed", /refused/, /SAS/],
  ["list", 403, "AccountIsDisabled", key, "auth_failed", /refused/, /key1/],
  [
    "write",
    403,
    "KeyBasedAuthenticationNotPermitted",
    key,
    "auth_failed",
    /does not allow account keys/,
    /Storage File Data Privileged Contributor/,
  ],
  [
    "list",
    403,
    "AuthorizationPermissionMismatch",
    sas,
    "permission_denied",
    /may not list files in share 'trips' of account 'contoso'/,
    /grants list \(l\); this one grants 'r'/,
  ],
  ["write", 403, "AuthorizationPermissionMismatch", sas, "permission_denied", /may not write/, /\(cw\)/],
  [
    "read",
    403,
    "AuthorizationFailure",
    key,
    "permission_denied",
    /may not read file/,
    /key belongs.*firewall/,
  ],
  ["read", 403, "InsufficientAccountPermissions", key, "permission_denied", /may not/, /key belongs/],
  ["read", 403, "AuthorizationProtocolMismatch", sas, "permission_denied", /may not/, /grants/],
  ["read", 403, "AuthorizationResourceTypeMismatch", sas, "permission_denied", /may not/, /grants/],
  ["read", 403, "AuthorizationServiceMismatch", sas, "permission_denied", /may not/, /grants/],
  ["read", 403, "AuthorizationSourceIPMismatch", sas, "permission_denied", /firewall of/, /Networking/],
  [
    "delete",
    409,
    "DirectoryNotEmpty",
    key,
    "precondition_failed",
    /a folder that is not empty/,
    /recursively/,
  ],
  ["delete", 409, "CannotDeleteFileOrDirectory", key, "precondition_failed", inUse, /lease/],
  ["delete", 409, "DeletePending", key, "precondition_failed", inUse, /lease/],
  ["delete", 409, "FileLockConflict", key, "precondition_failed", inUse, /lease/],
  ["write", 409, "FileOpenBySmbClient", key, "precondition_failed", inUse, /lease/],
  ["write", 409, "SharingViolation", key, "precondition_failed", inUse, /lease/],
  ["write", 412, "LeaseIdMissing", key, "precondition_failed", inUse, /lease/],
  ["write", 409, "LeaseAlreadyPresent", key, "precondition_failed", inUse, /lease/],
  ["delete", 409, "ReadOnlyAttribute", key, "permission_denied", /marked as read-only/, /attribute/],
  ["write", 409, "ShareSizeLimitReached", key, "resource_exhausted", /no room/, /quota/],
  ["write", 507, "InsufficientStorage", key, "resource_exhausted", /no room/, /quota/],
  ["list", 400, "InvalidResourceName", key, "path_invalid", /cannot hold the path/, /device names/],
  ["list", 400, "InvalidFileOrDirectoryPathName", key, "path_invalid", /cannot hold/, /255/],
  ["list", 400, "InvalidUri", key, "path_invalid", /cannot hold/, /255/],
  ["list", 400, "OutOfRangeInput", key, "path_invalid", /cannot hold/, /255/],
  ["list", 503, "ServerBusy", key, "rate_limited", /busy/, /Wait/],
  ["list", 429, "", key, "rate_limited", /busy/, /Wait/],
  ["list", 500, "InternalError", key, "unavailable", server, /status page/],
  ["list", 500, "ClientCacheFlushDelay", key, "unavailable", server, /status page/],
  ["list", 500, "OperationTimedOut", key, "timeout", server, /Try again/],
  ["list", 502, "", key, "unavailable", server, /Try again/],
  ["list", 504, "", key, "timeout", server, /Try again/],
  ["read", 404, "", key, "not_found", gone, /Check the path/],
  ["stat", 403, "", key, "permission_denied", /may not look up/, /firewall/],
  ["write", 412, "", key, "precondition_failed", /changed or deleted meanwhile/, /repeat/],
  ["list", 418, "ShortAndStout", key, "internal", /list file 'folder\/a.txt' failed/, /^$/],
];

describe("each answer of the service has its row", () => {
  test.each(rows)("%s %i %s", async (verb, status, serviceCode, credential, code, message, hint) => {
    const xml = `<?xml version="1.0"?><Error><Code>${serviceCode}</Code><Message>Said the service.</Message></Error>`;
    const headers = {
      "content-type": "application/xml",
      "x-ms-request-id": "r-1",
      ...(serviceCode && { "x-ms-error-code": serviceCode }),
    };
    const respond = () => new Response(verb === "stat" ? null : xml, { status, headers });
    const error = await failureOf(run(verb, answering(respond, credential)));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.hint ?? "").toMatch(hint);
    expect(error.operation).toBe(verb);
    expect(error.context).toMatchObject({ account: "contoso", share: "trips", status, requestId: "r-1" });
    KEY.assertNoLeak(error);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("sas-canary-88aa");
  });

  test("no row is left out", () => {
    const tested = new Set(rows.map(([, , code]) => code));
    expect(Object.keys(CODES).filter((code) => !tested.has(code))).toEqual([]);
  });

  test("Retry-After is passed on", async () => {
    const headers = { "retry-after": "7", "x-ms-error-code": "ServerBusy" };
    const storage = answering(() => new Response(null, { status: 503, headers }), key);
    expect((await failureOf(run("stat", storage))).retryAfterMs).toBe(7000);
  });
});

describe("on real sockets", () => {
  let files: FilesServer;
  beforeAll(async () => {
    files = await sharedFiles();
  });

  test("a wrong key, for every verb", async () => {
    const { name } = await newShare(files);
    for (const verb of VERBS) {
      const error = await failureOf(run(verb, openStore(files, name, key)));
      expect(error).toMatchObject({
        code: "auth_failed",
        message: "Storage account 'devstoreaccount1' refused the account key.",
        hint: expect.stringContaining("key1 or key2"),
      });
      KEY.assertNoLeak(error);
    }
  });

  test("a key that was rotated while the store is open", async () => {
    const own = await startFiles();
    try {
      const { name } = await newShare(own);
      const storage = openStore(own, name);
      await storage.write?.(PATH, new Blob(["x"]).stream());
      own.files.setKeys([btoa("a key of another day")]);
      expect(await failureOf(run("read", storage))).toMatchObject({
        code: "auth_failed",
        hint: expect.stringContaining("rotated"),
      });
    } finally {
      await own.close();
    }
  });

  test("an expired SAS says when it expired", async () => {
    const { name } = await newShare(files);
    const expiresOn = new Date(Date.now() - 60_000);
    expiresOn.setUTCMilliseconds(0);
    const token = shareSas(files, name, { expiresOn });
    for (const verb of VERBS) {
      const error = await failureOf(run(verb, openStore(files, name, sasCredential(token))));
      expect(error.code).toBe("auth_failed");
      expect(error.message).toBe(`The SAS token for share '${name}' expired at ${expiresOn.toISOString()}.`);
      expect(inspect(error, { depth: 9 })).not.toContain(signatureOf(token));
      expect(inspect(error, { depth: 9 })).not.toContain(encodeURIComponent(signatureOf(token)));
    }
  });

  test("a SAS without the letter that is needed", async () => {
    const { name } = await newShare(files);
    const { ShareSASPermissions } = await import("@azure/storage-file-share");
    const token = shareSas(files, name, { permissions: ShareSASPermissions.parse("l") });
    const storage = openStore(files, name, sasCredential(token));
    expect((await run("list", storage)) as object).toMatchObject({ done: true });
    for (const verb of ["stat", "read", "write", "delete"] as const) {
      expect(await failureOf(run(verb, storage))).toMatchObject({
        code: "permission_denied",
        hint: expect.stringContaining("this one grants 'l'"),
      });
    }
  });

  test("a missing share, for every verb", async () => {
    for (const verb of VERBS) {
      expect(await failureOf(run(verb, openStore(files, "not-there")))).toMatchObject({
        code: "not_found",
        message: "There is no file share 'not-there' in storage account 'devstoreaccount1'.",
        hint: "Check fileShareName, or create the share.",
      });
    }
  });

  test("a share name with capitals", async () => {
    const respond = () =>
      new Response(null, { status: 400, headers: { "x-ms-error-code": "InvalidResourceName" } });
    const storage = azureFileShare.open({
      options: { accountName: "contoso", fileShareName: "Trips" },
      credential: key,
      fetch: async () => respond(),
    });
    expect(await failureOf(run("stat", storage))).toMatchObject({
      code: "config_invalid",
      message: "'Trips' is not a valid name of a file share.",
    });
  });

  test("nothing listens", async () => {
    const storage = openStore(files, "trips", key, { endpoint: "http://127.0.0.1:1/contoso" });
    for (const verb of VERBS) {
      expect(await failureOf(run(verb, storage))).toMatchObject({
        code: "unavailable",
        message: "Nothing listens at 127.0.0.1:1.",
      });
    }
  });

  test("no such host", async () => {
    const storage = openStore(files, "trips", key, {
      accountName: "nosuchaccount",
      endpoint: "core.invalid",
    });
    expect(await failureOf(run("read", storage))).toMatchObject({
      code: "unavailable",
      hint: expect.stringContaining("'nosuchaccount'"),
    });
  });

  test("an abort is given back as it is", async () => {
    const { name } = await newShare(files);
    const storage = openStore(files, name);
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    await expect(storage.stat(PATH, { signal })).rejects.toBe(reason);
    await expect(storage.read(PATH, { signal })).rejects.toBe(reason);
    await expect(storage.write?.(PATH, new Blob(["x"]).stream(), { signal })).rejects.toBe(reason);
    await expect(storage.delete?.(PATH, { signal })).rejects.toBe(reason);
    await expect(storage.list(PATH, { signal })[Symbol.asyncIterator]().next()).rejects.toBe(reason);
  });
});

describe("a network that swallows everything", () => {
  let silent: Server;
  let endpoint: string;
  const sockets = new Set<Socket>();
  beforeAll(async () => {
    silent = createServer((socket) => sockets.add(socket.on("error", () => undefined)));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/contoso`;
  });
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  test.each(VERBS)("%s ends within the limit", async (verb) => {
    const storage = withTimeout({ operationMs: 100, writeStallMs: 100 })(
      openStore(await sharedFiles(), "trips", key, { endpoint }),
    );
    const begun = performance.now();
    expect((await failureOf(run(verb, storage))).code).toBe("timeout");
    expect(performance.now() - begun).toBeLessThan(30_000);
  });
});
