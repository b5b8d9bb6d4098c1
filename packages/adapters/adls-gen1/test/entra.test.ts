import { parseStorePath, Secret } from "@aml/core/adapter";
import { adlsGen1 } from "@aml/adls-gen1";
import { createCertificate, startEntra, trustCertificate, type Entra } from "@aml/emulator";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { openStore, startStore, stopStore, type OpenInput, type TestStore } from "./gen1.ts";

const CLIENT = "f997392c-e15a-4ad8-af9e-cd6966caba7f";
let entra: Entra;
let store: TestStore;
let pem: string;
let mayAccess = true;
const cleanUp: (() => unknown)[] = [];

beforeAll(async () => {
  const { certificate, privateKey } = await createCertificate("app");
  pem = `${certificate}\n${privateKey}`;
  entra = await startEntra([{ clientId: CLIENT, secrets: ["entra-secret-1"], certificate }]);
  store = await startStore(() => mayAccess, entra.verify);
  cleanUp.push(
    () => entra.close(),
    () => stopStore(store),
    trustCertificate(entra.certificatePem),
  );
});
afterAll(async () => {
  for (const step of cleanUp.toReversed()) await step();
});
afterEach(() => vi.unstubAllEnvs());

async function roundTrip(credential: OpenInput["credential"]): Promise<string> {
  const storage = openStore(store, { credential, tokenProvider: undefined });
  await storage.write?.(parseStorePath("a"), new Blob(["hello"]).stream());
  return new Response((await storage.read(parseStorePath("a"))).body).text();
}

test("a service principal, with a secret and with a certificate", async () => {
  const { tenantId, authorityUrl } = entra;
  const principal = { tenantId, authorityUrl, clientId: CLIENT };
  const clientSecret = new Secret("entra-secret-1");
  const withSecret = { kind: "service_principal", ...principal, clientSecret } as const;
  expect(await roundTrip(withSecret)).toBe("hello");
  const certificate = new Secret(pem);
  expect(await roundTrip({ kind: "service_principal_certificate", ...principal, certificate })).toBe("hello");
  await expect(roundTrip({ ...withSecret, clientSecret: new Secret("wrong") })).rejects.toMatchObject({
    code: "auth_failed",
  });
  const signedIn = await adlsGen1.signIn?.({ options: { storeName: "contoso" }, credential: withSecret });
  expect(signedIn).toMatchObject({ scope: "https://datalake.azure.net/.default" });
});

test("missing bits are told to the application that signed in, by the object of its token", async () => {
  const { tenantId, authorityUrl } = entra;
  const clientSecret = new Secret("entra-secret-1");
  mayAccess = false;
  const credential = {
    kind: "service_principal",
    tenantId,
    authorityUrl,
    clientId: CLIENT,
    clientSecret,
  } as const;
  const storage = openStore(store, { credential, tokenProvider: undefined });
  await expect(storage.read(parseStorePath("a/b.csv"))).rejects.toMatchObject({
    code: "permission_denied",
    hint: expect.stringMatching(
      `^Grant in the access lists of store 'contoso' to application ${CLIENT} of tenant ${tenantId} \\(object [\\w-]+\\): x on / and /a and r-- on /a/b.csv\\.$`,
    ),
  });
  mayAccess = true;
});

test("a token for another service is refused", async () => {
  const { tenantId, authorityUrl } = entra;
  const clientSecret = new Secret("entra-secret-1");
  const resourceUrl = "https://storage.azure.com/";
  const credential = {
    kind: "service_principal",
    tenantId,
    authorityUrl,
    clientId: CLIENT,
    clientSecret,
  } as const;
  await expect(roundTrip({ ...credential, resourceUrl })).rejects.toMatchObject({ code: "auth_failed" });
});

test("a managed identity", async () => {
  vi.stubEnv("IDENTITY_ENDPOINT", entra.appService.endpoint);
  vi.stubEnv("IDENTITY_HEADER", entra.appService.header);
  expect(await roundTrip({ kind: "identity", source: "managed" })).toBe("hello");
});
