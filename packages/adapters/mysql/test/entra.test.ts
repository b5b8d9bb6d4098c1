import { Secret } from "@aml/core/adapter";
import { startEntra, trustCertificate, type Entra } from "@aml/emulator";
import { mysql } from "@aml/mysql";
import { afterAll, beforeAll, expect, test } from "vitest";
import { lacking } from "./mariadb.ts";
import { openSource, sharedMariaDb } from "./suite.ts";

const CLIENT = "f997392c-e15a-4ad8-af9e-cd6966caba7f";
let entra: Entra;
const cleanUp: (() => unknown)[] = [];

beforeAll(async () => {
  entra = await startEntra([{ clientId: CLIENT, secrets: ["entra-secret-1"] }]);
  cleanUp.push(() => entra.close(), trustCertificate(entra.certificatePem));
});
afterAll(async () => {
  if (lacking === undefined) await (await sharedMariaDb()).close();
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

const reason = lacking === undefined ? "" : ` (${lacking})`;

test.skipIf(lacking !== undefined)(
  `a refused token is told with its application and object${reason}`,
  async () => {
    const server = await sharedMariaDb();
    await server.admin("CREATE OR REPLACE USER app@'127.0.0.1' IDENTIFIED BY 'Pa55'");
    const sql = mysql.open({
      options: mysql.parseOptions({
        server: "127.0.0.1",
        port: server.port,
        database: "trips",
        ca: server.certificatePem,
        user: "app",
      }),
      credential: credential(),
    });
    const who = `application ${CLIENT} of tenant ${entra.tenantId} \\(object [\\w-]+\\)`;
    await expect(sql.query({ text: "SELECT 1" })).rejects.toMatchObject({
      code: "auth_failed",
      message: expect.stringMatching(`does not let 'app' with the token of ${who} in: Access denied`),
      hint: expect.stringMatching(`\\(CREATE AADUSER\\), and that it is the one of ${who}\\.$`),
    });
    await sql.close();
  },
);

test.skipIf(lacking !== undefined)(`the smallest grant is told as SQL, to the account${reason}`, async () => {
  const server = await sharedMariaDb();
  await server.admin(
    "CREATE OR REPLACE TABLE trips.open (a INT);" +
      "CREATE OR REPLACE USER poor@'127.0.0.1' IDENTIFIED BY 'Pa55'; GRANT SELECT ON trips.open TO poor@'127.0.0.1'",
  );
  const sql = openSource(server, { user: "poor", password: "Pa55" });
  await expect(sql.query({ text: "SELECT * FROM trips.other_table" })).rejects.toMatchObject({
    code: "permission_denied",
    message: expect.stringMatching(/^'poor' may not do that: SELECT command denied/),
    hint: "Have it granted: GRANT SELECT ON `trips`.`other_table` TO 'poor'@'127.0.0.1'.",
  });
  await sql.close();
});
