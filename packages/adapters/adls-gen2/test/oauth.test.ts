import { tokenCredential } from "@aml/azure-auth";
import { parseStorePath, Secret, type AmlError } from "@aml/core/adapter";
import { adlsGen2, type AdlsGen2Storage } from "@aml/adls-gen2";
import { createCertificate, serve, startEntra, trustCertificate, type Entra } from "@aml/emulator";
import {
  DirectorySASPermissions,
  DataLakeServiceClient,
  generateDataLakeSASQueryParameters,
} from "@azure/storage-file-datalake";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import {
  newFilesystem,
  openStore,
  sasCredential,
  startServer,
  type Gen2Credential,
  type Server,
} from "./gen2.ts";

const CLIENT = "f997392c-e15a-4ad8-af9e-cd6966caba7f";
const OTHER = "0b7c1a4e-3c1e-4a55-9f9e-1f6a5d0c7a11";
const SECRET = "client-secret-5f0c2b";
const PATH = parseStorePath("folder/a.txt");

let server: Server;
let entra: Entra;
let pem: string;
const cleanUp: (() => unknown)[] = [];

beforeAll(async () => {
  const { certificate, privateKey } = await createCertificate("app");
  pem = `${certificate}\n${privateKey}`;
  entra = await startEntra([
    { clientId: CLIENT, secrets: [SECRET], certificate },
    { clientId: OTHER, secrets: [SECRET], objectId: "no-roles" },
  ]);
  server = await startServer({
    https: true,
    verifyToken: entra.verifyToken,
    mayAccess: (objectId) => objectId !== "no-roles",
  });
  cleanUp.push(
    () => server.close(),
    () => entra.close(),
  );
  cleanUp.push(trustCertificate(server.certificatePem ?? ""), trustCertificate(entra.certificatePem));
});
afterAll(async () => {
  for (const step of cleanUp.toReversed()) await step();
});
afterEach(() => vi.unstubAllEnvs());

function application(clientSecret: string): Gen2Credential & { kind: "service_principal" } {
  return {
    kind: "service_principal",
    tenantId: entra.tenantId,
    clientId: CLIENT,
    authorityUrl: entra.authorityUrl,
    clientSecret: new Secret(clientSecret),
  };
}

async function roundTrip(credential: Gen2Credential): Promise<string> {
  const { name } = await newFilesystem(server);
  const storage = openStore(server, name, credential);
  await storage.write?.(PATH, new Blob(["hello"]).stream());
  return new Response((await storage.read(PATH)).body).text();
}

test("a service principal with a certificate", async () => {
  const { tenantId, authorityUrl } = entra;
  const certificate = new Secret(pem);
  expect(
    await roundTrip({
      kind: "service_principal_certificate",
      tenantId,
      authorityUrl,
      clientId: CLIENT,
      certificate,
    }),
  ).toBe("hello");
});

test("a managed identity", async () => {
  vi.stubEnv("IDENTITY_ENDPOINT", entra.appService.endpoint);
  vi.stubEnv("IDENTITY_HEADER", entra.appService.header);
  expect(await roundTrip({ kind: "identity", source: "managed" })).toBe("hello");
  expect(entra.requests.at(-1)).toMatchObject({ grant: "app_service", scope: "https://storage.azure.com" });
});

test("one token request serves all stores of an identity", async () => {
  await roundTrip(application(SECRET));
  const before = entra.requests.length;
  await Promise.all([1, 2, 3].map(() => roundTrip(application(SECRET))));
  expect(entra.requests).toHaveLength(before);
});

test("the service copies from a source that the token opens, and from no other", async () => {
  const { name } = await newFilesystem(server);
  const storage = openStore(server, name, application(SECRET));
  const written = await storage.write?.(PATH, new Blob(["hello"]).stream());
  const source = await storage.copySource?.(PATH);
  if (source === undefined || storage.copyFrom === undefined) throw new Error("no copy");
  const to = parseStorePath("copy/a.txt");
  await storage.copyFrom(source, to, { size: 5, sourceEtag: written?.etag });
  expect(await new Response((await storage.read(to)).body).text()).toBe("hello");
  const withoutRoles = openStore(server, name, { ...application(SECRET), clientId: OTHER });
  const closed = await withoutRoles.copySource?.(PATH);
  if (closed === undefined) throw new Error("no source");
  await expect(storage.copyFrom(closed, to, { size: 5 })).rejects.toMatchObject({ code: "unsupported" });
});

test("a user delegation SAS, of a directory", async () => {
  const { name } = await newFilesystem(server);
  const storage = openStore(server, name, application(SECRET));
  await storage.write?.(PATH, new Blob(["hello"]).stream());
  const startsOn = new Date(Date.now() - 60_000);
  const expiresOn = new Date(Date.now() + 600_000);
  const client = new DataLakeServiceClient(server.endpoint, tokenCredential(application(SECRET)));
  const key = await client.getUserDelegationKey(startsOn, expiresOn);
  const values = {
    fileSystemName: name,
    pathName: "folder",
    isDirectory: true,
    directoryDepth: 1,
    permissions: DirectorySASPermissions.parse("rl"),
    expiresOn,
  };
  const token = generateDataLakeSASQueryParameters(values, key, server.accountName).toString();
  const reader = openStore(server, name, sasCredential(token));
  expect(await new Response((await reader.read(PATH)).body).text()).toBe("hello");
  await expect(reader.stat(parseStorePath("other"))).rejects.toMatchObject({ code: "auth_failed" });
});

