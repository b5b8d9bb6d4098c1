import { once } from "node:events";
import net from "node:net";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { startAzureSql, trustCertificate, type AzureSql } from "@aml/emulator";
import { azureSql, type AzureSqlOptions } from "@aml/azure-sql";
import { isAmlError, Secret, type AmlError, type Row, type SqlSource, type SqlStatement } from "@aml/core";
import { withSqlRetry } from "@aml/core/layers";
import selfsigned from "selfsigned";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

let server: AzureSql;
const sources: SqlSource[] = [];

beforeAll(async () => {
  server = await startAzureSql({ databases: ["shop"] });
});

afterAll(async () => {
  for (const sql of sources) await sql.close();
  await server.close();
});

function open(more: Partial<AzureSqlOptions> = {}, password = "Passw0rd!"): SqlSource {
  const sql = azureSql.open({
    options: { server: "localhost", port: server.port, database: "shop", ca: server.certificatePem, ...more },
    credential: { kind: "password", username: "sa", password: new Secret(password) },
  });
  sources.push(sql);
  return sql;
}

async function rows(sql: SqlSource, statement: string | SqlStatement): Promise<Row[]> {
  const { batches } = await sql.query(typeof statement === "string" ? { text: statement } : statement);
  const all: Row[] = [];
  for await (const batch of batches) all.push(...batch);
  return all;
}

async function failure(promise: Promise<unknown>): Promise<AmlError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (isAmlError(error)) return error;
  throw new Error("It did not fail with an AmlError.", { cause: error });
}

describe("exact values", () => {
  test("wide decimals stay whole beside every other type, with parameters", async () => {
    const text = `with v as (select cast(:d as decimal(38,10)) as d, N'ü' as [a]]b], cast(1 as bit) as b, cast('2026-11-25 09:30' as datetime2(3)) as t,
      0x00ff as x, cast(:i as bigint) as i, null as n) select v.*, d * 2, d from v order by i`;
    const [row] = await rows(open(), {
      text,
      parameters: { d: "1234567890123456789012345678.0123456789", i: 7n },
    });
    expect(row).toEqual({
      d: "1234567890123456789012345678.0123456789",
      "a]b": "ü",
      b: true,
      t: new Date("2026-11-25T09:30Z"),
      x: new Uint8Array([0, 255]),
      i: 7n,
      n: null,
      Column8: "2469135780246913578024691356.0246913578",
      d_1: "1234567890123456789012345678.0123456789",
    });
  });

  test("money that a double does not hold is refused, and exact as a decimal", async () => {
    const money = "cast(922337203685477.5807 as money)";
    const error = await failure(rows(open(), `select ${money} as m`));
    expect(error).toMatchObject({
      code: "unsupported",
      hint: expect.stringContaining("decimal(19,4)") as string,
    });
    expect(await rows(open(), `select cast(${money} as decimal(19,4)) as m`)).toEqual([
      { m: "922337203685477.5807" },
    ]);
  });

  test("the schema has the server's own names of types", async () => {
    const { schema, ...result } = await open().query({
      text: "select cast(1 as tinyint) a, cast('x' as varchar(7)) b, cast(1 as decimal(20,3)) c, 1.5 d, sysdatetimeoffset() e",
    });
    await result[Symbol.asyncDispose]();
    expect(schema.columns.map(({ nativeType }) => nativeType)).toEqual([
      "tinyint",
      "varchar(7)",
      "decimal(20,3)",
      "decimal(2,1)",
      "datetimeoffset(7)",
    ]);
  });
});

describe("TLS", () => {
  test("strict (TDS 8.0) and classic give the same", async () => {
    for (const encrypt of ["strict", true] as const)
      expect(await rows(open({ encrypt }), "select 1 as n")).toEqual([{ n: 1 }]);
  });

  test("any certificate is taken only when that is said", async () => {
    expect((await failure(rows(open({ ca: undefined }), "select 1 as n"))).message).toContain(
      "No trusted TLS",
    );
    expect(await rows(open({ ca: undefined, trustServerCertificate: true }), "select 1 as n")).toEqual([
      { n: 1 },
    ]);
  });

  test("the runtime's own certificates count", async () => {
    const distrust = trustCertificate(server.certificatePem);
    expect(await rows(open({ ca: undefined }), "select 1 as n")).toEqual([{ n: 1 }]);
    distrust();
  });

  test("an expired certificate is refused, and so is one of another name", async () => {
    const certificateOf = async (name: string, until: number) => {
      const pems = await selfsigned.generate([{ name: "commonName", value: name }], {
        notBeforeDate: new Date(Date.now() - 172_800_000),
        notAfterDate: new Date(until),
        extensions: [
          { name: "basicConstraints", cA: true },
          { name: "subjectAltName", altNames: [{ type: 2, value: name }] },
        ],
      });
      return { certificate: pems.cert, privateKey: pems.private };
    };
    for (const [certificate, said] of [
      [await certificateOf("localhost", Date.now() - 86_400_000), "expired"],
      [await certificateOf("contoso.com", Date.now() + 86_400_000), "altnames"],
    ] as const) {
      await using other = await startAzureSql({
        postgresUrl: server.postgresUrl,
        databases: ["shop"],
        certificate,
      });
      const error = await failure(
        rows(open({ port: other.port, ca: other.certificatePem }), "select 1 as n"),
      );
      expect(error).toMatchObject({ code: "unavailable", message: expect.stringContaining(said) as string });
    }
  });
});

