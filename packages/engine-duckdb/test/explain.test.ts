import { gzipSync } from "node:zlib";
import type { EngineExplanation, Explanation, FileRef } from "@aml/core";
import { memoryRegistry, memorySecrets } from "@aml/core/memory";
import { createWorkspace, explanationText } from "@aml/core/workspace";
import { local } from "@aml/local";
import { afterAll, describe, expect, test } from "vitest";
import { add, commit, deltaStore, field, lines, metaData, parquet, protocol } from "./delta-table.ts";
import { createHarness, listed } from "./harness.ts";
import { metered } from "./metered.ts";
import { planOf } from "./workbench.ts";

const h = await createHarness();
const csv = (rows: number): string =>
  `id,name\n${Array.from({ length: rows }, (_, at) => `${at},row ${at}`).join("\n")}\n`;

async function explain(steps: readonly unknown[], files: readonly FileRef[]): Promise<EngineExplanation> {
  const explained = await h.engine().explain?.(planOf(steps), listed(files));
  if (explained === undefined) throw new Error("The engine does not explain itself.");
  return explained;
}

describe("the engine's part", () => {
  test("files on this machine: nothing to fetch, and the SQL of the table", async () => {
    const files = await h.files({ "a.csv": csv(3), "b.csv": csv(4) });
    const steps = [{ op: "read_delimited" }, { op: "take", count: 2 }];
    const { sql, bytes, files: read, notes } = await explain(steps, files);
    const stored = files.reduce((sum, { stat }) => sum + stat.size, 0);
    expect(bytes).toEqual({ stored, read: stored, fetch: 0, cached: stored });
    expect(read).toEqual({ listed: 2, read: 2, pruned: [] });
    expect(sql).toContain(files[0]?.uri);
    expect(sql).toContain("LIMIT 2");
    expect(notes).toEqual([]);
  });

  test("filters in front of the read step leave files out, and are named", async () => {
    const names = ["2024/01", "2024/02", "2025/01", "2025/02", "2026/01"];
    const files = await h.remote(Object.fromEntries(names.map((name) => [`${name}/a.csv`, csv(2)])));
    const steps = [
      { op: "extract_columns_from_partition_format", partition_format: "/{year}/{month}/a.csv" },
      { op: "filter", where: { fn: "==", args: [{ col: "year" }, { lit: "2025" }] } },
      { op: "filter", where: { fn: "!=", args: [{ col: "month" }, { lit: "01" }] } },
      { op: "read_delimited" },
    ];
    const { files: read, bytes, sql } = await explain(steps, files);
    const uri = (at: number): string => files[at]?.uri ?? "";
    const year = 'filter: col("year") == "2025"';
    expect(read).toEqual({
      listed: 5,
      read: 1,
      pruned: [
        { uri: uri(0), reason: year },
        { uri: uri(1), reason: year },
        { uri: uri(4), reason: year },
        { uri: uri(2), reason: 'filter: col("month") != "01"' },
      ],
    });
    const size = csv(2).length;
    expect(bytes).toEqual({ stored: size * 5, read: size, fetch: size, cached: 0 });
    expect(sql).toContain(uri(3));
    expect(sql).not.toContain(uri(0));
    const none = await explain([steps[0], { ...steps[1], where: { lit: false } }, steps[3]], files);
    expect(none.files).toMatchObject({ listed: 5, read: 0 });
    expect(none.notes.join()).toContain("No file is left");
  });

  test("reads beginnings and footers of files elsewhere, and none of their rows", async () => {
    const text = metered(await h.remote({ "a.csv": csv(200_000) }));
    const { sql, bytes } = await explain([{ op: "read_delimited" }], text.files);
    expect(sql).toContain('"name"');
    expect(bytes?.fetch).toBe(text.files[0]?.stat.size);
    expect(text.bytes()).toBeLessThanOrEqual(262_144);
    const taken = await explain([{ op: "read_delimited" }, { op: "take", count: 3 }], text.files);
    expect(taken.bytes).toMatchObject({ read: 262_144, fetch: 262_144, cached: 0 });
    expect(taken.notes.join()).toContain("3 rows");
    const table = await parquet(
      h.folder,
      "SELECT range AS id, md5(range::VARCHAR) AS name FROM range(50000)",
    );
    const binary = metered(await h.remote({ "a.parquet": table, "b.parquet": table }));
    const columnar = await explain(
      [{ op: "read_parquet" }, { op: "keep_columns", columns: ["name"] }],
      binary.files,
    );
    expect(columnar.sql).toContain(binary.files[1]?.uri);
    expect(columnar.sql).toContain('SELECT "name" FROM');
    // Most of the file is texts; of the ids there is no need.
    expect(columnar.bytes?.fetch).toBeLessThan(2 * table.length * 0.95);
    expect(columnar.bytes?.fetch).toBeGreaterThan(2 * table.length * 0.8);
    // The end of the file has some of them beside the footer.
    expect(columnar.bytes?.cached).toBeLessThan(2 * 65_536);
    expect(binary.bytes()).toBeLessThanOrEqual(2 * 65_536);
  });

  test("of remote Parquet: the bytes that rows will take, and which row groups and files have none", async () => {
    const made = (from: number): Promise<Buffer> =>
      parquet(
        h.folder,
        `SELECT range AS id, md5(range::VARCHAR) AS a, md5((range + 1)::VARCHAR) AS b FROM range(${from}, ${from + 40_960})`,
        ", ROW_GROUP_SIZE 4096, COMPRESSION uncompressed",
      );
    const store = metered(await h.remote({ "a.parquet": await made(0), "b.parquet": await made(40_960) }));
    const engine = h.engine();
    const steps = [
      { op: "read_parquet" },
      { op: "filter", where: { fn: "<", args: [{ col: "id" }, { lit: 5000 }] } },
      { op: "keep_columns", columns: ["a"] },
    ];
    const before = await engine.explain?.(planOf(steps), listed(store.files));
    expect(before?.files).toEqual({
      listed: 2,
      read: 1,
      pruned: [{ uri: store.files[1]?.uri, reason: 'none of its row groups: col("id") < 5000' }],
    });
    expect(before?.notes).toEqual([
      expect.stringMatching(/^18 of 20 row groups are left out .*: col\("id"\) < 5000\.$/),
    ]);
    const footers = store.bytes();
    expect(footers).toBe(2 * 65_536);
    const table = await engine.open(planOf(steps), listed(store.files));
    let rows = 0;
    for await (const batch of table.batches()) rows += batch.length;
    expect(rows).toBe(5000);
    expect(store.bytes() - footers).toBe(before?.bytes?.fetch);
    const after = await engine.explain?.(planOf(steps), listed(store.files));
    expect(after?.bytes).toMatchObject({ fetch: 0, cached: before?.bytes?.fetch });
    const take = [{ op: "read_parquet" }, { op: "take", count: 10 }];
    const first = await engine.explain?.(planOf(take), listed(store.files));
    expect(first?.files).toMatchObject({ read: 1, pruned: [{ uri: store.files[1]?.uri }] });
    expect(first?.notes.join()).toContain("9 of 10 row groups are left out");
    await table[Symbol.asyncDispose]();
  });

  test("of many files all footers are looked at; of very many as many as a note says", async () => {
    const select = "SELECT range AS id, md5(range::VARCHAR) AS a FROM range(32_768)";
    const file = await parquet(h.folder, select, ", ROW_GROUP_SIZE 4096, COMPRESSION uncompressed");
    expect(file.length).toBeGreaterThan(2 ** 20);
    const names = (count: number): string[] =>
      Array.from({ length: count }, (_, at) => `${String(at).padStart(4, "0")}.parquet`);
    const store = metered(await h.remote(Object.fromEntries(names(60).map((name) => [name, file]))));
    const where = { fn: "<", args: [{ col: "id" }, { lit: 4096 }] };
    const steps = [{ op: "read_parquet" }, { op: "filter", where }, { op: "keep_columns", columns: ["id"] }];
    const many = await explain(steps, store.files);
    expect(many.notes).toEqual([
      "The SQL is shown for 3 of 60 files.",
      expect.stringMatching(/^420 of 480 row groups are left out /),
    ]);
    // A row group of numbers of 8 bytes a file.
    expect(many.bytes?.fetch).toBeGreaterThanOrEqual(60 * 4096 * 8);
    expect(many.bytes?.fetch).toBeLessThan(60 * 4096 * 8 * 1.1);
    const small = await parquet(h.folder, "SELECT 5 AS id");
    const more = metered(await h.remote(Object.fromEntries(names(1003).map((name) => [name, small]))));
    const part = await explain(steps, more.files);
    expect(part.notes.at(-1)).toBe(
      "The footers of 1000 of 1003 files were looked at; the other 3 count as fetched whole.",
    );
    expect(part.bytes).toMatchObject({ fetch: 1003 * small.length });
    // Those behind the rows that are taken are read by nobody.
    const [one] = await h.remote({ "a.parquet": file });
    const alike = names(1003).map((name) => ({ ...(one as FileRef), uri: `${one?.uri}/${name}` }));
    const taken = await explain([{ op: "read_parquet" }, { op: "take", count: 5000 }], alike);
    expect(taken.files).toMatchObject({ listed: 1003, read: 1 });
    expect(taken.bytes?.fetch).toBeLessThan(file.length / 3);
    expect(taken.notes.join()).not.toContain("1000 of 1003");
  }, 60_000);

  test("compressed text is unpacked as far as names and types need", async () => {
    const packed = metered(await h.remote({ "a.csv.gz": gzipSync(csv(10)) }));
    const { sql, notes } = await explain([{ op: "read_delimited" }], packed.files);
    expect(notes).toEqual([]);
    expect(sql).toContain('"name"');
  });

  test("what is in the cache is not fetched again", async () => {
    const engine = h.engine();
    const files = await h.remote({ "a.csv": csv(5), "b.csv": csv(6) });
    const plan = planOf([{ op: "read_delimited" }]);
    await using table = await engine.open(plan, listed(files.slice(0, 1)));
    expect(table.schema.columns).toHaveLength(2);
    const { bytes } = (await engine.explain?.(plan, listed(files))) ?? {};
    expect(bytes).toMatchObject({ cached: csv(5).length, fetch: csv(6).length });
  });

  test("a Delta table: the files of its version, and those that partition values leave out", async () => {
    const a = await parquet(h.folder, "SELECT range AS id FROM range(2)");
    const store = deltaStore({
      "t/p=1/a.parquet": a,
      "t/p=2/b.parquet": a,
      [commit(0)]: lines(
        protocol(),
        metaData([field("id", "long"), field("p", "integer")], ["p"]),
        add("p=1/a.parquet", a, { partitionValues: { p: "1" } }),
        add("p=2/b.parquet", a, { partitionValues: { p: "2" } }),
      ),
    });
    const where = { fn: "==", args: [{ col: "p" }, { lit: 2 }] };
    const { sql, files, bytes } = await explain(
      [{ op: "read_delta_lake" }, { op: "filter", where }],
      await store.log(),
    );
    expect(files).toMatchObject({
      listed: 2,
      read: 1,
      pruned: [{ uri: expect.stringContaining("p=1/a.parquet") }],
    });
    expect(bytes).toEqual({ stored: 2 * a.length, read: a.length, fetch: a.length, cached: 0 });
    expect(sql).toContain("p=2/b.parquet");
  });

  test("a mistake of the plan is one here as well", async () => {
    const files = await h.files({ "a.csv": csv(3) });
    const where = { fn: "==", args: [{ col: "nmae" }, { lit: 2 }] };
    await expect(explain([{ op: "read_delimited" }, { op: "filter", where }], files)).rejects.toMatchObject({
      code: "plan_invalid",
    });
    await expect(explain([{ op: "read_delimited" }], [])).rejects.toMatchObject({ code: "not_found" });
  });

  test("many files left out are counted, and the first hundred named", async () => {
    const names = Array.from({ length: 150 }, (_, at) => `${at}/a.csv`);
    const files = await h.remote(Object.fromEntries(names.map((name) => [name, csv(1)])));
    const steps = [
      { op: "extract_columns_from_partition_format", partition_format: "/{part}/a.csv" },
      { op: "filter", where: { fn: "==", args: [{ col: "part" }, { lit: "7" }] } },
      { op: "read_delimited" },
    ];
    const { files: read } = await explain(steps, files);
    expect([read?.listed, read?.read, read?.pruned.length]).toEqual([150, 1, 100]);
  });
});

