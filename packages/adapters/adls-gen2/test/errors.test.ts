import { inspect } from "node:util";
import { isAmlError, parseStorePath, Secret, type AmlError, type StorePath } from "@aml/core/adapter";
import { withTimeout } from "@aml/core/layers";
import { adlsGen2, type AdlsGen2Storage } from "@aml/adls-gen2";
import { beforeAll, describe, expect, test } from "vitest";
import {
  filesystemSas,
  newFilesystem,
  openStore,
  sasCredential,
  sharedServer,
  signatureOf,
  type Gen2Credential,
  type Server,
} from "./gen2.ts";

const PATH = parseStorePath("folder/sub/a.txt");
const KEY = btoa("account-key-canary-31f7");

type Verb = "stat" | "read" | "write" | "delete" | "list" | "rename" | "rights";

async function run(verb: Verb, storage: AdlsGen2Storage, path: StorePath = PATH): Promise<unknown> {
  switch (verb) {
    case "write":
      return storage.write?.(path, new Blob(["x"]).stream());
    case "delete":
      return storage.delete?.(path);
    case "list":
      return storage.list(path)[Symbol.asyncIterator]().next();
    case "rename":
      return storage.rename(path, parseStorePath("new/place"));
    case "rights":
      return storage.pathRights?.(path)[Symbol.asyncIterator]().next();
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

/** Opens a file system of a service that gives one answer. */
function answering(response: () => Response, credential: Gen2Credential): AdlsGen2Storage {
  return adlsGen2.open({
    options: { accountName: "contoso", filesystem: "trips" },
    credential,
    fetch: async () => response(),
    tokenProvider: {
      getToken: async () => ({ token: "t", expiresOnTimestamp: Date.now() + 3_600_000 }),
    },
  });
}

const key: Gen2Credential = { kind: "account_key", accountKey: new Secret(KEY) };
const sas = sasCredential("sv=2024-11-04&sr=c&sp=r&se=2999-01-01T00:00:00Z&sig=sas-canary-88aa");
const expired = sasCredential("?sv=2024-11-04&sr=c&sp=r&se=2020-02-03T04:05:06Z&sig=sas-canary-88aa");
const identity: Gen2Credential = { kind: "identity" };

type Row = [
  verb: Verb,
  status: number,
  serviceCode: string,
  credential: Gen2Credential,
  code: string,
  message: RegExp,
  hint: RegExp,
];
const rows: Row[] = [
  [
    "read",
    404,
    "PathNotFound",
    key,
    "not_found",
    /no 'folder\/sub\/a.txt' in file system 'trips'/,
    /case-sensitive/,
  ],
  ["stat", 404, "BlobNotFound", key, "not_found", /no 'folder\/sub\/a.txt'/, /case-sensitive/],
  ["rename", 404, "SourcePathNotFound", key, "not_found", /no 'folder\/sub\/a.txt'/, /Check the path/],
  [
    "rename",
    404,
    "RenameDestinationParentPathNotFound",
    key,
    "not_found",
    /directory that '.*' is to be moved to/,
    /Create it/,
  ],
  [
    "list",
    404,
    "FilesystemNotFound",
    key,
    "not_found",
    /no file system 'trips' in storage account 'contoso'/,
    /create/,
  ],
  ["read", 404, "ContainerNotFound", key, "not_found", /no file system 'trips'/, /filesystem/],
  ["write", 409, "FilesystemBeingDeleted", key, "not_found", /no file system 'trips'/, /filesystem/],
  ["read", 404, "ResourceNotFound", key, "not_found", /no 'folder/, /Check/],
  ["write", 409, "PathAlreadyExists", key, "already_exists", /exists already/, /another path/],
  ["write", 409, "ConditionNotMet", key, "already_exists", /exists already/, /another path/],
  ["write", 409, "PathConflict", key, "path_invalid", /a file where a directory is needed/, /in the way/],
  ["write", 409, "ResourceTypeMismatch", key, "path_invalid", /a file where a directory/, /in the way/],
  [
    "rename",
    409,
    "InvalidSourceOrDestinationResourceType",
    key,
    "path_invalid",
    /a file where a directory/,
    /in the way/,
  ],
  ["rename", 409, "InvalidRenameSourcePath", key, "path_invalid", /into itself/, /outside/],
  ["rename", 409, "InvalidDestinationPath", key, "path_invalid", /a file where a directory/, /in the way/],
  [
    "delete",
    409,
    "DirectoryNotEmpty",
    key,
    "precondition_failed",
    /a directory that is not empty/,
    /recursively/,
  ],
  [
    "rename",
    409,
    "DirectoryNotEmpty",
    key,
    "precondition_failed",
    /cannot replace a directory/,
    /Delete that directory/,
  ],
  ["read", 412, "ConditionNotMet", key, "precondition_failed", /not the version/, /new etag/],
  ["rename", 412, "SourceConditionNotMet", key, "precondition_failed", /not the version/, /new etag/],
  ["write", 400, "InvalidFlushPosition", key, "internal", /not whole/, /again/],
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
    /Create a new SAS token/,
  ],
  [
    "read",
    403,
    "AuthenticationFailed",
    expired,
    "auth_failed",
    /expired at 2020-02-03T04:05:06.000Z/,
    /new SAS/,
  ],
  ["read", 401, "NoAuthenticationInformation", identity, "auth_failed", /refused the token of /, /clock/],
  ["read", 401, "InvalidAuthenticationInfo", identity, "auth_failed", /refused the token of /, /clock/],
  ["read", 403, "AccountIsDisabled", key, "auth_failed", /refused/, /key1/],
  [
    "read",
    403,
    "KeyBasedAuthenticationNotPermitted",
    key,
    "auth_failed",
    /does not allow account keys/,
    /Blob Data Reader/,
  ],
  [
    "read",
    403,
    "AuthorizationFailure",
    key,
    "permission_denied",
    /may not read 'folder/,
    /key belongs.*firewall/,
  ],
  [
    "read",
    403,
    "AuthorizationPermissionMismatch",
    identity,
    "permission_denied",
    /may not read 'folder\/sub\/a.txt' in file system 'trips'/,
    /Grant "Storage Blob Data Reader" on file system 'trips' to the identity of the given token, or in the ACLs: x on \/, \/folder and \/folder\/sub and r-- on \/folder\/sub\/a.txt\./,
  ],
  [
    "list",
    403,
    "AuthorizationPermissionMismatch",
    identity,
    "permission_denied",
    /may not list/,
    /x on \/, \/folder and \/folder\/sub and r-x on \/folder\/sub\/a.txt/,
  ],
  [
    "stat",
    403,
    "AuthorizationPermissionMismatch",
    identity,
    "permission_denied",
    /may not look up/,
    /ACLs: x on \/, \/folder and \/folder\/sub\.$/,
  ],
  ["rights", 403, "KeyBasedAuthenticationNotPermitted", key, "auth_failed", /keys/, /Reader/],
  [
    "write",
    403,
    "AuthorizationPermissionMismatch",
    identity,
    "permission_denied",
    /may not write/,
    /"Storage Blob Data Contributor".*x on \/ and \/folder and -wx on \/folder\/sub\./,
  ],
  [
    "delete",
    403,
    "AuthorizationPermissionMismatch",
    identity,
    "permission_denied",
    /may not delete/,
    /-wx on \/folder\/sub \(and rwx/,
  ],
  [
    "rename",
    403,
    "AuthorizationPermissionMismatch",
    identity,
    "permission_denied",
    /may not rename/,
    /Contributor.*-wx on \/folder\/sub and on the new folder/,
  ],
  [
    "list",
    403,
    "AuthorizationPermissionMismatch",
    sas,
    "permission_denied",
    /may not list/,
    /list \(l\); this one grants 'r'/,
  ],
  ["write", 403, "AuthorizationPermissionMismatch", sas, "permission_denied", /may not write/, /\(cwdm\)/],
  ["rename", 403, "InsufficientAccountPermissions", sas, "permission_denied", /may not rename/, /\(wm\)/],
  ["read", 403, "AuthorizationProtocolMismatch", sas, "permission_denied", /may not read/, /read \(r\)/],
  ["read", 403, "AuthorizationResourceTypeMismatch", sas, "permission_denied", /may not read/, /read \(r\)/],
  ["read", 403, "AuthorizationServiceMismatch", sas, "permission_denied", /may not read/, /read \(r\)/],
  ["read", 403, "AuthorizationSourceIPMismatch", sas, "permission_denied", /firewall/, /Networking/],
  ["read", 409, "PublicAccessNotPermitted", sas, "auth_failed", /refused/, /SAS/],
  ["write", 403, "BlobImmutableDueToPolicy", key, "permission_denied", /immutability/, /retention/],
  ["delete", 412, "LeaseIdMissing", key, "precondition_failed", /leased/, /lease/],
  ["delete", 409, "LeaseAlreadyPresent", key, "precondition_failed", /leased/, /lease/],
  ["delete", 409, "LeaseIsAlreadyBroken", key, "precondition_failed", /leased/, /lease/],
  [
    "list",
    400,
    "HierarchicalNamespaceNotEnabled",
    key,
    "unsupported",
    /no hierarchical namespace/,
    /azure_blob/,
  ],
  ["list", 400, "UnsupportedRestVersion", key, "unsupported", /no hierarchical namespace/, /azure_blob/],
  ["list", 400, "InvalidResourceName", key, "config_invalid", /not a valid/, /lower-case/],
  ["read", 400, "InvalidUri", key, "config_invalid", /not a valid path/, /1,024/],
  ["read", 400, "OutOfRangeInput", key, "config_invalid", /not a valid path/, /1,024/],
  ["read", 503, "ServerBusy", key, "rate_limited", /busy/, /Wait/],
  ["read", 429, "", key, "rate_limited", /busy/, /Wait/],
  ["read", 500, "InternalError", key, "unavailable", /failed to answer/, /status page/],
  ["read", 500, "OperationTimedOut", key, "timeout", /failed to answer/, /Try again/],
  ["read", 502, "", key, "unavailable", /failed to answer/, /Try again/],
  ["read", 504, "", key, "timeout", /failed to answer/, /Try again/],
  ["read", 408, "", key, "timeout", /failed to answer/, /Try again/],
  ["read", 404, "", key, "not_found", /no 'folder/, /Check the path/],
  ["stat", 403, "", key, "permission_denied", /may not look up/, /firewall/],
  ["read", 418, "ShortAndStout", key, "internal", /read 'folder\/sub\/a.txt' failed/, /^$/],
];

describe("each answer of the service has its row", () => {
  test.each(rows)("%s %i %s", async (verb, status, serviceCode, credential, code, message, hint) => {
    const headers = {
      "content-type": "application/json",
      "x-ms-request-id": "r-1",
      ...(serviceCode && { "x-ms-error-code": serviceCode }),
    };
    const body = JSON.stringify({ error: { code: serviceCode, message: "Said the service." } });
    const respond = (): Response => new Response(verb === "stat" ? null : body, { status, headers });
    const error = await failureOf(run(verb, answering(respond, credential)));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.hint ?? "").toMatch(hint);
    expect(error.operation).toBe(verb);
    expect(error.context).toMatchObject({
      account: "contoso",
      filesystem: "trips",
      status,
      requestId: "r-1",
    });
    for (const canary of [KEY, "sas-canary-88aa"]) {
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(canary);
      expect(JSON.stringify(error)).not.toContain(canary);
    }
  });

  test.each([
    ["CERT_HAS_EXPIRED", "unavailable", /No trusted TLS connection to contoso.dfs/, /NODE_EXTRA_CA_CERTS/],
    ["ENOTFOUND", "unavailable", /no host contoso.(dfs|blob).core.windows.net/, /'contoso'/],
    ["ECONNREFUSED", "unavailable", /Nothing listens/, /endpoint/],
    ["UND_ERR_CONNECT_TIMEOUT", "timeout", /did not answer in time/, /firewall/],
    ["ECONNRESET", "unavailable", /The connection to contoso.dfs/, /Try again/],
  ])("the network says %s", async (networkCode, code, message, hint) => {
    const storage = adlsGen2.open({
      options: { accountName: "contoso", filesystem: "trips" },
      credential: key,
      fetch: async () => {
        throw new TypeError("fetch failed", { cause: Object.assign(new Error("so"), { code: networkCode }) });
      },
    });
    const error = await failureOf(run("list", storage));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.hint).toMatch(hint);
  });

  test("Retry-After is passed on, in seconds and as a date", async () => {
    const busy = (retryAfter: string) => () =>
      new Response(null, {
        status: 503,
        headers: { "retry-after": retryAfter, "x-ms-error-code": "ServerBusy" },
      });
    expect((await failureOf(run("read", answering(busy("7"), key)))).retryAfterMs).toBe(7000);
    const date = new Date(Date.now() + 60_000).toUTCString();
    const { retryAfterMs = 0 } = await failureOf(run("read", answering(busy(date), key)));
    expect(retryAfterMs).toBeGreaterThan(50_000);
    expect(retryAfterMs).toBeLessThanOrEqual(60_000);
  });

  test("rights that may not be seen end the walk", async () => {
    const denied = (): Response =>
      new Response(null, { status: 403, headers: { "x-ms-error-code": "AuthorizationPermissionMismatch" } });
    expect(await run("rights", answering(denied, identity))).toEqual({ done: true, value: undefined });
  });

  test("a deep path's folders are not all named", async () => {
    const denied = (): Response =>
      new Response("{}", { status: 403, headers: { "x-ms-error-code": "AuthorizationPermissionMismatch" } });
    const error = await failureOf(
      run("read", answering(denied, identity), parseStorePath("a/b/c/d/e/f.txt")),
    );
    expect(error.hint).toContain("x on each folder from / to /a/b/c/d/e and r-- on /a/b/c/d/e/f.txt");
  });
});

describe("on real sockets", () => {
  const VERBS = ["stat", "read", "write", "delete", "list", "rename"] as const;
  let server: Server;
  beforeAll(async () => {
    server = await sharedServer();
  });

  test("a wrong key", async () => {
    const { name } = await newFilesystem(server);
    for (const verb of VERBS) {
      const error = await failureOf(run(verb, openStore(server, name, key)));
      expect(error.code).toBe("auth_failed");
      expect(error.hint).toMatch(/key1 or key2/);
    }
  });

  test("an expired SAS says when it expired", async () => {
    const { name } = await newFilesystem(server);
    const expiresOn = new Date(Date.now() - 60_000);
    expiresOn.setUTCMilliseconds(0);
    const token = filesystemSas(server, name, { startsOn: new Date(Date.now() - 120_000), expiresOn });
    for (const verb of VERBS) {
      const error = await failureOf(run(verb, openStore(server, name, sasCredential(token))));
      expect(error.code).toBe("auth_failed");
      expect(error.message).toContain(`expired at ${expiresOn.toISOString()}`);
      expect(inspect(error, { depth: 9 })).not.toContain(signatureOf(token));
      expect(inspect(error, { depth: 9 })).not.toContain(encodeURIComponent(signatureOf(token)));
    }
  });

  test("a missing file system, for every verb", async () => {
    for (const verb of VERBS) {
      expect(await failureOf(run(verb, openStore(server, "not-there")))).toMatchObject({
        code: "not_found",
        message: "There is no file system 'not-there' in storage account 'devstoreaccount1'.",
      });
    }
    expect(await failureOf(run("stat", openStore(server, "not-there"), parseStorePath("")))).toMatchObject({
      code: "not_found",
      message: expect.stringContaining("no file system"),
    });
  });

  test("a file system's name with capitals", async () => {
    const error = await failureOf(run("list", openStore(server, "Trips")));
    expect(error.code).toMatch(/not_found|config_invalid/);
  });

  test("nothing listens", async () => {
    const storage = openStore(server, "trips", key, { endpoint: "http://127.0.0.1:1/contoso" });
    for (const verb of VERBS) {
      expect(await failureOf(run(verb, storage))).toMatchObject({
        code: "unavailable",
        message: "Nothing listens at 127.0.0.1:1.",
      });
    }
  });

  test("no such account", async () => {
    const storage = openStore(server, "trips", key, {
      accountName: "nosuchaccount",
      endpoint: "core.invalid",
    });
    const error = await failureOf(run("read", storage));
    expect(error).toMatchObject({ code: "unavailable", hint: expect.stringContaining("'nosuchaccount'") });
  });

  test("a network that swallows everything ends with the time limit, also for a write", async () => {
    const { createServer } = await import("node:net");
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = silent.address() as { port: number };
      const storage = openStore(server, "trips", key, { endpoint: `http://127.0.0.1:${port}/contoso` });
      const limited = withTimeout({ operationMs: 200, writeStallMs: 200 })(storage) as AdlsGen2Storage;
      for (const verb of ["stat", "read", "write", "delete", "list"] as const) {
        expect(await failureOf(run(verb, limited))).toMatchObject({ code: "timeout" });
      }
    } finally {
      silent.close();
    }
  });

  test("an abort is given back as it is", async () => {
    const { name } = await newFilesystem(server);
    const storage = openStore(server, name);
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    await expect(storage.stat(PATH, { signal })).rejects.toBe(reason);
    await expect(storage.read(PATH, { signal })).rejects.toBe(reason);
    await expect(storage.write?.(PATH, new Blob(["x"]).stream(), { signal })).rejects.toBe(reason);
    await expect(storage.list(PATH, { signal })[Symbol.asyncIterator]().next()).rejects.toBe(reason);
    await expect(storage.rename(PATH, PATH, { signal })).rejects.toBe(reason);
    await expect(storage.createDirectory(PATH, { signal })).rejects.toBe(reason);
    await expect(storage.pathRights?.(PATH, { signal })[Symbol.asyncIterator]().next()).rejects.toBe(reason);
  });
});
