import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createStager, type StagerOptions } from "@aml/staging";
import type { FileRef, Row } from "@aml/core";
import { expect, test } from "vitest";
import { parquet } from "./delta-table.ts";
import { allRows, createHarness, listed } from "./harness.ts";
import { metered } from "./metered.ts";
import { planOf } from "./workbench.ts";

const h = await createHarness();
const ROWS = 60_000;
const names = Array.from({ length: ROWS }, (_, at) => createHash("md5").update(String(at)).digest("hex"));
const lines = names.map((name, at) => `{"id":${at},"name":"${name}"}\n`).join("");
const remote = await h.remote({
  "a.csv": `id,name\n${names.map((name, at) => `${at},${name}\n`).join("")}`,
  "a.jsonl": lines,
  "a.parquet": await parquet(h.folder, `SELECT range AS id, md5(range::VARCHAR) AS name FROM range(${ROWS})`),
});
const cases = [
  ["read_delimited", remote.slice(0, 1)],
  ["read_json_lines", remote.slice(1, 2)],
  ["read_parquet", remote.slice(2)],
] as const;
const few = { op: "take", count: 3 };
const one = { op: "filter", where: { fn: "==", args: [{ col: "id" }, { lit: ROWS - 1 }] } };
const expected = (from: number, to: number): Row[] =>
  names.slice(from, to).map((name, at) => ({ id: BigInt(from + at), name }));

let count = 0;
const newFolder = (): string => join(h.folder, `modes-${(count += 1)}`);

async function rows(
  options: StagerOptions,
  steps: readonly unknown[],
  files: readonly FileRef[],
): Promise<readonly Row[]> {
  await using stager = createStager(options);
  await using engine = h.engine({ stager });
  const table = await engine.open(planOf(steps), listed(files));
  return await allRows(table);
}

test.each(cases)("%s with a cache that keeps nothing", async (op, given) => {
  const { files, bytes } = metered(given);
  const folder = newFolder();
  for (let turn = 0; turn < 2; turn += 1) {
    const before = bytes();
    expect(await rows({ folder, keep: false }, [{ op }, few], files)).toEqual(expected(0, 3));
    expect(await rows({ folder, keep: false }, [{ op }, one], files)).toEqual(expected(ROWS - 1, ROWS));
    expect(bytes()).toBeGreaterThan(before);
    const left = await readdir(folder, { recursive: true, withFileTypes: true });
    expect(left.filter((entry) => entry.isFile())).toEqual([]);
  }
});

test.each(cases)("%s offline: what was read before, and nothing else", async (op, given) => {
  const { files, bytes } = metered(given);
  const folder = newFolder();
  const refused = { code: "unavailable", context: { uri: files[0]?.uri } };
  await expect(rows({ folder, offline: true }, [{ op }, few], files)).rejects.toMatchObject(refused);
  expect(bytes()).toBe(0);
  await rows({ folder }, [{ op }, few], files);
  const fetched = bytes();
  expect(await rows({ folder, offline: true }, [{ op }, few], files)).toEqual(expected(0, 3));
  if (op !== "read_parquet")
    await expect(rows({ folder, offline: true }, [{ op }, one], files)).rejects.toMatchObject(refused);
  expect(bytes()).toBe(fetched);
  await rows({ folder }, [{ op }, one], files);
  const all = bytes();
  expect(await rows({ folder, offline: true }, [{ op }, one], files)).toEqual(expected(ROWS - 1, ROWS));
  expect(bytes()).toBe(all);
});
