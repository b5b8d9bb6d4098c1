import { readFile } from "node:fs/promises";
import { parseFilter } from "@aml/core/plan";
import { randomRuns } from "@aml/kit/runs";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createHarness, failureOf } from "./harness.ts";
import { localWorkspace, rowsOf as tableRows } from "./local-workspace.ts";

const h = await createHarness();
const { workspace, write } = await localWorkspace();
const select = (...partitions: readonly number[]): unknown => ({ op: "select_partitions", partitions });
const csv = (size: number, more: object = {}): unknown => ({
  op: "read_delimited",
  partition_size: size,
  ...more,
});

/** What the published package mltable 1.7.0 gives for the same files (experiment, 2026-11-25). */
const E_CSV = "n,s\n1,2\n2,3\n3,4\n4,5\n";
const rowsOf = (from: number, to: number, fill: string): string =>
  Array.from({ length: to - from }, (_, at) => `${from + at},${fill}\n`).join("");
const A_CSV = `n,s\n${rowsOf(0, 10, "x".repeat(190))}`;
const B_CSV = `n,s\n${rowsOf(10, 20, "y".repeat(90))}`;
const JSONL = Array.from({ length: 6 }, (_, n) => `{"n":${n}}\n`).join("");

async function partitionsOf(
  contents: Readonly<Record<string, string | Uint8Array>>,
  steps: readonly unknown[],
): Promise<number[][]> {
  const files = await h.files(contents);
  const table = await h.open(steps, files);
  const count = (await table.partitionCount?.()) ?? -1;
  await table[Symbol.asyncDispose]();
  const out: number[][] = [];
  for (let at = 0; at < count; at += 1)
    out.push((await h.rows([...steps, select(at)], files)).map(({ n }) => Number(n)));
  return out;
}

test.each<[number, number[][]]>([
  [1, [[], [], [], [1], [], [], [], [2], [], [], [], [3], [], [], [], [4], [], [], [], []]],
  [3, [[], [1], [2], [3], [], [4], []]],
  [4, [[1], [2], [3], [4], []]],
  [5, [[1], [2], [3], [4]]],
  [8, [[1, 2], [3, 4], []]],
  [20, [[1, 2, 3, 4]]],
])("a line is of the partition in which it starts: %i bytes", async (size, expected) => {
  expect(await partitionsOf({ "e.csv": E_CSV }, [csv(size)])).toEqual(expected);
});

test.each<[number, number[][]]>([
  [
    200,
    [[0, 1], [2], [3], [4], [5], [6], [7], [8], [9], [], [10, 11, 12], [13, 14], [15, 16], [17, 18], [19]],
  ],
  [
    500,
    [
      [0, 1, 2],
      [3, 4, 5],
      [6, 7],
      [8, 9],
      [10, 11, 12, 13, 14, 15],
      [16, 17, 18, 19],
    ],
  ],
  [
    1000,
    [
      [0, 1, 2, 3, 4, 5],
      [6, 7, 8, 9],
      [10, 11, 12, 13, 14, 15, 16, 17, 18, 19],
    ],
  ],
])("partitions count on from file to file: %i bytes", async (size, expected) => {
  expect(await partitionsOf({ "a.csv": A_CSV, "b.csv": B_CSV }, [csv(size)])).toEqual(expected);
});

test.each<[number, number[][]]>([
  [8, [[0, 1], [2], [3], [4], [5], []]],
  [10, [[0, 1], [2], [3], [4, 5], []]],
  [16, [[0, 1, 2], [3, 4], [5]]],
])("JSON lines: %i bytes", async (size, expected) => {
  expect(await partitionsOf({ "j.jsonl": JSONL }, [{ op: "read_json_lines", partition_size: size }])).toEqual(
    expected,
  );
});

test("a file with quoted line breaks is one partition, one of a header has no row, and an empty one is none", async () => {
  const multi = 'n,s\n1,"a\nb\nc"\n2,"d\ne\nf"\n3,x\n4,y\n';
  expect(await partitionsOf({ "m.csv": multi }, [csv(8, { support_multi_line: true })])).toEqual([
    [1, 2, 3, 4],
  ]);
  expect(await partitionsOf({ "h.csv": "n,s\n", "e.csv": E_CSV }, [csv(100)])).toEqual([[], [1, 2, 3, 4]]);
  expect(await partitionsOf({ "0.csv": "", "e.csv": E_CSV }, [csv(100)])).toEqual([[1, 2, 3, 4]]);
});

