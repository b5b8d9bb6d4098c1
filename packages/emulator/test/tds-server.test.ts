import { execFile } from "node:child_process";
import { once, type EventEmitter } from "node:events";
import net from "node:net";
import { promisify } from "node:util";
import { startAzureSql, type AzureSql } from "@aml/emulator";
import { program } from "@aml/kit/needs";
import { size } from "@aml/kit/runs";
import fc from "fast-check";
import mssql from "mssql";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

let server: AzureSql;
let pool: mssql.ConnectionPool;

beforeAll(async () => {
  server = await startAzureSql({
    verifyToken: async (token) => (token === "good" ? { name: "app@contoso" } : undefined),
  });
  pool = await connect();
});

afterAll(async () => {
  await pool.close();
  await server.close();
});

function connect(more: Partial<mssql.config> = {}): Promise<mssql.ConnectionPool> {
  const { options, ...rest } = more;
  return new mssql.ConnectionPool({
    server: "127.0.0.1",
    port: server.port,
    user: "sa",
    password: "Passw0rd!",
    database: "app",
    // The pool would try every connection with a query of its own, and the driver every login again.
    validateConnection: false,
    options: { encrypt: false, maxRetriesOnTransientErrors: 0, ...options },
    ...rest,
  }).connect();
}

/** Rows as arrays, values as the driver gives them. */
async function rows(sql: string, parameters: Record<string, unknown> = {}): Promise<unknown[][]> {
  const request = pool.request();
  request.arrayRowMode = true;
  for (const [name, value] of Object.entries(parameters)) request.input(name, value);
  const { recordset } = await request.query<unknown[][]>(sql);
  return [...(recordset as unknown as unknown[][])];
}

function failure(sql: string): Promise<{ number: number; message: string; lineNumber: number }> {
  return pool
    .request()
    .query(sql)
    .then(
      () => expect.fail("it succeeded"),
      (error: unknown) => error as { number: number; message: string; lineNumber: number },
    );
}

