import { setTimeout as sleep } from "node:timers/promises";
import { azureSql } from "@aml/azure-sql";
import { Secret, type Row, type SqlSource, type SqlStatement } from "@aml/core";
import { startAzureSql, type AzureSql } from "@aml/emulator";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

let server: AzureSql;
let admin: pg.Pool;
let sql: SqlSource;
const ROWS = 2000;

beforeAll(async () => {
  server = await startAzureSql({ databases: ["shop"] });
  const url = new URL(server.postgresUrl);
  url.pathname = "/shop";
  admin = new pg.Pool({ connectionString: url.href, max: 2 });
  admin.on("error", () => undefined);
  await admin.query(
    `CREATE SCHEMA IF NOT EXISTS dbo; CREATE TABLE dbo.many AS SELECT n AS id, 0 AS v, 'x' || n AS note FROM generate_series(1, ${ROWS}) AS n`,
  );
  sql = azureSql.open({
    options: {
      server: "localhost",
      port: server.port,
      database: "shop",
      ca: server.certificatePem,
      maxConnections: 4,
    },
    credential: { kind: "password", username: "sa", password: new Secret("Passw0rd!") },
  });
});

afterAll(async () => {
  await sql.close();
  await admin.end();
  await server.close();
});

const partitionOn = { column: "id", ranges: 4 };

async function rows(statement: SqlStatement, key = partitionOn): Promise<Row[]> {
  const { batches } = await sql.query(statement, { partitionOn: key, batchRows: 100 });
  const all: Row[] = [];
  for await (const batch of batches) all.push(...batch);
  return all;
}

describe("ranges of one snapshot", () => {
  test("begun before a write and ended after it", async () => {
    const result = await sql.query({ text: "SELECT * FROM many;" }, { partitionOn, batchRows: 10 });
    await admin.query(
      "BEGIN; UPDATE dbo.many SET v = v + 1; INSERT INTO dbo.many VALUES (-1, 7, ''); COMMIT",
    );
    const seen: Row[] = [];
    for await (const batch of result.batches) seen.push(...batch);
    expect([seen.length, new Set(seen.map(({ v }) => v))]).toEqual([ROWS, new Set([0])]);
    await admin.query("UPDATE dbo.many SET v = 0; DELETE FROM dbo.many WHERE id < 0");
  });

  test("while rows move from one range to another, none is missed and none is read twice", async () => {
    const stop = new AbortController();
    let moves = 0;
    const move = async (): Promise<void> => {
      for (; !stop.signal.aborted; moves += 1) {
        const [from, to] = moves % 2 === 0 ? [1, ROWS] : [ROWS, 1];
        await admin.query("UPDATE dbo.many SET id = id + $1 WHERE note <= 'x14'", [to - from]);
        await sleep(4);
      }
    };
    const moved = move();
    try {
      for (let round = 0; round < 10; round += 1) {
        const found = await rows({ text: "SELECT id, note FROM many" });
        expect([found.length, new Set(found.map(({ note }) => note)).size]).toEqual([ROWS, ROWS]);
      }
    } finally {
      stop.abort();
      await moved;
    }
    expect(moves).toBeGreaterThan(10);
    if (moves % 2 === 1)
      await admin.query("UPDATE dbo.many SET id = id - $1 WHERE note <= 'x14'", [ROWS - 1]);
  });

  test("a transaction that was open all the while makes no difference", async () => {
    const writer = await admin.connect();
    await writer.query("BEGIN; UPDATE dbo.many SET v = 9 WHERE id = 1");
    expect(new Set((await rows({ text: "SELECT * FROM many" })).map(({ v }) => v))).toEqual(new Set([0]));
    await writer.query("ROLLBACK");
    writer.release();
  });

  test("parts of a WITH stay in front, and parameters are bound", async () => {
    const text = "WITH few AS (SELECT * FROM many WHERE id <= :most) SELECT id FROM few WHERE id > 0 -- all";
    const found = await rows({ text, parameters: { most: 10 } });
    expect(found.map(({ id }) => Number(id)).toSorted((one, other) => one - other)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ]);
  });

  test("several queries in ranges do not wait for each other's connections", async () => {
    const all = await Promise.all([1, 2, 3].map(() => rows({ text: "SELECT id FROM many" })));
    expect(all.map(({ length }) => length)).toEqual([ROWS, ROWS, ROWS]);
  });
});

describe("no ranges", () => {
  test("of a key that is no integer, and of one that is not there", async () => {
    const text = "SELECT * FROM many";
    await expect(rows({ text }, { column: "note", ranges: 2 })).rejects.toMatchObject({
      code: "config_invalid",
      message: 'The column "note" is no integer key.',
    });
    await expect(rows({ text }, { column: "no", ranges: 2 })).rejects.toMatchObject({ code: "query_failed" });
  });

  test("of a statement that cannot be part of another one", async () => {
    await expect(rows({ text: "SELECT id FROM many ORDER BY id" })).rejects.toMatchObject({
      code: "unsupported",
      message: expect.stringContaining("sorts") as string,
      hint: "Read without partitionOn.",
    });
  });

  test("without the right to see which transactions are active", async () => {
    const message = "VIEW DATABASE STATE permission denied in database 'shop'.";
    server.setFaults([{ on: "query", call: 3, effect: { number: 262, severity: 14, message } }]);
    await expect(rows({ text: "SELECT id FROM many" }, { column: "id", ranges: 2 })).rejects.toMatchObject({
      code: "permission_denied",
      hint: "Have it granted: GRANT VIEW DATABASE STATE TO [sa].",
    });
    server.setFaults([]);
  });

  test("where snapshots are not allowed", async () => {
    await admin.query("UPDATE sys.settings SET snapshot_isolation = false");
    await expect(rows({ text: "SELECT id FROM many" })).rejects.toMatchObject({
      code: "unsupported",
      hint: "Read without partitionOn, or have them allowed: ALTER DATABASE [shop] SET ALLOW_SNAPSHOT_ISOLATION ON.",
    });
    await admin.query("UPDATE sys.settings SET snapshot_isolation = true");
    expect(await rows({ text: "SELECT id FROM many" })).toHaveLength(ROWS);
  });
});
