import { mysql } from "@aml/mysql";
import { describe, expect, test } from "vitest";

const good = { server: "contoso", database: "trips" };
const uriOf = (more: object): string =>
  mysql.open({
    options: mysql.parseOptions({ ...good, ...more }),
    credential: { kind: "identity" },
  }).uri;

describe("hosts", () => {
  test.each([
    [{}, "mysql://contoso.mysql.database.azure.com:3306/trips"],
    [
      { endpoint: "mysql.database.chinacloudapi.cn" },
      "mysql://contoso.mysql.database.chinacloudapi.cn:3306/trips",
    ],
    [{ server: "db.example.org", port: "3307" }, "mysql://db.example.org:3307/trips"],
    [{ server: "localhost" }, "mysql://localhost:3306/trips"],
    [{ server: "::1", port: 1 }, "mysql://[::1]:1/trips"],
    [{ database: "a b" }, "mysql://contoso.mysql.database.azure.com:3306/a%20b"],
  ])("%j is %s", (more, uri) => expect(uriOf(more)).toBe(uri));
});

test.each([
  [{ server: undefined }, "server is missing"],
  [{ database: "" }, "database is missing"],
  [{ server: "mysql://ada:Pa55@host/db" }, "server is not well formed"],
  [{ server: 5 }, "server is not a string"],
  [{ port: 0 }, "port is not a whole number"],
  [{ port: "33x" }, "port is not a whole number"],
  [{ port: 70000 }, "port is not a whole number"],
  [{ tls: "maybe" }, 'tls is "maybe"'],
  [{ zeroDates: "keep" }, 'zeroDates is "keep"'],
  [{ database: "a/b" }, "database is not well formed"],
  [{ ca: "no pem" }, "ca is not well formed"],
  [{ password: "Pa55" }, 'no option "password"'],
])("%j is refused", (more, said) => {
  expect(() => mysql.parseOptions({ ...good, ...more })).toThrowError(
    expect.objectContaining({ code: "config_invalid", message: expect.stringContaining(said) }),
  );
  try {
    mysql.parseOptions({ ...good, ...more });
  } catch (error) {
    expect(JSON.stringify(error)).not.toContain("Pa55@");
  }
});

test("its endpoint is told for whoever looks into a connection", () => {
  expect(mysql.endpoint?.(mysql.parseOptions(good))).toEqual({
    host: "contoso.mysql.database.azure.com",
    port: 3306,
    tls: "negotiated",
  });
  expect(mysql.endpoint?.(mysql.parseOptions({ ...good, tls: "disable" }))).toMatchObject({ tls: "none" });
});
