import { Secret, type Row, type SqlResult } from "@aml/core";
import { openWorkspace } from "@aml/workspace";
import { postgresql } from "@aml/postgresql";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { PASSWORD, sharedPostgres, startMeter, startSilentServer } from "./postgres.ts";
import { openFixture } from "./suite.ts";

async function all({ batches }: SqlResult): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const batch of batches) rows.push(...batch);
  return rows;
}

describe("one snapshot", () => {
  test("ranges that begin before a write and end after it see the same state", async () => {
    const { admin } = await sharedPostgres();
    await admin.query(
      "DROP TABLE IF EXISTS many; CREATE TABLE many AS SELECT generate_series(1, 5000) AS id, 0 AS v",
    );
    const { sql, close } = await openFixture();
    const partitionOn = { column: "id", ranges: 4 };
    const result = await sql.query({ text: "SELECT * FROM many;" }, { partitionOn, batchRows: 10 });
    await admin.query("UPDATE many SET v = 1; INSERT INTO many SELECT generate_series(5001, 9000), 1");
    const rows = await all(result);
    expect([rows.length, new Set(rows.map(({ v }) => v))]).toEqual([5000, new Set([0])]);
    await sql.close();
    await close?.();
    await admin.query("DROP TABLE many");
  });

  test("several queries in ranges do not wait for each other's connections", async () => {
    const { sql, close } = await openFixture();
    const text = "SELECT generate_series(1, 100) AS n";
    const partitionOn = { column: "n", ranges: 64 };
    const counts = await Promise.all(
      [1, 2, 3].map(async () => (await all(await sql.query({ text }, { partitionOn }))).length),
    );
    expect(counts).toEqual([100, 100, 100]);
    await sql.close();
    await close?.();
  });

  test("a key that is no integer is refused", async () => {
    const { sql, close } = await openFixture();
    const partitionOn = { column: "note", ranges: 2 };
    await expect(sql.query({ text: "SELECT * FROM ledger" }, { partitionOn })).rejects.toMatchObject({
      code: "config_invalid",
      message: expect.stringContaining("note"),
    });
    await sql.close();
    await close?.();
  });
});

describe("more queries than connections", () => {
  test("wait for each other as long as it takes, which is no failure of the server", async () => {
    const { port, certificate } = await sharedPostgres();
    const sql = postgresql.open({
      options: {
        server: "localhost",
        port,
        database: "shop",
        ca: certificate,
        maxConnections: 1,
        connectTimeoutMs: 1000,
      },
      credential: { kind: "password", username: "ada", password: new Secret(PASSWORD) },
    });
    const held = (await sql.query({ text: "SELECT generate_series(1, 1000000) AS n" })).batches[
      Symbol.asyncIterator
    ]();
    await held.next();
    const next = sql.query({ text: "SELECT 2 AS n" }).then(all);
    await sleep(1500);
    await held.return?.();
    expect(await next).toEqual([{ n: 2 }]);
    await sql.close();
  });
});

