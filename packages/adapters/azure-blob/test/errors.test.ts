import { inspect } from "node:util";
import { isAmlError, parseStorePath, Secret, type AmlError } from "@aml/core/adapter";
import { azureBlob } from "@aml/azure-blob";
import { beforeAll, describe, expect, test } from "vitest";
import {
  containerSas,
  newContainer,
  openStore,
  sasCredential,
  serviceOf,
  sharedAzurite,
  signatureOf,
  type BlobCredential,
  type Service,
} from "./azurite.ts";

const PATH = parseStorePath("folder/a.txt");
const KEY = btoa("account-key-canary-31f7");

type Verb = "stat" | "read" | "write" | "delete" | "list";

async function run(verb: Verb, storage: ReturnType<typeof azureBlob.open>): Promise<unknown> {
  switch (verb) {
    case "write":
      return storage.write?.(PATH, new Blob(["x"]).stream());
    case "delete":
      return storage.delete?.(PATH);
    case "list":
      return storage.list(PATH)[Symbol.asyncIterator]().next();
    default:
      return storage[verb](PATH);
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

/** Opens a container of a service that gives one answer. */
function answering(response: () => Response, credential: BlobCredential) {
  return azureBlob.open({
    options: { accountName: "contoso", containerName: "trips" },
    credential,
    fetch: async () => response(),
  });
}

const key: BlobCredential = { kind: "account_key", accountKey: new Secret(KEY) };
const sas = sasCredential("sv=2024-11-04&sr=c&sp=r&se=2999-01-01T00:00:00Z&sig=sas-canary-88aa");
const expired = sasCredential("?sv=2024-11-04&sr=c&sp=r&se=2020-02-03T04:05:06Z&sig=sas-canary-88aa");
const anonymous: BlobCredential = { kind: "anonymous" };

type Row = [
  verb: Verb,
  status: number,
  serviceCode: string,
  credential: BlobCredential,
  code: string,
  message: RegExp,
  hint: RegExp,
];
const rows: Row[] = [
  [
    "read",
    404,
    "BlobNotFound",
    key,
    "not_found",
    /no blob 'folder\/a.txt' in container 'trips'/,
    /case-sensitive/,
  ],
  ["read", 404, "ResourceNotFound", anonymous, "not_found", /no blob/, /case-sensitive/],
  [
    "list",
    404,
    "ContainerNotFound",
    key,
    "not_found",
    /no container 'trips' in storage account 'contoso'/,
    /create/,
  ],
  ["write", 409, "ContainerBeingDeleted", key, "not_found", /no container 'trips'/, /containerName/],
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
  ["read", 401, "NoAuthenticationInformation", anonymous, "auth_failed", /anonymous access/, /credential/],
  ["read", 409, "PublicAccessNotPermitted", anonymous, "auth_failed", /anonymous access/, /no public access/],
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
    /may not read blob/,
    /key belongs.*firewall/,
  ],
  [
    "list",
    403,
    "AuthorizationPermissionMismatch",
    sas,
    "permission_denied",
    /may not list blobs/,
    /list \(l\); this one grants 'r'/,
  ],
  ["write", 403, "AuthorizationPermissionMismatch", sas, "permission_denied", /may not write/, /write \(w\)/],
  [
    "read",
    403,
    "InsufficientAccountPermissions",
    anonymous,
    "permission_denied",
    /may not read/,
    /not public/,
  ],
  ["read", 403, "AuthorizationSourceIPMismatch", sas, "permission_denied", /firewall/, /Networking/],
  ["write", 403, "BlobImmutableDueToPolicy", key, "permission_denied", /immutability/, /retention/],
  ["write", 409, "BlobAlreadyExists", key, "already_exists", /exists already/, /another path/],
  ["read", 412, "ConditionNotMet", key, "precondition_failed", /not the version/, /new etag/],
  ["delete", 412, "LeaseIdMissing", key, "precondition_failed", /leased/, /lease/],
  ["delete", 409, "SnapshotsPresent", key, "precondition_failed", /snapshots/, /snapshots/],
  ["delete", 409, "DirectoryIsNotEmpty", key, "precondition_failed", /not empty/, /recursively/],
  ["read", 409, "BlobArchived", key, "unsupported", /archive tier/, /Rehydrate/],
  [
    "list",
    400,
    "InvalidResourceName",
    key,
    "config_invalid",
    /not a valid blob name|not a valid container name/,
    /lower-case/,
  ],
  ["read", 400, "OutOfRangeInput", key, "config_invalid", /not a valid/, /1,024/],
  ["read", 503, "ServerBusy", key, "rate_limited", /busy/, /Wait/],
  ["read", 429, "", key, "rate_limited", /busy/, /Wait/],
  ["read", 500, "InternalError", key, "unavailable", /failed to answer/, /status page/],
  ["read", 500, "OperationTimedOut", key, "timeout", /failed to answer/, /Try again/],
  ["read", 502, "", key, "unavailable", /failed to answer/, /Try again/],
  ["read", 504, "", key, "timeout", /failed to answer/, /Try again/],
  ["read", 404, "", key, "not_found", /no blob/, /Check the path/],
  ["stat", 403, "", key, "permission_denied", /may not look up/, /firewall/],
  ["read", 418, "ShortAndStout", key, "internal", /read blob 'folder\/a.txt' failed/, /^$/],
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
    expect(error.context).toMatchObject({ account: "contoso", container: "trips", status, requestId: "r-1" });
    for (const canary of [KEY, "sas-canary-88aa"]) {
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(canary);
      expect(JSON.stringify(error)).not.toContain(canary);
    }
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
});

