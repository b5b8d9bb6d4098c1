import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aml } from "./aml.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aml-explain-"));
  await mkdir(join(folder, "trips"));
  for (const year of [2024, 2025]) {
    await writeFile(join(folder, `trips/${year}.csv`), "city,fare\nOslo,12.5\nBergen,3\n");
  }
  expect(await aml(["init"], { cwd: folder })).toMatchObject({ code: 0 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("aml table explain", () => {
  const args = ["table", "explain", "trips/*.csv", "--filter", "fare > 10", "--limit", "1"];

  test("prints plan, files, bytes and SQL", async () => {
    const { code, stdout, stderr } = await aml(args, { cwd: folder });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain('1  filter  col("fare") > 10\n');
    expect(stdout).toContain("listed 2, read 2, left out 0\n");
    expect(stdout).toContain("to fetch at most 0, 0.00 % of what is stored\n");
    expect(stdout).toMatch(/SQL of the engine\n {2}WITH [^]*trips\/2025\.csv[^]*LIMIT 1/);
  });

  test("and with --json the same as one value", async () => {
    const { stdout } = await aml([...args, "--json"], { cwd: folder });
    expect(JSON.parse(stdout)).toMatchObject({
      files: { listed: 2, read: 2, pruned: [] },
      bytes: { stored: 58, read: 58, fetch: 0, cached: 58 },
      notes: [],
    });
  });
});
