import {
  sqlConformance,
  type Gap,
  type Runner,
  type SqlFixture,
  type SqlStatements,
} from "@aml/adapter-testkit";
import { Secret, type SqlSource, type TokenProvider } from "@aml/core/adapter";
import { mysql, type MysqlOptions } from "@aml/mysql";
import { startCountingProxy } from "./counting-proxy.ts";
import { lacking, startMariaDb, type MariaDb } from "./mariadb.ts";
import { setUp, types } from "./types.ts";

/** Why the suite cannot run here; the runner lists it. */
export const skip: string | undefined = lacking;

/** Declares the conformance cases on a MariaDB: password and token. */
export function suite(runner: Runner): void {
  const emoji: Gap = {
    status: "never",
    reason:
      "names of columns have no characters beyond U+FFFF; other hostile names are tested in errors.test.ts",
    since: "2026-11-25",
  };
  const gaps = { "query/hostile-names": emoji, "partition/hostile-column": emoji };
  sqlConformance({ name: "mysql with a password", runner, open, types, gaps });
}

const quoted = (name: string): string => `\`${name.replaceAll("`", "``")}\``;

const WRITES = [
  "INSERT INTO kept VALUES (2)",
  "UPDATE kept SET a = 3",
  "DELETE FROM kept",
  "REPLACE INTO kept VALUES (4)",
  "INSERT INTO kept VALUES (5) RETURNING a",
  "DELETE FROM kept RETURNING a",
  "CREATE TABLE other (a INT)",
  "DROP TABLE kept",
  "TRUNCATE TABLE kept",
  "ALTER TABLE kept ADD b INT",
  "SELECT adds()",
  "CALL add_row()",
  "SELECT NEXT VALUE FOR numbers",
  "SELECT setval(numbers, 100)",
  "EXECUTE IMMEDIATE 'INSERT INTO kept VALUES (6)'",
  "BEGIN NOT ATOMIC INSERT INTO kept VALUES (7); END",
  "SET STATEMENT max_statement_time = 1 FOR INSERT INTO kept VALUES (8)",
  "/*!50000 INSERT INTO kept VALUES (9) */",
  "/*M! INSERT INTO kept VALUES (10) */",
  "-- a comment\n(( INSERT INTO kept VALUES (11)))",
  "ANALYZE TABLE kept",
  "ANALYZE INSERT INTO kept VALUES (12)",
  "SET SESSION TRANSACTION READ WRITE",
  "COMMIT",
  "SELECT 1 INTO @x",
  "LOCK TABLES kept WRITE",
  "KILL 1",
];

const statements: SqlStatements = {
  series: (count, column) =>
    count === 0
      ? `SELECT 1 AS ${quoted(column)} FROM DUAL WHERE FALSE`
      : `SELECT CAST(seq AS SIGNED) AS ${quoted(column)} FROM seq_1_to_${count}`,
  wide: (count) => `SELECT CAST(seq AS SIGNED) AS n, REPEAT('x', 1000) AS pad FROM seq_1_to_${count}`,
  nullKey: "SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT NULL",
  value: (expression) => {
    // The column itself: of an expression some types are another on the wire.
    const [, from] = /^\(SELECT v (FROM .*)\)$/.exec(expression) ?? [];
    return from === undefined ? `SELECT ${expression} AS value` : `SELECT v AS value ${from}`;
  },
  parameter: (type) =>
    ({
      string: ":value",
      int64: "CAST(:value AS SIGNED)",
      float64: "CAST(:value AS DOUBLE)",
      boolean: "(SELECT v FROM flags WHERE v = :value)",
      decimal: "CAST(:value AS DECIMAL(38,10))",
      bytes: "CAST(:value AS BINARY)",
      date: "CAST(:value AS DATE)",
      timestamp: "CAST(:value AS DATETIME(3))",
    })[type],
  slow: "SELECT SLEEP(100)",
  failing: "SELECT fails_after(seq) AS n FROM seq_1_to_100000",
  broken: "SELECT 1,\n  2 FRM nowhere",
  missingTable: "SELECT * FROM nowhere",
  twins: "SELECT 1 AS n, 2 AS n",
  writes: WRITES,
};

const SET_UP = [
  "CREATE DATABASE trips",
  "USE trips",
  "CREATE TABLE kept (a INT)",
  "INSERT INTO kept VALUES (1)",
  "CREATE TABLE flags (v BIT(1))",
  "INSERT INTO flags VALUES (b'0'), (b'1')",
  "CREATE SEQUENCE numbers",
  "CREATE FUNCTION adds() RETURNS INT MODIFIES SQL DATA BEGIN INSERT INTO kept VALUES (13); RETURN 1; END",
  "CREATE PROCEDURE add_row() BEGIN INSERT INTO kept VALUES (14); SELECT 1 AS a; END",
  "CREATE FUNCTION fails_after(n BIGINT) RETURNS BIGINT NO SQL BEGIN " +
    "IF n > 9000 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'That is too many'; END IF; RETURN n; END",
  ...setUp,
];

