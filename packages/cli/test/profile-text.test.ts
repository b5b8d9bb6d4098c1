import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sparkline } from "../src/profile-text.ts";
import { aml } from "./aml.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aml-profile-"));
  await aml(["init"], { cwd: folder });
  await writeFile(join(folder, "t.csv"), "n,city\n1,Oslo\n9007199254740993,Bergen\n,Oslo\n");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("aml table profile", () => {
  test("prints a line a column, plain in a pipe", async () => {
    const { code, stdout, stderr } = await aml(["table", "profile", "t.csv"], { cwd: folder });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const [count, head, first, second] = stdout.split("\n");
    expect(count).toBe("3 rows");
    expect(head?.trim().split(/ {2,}/).slice(0, 6)).toEqual([
      "column",
      "type",
      "missing",
      "errors",
      "distinct",
      "histogram",
    ]);
    expect(first).toMatch(/^n {5,}int64 +1 +0 +2 +@ {18}@ +1 +1 +9007199254740993 /);
    expect(second).toMatch(/^city +string +0 +0 +2 +@ {18}= +Bergen +4 +Oslo .* Oslo$/);
  });

  test("draws blocks in a terminal with colors, and none with NO_COLOR", async () => {
    const args = ["table", "profile", "t.csv"];
    expect((await aml(args, { cwd: folder, tty: true })).stdout).toContain("█                  █");
    const plain = await aml(args, { cwd: folder, tty: true, env: { NO_COLOR: "1" } });
    expect(plain.stdout).toContain("@                  @");
    expect(plain.stdout).not.toContain("\u001b[1m");
  });

  test("gives exact integers as JSON", async () => {
    const { stdout } = await aml(["table", "profile", "t.csv", "--json"], { cwd: folder });
    expect(stdout).toContain('"max":9007199254740993');
    expect(JSON.parse(stdout)).toMatchObject({
      rows: 3,
      columns: [
        { name: "n", missing: 1, distribution: { of: "values" } },
        { name: "city", top: [{ value: "Oslo", count: 2 }, {}] },
      ],
    });
  });

  test("reads only what filter and keep leave", async () => {
    const args = ["table", "profile", "t.csv", "--filter", "city == 'Oslo'", "--keep", "city", "--json"];
    const { stdout } = await aml(args, { cwd: folder });
    expect(JSON.parse(stdout)).toMatchObject({ rows: 2, columns: [{ name: "city", distinct: 1 }] });
  });

  test("with a state reads new files only, and prints the same", async () => {
    await mkdir(join(folder, "many"));
    await writeFile(join(folder, "many", "1.csv"), "n\n1\n2\n");
    const args = ["table", "profile", "many/*.csv", "--json"];
    const first = await aml([...args, "--state", "p.json"], { cwd: folder });
    expect(first.code).toBe(0);
    await writeFile(join(folder, "many", "2.csv"), "n\n5\n");
    const second = await aml([...args, "--state", "p.json"], { cwd: folder });
    const whole = await aml(args, { cwd: folder });
    expect(JSON.parse(second.stdout)).toEqual(JSON.parse(whole.stdout));
    expect(JSON.parse(await readFile(join(folder, "p.json"), "utf8"))).toMatchObject({
      version: 1,
      files: [{}, {}],
    });
    await writeFile(join(folder, "p.json"), "{}");
    const damaged = await aml([...args, "--state", "p.json"], { cwd: folder });
    expect(damaged.code).not.toBe(0);
    expect(damaged.stderr).toContain("no state of a profile");
    expect((await aml([...args, "--state", "new/folder/p.json"], { cwd: folder })).code).toBe(0);
    const inFile = await aml([...args, "--state", "t.csv/p.json"], { cwd: folder });
    expect(inFile.stderr).toContain("path_invalid");
  });
});

test("a sparkline draws what is there, however little", () => {
  expect(sparkline([0, 1, 500, 1000], true)).toBe(" ▁▄█");
  expect(sparkline([0, 0], true)).toBe("  ");
  expect(sparkline([], false)).toBe("");
});
