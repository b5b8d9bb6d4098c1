import {
  createCertificate,
  startAzureSql,
  startEntra,
  trustCertificate,
  type AzureSql,
  type Entra,
} from "@aml/emulator";
import { azureSql, type AzureSqlCredentialKind } from "@aml/azure-sql";
import { isAmlError, Secret, type Credential } from "@aml/core/adapter";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";

const CLIENT = "f997392c-e15a-4ad8-af9e-cd6966caba7f";
const SECRET = "client-secret-5f0c2b";

let entra: Entra;
let server: AzureSql;
let pem: string;
let known = true;
const cleanUp: (() => unknown)[] = [];

beforeAll(async () => {
  const { certificate, privateKey } = await createCertificate("app");
  pem = `${certificate}\n${privateKey}`;
  entra = await startEntra([{ clientId: CLIENT, secrets: [SECRET], certificate }]);
  server = await startAzureSql({
    encryption: "required",
    authorityUrl: `${entra.authorityUrl}/${entra.tenantId}`,
    async verifyToken(token) {
      const verdict = await entra.verify(token, "https://database.windows.net/");
      const app = verdict.ok ? verdict.claims["appid"] : undefined;
      return known && typeof app === "string" ? { name: app } : undefined;
    },
  });
  cleanUp.push(
    () => entra.close(),
    () => server.close(),
    trustCertificate(entra.certificatePem),
  );
});
afterAll(async () => {
  for (const step of cleanUp.toReversed()) await step();
});
afterEach(() => vi.unstubAllEnvs());

type AzureSqlCredential = Extract<Credential<Secret>, { kind: AzureSqlCredentialKind }>;

const application = {
  tenantId: "",
  clientId: CLIENT,
  get authorityUrl() {
    return entra.authorityUrl;
  },
};

async function whoAmI(credential: AzureSqlCredential): Promise<unknown> {
  const sql = azureSql.open({
    options: { server: "localhost", port: server.port, database: "app", ca: server.certificatePem },
    credential,
  });
  try {
    const { batches } = await sql.query({ text: "SELECT suser_sname() AS me" });
    for await (const [row] of batches) return row?.["me"];
    return undefined;
  } finally {
    await sql.close();
  }
}

test("a service principal signs in by its secret", async () => {
  const clientSecret = new Secret(SECRET);
  const credential = {
    kind: "service_principal",
    ...application,
    tenantId: entra.tenantId,
    clientSecret,
  } as const;
  expect(await whoAmI(credential)).toBe(CLIENT);
  expect(entra.requests.at(-1)).toMatchObject({
    clientId: CLIENT,
    scope: "https://database.windows.net/.default",
  });
});

test("a service principal signs in by its certificate", async () => {
  const certificate = new Secret(pem);
  const kind = "service_principal_certificate" as const;
  expect(await whoAmI({ kind, ...application, tenantId: entra.tenantId, certificate })).toBe(CLIENT);
});

test("a managed identity signs in", async () => {
  vi.stubEnv("IDENTITY_ENDPOINT", entra.appService.endpoint);
  vi.stubEnv("IDENTITY_HEADER", entra.appService.header);
  expect(await whoAmI({ kind: "identity", source: "managed" })).toBeTruthy();
});

test("a token that the server refuses is told with its application and object", async () => {
  const clientSecret = new Secret(SECRET);
  const { tenantId } = entra;
  known = false;
  const who = `application ${CLIENT} of tenant ${tenantId} \\(object [\\w-]+\\)`;
  await expect(
    whoAmI({ kind: "service_principal", ...application, tenantId, clientSecret }),
  ).rejects.toMatchObject({
    code: "auth_failed",
    message: expect.stringMatching(`does not let ${who} in: `),
    hint: expect.stringMatching(
      `^Create the user in 'app': CREATE USER \\[NAME\\] FROM EXTERNAL PROVIDER, where NAME is the display name of ${who}\\.$`,
    ),
  });
  known = true;
});

test("a wrong secret is auth_failed by Entra's own words, and not by the driver's", async () => {
  const clientSecret = new Secret("wrong-secret-1b2c");
  const credential = {
    kind: "service_principal",
    ...application,
    tenantId: entra.tenantId,
    clientSecret,
  } as const;
  const error: unknown = await whoAmI(credential).catch((thrown: unknown) => thrown);
  expect(isAmlError(error, "auth_failed")).toBe(true);
  expect(String(error)).not.toContain("wrong-secret");
  expect((error as Error).message).not.toMatch(/ELOGIN|tedious|EFEDAUTH/);
});