describe("an identity without a role", () => {
  const other = (): Gen2Credential => ({ ...application(SECRET), clientId: OTHER });

  /** Grants the bits that a hint names, each on its path, with the vendor's client. */
  async function grant(filesystem: string, hint: string): Promise<void> {
    const client = server.client.getFileSystemClient(filesystem);
    for (const [, letters = "", paths = ""] of hint.matchAll(
      /([r-]?[w-]?x|r--) on ((?:\/[^ ,.]*(?:\.txt)?(?:, | and (?=\/))?)+)/g,
    )) {
      for (const path of paths.split(/, | and /)) {
        const at = client.getDirectoryClient(path.slice(1));
        const { acl } = await at.getAccessControl();
        const had = acl.find(({ entityId }) => entityId === "no-roles")?.permissions;
        const permissions = {
          read: letters.includes("r") || had?.read === true,
          write: letters.includes("w") || had?.write === true,
          execute: letters.includes("x") || had?.execute === true,
        };
        const rest = acl.filter(({ entityId }) => entityId !== "no-roles");
        const entry = {
          accessControlType: "user",
          entityId: "no-roles",
          defaultScope: false,
          permissions,
        } as const;
        await at.setAccessControl([...rest, entry]);
      }
    }
  }

  const text = async (storage: AdlsGen2Storage): Promise<string> =>
    new Response((await storage.read(PATH)).body).text();
  const verbs: Record<string, (storage: AdlsGen2Storage) => Promise<unknown>> = {
    stat: (storage) => storage.stat(PATH),
    read: text,
    list: async (storage) => {
      for await (const { path } of storage.list(parseStorePath("folder"))) expect(path).toBe(PATH);
    },
    write: async (storage) => storage.write?.(PATH, new Blob(["new"]).stream()),
    delete: async (storage) => storage.delete?.(PATH),
    rename: (storage) => storage.rename(PATH, parseStorePath("folder/b.txt")),
  };

  test.each(Object.keys(verbs))("is refused to %s, and may with just what the hint names", async (verb) => {
    const { name } = await newFilesystem(server);
    await openStore(server, name).write?.(PATH, new Blob(["hello"]).stream());
    const storage = openStore(server, name, other());
    const error = await verbs[verb]?.(storage).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: "permission_denied", message: expect.stringContaining("may not") });
    const { hint = "" } = error as AmlError;
    expect(hint).toContain(
      `to application ${OTHER} of tenant ${entra.tenantId} (object no-roles), or in the ACLs: `,
    );
    await grant(name, hint.slice(hint.indexOf("ACLs:")).replace(/\(and.*\)/, ""));
    await verbs[verb]?.(storage);
    // It owns what it writes.
    if (verb === "write") expect(await text(storage)).toBe("new");
    else if (verb !== "read") await expect(text(storage)).rejects.toMatchObject({ name: "AmlError" });
  });

  test("sees rights as far down as it may look", async () => {
    const { name } = await newFilesystem(server);
    await openStore(server, name).write?.(PATH, new Blob(["hello"]).stream());
    const seen: string[] = [];
    const rights = openStore(server, name, other()).pathRights?.(PATH) ?? [];
    for await (const { path } of rights) seen.push(path);
    expect(seen).toEqual([""]);
  });
});

test("a wrong client secret is auth_failed, from the token server's words", async () => {
  const { name } = await newFilesystem(server);
  const storage = openStore(server, name, application("wrong-secret-0a1b"));
  const error = await storage.stat(PATH).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: "auth_failed",
    message: expect.stringContaining("client secret is wrong"),
  });
  expect(JSON.stringify(error)).not.toContain("wrong-secret-0a1b");
});

test("a token that the service does not take is auth_failed", async () => {
  const { name } = await newFilesystem(server);
  const storage = adlsGen2.open({
    options: { accountName: server.accountName, filesystem: name, endpoint: server.endpoint },
    credential: { kind: "identity" },
    tokenProvider: {
      getToken: async () => ({ token: "h.e30.s", expiresOnTimestamp: Date.now() + 3_600_000 }),
    },
  });
  await expect(storage.read(PATH)).rejects.toMatchObject({ code: "auth_failed" });
  expect(
    (
      await adlsGen2.signIn?.({
        options: { accountName: "a", filesystem: "b" },
        credential: application(SECRET),
      })
    )?.scope,
  ).toBe("https://storage.azure.com/.default");
});

test("a token is not sent without TLS", async () => {
  const storage = openStore(server, "any", application(SECRET), {
    endpoint: server.endpoint.replace("https:", "http:"),
  });
  await expect(storage.stat(PATH)).rejects.toMatchObject({
    code: "config_invalid",
    hint: expect.stringContaining("https"),
  });
});

test("a service whose certificate nobody trusts", async () => {
  await using other = await serve(async () => new Response(), { https: true });
  const endpoint = `${other.url}/${server.accountName}`;
  await expect(openStore(server, "any", undefined, { endpoint }).stat(PATH)).rejects.toMatchObject({
    code: "unavailable",
    hint: expect.stringContaining("NODE_EXTRA_CA_CERTS"),
  });
});
