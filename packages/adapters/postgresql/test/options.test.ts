import { Secret } from "@aml/core";
import { postgresql } from "@aml/postgresql";
import { describe, expect, test } from "vitest";

const options = { server: "contoso", database: "shop" };

describe("options", () => {
  test.each([
    [{}, "contoso.postgres.database.azure.com", 5432, "negotiated"],
    [{ server: "db.example.com", port: "6543" }, "db.example.com", 6543, "negotiated"],
    [
      { endpoint: "postgres.database.chinacloudapi.cn" },
      "contoso.postgres.database.chinacloudapi.cn",
      5432,
      "negotiated",
    ],
    [{ server: "localhost", tls: "disable" }, "localhost", 5432, "none"],
    [{ server: "::1" }, "::1", 5432, "negotiated"],
  ])("%j", (more, host, port, tls) => {
    const parsed = postgresql.parseOptions({ ...options, ...more });
    expect(postgresql.endpoint?.(parsed)).toEqual({ host, port, tls });
    // What is stored is parsed again.
    expect(postgresql.parseOptions(JSON.parse(JSON.stringify(parsed)))).toEqual(parsed);
  });

  test.each([
    [undefined, "not an object"],
    [{ database: "shop" }, "server is missing"],
    [{ server: "contoso" }, "database is missing"],
    [{ ...options, sever: "x" }, 'no option "sever"'],
    [{ ...options, port: "x" }, "port"],
    [{ ...options, port: 65_536 }, "port"],
    [{ ...options, maxConnections: 0 }, "maxConnections"],
    [{ ...options, tls: "prefer" }, "tls"],
    [{ ...options, database: 5 }, "database"],
    [{ ...options, schema: "a\0b" }, "schema"],
    [{ ...options, server: "postgresql://ada:s3cret@h/db" }, "server is no host name"],
    [{ ...options, endpoint: "a b" }, "endpoint"],
  ])("%j is refused", (input, said) => {
    let message = "";
    try {
      postgresql.parseOptions(input);
    } catch (error) {
      message = String(error);
      expect(error).toMatchObject({ code: "config_invalid" });
    }
    expect(message).toContain(said);
    expect(message).not.toContain("s3cret");
  });

  test("the URI names server and database and nothing else", () => {
    const sql = postgresql.open({
      options: { ...options, database: "a/b?" },
      credential: { kind: "password", username: "ada", password: new Secret("pw") },
    });
    expect(sql.uri).toBe("postgresql://contoso.postgres.database.azure.com:5432/a%2Fb%3F");
  });

  test("a token needs a user", () => {
    expect(() => postgresql.open({ options, credential: { kind: "identity" } })).toThrow(
      expect.objectContaining({ code: "config_invalid", message: expect.stringContaining("user") }),
    );
  });
});
