import { sqlConformance, type Runner, type SqlFixture, type SupportMatrix } from "@aml/adapter-testkit";
import { Secret } from "@aml/core";
import { postgresql, type PostgresqlOptions } from "@aml/postgresql";
import { PASSWORD, sharedPostgres, startMeter, startPlainServer } from "./postgres.ts";
import { statements } from "./statements.ts";
import { types } from "./types.ts";

let count = 0;

/** The whole contract of databases, on a real server over TLS. */
export function suite(runner: Runner): SupportMatrix {
  return sqlConformance({ name: "postgresql", runner, types, open: openFixture });
}

export async function openFixture(): Promise<SqlFixture> {
  const server = await sharedPostgres();
  const { admin, certificate } = server;
  const meter = await startMeter(server.port);
  const plain = await startPlainServer();
  const applicationName = `aml-${(count += 1)}`;
  const options: PostgresqlOptions = {
    server: "localhost",
    port: meter.port,
    database: "shop",
    ca: certificate,
    applicationName,
  };
  await admin.query(`ALTER ROLE entra PASSWORD '${tokenOf(FIRST_DAY)}'`);
  const password = new Secret(PASSWORD);
  const open = (more: Partial<PostgresqlOptions> = {}, secret = password): SqlFixture["sql"] =>
    postgresql.open({
      options: { ...options, ...more },
      credential: { kind: "password", username: "ada", password: secret },
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
        const text = `SELECT (SELECT json_agg(l ORDER BY id) FROM ledger l)::text || (SELECT last_value FROM numbers)
          || (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace) AS state`;
        return (await admin.query<{ state: string }>(text)).rows[0]?.state ?? "";
      },
      async kill() {
        await admin.query(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1",
          [applicationName],
        );
      },
    },
    others: {
      unreachable: () => open({ port: 1 }),
      unknownDatabase: () => open({ database: "nowhere" }),
      wrongPassword: () => open({}, new Secret(`${PASSWORD.slice(1)}x`)),
      withoutTls: () => open({ port: plain.port }),
      untrusted: () => open({ ca: undefined }),
      token: () => tokenSource(options, admin),
    },
    secrets: [PASSWORD],
    async close() {
      meter.close();
      plain.close();
    },
  };
}

const FIRST_DAY = 1;
const tokenOf = (day: number): string => `token-of-day-${day}`;

/** A role whose password is the token of the day, as Azure's servers take them. */
function tokenSource(
  options: PostgresqlOptions,
  admin: { query(text: string): Promise<unknown> },
): ReturnType<NonNullable<SqlFixture["others"]["token"]>> {
  let day = FIRST_DAY;
  const token = (): string => tokenOf(day);
  const sql = postgresql.open({
    options: { ...options, user: "entra" },
    credential: { kind: "identity" },
    tokenProvider: {
      async getToken() {
        // It is over as soon as it is used, so each connection asks again.
        return { token: token(), expiresOnTimestamp: Date.now() };
      },
    },
  });
  return {
    sql,
    async rotate() {
      day += 1;
      await admin.query(`ALTER ROLE entra PASSWORD '${token()}'`);
      await admin.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'entra'");
    },
  };
}
