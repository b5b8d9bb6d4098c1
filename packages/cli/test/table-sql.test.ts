import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aml, type Outcome } from "./aml.ts";

let folder: string;
const run = (...args: string[]): Promise<Outcome> => aml(["table", "sql", ...args], { cwd: folder });
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aml-sql-"));
  await mkdir(join(folder, "trips"));
  await writeFile(join(folder, "trips/a.csv"), "city,fare\nOslo,12.5\nBergen,3\n");
  await writeFile(join(folder, "trips/b.csv"), "city,fare\nOslo,7\n");
  await writeFile(join(folder, "people.jsonl"), '{"city":"Oslo","people":709037}\n');
  expect(await aml(["init"], { cwd: folder })).toMatchObject({ code: 0 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const TABLES = ["--table", "trips=trips/*.csv", "--table", "p=people.jsonl"];

describe("aml table sql", () => {
  test("joins tables, as a table, JSON, CSV and a file", async () => {
    const sql = "select city, people, sum(fare) as total from trips join p using (city) group by all";
    expect(await run(sql, ...TABLES)).toEqual({
      code: 0,
      stdout: "city    people    total\nstring   int64  float64\nOslo    709037     19.5\n",
      stderr: "",
    });
    const json = await run(sql, ...TABLES, "--json");
    expect(JSON.parse(json.stdout)).toMatchObject({
      rows: [{ city: "Oslo", people: 709037, total: 19.5 }],
      complete: true,
    });
    expect((await run(sql, ...TABLES, "--format", "csv")).stdout).toBe(
      "city,people,total\nOslo,709037,19.5\n",
    );
    expect(await run(sql, ...TABLES, "-o", "out.csv")).toMatchObject({ code: 0 });
    expect(await readFile(join(folder, "out.csv"), "utf8")).toBe("city,people,total\nOslo,709037,19.5\n");
  });

  test("an unknown column is told with those that are there", async () => {
    const { code, stderr } = await run("select fair from trips", ...TABLES);
    expect(code).not.toBe(0);
    expect(stderr).toContain('Referenced column "fair" not found');
    expect(stderr).toMatch(/hint: Check the names .*"fare"/);
  });

  test("--explain tells what is read of each table", async () => {
    const text = await run("select fare from trips", ...TABLES, "--explain");
    expect(text).toMatchObject({ code: 0, stderr: "" });
    expect(text.stdout).toMatch(
      /^Table trips\n {2}Plan\n[^]*\n {2}Files\n {4}listed 2, read 2, left out 0\n/,
    );
    expect(text.stdout).toMatch(/\nNotes\n {2}The statement does not name p\.\n$/);
    const json = await run("select fare from trips", ...TABLES, "--explain", "--json");
    expect(JSON.parse(json.stdout)).toMatchObject({ tables: [{ name: "trips", bytes: { fetch: 0 } }] });
  });

  test("says when there are more rows", async () => {
    const { stdout, stderr } = await run("select city from trips order by fare", ...TABLES, "--limit", "2");
    expect(stdout).toBe("city\nstring\nBergen\nOslo\n");
    expect(stderr).toContain("There are more rows than these 2");
  });

  test("refuses what is no plain SELECT, and flags that are not understood", async () => {
    const refused = await run(`select * from read_text('${folder}/people.jsonl')`, ...TABLES);
    expect(refused).toMatchObject({ stdout: "" });
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("The statement is refused");
    for (const flag of ["--table=trips", "--table==x", "--query=o=shop", "--table=trips=trips/*.csv"]) {
      const outcome = await run("select 1", ...TABLES, flag);
      expect([flag, outcome.code === 0]).toEqual([flag, false]);
    }
  });
});
