import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Secret, type Row, type SqlSource } from "@aml/core";
import { mysql } from "@aml/mysql";
import mysql2 from "mysql2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readViewOf, sharesView } from "../src/read-view.ts";
import { lacking, startMariaDb, type MariaDb } from "./mariadb.ts";
import { sharedMariaDb } from "./suite.ts";

const ROWS = 2000;
const partitionOn = { column: "id", ranges: 4 };

describe.skipIf(lacking)("ranges of one snapshot, which InnoDB tells to be one", () => {
  let server: MariaDb;
  const sources: SqlSource[] = [];

  beforeAll(async () => {
    server = await startMariaDb({ tls: false, binaryLog: false });
    await server.admin(`CREATE DATABASE shop; USE shop;
      CREATE TABLE many (id BIGINT, note INT PRIMARY KEY, v INT NOT NULL DEFAULT 0) ENGINE=InnoDB;
      INSERT INTO many (id, note) SELECT seq, seq FROM seq_1_to_${ROWS};
      CREATE USER ada IDENTIFIED BY 'Pa55'; GRANT SELECT ON shop.* TO ada; GRANT PROCESS ON *.* TO ada;
      CREATE USER bob IDENTIFIED BY 'Pa55'; GRANT SELECT ON shop.* TO bob;
      CREATE USER writer IDENTIFIED BY 'Pa55'; GRANT ALL ON shop.* TO writer`);
  });

  afterAll(async () => {
    for (const sql of sources) await sql.close();
    await server.close();
  });

  const open = (username: string): SqlSource => {
    const sql = mysql.open({
      options: { server: "127.0.0.1", port: server.port, database: "shop", tls: "disable" },
      credential: { kind: "password", username, password: new Secret("Pa55") },
    });
    sources.push(sql);
    return sql;
  };
  const rows = async (sql: SqlSource, text: string): Promise<Row[]> => {
    const all: Row[] = [];
    for await (const batch of (await sql.query({ text }, { partitionOn, batchRows: 100 })).batches)
      all.push(...batch);
    return all;
  };

  test("begun before a write and ended after it", async () => {
    const { batches } = await open("ada").query(
      { text: "SELECT * FROM many;" },
      { partitionOn, batchRows: 10 },
    );
    await server.admin("UPDATE shop.many SET v = 1; INSERT INTO shop.many VALUES (-1, -1, 7)");
    const seen: Row[] = [];
    for await (const batch of batches) seen.push(...batch);
    expect([seen.length, new Set(seen.map(({ v }) => v))]).toEqual([ROWS, new Set([0])]);
    await server.admin("DELETE FROM shop.many WHERE id < 0");
  });

  test("while rows move from one range to another, none is missed and none is read twice", async () => {
    const sql = open("ada");
    const stop = new AbortController();
    let moves = 0;
    const move = async (): Promise<void> => {
      for (; !stop.signal.aborted; moves += 1) {
        const by = moves % 2 === 0 ? ROWS : -ROWS;
        await server.admin(`UPDATE shop.many SET id = id + ${by} WHERE note <= 100`);
        await sleep(4);
      }
    };
    const moved = move();
    try {
      for (let round = 0; round < 10; round += 1) {
        const found = await rows(sql, "SELECT id, note FROM many");
        expect([found.length, new Set(found.map(({ note }) => note)).size]).toEqual([ROWS, ROWS]);
      }
    } finally {
      stop.abort();
      await moved;
    }
    expect(moves).toBeGreaterThan(10);
  });

  test("while a write is open and others end, nothing tells what is seen: unavailable, and nothing read", async () => {
    const writer = mysql2.createConnection({
      host: "127.0.0.1",
      port: server.port,
      user: "writer",
      password: "Pa55",
      database: "shop",
      multipleStatements: true,
    });
    const write = promisify(
      writer.query.bind(writer) as (sql: string, done: (error: unknown) => void) => void,
    );
    await write("START TRANSACTION; UPDATE many SET v = 2 WHERE note = 1");
    await server.admin("UPDATE shop.many SET v = 3 WHERE note = 2");
    await expect(rows(open("ada"), "SELECT * FROM many")).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("no snapshot was shared") as string,
    });
    await write("ROLLBACK");
    writer.destroy();
    expect(await rows(open("ada"), "SELECT * FROM many")).toHaveLength(ROWS);
  });

  test("a connection that is lost while its keys are looked up is told, and the next query runs", async () => {
    const sql = open("ada");
    const lost = rows(sql, "SELECT id + SLEEP(20) AS id FROM many WHERE note = 1");
    const killed = async (): Promise<void> => {
      const busy = (await server.sessions("ada")).find(({ command }) => command === "Execute");
      if (busy === undefined) return sleep(20).then(killed);
      await server.admin(`KILL ${busy.id}`);
    };
    await Promise.all([expect(lost).rejects.toMatchObject({ code: "unavailable" }), killed()]);
    expect(await rows(sql, "SELECT * FROM many")).toHaveLength(ROWS);
  });

  test("without the right to ask, the grant is named", async () => {
    await expect(rows(open("bob"), "SELECT * FROM many")).rejects.toMatchObject({
      code: "permission_denied",
      hint: "Have it granted: GRANT PROCESS ON *.* TO 'bob'.",
    });
  });
});