describe("the official driver", () => {
  test("signs in over plain TDS, TLS in TDS packets and TDS 8.0", async () => {
    for (const encrypt of [false, true, "strict"] as const) {
      const options = { encrypt, cryptoCredentialsDetails: { ca: server.certificatePem } };
      // The types know no "strict" yet.
      const secure = await connect({ server: "localhost", options: options as unknown as mssql.IOptions });
      expect((await secure.request().query("select 1 as one")).recordset).toEqual([{ one: 1 }]);
      await secure.close();
    }
  });

  test("is refused with a wrong password, a wrong database and a wrong token", async () => {
    await expect(connect({ password: "wrong" })).rejects.toThrow("Login failed for user 'sa'.");
    const said: number[] = [];
    const beforeConnect = (connection: EventEmitter): void => {
      connection.on("errorMessage", ({ number }: { number: number }) => said.push(number));
    };
    await expect(connect({ database: "nowhere", beforeConnect: beforeConnect })).rejects.toThrow(
      "Login failed",
    );
    expect(said).toEqual([4060, 18456]);
    const authentication = (token: string): Partial<mssql.config> => ({
      authentication: { type: "azure-active-directory-access-token", options: { token } } as never,
    });
    await expect(connect(authentication("bad"))).rejects.toThrow(
      "Login failed for user '<token-identified principal>'.",
    );
    const identity = await connect(authentication("good"));
    expect((await identity.request().query("select suser_sname() as me")).recordset).toEqual([
      { me: "app@contoso" },
    ]);
    await identity.close();
  });

  test("gets every type", async () => {
    const sql = `select cast(1 as bit), cast(255 as tinyint), cast(-32768 as smallint), 2147483647, cast(9223372036854775807 as bigint),
      cast(1.5 as real), 1e300, cast(-12.34 as decimal(9,2)), cast(1234567.891 as decimal(38,3)), cast(-922337203685.4775 as money), cast(1.25 as smallmoney),
      cast('ab' as char(4)), cast('é€' as varchar(10)), cast(N'漢' as nchar(2)), N'emoji 😀', cast(0x00ff as binary(3)), 0xdeadbeef,
      cast('6f9619ff-8b86-d011-b42d-00c04fc964ff' as uniqueidentifier), cast('2024-02-29' as date), cast('23:59:59.123' as time(3)),
      cast('2024-02-29 12:34:56.789' as datetime2(3)), cast('1753-01-01' as datetime), cast('2024-02-29 12:34' as smalldatetime),
      cast('2024-02-29 12:34:56 +02:00' as datetimeoffset), cast('<a/>' as xml), cast('v' as sql_variant), null`;
    expect((await rows(sql))[0]).toEqual([
      true,
      255,
      -32768,
      2147483647,
      "9223372036854775807",
      1.5,
      1e300,
      -12.34,
      1234567.891,
      -922337203685.4775,
      1.25,
      "ab  ",
      "é€",
      "漢 ",
      "emoji 😀",
      Buffer.from("00ff00", "hex"),
      Buffer.from("deadbeef", "hex"),
      "6F9619FF-8B86-D011-B42D-00C04FC964FF",
      new Date("2024-02-29"),
      new Date("1970-01-01T23:59:59.123Z"),
      new Date("2024-02-29T12:34:56.789Z"),
      new Date("1753-01-01"),
      new Date("2024-02-29T12:34Z"),
      new Date("2024-02-29T10:34:56Z"),
      "<a/>",
      "v",
      null,
    ]);
  });

  test("sends every type as a parameter", async () => {
    const request = pool.request();
    request.arrayRowMode = true;
    const given: [mssql.ISqlType | (() => mssql.ISqlType), unknown][] = [
      [mssql.Bit(), true],
      [mssql.TinyInt(), 200],
      [mssql.Int(), -5],
      [mssql.BigInt(), "9007199254740993"],
      [mssql.Float(), 0.1],
      [mssql.Decimal(10, 3), 12.345],
      [mssql.Money(), 7.25],
      [mssql.VarChar(20), "naïve"],
      [mssql.NVarChar(mssql.MAX), "漢".repeat(5000)],
      [mssql.VarBinary(mssql.MAX), Buffer.from([0, 1, 255])],
      [mssql.UniqueIdentifier(), "6F9619FF-8B86-D011-B42D-00C04FC964FF"],
      [mssql.Date(), new Date("2024-02-29")],
      [mssql.DateTime2(3), new Date("2024-02-29T01:02:03.004Z")],
      [mssql.DateTime(), new Date("1999-12-31T23:59:59Z")],
      [mssql.Int(), null],
      [mssql.NVarChar(10), null],
    ];
    for (const [index, [type, value]] of given.entries()) request.input(`p${index}`, type, value);
    const { recordset } = await request.query<unknown[]>(
      `select ${given.map((_, index) => `@p${index}`).join(", ")}`,
    );
    expect(recordset[0]).toEqual(given.map(([, value]) => value));
  });

  test("reads T-SQL", async () => {
    await pool.request()
      .query(`create table dbo.[Trips] (Id int identity(1,1) primary key clustered, [Fare Amount] money not null, Note nvarchar(20))
      insert into Trips ([fare amount], note) values (1, N'it''s'), (2.5, null), (3, 'x')`);
    expect(
      await rows(
        "SELECT TOP (2) t.ID, [FARE AMOUNT] /* c */ FROM trips t WITH (NOLOCK) WHERE id >= @from ORDER BY id DESC -- end",
        { from: 1 },
      ),
    ).toEqual([
      [3, 3],
      [2, 2.5],
    ]);
    expect(
      await rows("select id from app.dbo.trips order by id offset 1 rows fetch next 1 rows only"),
    ).toEqual([[2]]);
    expect(
      await rows(
        "with c as (select note from trips) select isnull(note, '?'), count(*) from c group by note order by 1",
      ),
    ).toEqual([
      ["?", 1],
      ["it's", 1],
      ["x", 1],
    ]);
    expect(
      await rows(
        "declare @a int = 40; set @a = @a + 2; select @a, 'a' + 'b', convert(varchar(10), 12), len('abc ')",
      ),
    ).toEqual([[42, "ab", "12", 3]]);
    const { recordset } = await pool.request().query("select * from TRIPS where note is null");
    expect(recordset).toEqual([{ Id: 2, "Fare Amount": 2.5, Note: null }]);
    const named = await pool
      .request()
      .query("select Id as MyId, 1 + 1, [fare amount] as [a]]b] from trips where id = 1");
    expect(Object.keys(named.recordset.columns)).toEqual(["MyId", "", "a]b"]);
  });

  test("is told what is wrong, and in which line", async () => {
    expect(await failure("select 1,\n\n from x")).toMatchObject({ number: 102, lineNumber: 3 });
    expect(await failure("select *\nfrom nowhere")).toMatchObject({
      number: 208,
      message: "Invalid object name 'nowhere'.",
      lineNumber: 2,
    });
    expect(await failure("\nselect nothing from sys.databases")).toMatchObject({
      number: 207,
      message: "Invalid column name 'nothing'.",
      lineNumber: 2,
    });
    expect(await failure("select 'open")).toMatchObject({ number: 105 });
    expect(await failure("select cast(1 as nonsense)")).toMatchObject({ number: 243 });
    expect(await failure("select @x")).toMatchObject({
      number: 137,
      message: 'Must declare the scalar variable "@x".',
    });
    expect(await failure("select cast('x' as int)")).toMatchObject({ number: 245 });
    expect(await failure("select 1 / 0")).toMatchObject({ number: 8134 });
    expect(await failure("merge into t using s on 1 = 1")).toMatchObject({ number: 40517 });
    expect(await failure("exec nothing")).toMatchObject({ number: 2812 });
    expect(await failure("use other")).toMatchObject({ number: 40508 });
    expect(await failure("select * from a.b.c.d")).toMatchObject({ number: 40515 });
  });

  test("gets several results, and rows after an error of another batch", async () => {
    const { recordsets, rowsAffected } = await pool
      .request()
      .query("select 1 a; select 2 b, 3 c where 1 = 0 select 4 d");
    expect(recordsets).toEqual([[{ a: 1 }], [], [{ d: 4 }]]);
    expect(rowsAffected).toEqual([1, 0, 1]);
  });

  test("commits, rolls back, and goes on after an error in a transaction", async () => {
    await pool.request().query("create table work (n int primary key)");
    const transaction = pool.transaction();
    await transaction.begin(mssql.ISOLATION_LEVEL.SNAPSHOT);
    await transaction.request().query("insert into work values (1)");
    await expect(transaction.request().query("insert into work values (1)")).rejects.toThrow(
      "Violation of UNIQUE KEY",
    );
    await transaction.request().query("insert into work values (2)");
    expect(await rows("select count(*) from work")).toEqual([[0]]);
    await transaction.commit();
    expect(await rows("select count(*) from work")).toEqual([[2]]);
    const undone = pool.transaction();
    await undone.begin();
    await undone.request().query("delete from work");
    await undone.rollback();
    expect(await rows("begin tran delete from work rollback select count(*), @@trancount from work")).toEqual(
      [[2, 0]],
    );
  });

  test("is read-only when it says so", async () => {
    const reader = await connect({ options: { readOnlyIntent: true } });
    await expect(reader.request().query("create table t (a int)")).rejects.toMatchObject({ number: 3906 });
    await reader.close();
  });

  test("asks which transactions a snapshot does not see", async () => {
    const snapshots = new Set<mssql.Transaction>();
    const began = async (level: number): Promise<mssql.Transaction> => {
      const transaction = pool.transaction();
      await transaction.begin(level);
      if (level === mssql.ISOLATION_LEVEL.SNAPSHOT) snapshots.add(transaction);
      return transaction;
    };
    const ask = async (transaction: mssql.Transaction): Promise<[unknown, number, number[]]> => {
      const { recordsets } = await transaction.request().query(`select count(*) as n from seen;
        select transaction_sequence_num as number, transaction_is_snapshot as snapshot from sys.dm_tran_current_transaction;
        select transaction_sequence_num as active from sys.dm_tran_current_snapshot order by 1`);
      const [counts, [own] = [], active = []] = recordsets as Record<string, unknown>[][];
      expect(own?.["snapshot"]).toBe(snapshots.has(transaction));
      return [counts?.[0]?.["n"], Number(own?.["number"]), active.map((row) => Number(row["active"]))];
    };
    await pool.request().query("create table seen (n int)");
    const writer = await began(mssql.ISOLATION_LEVEL.READ_COMMITTED);
    await writer.request().query("insert into seen values (1)");
    const first = await began(mssql.ISOLATION_LEVEL.SNAPSHOT);
    const [, one, before] = await ask(first);
    const second = await began(mssql.ISOLATION_LEVEL.SNAPSHOT);
    const [, two, beside] = await ask(second);
    await writer.commit();
    // As the reference has it: each is one of those that the next does not see, and that stays so.
    expect([beside, await ask(first)]).toEqual([
      [...before, one],
      [0, one, before],
    ]);
    expect([before.length > 0, two > one]).toEqual([true, true]);
    const third = await began(mssql.ISOLATION_LEVEL.SNAPSHOT);
    const [count, , since] = await ask(third);
    expect([count, since]).toEqual([1, [one, two]]);
    const plain = await began(mssql.ISOLATION_LEVEL.READ_COMMITTED);
    expect(await ask(plain)).toEqual([1, 0, []]);
    for (const transaction of [first, second, third, plain]) await transaction.rollback();
  });

  test("may not use snapshots where the database does not allow them", async () => {
    await pool.request().query("alter database current set allow_snapshot_isolation off");
    const transaction = pool.transaction();
    await transaction.begin(mssql.ISOLATION_LEVEL.SNAPSHOT);
    await expect(transaction.request().query("select 1")).rejects.toMatchObject({ number: 3952 });
    await transaction.rollback();
    await pool.request().query("alter database current set allow_snapshot_isolation on");
  });
});