let running: Promise<MariaDb> | undefined;
let plain: Promise<MariaDb> | undefined;

/** The MariaDB of this process. It ends with it. */
export function sharedMariaDb(): Promise<MariaDb> {
  running ??= prepared();
  return running;
}

async function prepared(): Promise<MariaDb> {
  const server = await startMariaDb();
  for (const sql of SET_UP) await server.admin(sql);
  return server;
}

/** One without TLS. */
export function sharedPlainMariaDb(): Promise<MariaDb> {
  plain ??= startMariaDb({ tls: false });
  return plain;
}

async function plainMariaDb(user: string, password: string): Promise<MariaDb> {
  const server = await sharedPlainMariaDb();
  await server.admin(`CREATE DATABASE IF NOT EXISTS trips; ${grant(user, password)}`);
  return server;
}

function grant(user: string, password: string): string {
  return (
    `CREATE OR REPLACE USER '${user}'@'127.0.0.1' IDENTIFIED BY '${password}'; ` +
    // Who may see no other database is not told whether it is there.
    `GRANT ALL ON trips.* TO '${user}'@'127.0.0.1'; GRANT SELECT ON *.* TO '${user}'@'127.0.0.1'`
  );
}

let users = 0;

interface Account {
  readonly user: string;
  readonly password: string;
}

async function newAccount(server: MariaDb): Promise<Account> {
  const account = { user: `user_${(users += 1)}`, password: `Pa55-${crypto.randomUUID()}` };
  await server.admin(grant(account.user, account.password));
  return account;
}

export function openSource(
  server: MariaDb,
  { user, password }: Account,
  more: Partial<MysqlOptions> = {},
): SqlSource {
  return mysql.open({
    options: mysql.parseOptions({
      server: "127.0.0.1",
      port: server.port,
      database: "trips",
      ca: server.certificatePem,
      ...more,
    }),
    credential: { kind: "password", username: user, password: new Secret(password) },
  });
}

async function open(): Promise<SqlFixture> {
  const server = await sharedMariaDb();
  const account = await newAccount(server);
  const proxy = await startCountingProxy(server.port);
  const { admin } = server;
  const other = (more: Partial<MysqlOptions>, changed: Partial<Account> = {}): SqlSource =>
    openSource(server, { ...account, ...changed }, more);
  const plainServer = await plainMariaDb(account.user, account.password);
  return {
    sql: openSource(server, account, { port: proxy.port }),
    statements,
    server: {
      running: async () => {
        const sessions = await server.sessions(account.user);
        return sessions.filter(({ command }) => command !== "Sleep").length;
      },
      state: async () =>
        JSON.stringify([
          await admin("SELECT a FROM trips.kept ORDER BY a"),
          await admin(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'trips' ORDER BY 1",
          ),
          await admin("SELECT next_not_cached_value FROM trips.numbers"),
        ]),
      connections: async () => (await server.sessions(account.user)).length,
      received: proxy.received,
      kill: async () => {
        for (const { id } of await server.sessions(account.user)) await admin(`KILL ${id}`);
      },
    },
    others: {
      unreachable: () => other({ port: 1 }),
      unknownDatabase: () => other({ database: "nowhere" }),
      wrongPassword: () => other({}, { password: "wrong" }),
      withoutTls: () => other({ port: plainServer.port }),
      untrusted: () => other({ ca: undefined }),
      token: () => withToken(server, account),
    },
    secrets: [account.password],
    close: async () => {
      await proxy.close();
      await admin(`DROP USER '${account.user}'@'127.0.0.1'`);
    },
  };
}

/** Tokens as passwords: what Azure's servers take by a plug-in of their own, this one takes as it takes any. */
function withToken(
  server: MariaDb,
  { user, password }: Account,
): { readonly sql: SqlSource; readonly rotate: () => Promise<void> } {
  let token = password;
  const tokenProvider: TokenProvider = {
    // It has run out when it is asked for again.
    getToken: async () => ({ token, expiresOnTimestamp: Date.now() }),
  };
  const sql = mysql.open({
    options: mysql.parseOptions({
      server: "127.0.0.1",
      port: server.port,
      database: "trips",
      ca: server.certificatePem,
      user,
    }),
    credential: { kind: "identity" },
    tokenProvider,
  });
  return {
    sql,
    rotate: async () => {
      token = `Token-${crypto.randomUUID()}`;
      await server.admin(`ALTER USER '${user}'@'127.0.0.1' IDENTIFIED BY '${token}'`);
      for (const { id } of await server.sessions(user)) await server.admin(`KILL ${id}`);
    },
  };
}
