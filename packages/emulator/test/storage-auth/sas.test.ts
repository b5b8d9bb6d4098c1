import * as blob from "@azure/storage-blob";
import * as dfs from "@azure/storage-file-datalake";
import * as file from "@azure/storage-file-share";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createStorageAuth,
  userDelegationKey,
  type StorageAccess,
  type StorageAuthOptions,
  type StorageVerdict,
} from "../../src/storage-auth/index.ts";
import { ACCOUNT, accessOf, KEY, OTHER_KEY } from "./judge-server.ts";

const HOUR = 3_600_000;
const expiresOn = new Date(Date.now() + HOUR);
const startsOn = new Date(Date.now() - HOUR);
const blobKey = new blob.StorageSharedKeyCredential(ACCOUNT, KEY);
const fileKey = new file.StorageSharedKeyCredential(ACCOUNT, KEY);
const dfsKey = new dfs.StorageSharedKeyCredential(ACCOUNT, KEY);

interface Asked {
  readonly service: StorageAccess["service"];
  /** Below the account, encoded. */
  readonly path: string;
  readonly token: { toString(): string };
  readonly needs?: readonly string[];
  readonly headers?: Record<string, string>;
  readonly more?: string;
  readonly http?: boolean;
}

async function judge(asked: Asked, options: Partial<StorageAuthOptions> = {}): Promise<StorageVerdict> {
  const { service, path, token, needs, headers = {}, more = "", http } = asked;
  const origin = http ? "http://127.0.0.1:1/contoso" : `https://${ACCOUNT}.${service}.core.windows.net`;
  const request = new Request(`${origin}/${path}?${token.toString()}${more}`, { headers });
  const access = accessOf(request, { service, ...(needs && { permissions: needs }) });
  return createStorageAuth({ account: { name: ACCOUNT, keys: [KEY] }, ...options }).judge(request, access);
}

function allowed(kind: string): object {
  return { allowed: true, identity: { kind } };
}

function refused(code: string, status = 403): object {
  return { allowed: false, error: { code, status } };
}

