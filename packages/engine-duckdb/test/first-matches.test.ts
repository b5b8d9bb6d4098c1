import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Row } from "@aml/core";
import { parseFilter } from "@aml/core/plan";
import { randomRuns } from "@aml/kit/runs";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { add, commit, deltaStore, field, lines, metaData, protocol } from "./delta-table.ts";
import { createHarness, listed, textOf } from "./harness.ts";
import { metered } from "./metered.ts";
import { planOf } from "./workbench.ts";

const h = await createHarness();
const read = { op: "read_parquet" };
const where = (text: string): object => ({ op: "filter", where: parseFilter(text) });
const keep = (...columns: string[]): object => ({ op: "keep_columns", columns });
const take = (count: number): object => ({ op: "take", count });
const skip = (count: number): object => ({ op: "skip", count });

const instance = await DuckDBInstance.create(":memory:");
const connection = await instance.connect();
afterAll(() => {
  connection.disconnectSync();
  instance.closeSync();
});

const GROUP = 2048;
const GROUPS = 10;
/** No statistics tell where `noise` is 77, which it is in each row group, or `rare` is 5, which it is in three of them. */
const SELECT =
  "SELECT id, ((id * 7919) % 1000)::INTEGER AS noise, " +
  `CASE WHEN id IN (${3 * GROUP + 9}, ${3 * GROUP + 10}, ${7 * GROUP}) THEN 5 ELSE (id % 4) * 3 END AS rare, ` +
  "md5(id::VARCHAR) || md5((id + 1)::VARCHAR) || md5((id + 2)::VARCHAR) || md5((id + 3)::VARCHAR) AS a, " +
  `md5((id * 3)::VARCHAR) || md5((id * 5)::VARCHAR) AS b FROM (SELECT range AS id FROM range(${GROUP * GROUPS}))`;
/** Bytes of a row group: of column `a`, and of a column of numbers at most. */
const TEXT = GROUP * 132;
const NUMBER = GROUP * 8;

let file: Buffer;
beforeAll(async () => {
  const path = join(h.folder, "made.parquet");
  await connection.run(
    `COPY (${SELECT}) TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE ${GROUP}, COMPRESSION uncompressed)`,
  );
  file = await readFile(path);
});

test.each([
  ["the first row group has them", [where('col("noise") == 77'), keep("a"), take(2)], 1, 1],
  ["one further on", [where('col("rare") == 5'), keep("a"), take(1)], 7, 1],
  ["two of them", [where('col("rare") == 5'), keep("a"), take(3)], 10, 2],
  ["fewer than that", [where('col("rare") == 5'), take(9), keep("a")], 10, 2],
  ["none", [where('col("rare") == 7'), keep("a"), take(9)], 10, 0],
  ["behind those that are skipped", [where('col("rare") == 5'), keep("a"), skip(2), take(1)], 10, 2],
  ["statistics tell of some", [where('col("rare") == 5 and col("id") >= 8192'), keep("a"), take(1)], 12, 1],
  ["and a filter behind", [where('col("rare") == 5'), take(2), where('col("b") != ""'), keep("a")], 7, 1.5],
])(
  "rows of a filter cost its column, and the row groups that have them: %s",
  async (_, steps, looks, texts) => {
    const { files, bytes } = metered(await h.remote({ "a.parquet": file }));
    const whole = await h.files({ "a.parquet": file });
    const table = await h.open([read, ...steps], files);
    const footer = bytes();
    const expected = await h.rows([read, ...steps], whole);
    const rows = async (): Promise<Row[]> => {
      const out: Row[] = [];
      for await (const some of table.batches()) out.push(...some);
      return out;
    };
    expect(await rows()).toEqual(expected);
    const fetched = bytes() - footer;
    expect(fetched).toBeGreaterThanOrEqual(texts * TEXT);
    expect(fetched).toBeLessThan((texts + 0.4) * TEXT + looks * NUMBER);
    // Asked again, nothing is looked for anew; other ways out give the same rows.
    const before = bytes();
    expect(await rows()).toEqual(expected);
    const local = await h.open([read, ...steps], whole);
    expect(await textOf(table.encode("csv"))).toBe(await textOf(local.encode("csv")));
    expect((await table.profile?.())?.rows).toBe(expected.length);
    expect(bytes()).toBe(before);
  },
);