describe("more of the dialect", () => {
  test("prepared statements, temporary tables, and what a connection keeps", async () => {
    const one = await connect({ pool: { max: 1 } });
    await one
      .request()
      .batch(
        "create table #t (Name nvarchar(10), n decimal(9,2)); insert into #t values (N'a', 1.5), (N'b', null)",
      );
    const prepared = new mssql.PreparedStatement(one);
    prepared.input("name", mssql.NVarChar(10));
    await prepared.prepare("select name, n from #t where name = @name");
    expect((await prepared.execute({ name: "a" })).recordset).toEqual([{ name: "a", n: 1.5 }]);
    expect((await prepared.execute({ name: "b" })).recordset).toEqual([{ name: "b", n: null }]);
    await prepared.unprepare();
    await one.close();
    const gone = await connect();
    await expect(gone.request().query("select * from #t")).rejects.toMatchObject({ number: 208 });
    await gone.close();
  });

  test("results as WITH RESULT SETS declares them", async () => {
    const text =
      "select cast(1.5 as decimal(30,10)) as d, cast('2024-02-29' as date) as day, 1 as n, N'\u{1F600}' as s";
    const run = (columns: string): Promise<mssql.IResult<unknown>> =>
      pool.request().input("text", text).query(`exec sp_executesql @text with result sets ((${columns}))`);
    const { recordset } = await run(
      "a varchar(41) null, b nvarchar(20), [c c] bigint not null, d nvarchar(4) collate Latin1_General_CI_AS null",
    );
    expect(recordset).toEqual([{ a: "1.5000000000", b: "2024-02-29", "c c": "1", d: "\u{1F600}" }]);
    await expect(run("a int")).rejects.toMatchObject({ number: 11537 });
    await expect(run("a int, b int, c int, d int")).rejects.toMatchObject({ number: 11538 });
    await expect(run("a varchar(3), b date, c int, d nvarchar(4)")).rejects.toMatchObject({ number: 8152 });
    expect(await rows("select 1")).toEqual([[1]]);
  });

  test("values that a type cannot hold are errors, and what follows is whole", async () => {
    expect(await failure("select cast(300 as tinyint)")).toMatchObject({ number: 8115 });
    expect(await failure("select cast('2024-02-30' as date)")).toMatchObject({ number: 242 });
    expect(await failure("select cast('1700-01-01' as datetime)")).toMatchObject({ number: 242 });
    expect(await failure("select cast(99999999999999999 as money)")).toMatchObject({ number: 8115 });
    expect(
      await failure("select value, cast(value as tinyint) from generate_series(250, 260)"),
    ).toMatchObject({ number: 8115 });
    expect(
      await rows("select cast(99999999999999999999999999999999999999 as decimal(38,0)) % 7"),
    ).toHaveLength(1);
  });

  test("one text is many statements or one", async () => {
    const text =
      "insert into r select 1 union all select 2 update r set n = 3 where n = 2 select sum(n), count(*) from (select n from r) q delete r drop table r";
    expect(await rows(`create table r (n int) ${text}`)).toEqual([[4, 2]]);
    expect(
      await rows("select case when 1 = 1 then 'set' else 'delete' end as [update], 'a;b' -- ; select 2\n"),
    ).toEqual([["set", "a;b"]]);
  });

  test("a client that does not encrypt is refused where that is required, before its password", async () => {
    await using strict = await startAzureSql({ postgresUrl: server.postgresUrl, encryption: "required" });
    await expect(connect({ port: strict.port })).rejects.toMatchObject({ code: "EENCRYPT" });
    await using plain = await startAzureSql({ postgresUrl: server.postgresUrl, encryption: "none" });
    await expect(connect({ port: plain.port, options: { encrypt: true } })).rejects.toMatchObject({
      code: "EENCRYPT",
    });
  });

  test("a client is let go when PostgreSQL lets its session go", async () => {
    const one = await connect({ options: { appName: "to be ended" } });
    const pending = one
      .request()
      .query("waitfor delay '00:01:00'")
      .catch((error: unknown) => error);
    const back = new pg.Client({ connectionString: server.postgresUrl });
    await back.connect();
    // Not before it waits: the driver tries its connection first.
    const end = `select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'to be ended' and state = 'active' and query like '%pg_sleep_for%'`;
    await expect.poll(async () => (await back.query(end)).rowCount).toBeGreaterThan(0);
    await back.end();
    expect(await pending).toMatchObject({ number: 596 });
    await one.close();
  });
});

