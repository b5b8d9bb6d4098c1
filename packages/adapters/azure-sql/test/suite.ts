import {
  canary,
  sqlConformance,
  type Runner,
  type SqlFixture,
  type SupportMatrix,
} from "@aml/adapter-testkit";
import { azureSql, type AzureSqlOptions } from "@aml/azure-sql";
import { Secret } from "@aml/core";
import { plainServer, sharedServer, startMeter, tokens, type Meter } from "./server.ts";
import { statements } from "./statements.ts";
import { types } from "./types.ts";

/** Letters and digits, so that nobody quotes it. */
export const PASSWORD: string = canary().secret.replace(/[^a-z\d]/gi, "x");

/** SQL Server 2022 has no arrays or JSON type. */
const lacks = ["json"] as const;

let count = 0;

/** The whole contract of databases, on `@aml/emulator` over TLS. */
export function suite(runner: Runner): SupportMatrix {
  return sqlConformance({ name: "azure_sql", runner, types, lacks, open: openFixture });
}

export async function openFixture(): Promise<SqlFixture> {
  const { tds, admin } = await sharedServer(PASSWORD);
  const meter = await startMeter(tds.port);
  const plain = await plainServer(PASSWORD);
  const applicationName = `aml-${(count += 1)}`;
  const options: AzureSqlOptions = {
    server: "localhost",
    port: meter.port,
    database: "shop",
    ca: tds.certificatePem,
    applicationName,
  };
  const open = (more: Partial<AzureSqlOptions> = {}, password = PASSWORD): SqlFixture["sql"] =>
    azureSql.open({
      options: { ...options, ...more },
      credential: { kind: "password", username: "ada", password: new Secret(password) },
    });
  const countOf = async (condition: string): Promise<number> => {
    const text = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = $1 AND ${condition}`;
    return (await admin.query<{ n: number }>(text, [applicationName])).rows[0]?.n ?? 0;
  };
  return {
    sql: open(),
    statements,
    server: {
      running: () => countOf("state <> 'idle'"),
      connections: () => countOf("true"),
      received: meter.received,
      async state() {
        const text = `SELECT (SELECT json_agg(l ORDER BY id) FROM dbo.ledger l)::text || (SELECT last_value FROM dbo.numbers)
          || (SELECT count(*) FROM pg_class WHERE relnamespace = 'dbo'::regnamespace) AS state`;
        return (await admin.query<{ state: string }>(text)).rows[0]?.state ?? "";
      },
      kill: async () => meter.cut(),
    },
    others: {
      unreachable: () => open({ port: 1 }),
      unknownDatabase: () => open({ database: "nowhere" }),
      wrongPassword: () => open({}, `${PASSWORD.slice(1)}x`),
      withoutTls: () => open({ port: plain.port }),
      untrusted: () => open({ ca: undefined }),
      token: () => tokenSource(options, meter),
    },
    secrets: [PASSWORD],
    async close() {
      meter.close();
    },
  };
}

function tokenSource(
  options: AzureSqlOptions,
  meter: Meter,
): ReturnType<NonNullable<SqlFixture["others"]["token"]>> {
  const sql = azureSql.open({
    options,
    credential: { kind: "identity" },
    // It is over as soon as it is used, so each connection asks again.
    tokenProvider: { getToken: async () => ({ token: tokens.current(), expiresOnTimestamp: Date.now() }) },
  });
  return {
    sql,
    async rotate() {
      tokens.day += 1;
      meter.cut();
    },
  };
}