test("encode, profile and column batches alone fetch no more", async () => {
  const steps = [read, where('col("rare") == 5'), keep("id", "a"), take(1)];
  for (const way of ["encode", "profile", "columns"]) {
    const { files, bytes } = metered(await h.remote({ "a.parquet": file }));
    const table = await h.open(steps, files);
    if (way === "encode") expect(await textOf(table.encode("csv"))).toMatch(/^id,a\n6153,/);
    if (way === "profile") expect((await table.profile?.())?.rows).toBe(1);
    if (way === "columns") {
      const counts: number[] = [];
      for await (const { rowCount } of table.columnBatches?.() ?? []) counts.push(rowCount);
      expect(counts).toEqual([1]);
    }
    expect(bytes()).toBeLessThan(65_536 + TEXT * 1.4 + 9 * NUMBER);
  }
});

test("explain says that it may be less", async () => {
  const { files } = metered(await h.remote({ "a.parquet": file }));
  const plan = planOf([read, where('col("rare") == 5'), keep("a"), take(1)]);
  expect((await h.engine().explain?.(plan, listed(files)))?.notes).toEqual([
    "Row groups are looked into in turn until the filters have let 1 rows pass; these bytes are those of all of them.",
  ]);
});

test("a Delta table without some of its rows", async () => {
  // Rows 3, 4, 7, 11, 18, 29: the protocol's own example.
  const deletionVector = {
    storageType: "i",
    pathOrInlineDv: "wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L",
    sizeInBytes: 40,
    cardinality: 6,
  };
  const store = deltaStore({
    "t/a.parquet": file,
    "t/b.parquet": file,
    [commit(0)]: lines(
      protocol(["deletionVectors"]),
      metaData([field("id", "long"), field("a", "string"), field("p", "integer")], ["p"]),
      add("a.parquet", file, { deletionVector, partitionValues: { p: "1" } }),
      add("b.parquet", file, { partitionValues: { p: "2" } }),
    ),
  });
  const { files, bytes } = metered(await store.log());
  const steps = [{ op: "read_delta_lake" }, where('col("id") % 1000 in [11, 12]'), take(43)];
  const rows = await h.rows(steps, files);
  const found = (p: number, ...ids: readonly number[]): object[] => ids.map((id) => ({ id: BigInt(id), p }));
  const thousands = Array.from({ length: 20 }, (_, at) => (at + 1) * 1000);
  expect(rows.map(({ id, p }) => ({ id, p }))).toEqual([
    ...found(1, 12, ...thousands.flatMap((at) => [at + 11, at + 12])),
    ...found(2, 11, 12),
  ]);
  expect(bytes()).toBeLessThan(file.length * 1.5);
});

test("any filters and counts give the rows of files that are here", async () => {
  const filter = fc
    .constantFrom(
      'col("noise") == 77',
      'col("noise") < 3',
      'col("rare") == 5',
      'col("rare") == 5 or col("id") > 9000',
      'col("id") >= 5000',
      'col("part") == "b" and col("noise") > 900',
      'col("noise") / 0 == 1',
    )
    .map(where);
  const count = fc.oneof(fc.nat(5), fc.nat(GROUP * GROUPS));
  const step = fc.oneof(
    { weight: 3, arbitrary: filter },
    count.map(take),
    fc.nat(3000).map(skip),
    fc.constantFrom(keep("id", "part", "noise", "rare"), {
      op: "take_random_sample",
      probability: 0.5,
      seed: 3,
    }),
    fc.constant({ op: "convert_column_types", columns: [{ columns: "noise", column_type: "string" }] }),
  );
  const partition = { op: "extract_columns_from_partition_format", partition_format: "/{part}/{_}.parquet" };
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 3 }),
      filter,
      fc.array(step, { maxLength: 3 }),
      count,
      async (n, first, more, rows) => {
        const contents = Object.fromEntries(
          ["a", "b", "c"].slice(0, n).map((name) => [`${name}/x.parquet`, file]),
        );
        const steps = [read, partition, first, ...more, take(rows)];
        const run = async (files: Parameters<typeof h.rows>[1]): Promise<unknown> =>
          h.rows(steps, files).catch((error: { readonly code?: string }) => error.code);
        expect(await run(await h.remote(contents))).toEqual(await run(await h.files(contents)));
        await h.reset();
      },
    ),
    randomRuns(60),
  );
}, 300_000);
