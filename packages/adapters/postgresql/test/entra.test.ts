import { Secret } from "@aml/core/adapter";
import { startEntra, trustCertificate, type Entra } from "@aml/emulator";
import { postgresql } from "@aml/postgresql";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sharedPostgres } from "./postgres.ts";

const CLIENT = "f997392c-e15a-4ad8-af9e-cd6966caba7f";
let entra: Entra;
const cleanUp: (() => unknown)[] = [];

beforeAll(async () => {
  entra = await startEntra([{ clientId: CLIENT, secrets: ["entra-secret-1"] }]);
  cleanUp.push(() => entra.close(), trustCertificate(entra.certificatePem));
});
afterAll(async () => {
  for (const step of cleanUp.toReversed()) await step();
});

const credential = () =>
  ({
    kind: "service_principal",
    tenantId: entra.tenantId,
    authorityUrl: entra.authorityUrl,
    clientId: CLIENT,
    clientSecret: new Secret("entra-secret-1"),
  }) as const;

test("a token that is not the role's is refused with the role, the application and its object", async () => {
  const { port, certificate } = await sharedPostgres();
  const sql = postgresql.open({
    options: { server: "localhost", port, database: "shop", ca: certificate, user: "entra" },
    credential: credential(),
  });
  const who = `application ${CLIENT} of tenant ${entra.tenantId} \\(object [\\w-]+\\)`;
  await expect(sql.query({ text: "SELECT 1" })).rejects.toMatchObject({
    code: "auth_failed",
    message: expect.stringMatching(`does not let 'entra' with the token of ${who} in: password auth`),
    hint: expect.stringMatching(
      `^Check that "entra" is a role for Microsoft Entra ID in the database, and that it is the role of ${who}\\.$`,
    ),
  });
  await sql.close();
});
