import { Secret } from "@aml/core/adapter";
import { createCertificate, startEntra, trustCertificate, type Entra } from "@aml/emulator";
import { parseStorePath } from "@aml/core";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import {
  openStore,
  startWorkspace,
  volumePath,
  type DbfsCredential,
  type TestWorkspace,
} from "./workspace.ts";

const CLIENT = "f997392c-e15a-4ad8-af9e-cd6966caba7f";
const AUDIENCE = "2ff814a6-3304-4ab8-86cd-c9a1d6b6ddd4";

let entra: Entra;
let workspace: TestWorkspace;
let pem: string;
let mayAccess = true;
const cleanUp: (() => unknown)[] = [];

beforeAll(async () => {
  const { certificate, privateKey } = await createCertificate("app");
  pem = `${certificate}\n${privateKey}`;
  entra = await startEntra([{ clientId: CLIENT, secrets: ["entra-secret-1"], certificate }]);
  workspace = await startWorkspace({
    mayAccess: () => mayAccess,
    verifyToken: (token) => audienceOf(token) === AUDIENCE,
  });
  cleanUp.push(
    () => entra.close(),
    () => workspace.server.close(),
    trustCertificate(entra.certificatePem),
  );
});
afterAll(async () => {
  for (const step of cleanUp.toReversed()) await step();
});
afterEach(() => vi.unstubAllEnvs());

function audienceOf(token: string): unknown {
  const claims = Buffer.from(token.split(".")[1] ?? "", "base64url").toString();
  return (JSON.parse(claims) as { aud?: unknown }).aud;
}

async function roundTrip(credential: DbfsCredential): Promise<string> {
  const storage = openStore(workspace, credential, { path: volumePath() });
  await storage.write?.(parseStorePath("a"), new Blob(["hello"]).stream());
  return new Response((await storage.read(parseStorePath("a"))).body).text();
}

test("a service principal of Entra ID, with a secret and with a certificate", async () => {
  const { tenantId, authorityUrl } = entra;
  const principal = { tenantId, authorityUrl, clientId: CLIENT };
  const clientSecret = new Secret("entra-secret-1");
  expect(await roundTrip({ kind: "service_principal", ...principal, clientSecret })).toBe("hello");
  const certificate = new Secret(pem);
  expect(await roundTrip({ kind: "service_principal_certificate", ...principal, certificate })).toBe("hello");
  const wrong = new Secret("entra-wrong");
  await expect(
    roundTrip({ kind: "service_principal", ...principal, clientSecret: wrong }),
  ).rejects.toMatchObject({ code: "auth_failed" });
});

test("what is missing is told to the application that signed in, by the object of its token", async () => {
  const { tenantId, authorityUrl } = entra;
  const clientSecret = new Secret("entra-secret-1");
  const principal = {
    kind: "service_principal",
    tenantId,
    authorityUrl,
    clientId: CLIENT,
    clientSecret,
  } as const;
  mayAccess = false;
  const who = `application ${CLIENT} of tenant ${tenantId} (object `;
  await expect(roundTrip(principal)).rejects.toMatchObject({
    code: "permission_denied",
    message: expect.stringContaining(`The credential of ${who}`),
    hint: expect.stringMatching(
      new RegExp(
        `^Grant "READ VOLUME and WRITE VOLUME" on volume [\\w.-]+ to application ${CLIENT} of tenant ${tenantId} \\(object [\\w-]+\\), with USE SCHEMA on `,
      ),
    ),
  });
  mayAccess = true;
});

test("a managed identity", async () => {
  vi.stubEnv("IDENTITY_ENDPOINT", entra.appService.endpoint);
  vi.stubEnv("IDENTITY_HEADER", entra.appService.header);
  expect(await roundTrip({ kind: "identity", source: "managed" })).toBe("hello");
});
