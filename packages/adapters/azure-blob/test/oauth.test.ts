import type { TraceEvent } from "@aml/core";
import { AmlError, parseStorePath, Secret, type TokenProvider } from "@aml/core/adapter";
import { memoryRegistry, memorySecrets } from "@aml/core/memory";
import { createWorkspace } from "@aml/core/workspace";
import { startAzurite } from "@aml/emulator";
import { createCertificate, serve, trustCertificate } from "@aml/emulator";
import { startEntra, type Entra } from "@aml/emulator";
import { BlobSASPermissions, generateBlobSASQueryParameters, BlobServiceClient } from "@azure/storage-blob";
import { tokenCredential } from "@aml/azure-auth";
import { azureBlob } from "@aml/azure-blob";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import {
  newContainer,
  openStore,
  sasCredential,
  serviceOf,
  urlOf,
  type BlobCredential,
  type Service,
} from "./azurite.ts";

const CLIENT = "f997392c-e15a-4ad8-af9e-cd6966caba7f";
const SECRET = "client-secret-5f0c2b";
const PATH = parseStorePath("folder/a.txt");

let azure: Service;
let entra: Entra;
let pem: string;
const cleanUp: (() => unknown)[] = [];

beforeAll(async () => {
  const { certificate, privateKey } = await createCertificate("app");
  pem = `${certificate}\n${privateKey}`;
  const azurite = await startAzurite({ oauth: true });
  entra = await startEntra([{ clientId: CLIENT, secrets: [SECRET], certificate }]);
  cleanUp.push(
    () => azurite.close(),
    () => entra.close(),
  );
  cleanUp.push(trustCertificate(azurite.certificatePem ?? ""), trustCertificate(entra.certificatePem));
  azure = serviceOf(azurite);
});
afterAll(async () => {
  for (const step of cleanUp.toReversed()) await step();
});
afterEach(() => vi.unstubAllEnvs());

function application(clientSecret: string): BlobCredential & { kind: "service_principal" } {
  return {
    kind: "service_principal",
    tenantId: entra.tenantId,
    clientId: CLIENT,
    authorityUrl: entra.authorityUrl,
    clientSecret: new Secret(clientSecret),
  };
}

async function roundTrip(credential: BlobCredential): Promise<string> {
  const { containerName } = await newContainer(azure);
  const storage = openStore(azure, containerName, credential);
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

test("a user delegation SAS", async () => {
  const { containerName } = await newContainer(azure);
  const storage = openStore(azure, containerName, application(SECRET));
  await storage.write?.(PATH, new Blob(["hello"]).stream());
  const starts = new Date(Date.now() - 60_000);
  const expiresOn = new Date(Date.now() + 600_000);
  const client = new BlobServiceClient(azure.azurite.endpoint, tokenCredential(application(SECRET)));
  const key = await client.getUserDelegationKey(starts, expiresOn);
  const values = { containerName, blobName: PATH, permissions: BlobSASPermissions.parse("r"), expiresOn };
  const token = generateBlobSASQueryParameters(values, key, azure.azurite.accountName).toString();
  const reader = openStore(azure, containerName, sasCredential(token));
  expect(await new Response((await reader.read(PATH)).body).text()).toBe("hello");
  await expect(reader.stat(parseStorePath("other"))).rejects.toMatchObject({ name: "AmlError" });
});

test("a wrong client secret is auth_failed, from the token server's words", async () => {
  const { containerName } = await newContainer(azure);
  const storage = openStore(azure, containerName, application("wrong-secret-0a1b"));
  const error = await storage.stat(PATH).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: "auth_failed",
    message: expect.stringContaining("client secret is wrong"),
  });
  expect(JSON.stringify(error)).not.toContain("wrong-secret-0a1b");
});

test("a token that the service finds expired is auth_failed", async () => {
  const { containerName } = await newContainer(azure);
  const token = `h.${btoa(JSON.stringify({ exp: 1, nbf: 0, iat: 0 }))}.s`;
  const storage = azureBlob.open({
    options: { accountName: azure.azurite.accountName, containerName, endpoint: azure.azurite.endpoint },
    credential: { kind: "identity" },
    tokenProvider: { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) },
  });
  await expect(storage.read(PATH)).rejects.toMatchObject({ code: "auth_failed" });
});