describe("a network that fails", () => {
  test("in the middle of a result it is unavailable, and no row is lost silently", async () => {
    const { port, certificate } = await sharedPostgres();
    const meter = await startMeter(port);
    const sql = postgresql.open({
      options: { server: "localhost", port: meter.port, database: "shop", ca: certificate },
      credential: { kind: "password", username: "ada", password: new Secret(PASSWORD) },
    });
    const { batches } = await sql.query(
      { text: "SELECT generate_series(1, 1000000) AS n" },
      { batchRows: 100 },
    );
    let seen = 0;
    const reading = (async () => {
      for await (const batch of batches) {
        seen += batch.length;
        if (seen === 300) meter.close();
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: "unavailable" });
    expect(seen).toBeLessThan(1_000_000);
    await sql.close();
  });

  test("a server that never answers is a timeout, an abort, and closed at once", async () => {
    const silent = await startSilentServer();
    const sql = postgresql.open({
      options: { server: "127.0.0.1", port: silent.port, database: "shop", tls: "disable" },
      credential: { kind: "password", username: "ada", password: new Secret(PASSWORD) },
    });
    const text = "SELECT 1";
    await expect(sql.query({ text }, { timeoutMs: 50 })).rejects.toMatchObject({ code: "timeout" });
    const reason = new Error("enough");
    const controller = new AbortController();
    const waiting = sql.query({ text }, { signal: controller.signal });
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    const began = performance.now();
    await sql.close();
    expect(performance.now() - began).toBeLessThan(30_000);
    silent.close();
  });
});

describe("a program", () => {
  test("ends by itself, though the source is open", async () => {
    const { port, certificate } = await sharedPostgres();
    const program = `
      import { Secret } from "@aml/core/adapter";
      import { postgresql } from "@aml/postgresql";
      const sql = postgresql.open({
        options: { server: "localhost", port: ${port}, database: "shop", ca: ${JSON.stringify(certificate)} },
        credential: { kind: "password", username: "ada", password: new Secret(process.env.PASSWORD) },
      });
      for await (const rows of (await sql.query({ text: "SELECT 42 AS n" })).batches) console.log(rows[0].n);
    `;
    const args = ["--conditions=@aml/source", "--input-type=module", "--eval", program];
    const child = spawn(process.execPath, args, {
      cwd: fileURLToPath(new URL("..", import.meta.url)),
      env: { ...process.env, PASSWORD },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(child, "close");
    const [said] = (await once(child.stdout, "data")) as [Buffer];
    expect(said.toString()).toBe("42\n");
    const began = performance.now();
    expect(await ended).toEqual([0, null]);
    // Idle connections are kept for ten seconds, by programs that are there.
    expect(performance.now() - began).toBeLessThan(9000);
  });
});

describe("settings", () => {
  test("those of the role change nothing, and the schema option is where names are looked up", async () => {
    const { admin, port, certificate } = await sharedPostgres();
    await admin.query(`
      DROP ROLE IF EXISTS odd; CREATE ROLE odd LOGIN PASSWORD 'odd-1';
      ALTER ROLE odd SET DateStyle = 'SQL, DMY'; ALTER ROLE odd SET TimeZone = 'Asia/Kathmandu';
      ALTER ROLE odd SET bytea_output = 'escape'; ALTER ROLE odd SET IntervalStyle = 'postgres_verbose';
      ALTER ROLE odd SET extra_float_digits = -10;
      DROP SCHEMA IF EXISTS "s'x""y" CASCADE; CREATE SCHEMA "s'x""y";
      CREATE TABLE "s'x""y".here AS SELECT 1 AS n; GRANT USAGE ON SCHEMA "s'x""y" TO odd; GRANT SELECT ON "s'x""y".here TO odd`);
    const sql = postgresql.open({
      options: { server: "localhost", port, database: "shop", ca: certificate, schema: `s'x"y` },
      credential: { kind: "password", username: "odd", password: new Secret("odd-1") },
    });
    const text = `SELECT n, '2026-02-01'::date AS d, '2026-02-01 00:00:00+00'::timestamptz AS at, '\\x00ff'::bytea AS b,
      '1 day'::interval AS i, 0.1::float8 + 0.2::float8 AS f FROM here`;
    expect(await all(await sql.query({ text }))).toEqual([
      {
        n: 1,
        d: "2026-02-01",
        at: new Date("2026-02-01T00:00:00Z"),
        b: new Uint8Array([0, 255]),
        i: "P1D",
        f: 0.1 + 0.2,
      },
    ]);
    await expect(sql.query({ text: "SELECT * FROM public.ledger" })).rejects.toMatchObject({
      code: "permission_denied",
      message: "'odd' may not do that: permission denied for table ledger.",
      hint: 'Have it granted: GRANT SELECT ON "ledger" TO "odd".',
    });
    await sql.close();
  });
});

describe("through a workspace", () => {
  test("a table of a query with steps, as rows and as a file, registered and read again", async () => {
    const { port, certificate } = await sharedPostgres();
    const folder = await mkdtemp(join(tmpdir(), "aml-postgresql-ws-"));
    {
      await using ws = await openWorkspace({ folder, adapters: [postgresql] });
      await ws.datastores.register({
        name: "shop",
        type: "postgresql",
        options: { server: "localhost", port, database: "shop", ca: certificate },
        credential: { kind: "password", username: "ada", password: PASSWORD },
      });
      const table = ws.tabular.fromSqlQuery({
        datastore: "shop",
        query:
          "SELECT n, n * 0.1::numeric(38,10) AS price, '2026-01-01'::timestamptz + n * interval '1 microsecond' AS at " +
          "FROM generate_series(1, :most::int) n",
        parameters: { most: 5000 },
      });
      const late = table.filter("price > 499.8").keepColumns(["n", "at"]);
      const rows: Row[] = [];
      for await (const row of late.rows()) rows.push(row);
      expect(rows).toEqual([
        { n: 4999, at: new Date("2026-01-01T00:00:00.004Z") },
        { n: 5000, at: new Date("2026-01-01T00:00:00.005Z") },
      ]);
      expect(await new Response(late.encode("csv")).text()).toBe(
        "n,at\n4999,2026-01-01T00:00:00.004999Z\n5000,2026-01-01T00:00:00.005Z\n",
      );
      await late.register("late");
      const again = await ws.datasets.get("late");
      if (again.kind !== "tabular") throw new Error("It is no table.");
      let count = 0;
      for await (const _ of again.rows()) count += 1;
      expect(count).toBe(2);
    }
    await rm(folder, { recursive: true, force: true });
  });
});