describe("account SAS", () => {
  const token = (
    values: Partial<blob.AccountSASSignatureValues> = {},
    letters = { services: "bf", types: "sco", permissions: "rwdlac" },
  ): { toString(): string } =>
    blob.generateAccountSASQueryParameters(
      {
        expiresOn,
        permissions: blob.AccountSASPermissions.parse(letters.permissions),
        resourceTypes: blob.AccountSASResourceTypes.parse(letters.types).toString(),
        services: blob.AccountSASServices.parse(letters.services).toString(),
        ...values,
      },
      blobKey,
    );

  test.each(["2018-11-09", "2020-10-02", "2020-12-06", "2026-02-06"])("version %s", async (version) => {
    const asked = { path: "data/a.csv", token: token({ version, startsOn }) };
    expect(await judge({ service: "blob", ...asked })).toEqual(allowed("account_sas"));
    expect(await judge({ service: "dfs", ...asked })).toEqual(allowed("account_sas"));
    expect(await judge({ service: "file", ...asked })).toEqual(allowed("account_sas"));
  });

  test("of the other two clients", async () => {
    const values = { expiresOn, encryptionScope: "scope" };
    const forFiles = file.generateAccountSASQueryParameters(
      {
        ...values,
        permissions: file.AccountSASPermissions.parse("rl"),
        resourceTypes: "co",
        services: "f",
      },
      fileKey,
    );
    const forLake = dfs.generateAccountSASQueryParameters(
      { ...values, permissions: dfs.AccountSASPermissions.parse("rl"), resourceTypes: "co", services: "b" },
      dfsKey,
    );
    expect(await judge({ service: "file", path: "s/f", token: forFiles })).toEqual(allowed("account_sas"));
    expect(await judge({ service: "dfs", path: "s/f", token: forLake })).toEqual(allowed("account_sas"));
  });

  test("reaches as far as its letters", async () => {
    const only = token({}, { services: "b", types: "c", permissions: "rl" });
    expect(await judge({ service: "blob", path: "data", token: only, needs: ["l"] })).toEqual(
      allowed("account_sas"),
    );
    expect(await judge({ service: "file", path: "data", token: only, needs: ["l"] })).toMatchObject(
      refused("AuthorizationServiceMismatch"),
    );
    expect(await judge({ service: "blob", path: "data/a", token: only, needs: ["r"] })).toMatchObject(
      refused("AuthorizationResourceTypeMismatch"),
    );
    expect(await judge({ service: "blob", path: "", token: only, needs: ["l"] })).toMatchObject(
      refused("AuthorizationResourceTypeMismatch"),
    );
    expect(await judge({ service: "blob", path: "data", token: only, needs: ["d"] })).toMatchObject(
      refused("AuthorizationPermissionMismatch"),
    );
    expect(await judge({ service: "blob", path: "data", token: only, needs: ["d", "rl"] })).toMatchObject({
      allowed: true,
    });
    expect(await judge({ service: "blob", path: "data", token: only, needs: ["rd"] })).toMatchObject(
      refused("AuthorizationPermissionMismatch"),
    );
  });

  test("its time, protocol and address count", async () => {
    const late = token({ startsOn: new Date(Date.now() - 2 * HOUR), expiresOn: startsOn });
    const verdict = await judge({ service: "blob", path: "data", token: late });
    expect(verdict).toMatchObject(refused("AuthenticationFailed"));
    expect(verdict).toMatchObject({
      error: {
        details: {
          AuthenticationErrorDetail: expect.stringMatching(
            /^Signature not valid in the specified time frame: Start \[.+ GMT\] - Expiry \[.+ GMT\] - Current \[/,
          ),
        },
      },
    });
    const early = token({ startsOn: expiresOn, expiresOn: new Date(Date.now() + 2 * HOUR) });
    expect(await judge({ service: "blob", path: "data", token: early })).toMatchObject(
      refused("AuthenticationFailed"),
    );
    const https = token({ protocol: blob.SASProtocol.Https });
    expect(await judge({ service: "blob", path: "data", token: https })).toEqual(allowed("account_sas"));
    expect(await judge({ service: "blob", path: "data", token: https, http: true })).toMatchObject(
      refused("AuthorizationProtocolMismatch"),
    );
    const office = token({ ipRange: { start: "10.0.0.9", end: "10.0.0.20" } });
    const from = (clientAddress: string): Promise<StorageVerdict> =>
      judge({ service: "blob", path: "data", token: office }, { clientAddress });
    expect(await from("10.0.0.10")).toEqual(allowed("account_sas"));
    expect(await from("10.0.0.21")).toMatchObject({
      error: { code: "AuthorizationSourceIPMismatch", message: expect.stringContaining("10.0.0.21") },
    });
    expect(await from("10.0.0.8")).toMatchObject(refused("AuthorizationSourceIPMismatch"));
  });
});

describe("service SAS", () => {
  test.each(["2015-04-05", "2018-11-09", "2020-02-10", "2020-12-06", "2026-02-06"])(
    "of a container and a blob, version %s",
    async (version) => {
      const make = (values: Partial<blob.BlobSASSignatureValues>): { toString(): string } =>
        blob.generateBlobSASQueryParameters(
          {
            containerName: "data",
            permissions: blob.ContainerSASPermissions.parse("rl"),
            expiresOn,
            version,
            contentDisposition: "attachment; filename=ü.csv",
            ipRange: { start: "127.0.0.1" },
            ...values,
          },
          blobKey,
        );
      const container = make({});
      expect(await judge({ service: "blob", path: "data/a/b.csv", token: container })).toEqual(
        allowed("service_sas"),
      );
      expect(await judge({ service: "blob", path: "data", token: container, needs: ["l"] })).toEqual(
        allowed("service_sas"),
      );
      expect(await judge({ service: "blob", path: "data", token: container, needs: ["w"] })).toMatchObject(
        refused("AuthorizationPermissionMismatch"),
      );
      expect(await judge({ service: "blob", path: "other/a", token: container })).toMatchObject(
        refused("AuthenticationFailed"),
      );
      expect(await judge({ service: "blob", path: "", token: container })).toMatchObject(
        refused("AuthorizationFailure"),
      );
      const one = make({ blobName: "a/ü b.csv", permissions: blob.BlobSASPermissions.parse("r") });
      expect(await judge({ service: "blob", path: "data/a/%C3%BC%20b.csv", token: one })).toEqual(
        allowed("service_sas"),
      );
      expect(await judge({ service: "blob", path: "data/a/other.csv", token: one })).toMatchObject(
        refused("AuthenticationFailed"),
      );
      expect(await judge({ service: "blob", path: "data", token: one, needs: ["r"] })).toMatchObject(
        refused("AuthenticationFailed"),
      );
    },
  );

  test("of a snapshot and a version", async () => {
    const values = {
      containerName: "data",
      blobName: "a",
      permissions: blob.BlobSASPermissions.parse("r"),
      expiresOn,
    };
    const time = "2026-01-02T03:04:05.0000000Z";
    const snapshot = blob.generateBlobSASQueryParameters({ ...values, snapshotTime: time }, blobKey);
    const version = blob.generateBlobSASQueryParameters({ ...values, versionId: time }, blobKey);
    const asked = { service: "blob", path: "data/a" } as const;
    expect(await judge({ ...asked, token: snapshot, more: `&snapshot=${time}` })).toEqual(
      allowed("service_sas"),
    );
    expect(await judge({ ...asked, token: version, more: `&versionid=${time}` })).toEqual(
      allowed("service_sas"),
    );
    expect(await judge({ ...asked, token: snapshot })).toMatchObject(refused("AuthenticationFailed"));
  });

  test.each([
    ["a/b", "data/a/b", true],
    ["a/b", "data/a/b/c/d.csv", true],
    ["a/b", "data/a", false],
    ["a/b", "data/a/bc", false],
    ["a/b", "data/x/b/c", false],
  ])("of directory %s for %s", async (pathName, path, good) => {
    const token = dfs.generateDataLakeSASQueryParameters(
      {
        fileSystemName: "data",
        pathName,
        isDirectory: true,
        permissions: dfs.DirectorySASPermissions.parse("rl"),
        expiresOn,
      },
      dfsKey,
    );
    expect(token.toString()).toContain("sdd=2");
    for (const service of ["dfs", "blob"] as const) {
      const verdict = await judge({ service, path, token });
      expect(verdict).toMatchObject(good ? allowed("service_sas") : refused("AuthenticationFailed"));
    }
    const bare = token.toString().replace("sdd=2", "sdd=");
    expect(await judge({ service: "dfs", path, token: bare })).toMatchObject(refused("AuthenticationFailed"));
  });

  test("of a file system, with an agent's letters", async () => {
    const token = dfs.generateDataLakeSASQueryParameters(
      { fileSystemName: "data", permissions: dfs.FileSystemSASPermissions.parse("racwdlmeop"), expiresOn },
      dfsKey,
    );
    expect(await judge({ service: "dfs", path: "data/x", token, needs: ["m"] })).toEqual(
      allowed("service_sas"),
    );
  });

  test("of a share and a file", async () => {
    const share = file.generateFileSASQueryParameters(
      {
        shareName: "data",
        permissions: file.ShareSASPermissions.parse("rl"),
        expiresOn,
        contentType: "text/csv",
      },
      fileKey,
    );
    expect(await judge({ service: "file", path: "data/d/f", token: share })).toEqual(allowed("service_sas"));
    expect(await judge({ service: "file", path: "data/d/f", token: share, needs: ["c", "w"] })).toMatchObject(
      refused("AuthorizationPermissionMismatch"),
    );
    const one = file.generateFileSASQueryParameters(
      { shareName: "data", filePath: "d/f ü", permissions: file.FileSASPermissions.parse("r"), expiresOn },
      fileKey,
    );
    expect(await judge({ service: "file", path: "data/d/f%20%C3%BC", token: one })).toEqual(
      allowed("service_sas"),
    );
    expect(await judge({ service: "file", path: "data/d/g", token: one })).toMatchObject(
      refused("AuthenticationFailed"),
    );
    expect(await judge({ service: "blob", path: "data/d/f", token: share })).toMatchObject(
      refused("AuthenticationFailed"),
    );
  });

  test("no SAS of a container does what only the account may", async () => {
    const token = file.generateFileSASQueryParameters(
      { shareName: "data", permissions: file.ShareSASPermissions.parse("rcwdl"), expiresOn },
      fileKey,
    );
    expect(await judge({ service: "file", path: "data", token, needs: [] })).toMatchObject(
      refused("AuthorizationFailure"),
    );
  });

  describe("with a stored access policy", () => {
    const make = (values: Partial<file.FileSASSignatureValues>): { toString(): string } =>
      file.generateFileSASQueryParameters({ shareName: "data", identifier: "readers", ...values }, fileKey);
    const policy = { expiresOn: expiresOn.toISOString(), permissions: "r" };
    const ask = (
      token: { toString(): string },
      stored: { expiresOn?: string; permissions?: string } | undefined,
    ): Promise<StorageVerdict> =>
      judge(
        { service: "file", path: "data/f", token, needs: ["r"] },
        { storedPolicy: (container, id) => (`${container}/${id}` === "data/readers" ? stored : undefined) },
      );

    test("takes its terms from there", async () => {
      expect(await ask(make({}), policy)).toEqual(allowed("service_sas"));
      expect(await ask(make({}), { ...policy, permissions: "w" })).toMatchObject(
        refused("AuthorizationPermissionMismatch"),
      );
      expect(await ask(make({}), { ...policy, expiresOn: startsOn.toISOString() })).toMatchObject(
        refused("AuthenticationFailed"),
      );
      expect(await ask(make({ expiresOn }), { permissions: "r" })).toEqual(allowed("service_sas"));
    });

    test("ends with it", async () => {
      const whole = make({ expiresOn, permissions: file.ShareSASPermissions.parse("r") });
      expect(await ask(whole, {})).toEqual(allowed("service_sas"));
      expect(await ask(whole, undefined)).toMatchObject(refused("AuthenticationFailed"));
    });

    test("may not say a thing twice, nor leave it out", async () => {
      expect(await ask(make({ expiresOn }), policy)).toMatchObject(
        refused("InvalidQueryParameterValue", 400),
      );
      expect(await ask(make({}), { permissions: "r" })).toMatchObject(refused("AuthenticationFailed"));
      expect(await ask(make({ expiresOn }), {})).toMatchObject(refused("AuthenticationFailed"));
    });
  });
});

describe("user delegation SAS", () => {
  const objectId = "11059fcc-5514-4800-b5f8-49808b9cfab6";
  const tenantId = "ab1f708d-50f6-404c-a006-d71b2ac7a606";
  const second = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, "Z");
  const keyFor = (service: "b" | "f", ends = expiresOn, version = "2026-02-06") => {
    const fields = {
      objectId,
      tenantId,
      startsOn: second(startsOn),
      expiresOn: second(ends),
      service,
      version,
    } as const;
    return {
      signedObjectId: objectId,
      signedTenantId: tenantId,
      signedStartsOn: startsOn,
      signedExpiresOn: ends,
      signedService: service,
      signedVersion: version,
      value: userDelegationKey({ name: ACCOUNT, keys: [KEY] }, fields),
    };
  };

  test.each(["2018-11-09", "2020-02-10", "2020-12-06", "2025-07-05", "2026-04-06"])(
    "of a container, version %s",
    async (version) => {
      const token = blob.generateBlobSASQueryParameters(
        {
          containerName: "data",
          permissions: blob.ContainerSASPermissions.parse("r"),
          expiresOn,
          version,
          ...(version >= "2020-02-10" && { correlationId: "c1f2a8ac-5b4d-4a15-9e2d-2e9bbd4c6d7a" }),
          ...(version >= "2026-04-06" && {
            requestHeaders: { "x-ms-range": "bytes=0-1" },
            requestQueryParameters: { timeout: "30" },
          }),
        },
        keyFor("b"),
        ACCOUNT,
      );
      const asked = {
        service: "blob",
        path: "data/a",
        token,
        needs: ["r"],
        headers: { "x-ms-range": "bytes=0-1" },
        more: "&timeout=30",
      } as const;
      const identity = { kind: "user_delegation_sas", objectId, tenantId };
      expect(await judge(asked)).toEqual({ allowed: true, identity });
      if (version >= "2026-04-06") {
        expect(await judge({ ...asked, more: "" })).toMatchObject(refused("AuthenticationFailed"));
        expect(await judge({ ...asked, headers: {} })).toMatchObject(refused("AuthenticationFailed"));
      }
      expect(await judge(asked, { mayAccess: (id) => id !== objectId })).toMatchObject(
        refused("AuthorizationPermissionMismatch"),
      );
    },
  );

  test("of a directory, and of a share", async () => {
    const lake = dfs.generateDataLakeSASQueryParameters(
      {
        fileSystemName: "data",
        pathName: "a/b",
        isDirectory: true,
        permissions: dfs.DirectorySASPermissions.parse("r"),
        expiresOn,
        agentObjectId: objectId,
      },
      keyFor("b"),
      ACCOUNT,
    );
    expect(await judge({ service: "dfs", path: "data/a/b/c", token: lake })).toMatchObject({ allowed: true });
    expect(await judge({ service: "dfs", path: "data/a/c", token: lake })).toMatchObject({ allowed: false });
    const share = file.generateFileSASQueryParameters(
      { shareName: "data", permissions: file.ShareSASPermissions.parse("r"), expiresOn },
      keyFor("f"),
      ACCOUNT,
    );
    expect(await judge({ service: "file", path: "data/a", token: share })).toMatchObject({
      allowed: true,
      identity: { kind: "user_delegation_sas" },
    });
  });

  test("ends with its key, and belongs to one service", async () => {
    const make = (key: ReturnType<typeof keyFor>): { toString(): string } =>
      blob.generateBlobSASQueryParameters(
        { containerName: "data", permissions: blob.ContainerSASPermissions.parse("r"), expiresOn },
        key,
        ACCOUNT,
      );
    const ended = make(keyFor("b", new Date(Date.now() - 60_000)));
    expect(await judge({ service: "blob", path: "data/a", token: ended })).toMatchObject(
      refused("AuthenticationFailed"),
    );
    expect(await judge({ service: "blob", path: "data/a", token: make(keyFor("f")) })).toMatchObject(
      refused("AuthenticationFailed"),
    );
  });
});

