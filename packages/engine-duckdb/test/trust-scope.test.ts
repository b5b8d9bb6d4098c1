import { symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createGate } from "@aml/staging";
import { afterAll, expect, test } from "vitest";
import { createInstancePool } from "../src/instance-pool.ts";
import { openScope, type Scope } from "../src/scope.ts";
import { escapeGlob } from "../src/sql-text.ts";
import { createHarness, failureOf } from "./harness.ts";

const h = await createHarness();
const instances = createInstancePool({ memoryLimit: "50MB", tempLimit: "40MB", threads: 1 });
afterAll(() => instances.close());

const files = {
  mine: join(h.folder, "mine.csv"),
  other: join(h.folder, "other.csv"),
  odd: join(h.folder, "a[b]*.csv"),
};
for (const path of Object.values(files)) await writeFile(path, "a\n1\n");

async function locked(path: string): Promise<Scope> {
  const scope = await openScope({ parentFolder: h.folder, instances, gate: createGate(2) });
  await scope.lock(new Map([[path, `store://${path}`]]));
  return scope;
}

const scope = await locked(files.mine);
afterAll(() => scope.close());

test("the settings of a table's DuckDB", async () => {
  const result = await scope.run(
    "SELECT name, value FROM duckdb_settings() WHERE name IN ('enable_external_access', 'lock_configuration', " +
      "'autoinstall_known_extensions', 'autoload_known_extensions', 'allow_community_extensions', 'allow_unsigned_extensions', " +
      "'allowed_paths', 'allowed_directories', 'temp_directory', 'memory_limit', 'max_temp_directory_size', 'TimeZone', " +
      "'allow_persistent_secrets', 'http_proxy')",
  );
  const settings = Object.fromEntries((await result.getRowsJS()) as [string, string][]);
  expect(settings).toMatchObject({
    enable_external_access: "false",
    lock_configuration: "true",
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    allow_community_extensions: "false",
    allow_unsigned_extensions: "false",
    memory_limit: "47.6 MiB",
    max_temp_directory_size: "38.1 MiB",
    temp_directory: join(scope.folder, "spill"),
    TimeZone: "UTC",
  });
  expect(settings["allowed_paths"]).toContain(files.mine);
  expect(settings["allowed_paths"]).not.toContain(files.other);
  expect(settings["allowed_directories"]).toContain(scope.folder);
});

test("it reads its own file", async () => {
  const result = await scope.run(`SELECT * FROM read_csv('${files.mine}')`);
  expect(await result.getRowsJS()).toEqual([[1n]]);
});

test.each([
  ["another table's file", `SELECT * FROM read_csv('${files.other}')`],
  ["all files of the folder", `SELECT * FROM read_csv('${h.folder}/*.csv')`],
  ["a file of the system", "SELECT * FROM read_text('/etc/passwd')"],
  ["the environment", "SELECT * FROM read_blob('/proc/self/environ')"],
  ["a way back up", `SELECT * FROM read_csv('${files.mine}/../other.csv')`],
  ["a list of files", "SELECT * FROM glob('/etc/*')"],
  ["the network", "SELECT * FROM read_csv('https://example.com/a.csv')"],
  ["a bucket", "SELECT * FROM read_parquet('s3://bucket/a.parquet')"],
  ["a file by its name alone", `SELECT * FROM '${files.other}'`],
  ["writing elsewhere", `COPY (SELECT 1) TO '${h.folder}/out.csv'`],
  ["writing over its own folder's parent", `COPY (SELECT 1) TO '${h.folder}/query-x.csv'`],
  ["exporting all", `EXPORT DATABASE '${h.folder}/export'`],
  ["importing", `IMPORT DATABASE '${h.folder}/export'`],
  ["another database", `ATTACH '${h.folder}/x.db'`],
  ["a database of another kind", "ATTACH 'host=localhost' AS p (TYPE postgres)"],
  ["an extension from the network", "INSTALL httpfs"],
  ["an extension from a community", "INSTALL quack FROM community"],
  ["an extension", "LOAD httpfs"],
  ["an extension from a file", `LOAD '${h.folder}/x.duckdb_extension'`],
  ["a setting", "SET memory_limit = '90%'"],
  ["a setting of all", "SET GLOBAL enable_external_access = true"],
  ["a setting back", "RESET lock_configuration"],
  ["a pragma", "PRAGMA memory_limit = '90%'"],
  ["more paths", "SET allowed_paths = ['/etc/passwd']"],
  ["a secret on the disk", "CREATE PERSISTENT SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')"],
  ["the shell", "SELECT getenv('HOME')"],
])("%s is refused", async (_, sql) => {
  expect(await failureOf(scope.run(sql))).toMatchObject({ name: "AmlError" });
});

test("of all settings that matter only one may still be changed: how far a stream reads ahead", async () => {
  const settings = await scope.run("SELECT name, value FROM duckdb_settings()");
  const changed: string[] = [];
  for (const [name, value] of (await settings.getRowsJS()) as [string, string][]) {
    if ((await failureOf(scope.run(`SET "${name}" = '${value}'`))) === undefined) changed.push(name);
  }
  expect(changed).toEqual(["schema", "search_path", "streaming_buffer_size"]);
});

test("a link out of its folder is refused", async () => {
  await symlink("/etc/passwd", join(scope.folder, "link"));
  expect(await failureOf(scope.run(`SELECT * FROM read_text('${scope.folder}/link')`))).toMatchObject({
    name: "AmlError",
  });
});

test("each table has a DuckDB of its own: tables and files of one are not there for another", async () => {
  const other = await locked(files.other);
  await scope.run("CREATE TABLE secret AS SELECT 1");
  expect(await failureOf(other.run("SELECT * FROM secret"))).toMatchObject({ code: "query_failed" });
  expect(await failureOf(other.run(`SELECT * FROM read_csv('${files.mine}')`))).toMatchObject({
    name: "AmlError",
  });
  expect(await failureOf(other.run(`SELECT * FROM read_text('${scope.folder}/link')`))).toMatchObject({
    name: "AmlError",
  });
  await other.close();
});

test("a name with signs of patterns stands for that file alone", async () => {
  const odd = await locked(files.odd);
  await writeFile(join(h.folder, "ab1.csv"), "a\nsecret\n");
  const result = await odd.run(`SELECT * FROM read_csv('${escapeGlob(files.odd)}')`);
  expect(await result.getRowsJS()).toEqual([[1n]]);
  expect(await failureOf(odd.run(`SELECT * FROM read_csv('${h.folder}/ab1.csv')`))).toMatchObject({
    name: "AmlError",
  });
  await odd.close();
});

test("memory and disk have an end", async () => {
  const grow = "CREATE TEMP TABLE big AS SELECT md5(range::VARCHAR) AS h FROM range(3000000) ORDER BY h";
  expect(await failureOf(scope.run(grow))).toMatchObject({
    code: "resource_exhausted",
    hint: expect.stringMatching(/memoryLimit|disk/),
  });
  // And after it the table still works.
  expect(await (await scope.run("SELECT 1")).getRowsJS()).toEqual([[1]]);
});