describe("of a dataset", () => {
  const workspace = createWorkspace({
    adapters: [local],
    registry: memoryRegistry(),
    secrets: memorySecrets(),
    engine: async () => h.engine(),
    baseUri: "file:///nowhere/",
  });
  afterAll(() => workspace[Symbol.asyncDispose]());

  test("steps that choose files are among the reasons; it is JSON, and text for people", async () => {
    const [first] = await h.files({ "a.csv": csv(1), "b.csv": csv(2), "c.csv": csv(3) });
    const folder = String(first?.uri).replace(/a\.csv$/, "");
    const table = workspace.files(`${folder}*.csv`).take(2).toTabular("delimited").filter("id > 0");
    const explained = await table.explain();
    expect(explained.plan).toEqual(table.plan);
    expect(explained.files).toEqual({
      listed: 3,
      read: 2,
      pruned: [{ uri: `${folder}c.csv`, reason: "step 0 (take): 2" }],
    });
    expect(explained.bytes).toMatchObject({ stored: 72, read: 40, fetch: 0 });
    expect(JSON.parse(JSON.stringify(explained)) as Explanation).toEqual(explained);
    const text = explanationText(explained);
    expect(text).toContain("listed 3, read 2, left out 1");
    expect(text).toContain('2  filter  col("id") > 0');
    expect(text).toContain(`- ${folder}c.csv  step 0 (take): 2`);
    expect(text).toContain("to fetch at most 0, 0.00 % of what is stored");
  });
});