test("Parquet: row groups, even and uneven ones", async () => {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const made = async (name: string, sql: string): Promise<Uint8Array> => {
    await connection.run(`COPY (${sql}) TO '${h.folder}/${name}' (FORMAT parquet, ROW_GROUP_SIZE 2048)`);
    return readFile(`${h.folder}/${name}`);
  };
  const a = await made("a.parquet", "SELECT range AS n FROM range(5000)");
  const b = await made("b.parquet", "SELECT range + 5000 AS n FROM range(10)");
  connection.disconnectSync();
  instance.closeSync();
  const found = await partitionsOf({ "a.parquet": a, "b.parquet": b }, [{ op: "read_parquet" }]);
  expect(found.map((rows) => [rows.length, rows[0], rows.at(-1)])).toEqual([
    [2048, 0, 2047],
    [2048, 2048, 4095],
    [904, 4096, 4999],
    [10, 5000, 5009],
  ]);
  const uneven = await readFile(new URL("fixtures/uneven-row-groups.parquet", import.meta.url));
  expect(await partitionsOf({ "u.parquet": uneven, "b.parquet": b }, [{ op: "read_parquet" }])).toEqual([
    [0, 1, 2],
    [3],
    [4, 5, 6, 7, 8],
    [5000, 5001, 5002, 5003, 5004, 5005, 5006, 5007, 5008, 5009],
  ]);
});

const ns = async (...steps: readonly unknown[]): Promise<number[]> =>
  (await h.rows([csv(8), ...steps], await h.files({ "e.csv": E_CSV }))).map(({ n }) => Number(n));

test("rows keep their partition through filters, takes, and steps over columns", async () => {
  const filter = { op: "filter", where: parseFilter("n > 2") };
  expect(await ns(filter, select(1))).toEqual([3, 4]);
  expect(await ns(filter, select(0))).toEqual([]);
  expect(await ns({ op: "take", count: 3 }, select(1))).toEqual([3]);
  expect(await ns({ op: "skip", count: 2 }, select(0))).toEqual([]);
  expect(await ns(select(1), { op: "take", count: 1 })).toEqual([3]);
  expect(
    await ns(
      { op: "keep_columns", columns: ["n"] },
      { op: "convert_column_types", columns: [{ columns: "n", column_type: "float" }] },
      { op: "take_random_sample", probability: 1, seed: 1 },
      select(1),
    ),
  ).toEqual([3, 4]);
});

test("order and repetition do not matter, and a second selection counts what the first left over", async () => {
  expect(await ns(select(1, 0))).toEqual([1, 2, 3, 4]);
  expect(await ns(select(1, 1))).toEqual([3, 4]);
  expect(await ns(select())).toEqual([]);
  expect(await ns(select(1, 2), select(0))).toEqual([3, 4]);
  expect(await ns(select(1, 2), select(1))).toEqual([]);
});

test("a partition that is not there is refused with how many there are", async () => {
  expect(await failureOf(ns(select(3)))).toMatchObject({
    code: "plan_invalid",
    message: "Step 1 (select_partitions) asks for partition 3, and there are 3.",
  });
  expect(await failureOf(ns(select(1, 2), select(2)))).toMatchObject({
    context: { step: 2, partition: 2, count: 2 },
  });
});

test("before files are read, all of them are one partition", async () => {
  const files = await h.files({ "a.csv": "n\n1\n", "b.csv": "n\n2\n" });
  const rows = (...steps: readonly unknown[]) => h.rows(steps, files);
  expect(await rows(select(0), csv(100))).toHaveLength(2);
  expect(await rows(select(0))).toHaveLength(2);
  expect(await failureOf(rows(select(1)))).toMatchObject({ code: "plan_invalid" });
  expect(await failureOf(rows(select(1), csv(100)))).toMatchObject({ code: "plan_invalid" });
});

test("names and shapes are those of the whole file, and columns of paths stay right", async () => {
  const files = await h.files({ "x/a.csv": 'n,s\n1,"a,b"\n2,"c""d"\n3,e\n4,x"y\n', "y/b.csv": "n,s\n5,f\n" });
  const format = { op: "extract_columns_from_partition_format", partition_format: "/{kind}/{name}.csv" };
  const steps = [csv(12, { include_path_column: true }), format];
  const all = await h.rows(steps, files);
  const parts = await Promise.all([0, 1, 2, 3].map((at) => h.rows([...steps, select(at)], files)));
  expect(parts.flat()).toEqual(all);
  expect(all.map(({ kind, n }) => [kind, n])).toEqual([
    ["x", 1n],
    ["x", 2n],
    ["x", 3n],
    ["x", 4n],
    ["y", 5n],
  ]);
});

test("a data column may have the name that partitions go by", async () => {
  const files = await h.files({ "a.csv": "n,partition number\n1,7\n2,8\n" });
  expect(await h.rows([csv(20), select(1)], files)).toEqual([{ n: 2n, "partition number": 8n }]);
});