describe("no letter of a SAS may change", () => {
  const letter = fc.constantFrom(..."0123456789abcdefXYZ");
  const tokens = {
    account: file.generateAccountSASQueryParameters(
      {
        startsOn,
        expiresOn,
        permissions: file.AccountSASPermissions.parse("rwdlc"),
        resourceTypes: "sco",
        services: "bf",
        ipRange: { start: "127.0.0.1", end: "127.0.0.255" },
        protocol: file.SASProtocol.HttpsAndHttp,
      },
      fileKey,
    ),
    share: file.generateFileSASQueryParameters(
      {
        shareName: "data",
        startsOn,
        expiresOn,
        permissions: file.ShareSASPermissions.parse("rcwdl"),
        protocol: file.SASProtocol.HttpsAndHttp,
        cacheControl: "no-store",
        contentDisposition: "inline",
        contentEncoding: "gzip",
        contentLanguage: "de",
        contentType: "text/csv",
      },
      fileKey,
    ),
    directory: dfs.generateDataLakeSASQueryParameters(
      {
        fileSystemName: "data",
        pathName: "a/b",
        isDirectory: true,
        startsOn,
        expiresOn,
        permissions: dfs.DirectorySASPermissions.parse("racwdl"),
      },
      dfsKey,
    ),
  };

  test.each([
    ["account", "file"],
    ["share", "file"],
    ["directory", "dfs"],
  ] as const)("%s", async (name, service) => {
    const token = tokens[name].toString();
    expect(await judge({ service, path: "data/a/b/c", token })).toMatchObject({ allowed: true });
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), letter, async (field, at, to) => {
        const query = new URLSearchParams(token);
        const names = [...query.keys()];
        const key = names[field % names.length] ?? "sig";
        const value = query.get(key) ?? "";
        // The last letter of a signature and its padding hold bits that mean nothing.
        const length = key === "sig" ? value.length - 2 : value.length;
        const index = at % length;
        const other = value.slice(0, index) + to + value.slice(index + 1);
        fc.pre(other !== value);
        query.set(key, other);
        expect(await judge({ service, path: "data/a/b/c", token: query })).toMatchObject({ allowed: false });
      }),
      { numRuns: 500 },
    );
  });

  test("another key signs nothing", async () => {
    for (const token of Object.values(tokens)) {
      const service = token === tokens.directory ? "dfs" : "file";
      const verdict = await judge(
        { service, path: "data/a/b/c", token },
        { account: { name: ACCOUNT, keys: [OTHER_KEY] } },
      );
      expect(verdict).toMatchObject(refused("AuthenticationFailed"));
    }
  });
});