describe("attention", () => {
  /** Statements that run in PostgreSQL now. */
  async function running(text: string): Promise<number> {
    const back = new pg.Client({ connectionString: server.postgresUrl });
    await back.connect();
    const { rowCount } = await back.query(
      "select from pg_stat_activity where state = 'active' and query like $1 and pid <> pg_backend_pid()",
      [`%${text}%`],
    );
    await back.end();
    return rowCount ?? 0;
  }

  test("cancels the statement in PostgreSQL, and the connection lives on", async () => {
    const one = await connect({ pool: { max: 1 } });
    const request = one.request();
    const ended = request.query("waitfor delay '00:01:00'").catch((error: unknown) => error);
    await expect.poll(() => running("pg_sleep_for")).toBe(1);
    request.cancel();
    expect(await ended).toMatchObject({ code: "ECANCEL" });
    await expect.poll(() => running("pg_sleep_for")).toBe(0);
    expect((await one.request().query("select 7 as n")).recordset).toEqual([{ n: 7 }]);
    await one.close();
  });

  test("stops a result of a billion rows, which is read as slowly as the client reads", async () => {
    const one = await connect({ pool: { max: 1 } });
    const request = one.request();
    request.stream = true;
    let seen = 0;
    const done = new Promise((resolve) => request.on("done", resolve).on("error", resolve));
    request.on("row", () => {
      seen++;
      if (seen === 1000) request.cancel();
    });
    void request.query("select value from generate_series(1, 1000000000)");
    await done;
    expect(seen).toBeLessThan(100_000);
    expect((await one.request().query("select 8 as n")).recordset).toEqual([{ n: 8 }]);
    await one.close();
  });
});