test("partitions are complements, whatever the file and their size", async () => {
  const line = fc.constantFrom("1,a", "2,", ",b", '3,"c"', "4,é😀", '5,"d,e"', '6,"f""g"');
  const end = fc.constantFrom("\n", "\r\n");
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 30 }),
      fc.integer({ min: 1, max: 60 }),
      end,
      fc.constantFrom("utf8", "utf16"),
      async (lines, size, newline, encoding) => {
        const text = ["n,s", ...lines].join(newline) + newline;
        const bytes = encoding === "utf8" ? Buffer.from(text) : Buffer.from(text, "utf16le");
        const files = await h.files({ "a.csv": bytes, "b.csv": bytes });
        const steps = [csv(size, { encoding, infer_column_types: false })];
        const all = await h.rows(steps, files);
        const table = await h.open(steps, files);
        const count = (await table.partitionCount?.()) ?? 0;
        await table[Symbol.asyncDispose]();
        expect(count).toBe(2 * Math.ceil(bytes.length / size));
        const odd = Array.from({ length: count }, (_, at) => at).filter((at) => at % 2 === 1);
        const even = Array.from({ length: count }, (_, at) => at).filter((at) => at % 2 === 0);
        const halves = [
          ...(await h.rows([...steps, select(...odd)], files)),
          ...(await h.rows([...steps, select(...even)], files)),
        ];
        const key = (row: object): string => JSON.stringify(row);
        expect(halves.map(key).toSorted()).toEqual(all.map(key).toSorted());
      },
    ),
    randomRuns(25),
  );
});

test("a bad row of a part is told with the file, and without a line that is none of the file's", async () => {
  const files = await h.files({ "a.csv": "n,s\n1,2\n3,4\n5,6,7\n" });
  const steps = [csv(8, { infer_column_types: false })];
  expect(await failureOf(h.rows(steps, files))).toMatchObject({ context: { uri: files[0]?.uri, line: 4 } });
  const failure = await failureOf(h.rows([...steps, select(1)], files));
  expect(failure).toMatchObject({ code: "parse_failed", context: { uri: files[0]?.uri } });
  expect(failure).not.toHaveProperty("context.line");
  expect(String(failure)).not.toMatch(/line \d/);
  expect(await h.rows([...steps, select(0)], files)).toHaveLength(2);
});

test("rows come in the order of the files, whichever partitions are chosen", async () => {
  const contents = Object.fromEntries(
    [0, 1, 2, 3].map((at) => [
      `${at}.csv`,
      `n\n${rowsOf(at * 5000, (at + 1) * 5000, "").replaceAll(",", "")}`,
    ]),
  );
  const files = await h.files(contents);
  const steps = [csv(4000), select(...Array.from({ length: 20 }, (_, at) => 23 - at))];
  for (let run = 0; run < 5; run += 1) {
    const found = (await h.rows(steps, files)).map(({ n }) => Number(n));
    expect(found.length).toBeGreaterThan(10_000);
    expect(found.findIndex((n, at) => at > 0 && n <= (found[at - 1] ?? 0))).toBe(-1);
  }
});

test("a dataset counts its partitions, selects some, and says where there are none", async () => {
  await write({ "p/a.csv": A_CSV, "p/b.csv": B_CSV });
  const table = workspace.tabular.fromDelimitedFiles("p/*.csv", { partitionSize: 1000 });
  expect(await table.partitionCount()).toBe(3);
  expect(await table.filter("n > 100").partitionCount()).toBe(3);
  expect(await table.selectPartitions([2, 0]).partitionCount()).toBe(2);
  const chosen = table.selectPartitions([1]).keepColumns("n");
  expect(chosen.plan.steps).toContainEqual({ op: "select_partitions", partitions: [1] });
  expect(await tableRows(chosen)).toEqual([6n, 7n, 8n, 9n].map((n) => ({ n })));
  await expect(table.selectPartitions([3]).partitionCount()).rejects.toMatchObject({ code: "plan_invalid" });
  expect(() => table.selectPartitions([-1])).toThrow(expect.objectContaining({ code: "plan_invalid" }));
  expect((await table.selectPartitions([1]).explain()).sql).toContain("select_partitions");
});

test("steps in front of the read step run in their order, also in a workspace", async () => {
  await write({ "o/a.csv": "n\n1\n", "o/b.csv": "n\n2\n", "o/c.csv": "n\n3\n" });
  const { plan } = workspace.tabular.fromDelimitedFiles("o/*.csv");
  const filter = { op: "filter", where: parseFilter("not Path.contains('a.csv')") } as const;
  const ordered = (...steps: readonly object[]) =>
    tableRows(workspace.tabular.fromPlan({ ...plan, steps: [...(steps as []), ...plan.steps] }));
  expect(await ordered(filter, { op: "take", count: 1 })).toEqual([{ n: 2n }]);
  expect(await ordered({ op: "take", count: 2 }, filter)).toEqual([{ n: 2n }]);
  expect(await ordered({ op: "skip", count: 1 }, { op: "select_partitions", partitions: [0] })).toHaveLength(
    2,
  );
});
