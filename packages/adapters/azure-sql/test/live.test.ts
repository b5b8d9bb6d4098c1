import { sqlConformance, type SqlFixture } from "@aml/adapter-testkit";
import { azureSql, type AzureSqlOptions } from "@aml/azure-sql";
import { Secret } from "@aml/core";
import { Connection, Request } from "tedious";
import { describe, test } from "vitest";
import { statements } from "./statements.ts";
import { types } from "./types.ts";

const url = process.env["AML_TEST_MSSQL_URL"];

if (url === undefined) {
  test.skip("the contract on a real server (needs AML_TEST_MSSQL_URL)", () => undefined);
} else {
  sqlConformance({
    name: "azure_sql, a real server",
    runner: { describe, test: (name, body) => test(name, body, 120_000) },
    types,
    // What the test could see of the server only by way of a proxy, or by other servers.
    lacks: ["json", "tls", "token", "received", "kill"],
    open: () => openLive(new URL(url)),
    timeoutMs: 120_000,
  });
}

let count = 0;

async function openLive(target: URL): Promise<SqlFixture> {
  const applicationName = `aml-tests-${(count += 1)}`;
  const { username, password } = target;
  const options: AzureSqlOptions = {
    server: target.hostname,
    port: Number(target.port || 1433),
    database: decodeURIComponent(target.pathname.slice(1)),
    // The tests' own look at the server must see what was committed.
    applicationIntent: "ReadWrite",
    trustServerCertificate: target.searchParams.get("trustServerCertificate") === "true",
    applicationName,
  };
  const open = (
    more: Partial<AzureSqlOptions> = {},
    secret = decodeURIComponent(password),
  ): SqlFixture["sql"] =>
    azureSql.open({
      options: { ...options, ...more },
      credential: { kind: "password", username: decodeURIComponent(username), password: new Secret(secret) },
    });
  const admin = await connect(target, options);
  await run(
    admin,
    "IF OBJECT_ID('ledger') IS NULL CREATE TABLE ledger (id int PRIMARY KEY, note nvarchar(20))",
  );
  await run(admin, "DELETE FROM ledger; INSERT INTO ledger VALUES (1, 'one'), (2, 'two')");
  await run(admin, "IF OBJECT_ID('numbers') IS NULL CREATE SEQUENCE numbers START WITH 1");
  const countOf = async (view: string): Promise<number> =>
    Number(await run(admin, `SELECT count(*) FROM ${view} WHERE s.program_name = '${applicationName}'`));
  return {
    sql: open(),
    statements,
    server: {
      running: () =>
        countOf("sys.dm_exec_requests r JOIN sys.dm_exec_sessions s ON s.session_id = r.session_id"),
      connections: () => countOf("sys.dm_exec_sessions s"),
      state: async () =>
        String(
          await run(
            admin,
            `SELECT concat((SELECT * FROM ledger ORDER BY id FOR JSON PATH), (SELECT count(*) FROM sys.objects),
              (SELECT cast(current_value AS bigint) FROM sys.sequences WHERE name = 'numbers'))`,
          ),
        ),
    },
    others: {
      unreachable: () => open({ server: "localhost", port: 1 }),
      unknownDatabase: () => open({ database: "aml-tests-nowhere" }),
      wrongPassword: () => open({}, "wrong"),
    },
    secrets: [decodeURIComponent(password)],
    async close() {
      await run(admin, "DROP TABLE ledger; DROP SEQUENCE numbers");
      admin.close();
    },
  };
}

function connect(
  target: URL,
  { server, port = 1433, database, trustServerCertificate = false }: AzureSqlOptions,
): Promise<Connection> {
  const connection = new Connection({
    server,
    authentication: {
      type: "default",
      options: {
        userName: decodeURIComponent(target.username),
        password: decodeURIComponent(target.password),
      },
    },
    options: { port, database, trustServerCertificate, encrypt: true },
  });
  return new Promise((resolve, reject) => {
    connection.connect((error) => (error ? reject(error) : resolve(connection)));
  });
}

/** The first value of a batch. */
function run(connection: Connection, sql: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let first: unknown;
    const request = new Request(sql, (error) => (error ? reject(error) : resolve(first)));
    request.on("row", ([column]: readonly { value: unknown }[]) => (first ??= column?.value));
    connection.execSqlBatch(request);
  });
}