describe("faults", () => {
  test("break a connection in the middle of a result", async () => {
    server.setFaults([{ on: "query", afterRows: 5000, effect: "disconnect" }]);
    const broken = await connect();
    await expect(broken.request().query("select value from generate_series(1, 100000)")).rejects.toThrow(
      /closed|hang up|lost|end/i,
    );
    await broken.close();
    server.setFaults([]);
  });

  test("answer with an error of choice", async () => {
    server.setFaults([
      {
        on: "login",
        call: 1,
        effect: { number: 40613, severity: 20, message: "Database 'app' is not currently available." },
      },
    ]);
    await expect(connect()).rejects.toThrow("not currently available");
    await (await connect()).close();
    server.setFaults([]);
  });
});

describe("FreeTDS", () => {
  const tsql = program("tsql");
  const bsqldb = program("bsqldb");
  const run = promisify(execFile);

  test.skipIf(!tsql)("agrees on values, NULL and errors (needs tsql)", async () => {
    const child = run(
      tsql ?? "",
      ["-H", "127.0.0.1", "-p", String(server.port), "-U", "sa", "-P", "Passw0rd!", "-D", "app", "-o", "q"],
      {
        env: { ...process.env, TDSVER: "7.4" },
      },
    );
    child.child.stdin?.end(
      "select 1 a, cast(12345678901234567890.0123456789 as decimal(38,10)) d, N'h\u00e9' n, cast(1.5 as money) m, null x, cast('2024-02-29 01:02:03' as datetime) t\ngo\nselect * from nowhere\ngo\nselect 5 again\ngo\nexit\n",
    );
    const { stdout, stderr } = await child;
    expect(stdout).toContain("a\td\tn\tm\tx\tt");
    expect(stdout).toContain(
      "1\t12345678901234567890.0123456789\th\u00e9\t1.5000\tNULL\tFeb 29 2024 01:02AM",
    );
    expect(stdout).toContain("again\n5");
    expect(stderr).toContain("Msg 208");
    expect(stderr).toContain("Invalid object name 'nowhere'.");
  });

  test.skipIf(!bsqldb)("runs a batch file (needs bsqldb)", async () => {
    const child = run(
      bsqldb ?? "",
      ["-S", `127.0.0.1:${server.port}`, "-U", "sa", "-P", "Passw0rd!", "-D", "app", "-q", "-h"],
      {
        env: { ...process.env, TDSVER: "7.4" },
      },
    );
    child.child.stdin?.end("select top 3 value * 2 from generate_series(1, 10) order by value\ngo\n");
    const { stdout } = await child;
    expect(stdout.trim().split(/\s+/)).toEqual(["2", "4", "6"]);
  });

  test.skipIf(!tsql)("is refused with a wrong password (needs tsql)", async () => {
    const child = run(tsql ?? "", ["-H", "127.0.0.1", "-p", String(server.port), "-U", "sa", "-P", "wrong"], {
      env: { ...process.env, TDSVER: "7.4" },
    });
    await expect(child).rejects.toMatchObject({ stderr: expect.stringContaining("Msg 18456") as string });
  });
});