test("a refusal names who signed in, and the smallest grant that they lack", async () => {
  const token = `h.${btoa(JSON.stringify({ oid: "o-1", upn: "ada@contoso.com" }))}.s`;
  const answer = (code: string): Response =>
    new Response(`<?xml version="1.0"?><Error><Code>${code}</Code></Error>`, {
      status: 403,
      headers: { "content-type": "application/xml", "x-ms-error-code": code },
    });
  const storage = (code: string) =>
    azureBlob.open({
      options: { accountName: "contoso", containerName: "trips" },
      credential: { kind: "identity", source: "cli" },
      fetch: async () => answer(code),
      tokenProvider: { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) },
    });
  await expect(storage("AuthorizationPermissionMismatch").read(PATH)).rejects.toMatchObject({
    code: "permission_denied",
    message:
      "The credential of ada@contoso.com (object o-1) may not read blob 'folder/a.txt' in container 'trips' of account 'contoso'.",
    hint: `Grant "Storage Blob Data Reader" on container 'trips' of account 'contoso' to ada@contoso.com (object o-1).`,
  });
  await expect(storage("InvalidAuthenticationInfo").read(PATH)).rejects.toMatchObject({
    code: "auth_failed",
    message: "Storage account 'contoso' refused the token of ada@contoso.com (object o-1).",
  });
});

test("a token is not sent without TLS", async () => {
  const storage = openStore(azure, "any", application(SECRET), {
    endpoint: azure.azurite.endpoint.replace("https:", "http:"),
  });
  await expect(storage.stat(PATH)).rejects.toMatchObject({
    code: "config_invalid",
    hint: expect.stringContaining("https"),
  });
});

test("a service whose certificate nobody trusts", async () => {
  await using other = await serve(async () => new Response(), { https: true });
  const storage = openStore(azure, "any", undefined, { endpoint: `${other.url}/devstoreaccount1` });
  await expect(storage.stat(PATH)).rejects.toMatchObject({
    code: "unavailable",
    hint: expect.stringContaining("NODE_EXTRA_CA_CERTS"),
  });
});

describe("a storage URI, without a datastore", () => {
  const URI = "https://devstoreaccount1.blob.core.windows.net";

  /** Sends what is for Azure to Azurite, which takes tokens and the public as it does. */
  function workspace(tokenProvider: TokenProvider) {
    const events: TraceEvent[] = [];
    const requests: boolean[] = [];
    const toAzurite: typeof fetch = async (input, init) => {
      requests.push(new Headers(init?.headers).has("authorization"));
      return fetch(urlOf(input).replace(URI, azure.azurite.endpoint), init);
    };
    const opened = createWorkspace({
      adapters: [azureBlob],
      registry: memoryRegistry(),
      secrets: memorySecrets(),
      tokenProvider,
      fetch: toAzurite,
      onTrace: (event) => void (event.kind === "credential" && events.push(event)),
    });
    return { ...opened, events, requests };
  }

  const nobody: TokenProvider = {
    getToken: () =>
      Promise.reject(new AmlError("auth_failed", "Nobody is signed in.", { hint: "Run: az login" })),
  };
  const ada: TokenProvider = { getToken: (scopes) => tokenCredential(application(SECRET)).getToken(scopes) };

  async function withFile(access?: "container"): Promise<string> {
    const { containerName } = await newContainer(azure, access);
    await openStore(azure, containerName).write?.(PATH, new Blob(["hello"]).stream());
    return `${URI}/${containerName}`;
  }

  test("a public one is read although nobody can sign in; nothing is written", async () => {
    const root = await withFile("container");
    const { locate, files, events } = workspace(nobody);
    const found: string[] = [];
    for await (const { uri } of files(`${root}/folder/*.txt`).files()) found.push(uri);
    expect(found).toEqual([`${root}/folder/a.txt`]);
    const { storage } = await locate(`${root}/folder/a.txt`);
    expect(await new Response((await storage.read(PATH)).body).text()).toBe("hello");
    expect(events).toEqual([{ kind: "credential", change: "anonymous", store: root }]);
    await expect(storage.write?.(PATH, new Blob(["x"]).stream())).rejects.toMatchObject({
      code: "auth_failed",
      message: "Nobody is signed in.",
    });
  });

  test("a private one tells that nobody can sign in", async () => {
    const { locate, events } = workspace(nobody);
    const { storage } = await locate(`${await withFile()}/folder/a.txt`);
    for (const call of [storage.stat(PATH), storage.read(PATH)]) {
      await expect(call).rejects.toMatchObject({ code: "auth_failed", message: "Nobody is signed in." });
    }
    expect(events).toEqual([]);
  });

  test("an identity is used where there is one, and only it", async () => {
    for (const access of [undefined, "container"] as const) {
      const { locate, events, requests } = workspace(ada);
      const { storage } = await locate(`${await withFile(access)}/folder/a.txt`);
      expect((await storage.stat(PATH)).size).toBe(5);
      await expect(storage.stat(parseStorePath("none"))).rejects.toMatchObject({ code: "not_found" });
      expect(events).toEqual([]);
      expect(requests.every(Boolean)).toBe(true);
    }
  });
});