describe("on real sockets", () => {
  let azure: Service;
  beforeAll(async () => {
    azure = serviceOf(await sharedAzurite());
  });

  test("a wrong key", async () => {
    const { containerName } = await newContainer(azure);
    const error = await failureOf(run("read", openStore(azure, containerName, key)));
    expect(["auth_failed", "permission_denied"]).toContain(error.code);
    expect(error.hint).toMatch(/key/);
  });

  test("an expired SAS says when it expired", async () => {
    const { containerName } = await newContainer(azure);
    const expiresOn = new Date(Date.now() - 60_000);
    expiresOn.setUTCMilliseconds(0);
    const token = containerSas(azure, containerName, { startsOn: new Date(Date.now() - 120_000), expiresOn });
    for (const verb of ["stat", "read", "write", "delete", "list"] as const) {
      const error = await failureOf(run(verb, openStore(azure, containerName, sasCredential(token))));
      expect(error.code).toBe("auth_failed");
      expect(error.message).toContain(`expired at ${expiresOn.toISOString()}`);
      expect(inspect(error, { depth: 9 })).not.toContain(signatureOf(token));
      expect(inspect(error, { depth: 9 })).not.toContain(encodeURIComponent(signatureOf(token)));
    }
  });

  test("a missing container, for every verb but delete's empty success", async () => {
    for (const verb of ["stat", "read", "write", "delete", "list"] as const) {
      expect(await failureOf(run(verb, openStore(azure, "not-there")))).toMatchObject({
        code: "not_found",
        message: expect.stringContaining("no container 'not-there'"),
      });
    }
  });

  test("a container name with capitals", async () => {
    const error = await failureOf(run("list", openStore(azure, "Trips")));
    expect(error).toMatchObject({ code: "config_invalid", hint: expect.stringContaining("lower-case") });
    expect(error.message).toContain("'Trips' is not a valid container name");
  });

  test("nothing listens", async () => {
    const storage = openStore(azure, "trips", key, { endpoint: "http://127.0.0.1:1/contoso" });
    expect(await failureOf(run("read", storage))).toMatchObject({
      code: "unavailable",
      message: "Nothing listens at 127.0.0.1:1.",
    });
  });

  test("no such account", async () => {
    const storage = openStore(azure, "trips", key, {
      accountName: "nosuchaccount",
      endpoint: "core.invalid",
    });
    const error = await failureOf(run("read", storage));
    expect(error).toMatchObject({ code: "unavailable", hint: expect.stringContaining("'nosuchaccount'") });
  });

  test("an abort is given back as it is", async () => {
    const { containerName } = await newContainer(azure);
    const storage = openStore(azure, containerName);
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    await expect(storage.stat(PATH, { signal })).rejects.toBe(reason);
    await expect(storage.read(PATH, { signal })).rejects.toBe(reason);
    await expect(storage.write?.(PATH, new Blob(["x"]).stream(), { signal })).rejects.toBe(reason);
    await expect(storage.list(PATH, { signal })[Symbol.asyncIterator]().next()).rejects.toBe(reason);
  });
});