describe("a stranger", () => {
  async function send(bytes: Uint8Array): Promise<void> {
    const socket = net.connect(server.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.resume();
    socket.end(bytes);
    await once(socket, "close");
  }

  test("may send any bytes", async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), send), { numRuns: 100 });
    expect(await rows("select 1")).toEqual([[1]]);
  });

  test("may send packets of any content", async () => {
    const packet = fc.tuple(fc.constantFrom(1, 3, 6, 8, 14, 16, 18), fc.uint8Array({ maxLength: 200 }));
    await fc.assert(
      fc.asyncProperty(fc.array(packet, { maxLength: 4 }), (packets) =>
        send(
          Buffer.concat(
            packets.map(([type, body]) => {
              const head = Buffer.from([type, 1, 0, 0, 0, 0, 1, 0]);
              head.writeUInt16BE(body.length + 8, 2);
              return Buffer.concat([head, body]);
            }),
          ),
        ),
      ),
      { numRuns: 100 },
    );
    expect(await rows("select 1")).toEqual([[1]]);
  });

  test("may send requests of any content once signed in", async () => {
    const headers = Buffer.from([22, 0, 0, 0, 18, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    const rpc = fc
      .tuple(fc.constantFrom(10, 11, 12, 13, 15, 99), fc.uint8Array({ maxLength: 60 }))
      .map(([id, rest]) => [3, Buffer.from([0xff, 0xff, id, 0, 0, 0, ...rest])] as const);
    const any = fc
      .tuple(fc.constantFrom(1, 3, 14, 6, 7), fc.uint8Array({ maxLength: 60 }))
      .map(([type, rest]) => [type, Buffer.from(rest)] as const);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(rpc, any), { minLength: 1, maxLength: 3 }), async (requests) => {
        let socket: net.Socket | undefined;
        const beforeConnect = (connection: EventEmitter & { socket?: net.Socket | undefined }): void => {
          connection.on("connect", () => (socket ??= connection.socket));
          connection.on("error", () => undefined);
        };
        const one = await connect({ beforeConnect, pool: { max: 1 } });
        await one.request().query("select 1");
        for (const [type, body] of requests) {
          const head = Buffer.from([type, 1, 0, 0, 0, 0, 1, 0]);
          head.writeUInt16BE(8 + headers.length + body.length, 2);
          socket?.write(Buffer.concat([head, headers, body]));
        }
        socket?.end();
        await one.close();
      }),
      { numRuns: size(30, 10) },
    );
    expect(await rows("select 1")).toEqual([[1]]);
  });

  test("may send any SQL", async () => {
    const word = fc.constantFrom(
      "select",
      "top",
      "(",
      ")",
      "from",
      "[a]",
      "'x'",
      "@p",
      "cast",
      "as",
      "int",
      ",",
      "*",
      "1",
      "with",
      "set",
      ";",
      "exec",
      "declare",
      "N'y'",
      "convert",
      '"q"',
      "0x1",
      "--",
      "/*",
      "order by",
      "union",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 12 }), async (words) => {
        await pool
          .request()
          .query(words.join(" "))
          .catch((error: unknown) => {
            expect(error).toMatchObject({ code: expect.stringMatching(/^E(REQUEST)$/) as string });
          });
      }),
      { numRuns: size(300, 100) },
    );
    expect(await rows("select 1")).toEqual([[1]]);
  });
});
