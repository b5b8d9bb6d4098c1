import { azureSql } from "@aml/azure-sql";
import { describe, expect, test } from "vitest";

const parse = azureSql.parseOptions;

describe("options", () => {
  test("come from a file or a command line", () => {
    expect(
      parse({
        server: "contoso",
        database: "shop",
        port: "1444",
        encrypt: "strict",
        applicationIntent: "ReadWrite",
      }),
    ).toEqual({
      server: "contoso",
      database: "shop",
      port: 1444,
      encrypt: "strict",
      applicationIntent: "ReadWrite",
    });
    expect(parse({ server: "localhost", database: "a b", encrypt: "false", maxConnections: 2 })).toEqual({
      server: "localhost",
      database: "a b",
      encrypt: false,
      maxConnections: 2,
    });
  });

  test.each([
    [undefined, "are not an object"],
    [{ database: "shop" }, "server is missing"],
    [{ server: "contoso" }, "database is missing"],
    [{ server: "contoso", database: "shop", sever: 1 }, 'no option "sever"'],
    [{ server: "tcp:contoso,1433", database: "shop" }, "server is no host name"],
    [{ server: "a;Password=hunter2", database: "shop" }, "server is no host name"],
    [{ server: "contoso\\SQLEXPRESS", database: "shop" }, "server is no host name"],
    [{ server: "contoso", database: "shop", port: 70_000 }, "port is 70000"],
    [{ server: "contoso", database: "shop", encrypt: "yes" }, 'encrypt is "yes"'],
    [{ server: "contoso", database: "shop", applicationIntent: "readonly" }, "applicationIntent is"],
    [
      { server: "contoso", database: "shop", encrypt: "strict", trustServerCertificate: true },
      "has no place",
    ],
  ])("%o is refused", (input, message) => {
    expect(() => parse(input)).toThrow(
      expect.objectContaining({
        code: "config_invalid",
        message: expect.stringContaining(message) as string,
      }),
    );
    expect(() => parse(input)).not.toThrow("hunter2");
  });

  test.each([
    [{ server: "contoso", database: "shop" }, "mssql://contoso.database.windows.net:1433/shop", "negotiated"],
    [{ server: "sql.local", port: 1, database: "a/b" }, "mssql://sql.local:1/a%2Fb", "negotiated"],
    [{ server: "localhost", database: "shop", encrypt: false }, "mssql://localhost:1433/shop", "none"],
    [{ server: "::1", database: "shop", encrypt: "strict" }, "mssql://[::1]:1433/shop", "direct"],
    [
      { server: "contoso", endpoint: "database.chinacloudapi.cn", database: "shop" },
      "mssql://contoso.database.chinacloudapi.cn:1433/shop",
      "negotiated",
    ],
  ] as const)("%o leads to %s", (input, uri, tls) => {
    const options = parse(input);
    const sql = azureSql.open({ options, credential: { kind: "identity" } });
    expect(sql.uri).toBe(uri);
    expect(azureSql.endpoint?.(options)).toMatchObject({ tls });
  });
});
