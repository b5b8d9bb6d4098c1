import { azureFileShare } from "@aml/azure-file-share";
import { tokenCredential } from "@aml/azure-auth";
import { parseStorePath, Secret } from "@aml/core/adapter";
import { createCertificate, startEntra, trustCertificate, type Entra } from "@aml/emulator";
import {
  generateFileSASQueryParameters,
  ShareSASPermissions,
  ShareServiceClient,
} from "@azure/storage-file-share";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import {
  newShare,
  openStore,
  sasCredential,
  startFiles,
  type FileCredential,
  type FilesServer,
} from "./files-server.ts";

const CLIENT = "f997392c-e15a-4ad8-af9e-cd6966caba7f";
const SECRET = "client-secret-5f0c2b";
const PATH = parseStorePath("folder/a.txt");

let server: FilesServer;
let entra: Entra;
let pem: string;
let mayWrite = true;
const cleanUp: (() => unknown)[] = [];

beforeAll(async () => {
  const { certificate, privateKey } = await createCertificate("app");
  pem = `${certificate}\n${privateKey}`;
  entra = await startEntra([{ clientId: CLIENT, secrets: [SECRET], certificate }]);
  server = await startFiles(
    {
      pageSize: 10,
      verifyToken: entra.verifyToken,
      mayAccess: (_, { permissions }) => mayWrite || permissions.includes("r") || permissions.includes("l"),
    },
    true,
  );
  cleanUp.push(
    () => server.close(),
    () => entra.close(),
  );
  cleanUp.push(trustCertificate(server.certificatePem ?? ""), trustCertificate(entra.certificatePem));
});
afterAll(async () => {
  for (const step of cleanUp.toReversed()) await step();
});
afterEach(() => {
  mayWrite = true;
  vi.unstubAllEnvs();
});

function application(clientSecret: string): FileCredential & { kind: "service_principal" } {
  return {
    kind: "service_principal",
    tenantId: entra.tenantId,
    clientId: CLIENT,
    authorityUrl: entra.authorityUrl,
    clientSecret: new Secret(clientSecret),
  };
}

async function roundTrip(credential: FileCredential): Promise<string> {
  const { name } = await newShare(server);
  const storage = openStore(server, name, credential);
  await storage.write?.(PATH, new Blob(["hello"]).stream());
  return new Response((await storage.read(PATH)).body).text();
}

test("a service principal with a certificate", async () => {
  const { tenantId, authorityUrl } = entra;
  const certificate = new Secret(pem);
  const kind = "service_principal_certificate";
  expect(await roundTrip({ kind, tenantId, authorityUrl, clientId: CLIENT, certificate })).toBe("hello");
});

test("a managed identity", async () => {
  vi.stubEnv("IDENTITY_ENDPOINT", entra.appService.endpoint);
  vi.stubEnv("IDENTITY_HEADER", entra.appService.header);
  expect(await roundTrip({ kind: "identity", source: "managed" })).toBe("hello");
  expect(entra.requests.at(-1)).toMatchObject({ grant: "app_service", scope: "https://storage.azure.com" });
});

test("an account key and a share SAS work over https as well", async () => {
  expect(await roundTrip({ kind: "account_key", accountKey: new Secret(server.files.accountKey) })).toBe(
    "hello",
  );
});

test("a user delegation SAS", async () => {
  const { name } = await newShare(server);
  const storage = openStore(server, name, application(SECRET));
  await storage.write?.(PATH, new Blob(["hello"]).stream());
  const expiresOn = new Date(Date.now() + 600_000);
  const client = new ShareServiceClient(server.endpoint, tokenCredential(application(SECRET)), {
    fileRequestIntent: "backup",
  });
  const key = await client.getUserDelegationKey(new Date(Date.now() - 60_000), expiresOn);
  const token = generateFileSASQueryParameters(
    { shareName: name, permissions: ShareSASPermissions.parse("r"), expiresOn },
    key,
    server.files.accountName,
  ).toString();
  const reader = openStore(server, name, sasCredential(token));
  expect(await new Response((await reader.read(PATH)).body).text()).toBe("hello");
  await expect(reader.delete?.(PATH)).rejects.toMatchObject({ code: "permission_denied" });
});

test("a wrong client secret is auth_failed, from the token server's words", async () => {
  const { name } = await newShare(server);
  const storage = openStore(server, name, application("wrong-secret-0a1b"));
  const error = await storage.stat(PATH).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: "auth_failed",
    message: expect.stringContaining("client secret is wrong"),
  });
  expect(JSON.stringify(error)).not.toContain("wrong-secret-0a1b");
});

test("an identity without a role is told the smallest that is missing", async () => {
  const { name } = await newShare(server);
  const storage = openStore(server, name, application(SECRET));
  mayWrite = false;
  await expect(storage.write?.(PATH, new Blob(["x"]).stream())).rejects.toMatchObject({
    code: "permission_denied",
    hint: expect.stringMatching(
      /^Grant "Storage File Data Privileged Contributor" on share '\S+' of account '\w+' to application [\w-]+ of tenant [\w-]+ \(object [\w-]+\)\.$/,
    ),
  });
});

test("a token of nobody is auth_failed", async () => {
  const { name } = await newShare(server);
  const storage = openStore(
    server,
    name,
    { kind: "identity" },
    {
      tokenProvider: {
        getToken: async () => ({ token: "a.b.c", expiresOnTimestamp: Date.now() + 3_600_000 }),
      },
    },
  );
  await expect(storage.read(PATH)).rejects.toMatchObject({ code: "auth_failed" });
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
  const other = await startFiles({}, true);
  try {
    await expect(openStore(other, "any").stat(PATH)).rejects.toMatchObject({
      code: "unavailable",
      hint: expect.stringContaining("NODE_EXTRA_CA_CERTS"),
    });
  } finally {
    await other.close();
  }
});

test("signIn gives the token that the verbs would send", async () => {
  const signed = await azureFileShare.signIn?.({
    options: { accountName: "contoso", fileShareName: "trips" },
    credential: application(SECRET),
  });
  expect(signed).toMatchObject({ scope: "https://storage.azure.com/.default" });
  expect(String(signed?.token)).toBe("***");
});
