import { isAmlError, Secret, type AmlErrorCode } from "@aml/core/adapter";
import { startEntra } from "@aml/emulator";
import { mysql } from "@aml/mysql";
import { createServer, type AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { connectError, NETWORK, NUMBERS, queryError, WORDS, type Facts } from "../src/errors.ts";
import { lacking } from "./mariadb.ts";
import { openSource, sharedMariaDb } from "./suite.ts";

const facts: Facts = {
  uri: "mysql://db.example:3306/trips",
  host: "db.example",
  port: 3306,
  database: "trips",
  user: "ada",
  credential: "password",
  tls: true,
};
const driverError = (fields: object, message = "Something is wrong"): Error =>
  Object.assign(new Error(message), fields);

describe("numbers of the server", () => {
  test.each([
    [1040, "rate_limited", "db.example:3306 has no room"],
    [1044, "permission_denied", "GRANT"],
    [1045, "auth_failed", "user name and the password"],
    [1049, "not_found", "There is no database 'trips'"],
    [1064, "query_failed", "mysql://db.example:3306/trips"],
    [1142, "permission_denied", "'ada' may not"],
    [1146, "not_found", "no such table"],
    [1213, "unavailable", "another one in its way"],
    [1226, "rate_limited", "no room"],
    [1290, "unsupported", "read-only"],
    [1295, "unsupported", "cannot prepare"],
    [1317, "timeout", "ended the query"],
    [1792, "unsupported", "writes"],
    [1969, "timeout", "ended the query"],
    [3024, "timeout", "ended the query"],
    [3159, "config_invalid", "TLS only"],
    [1114, "resource_exhausted", "ran out"],
    [1927, "unavailable", "broke off"],
    [4031, "query_failed", "mysql://db.example:3306/trips"],
  ] as const)("%i is %s", (errno, code, said) => {
    const error = connectError(driverError({ errno, code: "ER_X" }), facts);
    expect(error).toMatchObject({ code, context: { errno, host: "db.example", database: "trips" } });
    expect(`${error.message} ${error.hint ?? ""}`).toContain(said);
  });

  test("each row has a code, a sentence and no secret's place", () => {
    for (const [code, what] of Object.values(NUMBERS)) {
      expect(code).toMatch(/^[a-z_]+$/);
      expect(what({ ...facts, said: "x" })).toMatch(/[.]$/);
    }
    expect(Object.keys(NUMBERS).length).toBeGreaterThan(30);
  });
});

test.each([
  ["ENOTFOUND", "not_found"],
  ["EAI_AGAIN", "unavailable"],
  ["ECONNREFUSED", "unavailable"],
  ["ETIMEDOUT", "unavailable"],
  ["HANDSHAKE_NO_SSL_SUPPORT", "config_invalid"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "unavailable"],
  ["CERT_HAS_EXPIRED", "unavailable"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "unavailable"],
  ["AUTH_SWITCH_PLUGIN_ERROR", "auth_failed"],
  ["PROTOCOL_CONNECTION_LOST", "unavailable"],
  ["ECONNRESET", "unavailable"],
  ["EWHATEVER", "internal"],
] as const satisfies readonly (readonly [string, AmlErrorCode])[])("%s is %s", (code, expected) => {
  expect(connectError(driverError({ code }), facts).code).toBe(expected);
});

test("every row of the network table is met by a code above", () => {
  expect(NETWORK).toHaveLength(8);
  expect(
    connectError(new Error("Can't add new command when connection is in closed state"), facts).code,
  ).toBe("unavailable");
  expect(WORDS).toHaveLength(1);
});

test("a mistake of syntax shows its line", () => {
  const original = "SELECT 1,\n  2 FRM nowhere";
  const error = queryError(
    driverError({ errno: 1064 }, "You have an error in your SQL syntax near 'nowhere' at line 2"),
    facts,
    { text: original, values: [], original, originalOffset: (at) => at },
  );
  expect(error.context).toMatchObject({ line: 2 });
  expect(error.message).toContain("At line 2:\n  ");
  expect(error.message).toContain("2 FRM nowhere");
});

describe.skipIf(lacking !== undefined)(`on a MariaDB${lacking === undefined ? "" : ` (${lacking})`}`, () => {
  const failure = async (query: Promise<unknown>): Promise<unknown> =>
    query.then(
      () => undefined,
      (error: unknown) => error,
    );

  test("names with any characters that the server allows are names", async () => {
    const server = await sharedMariaDb();
    await server.admin(
      "CREATE OR REPLACE USER names@'127.0.0.1' IDENTIFIED BY 'Pa55'; GRANT ALL ON trips.* TO names@'127.0.0.1'",
    );
    const sql = openSource(server, { user: "names", password: "Pa55" });
    for (const name of [`a"b'c]d\`e;--é`, "__proto__", "with space", "n\\n"]) {
      const quoted = `\`${name.replaceAll("`", "``")}\``;
      const { schema, batches } = await sql.query(
        { text: `SELECT CAST(seq AS SIGNED) AS ${quoted} FROM seq_1_to_10` },
        { partitionOn: { column: name, ranges: 3 } },
      );
      expect(schema.columns.map((column) => column.name)).toEqual([name]);
      const keys = new Set<unknown>();
      for await (const rows of batches) for (const row of rows) keys.add(row[name]);
      expect(keys).toEqual(new Set([1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n, 10n]));
    }
    await sql.close();
  });

  test("a key that is no integer is refused", async () => {
    const server = await sharedMariaDb();
    const sql = openSource(server, { user: "names", password: "Pa55" });
    const error = await failure(
      sql.query({ text: "SELECT 'x' AS n" }, { partitionOn: { column: "n", ranges: 2 } }),
    );
    expect(error).toMatchObject({ code: "config_invalid", message: 'The column "n" is no integer key.' });
    await sql.close();
  });

  test("a server that never answers is given up within the time set", async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    silent.unref();
    const sql = mysql.open({
      options: mysql.parseOptions({
        server: "127.0.0.1",
        port: (silent.address() as AddressInfo).port,
        database: "trips",
        connectTimeoutMs: 300,
      }),
      credential: { kind: "password", username: "ada", password: new Secret("Pa55") },
    });
    const began = performance.now();
    expect(await failure(sql.query({ text: "SELECT 1" }))).toMatchObject({ code: "unavailable" });
    expect(performance.now() - began).toBeLessThan(30_000);
    await sql.close();
    await new Promise((resolve) => silent.close(resolve));
  });

  test("a token needs a user and TLS, and neither mistake shows it", async () => {
    const open = (more: object): Promise<unknown> =>
      failure(
        mysql
          .open({
            options: mysql.parseOptions({ server: "127.0.0.1", port: 1, database: "trips", ...more }),
            credential: { kind: "identity" },
            tokenProvider: {
              getToken: async () => ({ token: "t0ken", expiresOnTimestamp: Date.now() + 1e6 }),
            },
          })
          .query({ text: "SELECT 1" }),
      );
    const [noUser, noTls] = [await open({}), await open({ user: "ada", tls: "disable" })];
    expect(noUser).toMatchObject({ code: "config_invalid", hint: expect.stringContaining("CREATE AADUSER") });
    expect(noTls).toMatchObject({ code: "config_invalid", hint: expect.stringContaining("tls") });
    for (const error of [noUser, noTls]) {
      expect(isAmlError(error) && JSON.stringify([error.message, error.context])).not.toContain("t0ken");
    }
  });
});

test("a token that cannot be had is auth_failed, before any connection", async () => {
  await using entra = await startEntra([]);
  const sql = mysql.open({
    options: mysql.parseOptions({ server: "127.0.0.1", port: 1, database: "trips", user: "app" }),
    credential: {
      kind: "service_principal",
      tenantId: entra.tenantId,
      clientId: "00000000-0000-0000-0000-000000000001",
      clientSecret: new Secret("wrong"),
      authorityUrl: entra.authorityUrl,
    },
  });
  const error = await sql.query({ text: "SELECT 1" }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(isAmlError(error) && ["auth_failed", "unavailable"].includes(error.code)).toBe(true);
});
