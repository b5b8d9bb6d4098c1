import { azureSql } from "@aml/azure-sql";
import { Secret } from "@aml/core";
import { startAzureSql, type AzureSql } from "@aml/emulator";
import pg from "pg";
import { afterAll, beforeAll, describe } from "vitest";
import { createBench, pushDownCases, type Bench } from "../../../engine-duckdb/test/push-down.ts";

let server: AzureSql;
let bench: Bench;
beforeAll(async () => {
  server = await startAzureSql({ databases: ["shop"] });
  const url = new URL(server.postgresUrl);
  url.pathname = "/shop";
  const admin = new pg.Client({ connectionString: url.href });
  await admin.connect();
  await admin.query("CREATE SCHEMA IF NOT EXISTS dbo");
  await admin.query(`CREATE TABLE dbo.many AS SELECT n AS id,
    CASE WHEN n % 7 > 0 THEN n % 9 - 4 END::smallint AS small,
    (ARRAY[NULL, 9223372036854775807, 9007199254740993, 9007199254740992, 1, -1])[n % 6 + 1] AS big,
    (ARRAY[NULL, '0.1', '1.5', '-0.25', '7'])[n % 5 + 1]::float8 AS ratio,
    (ARRAY[NULL, 1.5, 0, -0.25, 7, 3])[n % 6 + 1]::numeric(12,3) AS price,
    (ARRAY[NULL, '', 'a', 'A', 'a ', 'abc', 'é', E'e\\u0301', 'b''c', 'x\\y', '7'])[n % 11 + 1] AS t,
    (ARRAY[NULL, 'a', 'ABC', 'abc'])[n % 4 + 1]::varchar(10) AS v,
    (ARRAY[NULL, true, false])[n % 3 + 1] AS flag,
    (ARRAY[NULL, '2026-01-01', '1999-12-31 23:59:59.999999', '2026-01-01 12:30:00.123456'])[n % 4 + 1]::timestamp AS plain,
    (ARRAY[NULL, '2026-01-01', '1999-12-31', '2026-01-02'])[n % 4 + 1]::date AS day
  FROM generate_series(1, 300) n`);
  await admin.end();
  bench = await createBench(
    azureSql.open({
      options: azureSql.parseOptions({
        server: "localhost",
        port: server.port,
        database: "shop",
        ca: server.certificatePem,
      }),
      credential: { kind: "password", username: "sa", password: new Secret("Passw0rd!") },
    }),
  );
});
afterAll(async () => {
  await bench.close();
  await server.close();
});

const NAMES = "id,small,big,ratio,price,t,v,flag,plain,day".split(",");

describe("push-down to Azure SQL, on its emulator", () => pushDownCases(() => bench, NAMES, 100, []));