describe.skipIf(lacking)("a query that is given up", () => {
  test("is ended on the server, also where the connection that should do so is lost at its first word", async () => {
    const server = await sharedMariaDb();
    await server.admin("CREATE USER IF NOT EXISTS eve IDENTIFIED BY 'Pa55'; GRANT SELECT ON *.* TO eve");
    const inside: Socket[] = [];
    const proxy = createServer((client) => {
      inside.push(client);
      const upstream = connect(server.port, "127.0.0.1");
      for (const socket of [client, upstream]) socket.on("error", () => undefined);
      client.on("close", () => upstream.destroy());
      upstream.on("close", () => client.destroy());
      client.pipe(upstream).pipe(client);
    }).listen(0, "127.0.0.1");
    await once(proxy, "listening");
    const sql = mysql.open({
      options: {
        server: "127.0.0.1",
        port: (proxy.address() as AddressInfo).port,
        database: "mysql",
        tls: "disable",
      },
      credential: { kind: "password", username: "eve", password: new Secret("Pa55") },
    });
    const endless = await sql.query({ text: "SELECT seq AS n FROM seq_1_to_1000000000" });
    for await (const _ of (await sql.query({ text: "SELECT 1 AS n" })).batches);
    expect(inside).toHaveLength(2);
    // The connection that waits for the next command looks alive, until it gets one.
    inside[1]?.on("data", () => inside[1]?.resetAndDestroy());
    await endless[Symbol.asyncDispose]();
    const busy = async (): Promise<number> =>
      (await server.sessions("eve")).filter(({ command }) => command !== "Sleep").length;
    await expect.poll(busy, { timeout: 10_000 }).toBe(0);
    expect(inside).toHaveLength(3);
    await sql.close();
    proxy.close();
  });
});

describe("views of InnoDB", () => {
  // In the words of MySQL 8.0 and MariaDB 10.11.
  const status = `LIST OF TRANSACTIONS FOR EACH SESSION:
---TRANSACTION 421986527823104, not started
0 lock struct(s), heap size 1128, 0 row lock(s)
---TRANSACTION 421986527824768, ACTIVE 0 sec
0 lock struct(s), heap size 1128, 0 row lock(s)
MySQL thread id 12, OS thread handle 140235, query id 95 localhost ada starting
Trx read view will not see trx with id >= 1812, sees < 1810
---TRANSACTION (0x7f3a1c0b8b80), ACTIVE 0 sec
0 lock struct(s), heap size 1128, 0 row lock(s)
MariaDB thread id 120, OS thread handle 139, query id 96 localhost ada
Trx read view will not see trx with id >= 1812, sees < 1812
--------
FILE I/O`;

  test("are found by the number of the connection", () => {
    expect(readViewOf(status, 12)).toEqual({ blindFrom: 1812n, seesBelow: 1810n });
    expect(readViewOf(status, 120)).toEqual({ blindFrom: 1812n, seesBelow: 1812n });
    expect(readViewOf(status, 1)).toBeUndefined();
  });

  test("are one where nothing was being written as they began, and no number was given since", () => {
    const view = (seesBelow: bigint, blindFrom = seesBelow): { seesBelow: bigint; blindFrom: bigint } => ({
      seesBelow,
      blindFrom,
    });
    expect(sharesView([view(7n), view(7n)])).toBe(true);
    expect(sharesView([view(7n), view(8n)])).toBe(false);
    expect(sharesView([view(6n, 7n), view(6n, 7n)])).toBe(false);
  });
});