describe("ways not to get in", () => {
  test("a host that does not answer is unavailable within the time that is set", async () => {
    // Takes connections, and says nothing.
    const silent = net.createServer((socket) => socket.on("error", () => undefined)).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as net.AddressInfo;
    const began = performance.now();
    const error = await failure(rows(open({ port, connectTimeoutMs: 300 }), "select 1 as n"));
    expect(error).toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("cannot be reached") as string,
    });
    expect(performance.now() - began).toBeLessThan(30_000);
    silent.close();
  });

  test("an unknown host is not_found", async () => {
    const error = await failure(rows(open({ server: "no-such-host.invalid" }), "select 1 as n"));
    expect(["not_found", "unavailable"]).toContain(error.code);
    expect(error.message).toContain("no-such-host.invalid");
  });

  test("the firewall of Azure, a database that sleeps, a server that is busy", async () => {
    const cases = [
      [40615, "permission_denied", false],
      [40613, "unavailable", true],
      [49918, "rate_limited", true],
    ] as const;
    for (const [number, code, retryable] of cases) {
      server.setFaults([
        { on: "login", call: 1, effect: { number, severity: 14, message: "Said by the server." } },
      ]);
      const error = await failure(rows(open(), "select 1 as n"));
      expect(error).toMatchObject({ code, retryable, context: { number } });
    }
    server.setFaults([]);
  });

  test("core's retry gets over a database that wakes up", async () => {
    server.setFaults([
      { on: "login", call: 1, effect: { number: 40613, severity: 20, message: "Not available." } },
    ]);
    const sql = withSqlRetry(open(), { sleep: async () => undefined });
    expect(await rows(sql, "select 1 as n")).toEqual([{ n: 1 }]);
    server.setFaults([]);
  });

  test("a failed sign-in is told as it is", async () => {
    const sql = azureSql.open({
      options: { server: "localhost", port: server.port, database: "shop", ca: server.certificatePem },
      credential: { kind: "identity" },
      tokenProvider: { getToken: () => Promise.reject(new Error("no identity here")) },
    });
    sources.push(sql);
    const error = await failure(rows(sql, "select 1 as n"));
    expect(error.code).toBe("auth_failed");
  });
});

describe("connections", () => {
  test("are no more than allowed, and others wait or are called off", async () => {
    const sql = open({ maxConnections: 1 });
    const endless = "select value as n from generate_series(1, 1000000000)";
    const held = (await sql.query({ text: endless })).batches[Symbol.asyncIterator]();
    await held.next();
    const controller = new AbortController();
    const waiting = sql.query({ text: "select 1 as n" }, { signal: controller.signal });
    const next = rows(sql, "select 2 as n");
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await held.return?.();
    expect(await next).toEqual([{ n: 2 }]);
  });

  test("a connection that broke in the middle of rows is an error, and replaced", async () => {
    const sql = open();
    server.setFaults([{ on: "query", call: 2, afterRows: 5000, effect: "disconnect" }]);
    const error = await failure(rows(sql, "select value as n from generate_series(1, 100000)"));
    expect(error.code).toBe("unavailable");
    server.setFaults([]);
    expect(await rows(sql, "select 1 as n")).toEqual([{ n: 1 }]);
  });

  test("rows that are read slowly are not held in memory", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    // Buffers are let go a while after they are found to be garbage, and those that wait are counted by the contract.
    const held = (): number => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    const sql = open();
    const { batches } = await sql.query({
      text: "select value as n, replicate('x', 1000) as pad from generate_series(1, 40000)",
    });
    const before = held();
    let most = 0;
    let count = 0;
    for await (const batch of Readable.from(batches, { highWaterMark: 1 })) {
      count += (batch as Row[]).length;
      if (count > 4000) continue;
      // What comes while nobody reads would come now.
      await sleep(300);
      most = Math.max(most, held() - before);
    }
    expect(count).toBe(40_000);
    // Without a pause of the connection it was 34 MiB.
    expect(most).toBeLessThan(20 * 2 ** 20);
  });
});
