import { readFile, readdir, truncate } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type FileRef, type TabularResult } from "@aml/core";
import { parseFilter } from "@aml/core/plan";
import { DuckDBInstance } from "@duckdb/node-api";
import { size } from "@aml/kit/runs";
import { beforeAll, expect, test, vi } from "vitest";
import { toAmlError } from "../src/errors.ts";
import { endQuery, startQuery, type Probe } from "../src/start-query.ts";
import { allRows, createHarness, failureOf, textOf } from "./harness.ts";

const h = await createHarness();
const ROWS = size(300_000, 220_000);
const read = { op: "read_parquet" };
const where = (text: string): object => ({ op: "filter", where: parseFilter(text) });

/** Files of more than the 8 MiB from which the engine looks how many rows are kept. */
async function write(name: string, select: string, options = "FORMAT parquet"): Promise<Buffer> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const path = join(h.folder, name);
  await connection.run(`COPY (${select}) TO '${path}' (${options})`);
  connection.disconnectSync();
  instance.closeSync();
  return readFile(path);
}

let parquet: Buffer;
beforeAll(async () => {
  parquet = await write(
    "made.parquet",
    `SELECT range::INTEGER AS id, (range % 4096)::INTEGER AS k, md5(range::VARCHAR) AS text FROM range(${ROWS})`,
    "FORMAT parquet, COMPRESSION uncompressed",
  );
  expect(parquet.length).toBeGreaterThan(8 * 2 ** 20);
});

const files = (): Promise<FileRef[]> => h.files({ "a.parquet": parquet });

async function batchesOf(table: TabularResult): Promise<{ ids: unknown[]; sizes: number[] }> {
  const ids: unknown[] = [];
  const sizes: number[] = [];
  for await (const batch of table.batches()) {
    sizes.push(batch.length);
    for (const row of batch) ids.push(row["id"]);
  }
  return { ids, sizes };
}

const idsWhere = (keep: (id: number) => boolean): number[] =>
  Array.from({ length: ROWS }, (_, id) => id).filter((id) => keep(id));

test("few rows come in full batches, more of them as they are found: the same rows in the same order", async () => {
  const a = await files();
  for (const [kept, gathered] of [
    [1, true],
    [255, true],
    [256, false],
    [4095, false],
  ] as const) {
    const table = await h.open([read, where(`col("k") < ${kept}`)], a);
    const { ids, sizes } = await batchesOf(table);
    expect(ids).toEqual(idsWhere((id) => id % 4096 < kept));
    expect(sizes.slice(0, -1).every((rows) => rows === 2048)).toBe(gathered);
  }
});

test("the first rows may be unlike the rest", async () => {
  const a = await files();
  for (const [filter, keep] of [
    [`col("id") >= 5000`, (id: number) => id >= 5000],
    [`col("id") < 5000 or col("k") == 7`, (id: number) => id < 5000 || id % 4096 === 7],
    [`col("id") < 0`, () => false],
    [`col("id") == ${ROWS - 1}`, (id: number) => id === ROWS - 1],
  ] as const) {
    const { ids } = await batchesOf(await h.open([read, where(filter)], a));
    expect(ids).toEqual(idsWhere(keep));
  }
});

test("with takes, skips and samples: the rows that are written as a file", async () => {
  const a = await files();
  const few = where(`col("k") < 40`);
  const sample = { op: "take_random_sample", probability: 0.03, seed: 5 };
  for (const steps of [
    [few, { op: "skip", count: 1000 }, { op: "take", count: 1500 }],
    [{ op: "skip", count: ROWS - 50_000 }, few],
    [sample, { op: "drop_columns", columns: "text" }],
    [few, { ...sample, probability: 0.5 }],
    [{ op: "take", count: 5000 }, few],
    [few, { op: "take", count: 0 }],
  ]) {
    const table = await h.open([read, ...steps], a);
    const lines = (await textOf(table.encode("jsonl"))).split("\n").filter((line) => line !== "");
    const rows = await allRows(table);
    expect(rows).toEqual(lines.map((line) => JSON.parse(line) as unknown));
  }
});

test("rows can be read twice, and left early", async () => {
  const table = await h.open([read, where(`col("k") < 40`)], await files());
  for await (const batch of table.batches()) {
    expect(batch).toHaveLength(2048);
    break;
  }
  const [first, second] = await Promise.all([batchesOf(table), batchesOf(table)]);
  expect(second).toEqual(first);
});

test("conversion errors are counted once", async () => {
  const texts = await write(
    "texts.parquet",
    `SELECT range::VARCHAR AS id, CASE WHEN range % 1000 = 7 THEN 'x' ELSE '3' END AS n, md5(range::VARCHAR) AS text FROM range(${ROWS})`,
    "FORMAT parquet, COMPRESSION uncompressed",
  );
  const heard: unknown[] = [];
  const steps = [
    read,
    { op: "convert_column_types", columns: [{ columns: ["id", "n"], column_type: "int" }] },
    where(`col("n") == None or col("id") < 50`),
  ];
  const rows = await h.rows(steps, await h.files({ "a.parquet": texts }), {
    onConversionErrors: (errors) => heard.push(...errors),
  });
  expect(rows).toHaveLength(ROWS / 1000 + 49);
  const place = (at: number) => ({ uri: expect.any(String), row: 1000 * at + 8, value: "x" });
  expect(heard).toEqual([
    { column: "n", count: ROWS / 1000, first: Array.from({ length: 10 }, (_, at) => place(at)) },
  ]);
});

test("an error behind the rows that were looked at names its file", async () => {
  const bad = Buffer.from(parquet);
  bad.fill(0xff, Math.floor(bad.length * 0.6), Math.floor(bad.length * 0.6) + 200_000);
  const damaged = await h.files({ "good.parquet": parquet, "bad.parquet": bad });
  const few = [read, where(`col("k") < 40 and col("text") != "x"`)];
  expect(await failureOf(h.rows(few, damaged))).toMatchObject({
    code: "parse_failed",
    context: { uri: damaged[1]?.uri },
  });
  const a = await files();
  const table = await h.open(few, a);
  await truncate(fileURLToPath(a[0]?.uri ?? ""), 100);
  expect(await failureOf(allRows(table))).toMatchObject({
    code: "precondition_failed",
    context: { uri: a[0]?.uri },
  });
});

test("abort while rows are gathered and behind it: the reason, at once", async () => {
  const table = await h.open([read, where(`col("k") < 40`)], await files());
  const reason = new Error("enough");
  for (const abortAt of [0, 1]) {
    const controller = new AbortController();
    const batches = table.batches({ signal: controller.signal })[Symbol.asyncIterator]();
    if (abortAt > 0) await batches.next();
    const next = batches.next();
    setImmediate(() => controller.abort(reason));
    const failure = failureOf(next.then(() => batches.next()));
    expect(await failure).toBe(reason);
  }
  expect((await batchesOf(table)).ids).toEqual(idsWhere((id) => id % 4096 < 40));
});

test("more rows than memory go to disk, and are gone with the table", async () => {
  const rows = size(350_000, 220_000);
  vi.stubEnv("TMPDIR", h.folder);
  try {
    const wide = await write(
      "wide.parquet",
      `SELECT range::INTEGER AS id, sha256(range::VARCHAR) AS text, repeat('x', 1000) || range AS wide FROM range(${rows})`,
      "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 10000",
    );
    expect(wide.length).toBeGreaterThan(8 * 2 ** 20);
    const a = await h.files({ "a.parquet": wide });
    const table = await h.open([read, where(`col("id") >= 5000`)], a, { memoryLimit: size(300, 190) + "MB" });
    const spilled = async (): Promise<string[]> =>
      (await readdir(h.folder, { recursive: true })).filter((name) => name.includes("spill"));
    let next = 5000;
    let before: string[] | undefined;
    for await (const batch of table.batches()) {
      before ??= await spilled();
      expect(batch[0]).toMatchObject({ id: next, wide: `${"x".repeat(1000)}${next}` });
      next += batch.length;
    }
    expect(next).toBe(rows);
    expect(before?.length).toBeGreaterThan(1);
    await table[Symbol.asyncDispose]();
    expect(await spilled()).toEqual([]);
  } finally {
    vi.unstubAllEnvs();
  }
});

/** A probe that has found no row. */
const ZERO = (): Probe => ({ sql: "SELECT 0", known: new Map() });

test("a source that was probed is not probed again", async () => {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const probe: Probe = { sql: "SELECT 5000", known: new Map([["SELECT 5000", true]]) };
  const asked: string[] = [];
  const run = connection.run.bind(connection);
  connection.run = (sql, ...rest) => {
    asked.push(sql);
    return run(sql, ...rest);
  };
  await startQuery(connection, "SELECT 1 AS a", probe, (task) => task());
  expect(asked).toEqual([expect.stringMatching(/^CREATE TEMP TABLE/)]);
  await endQuery(connection);
  await startQuery(connection, "SELECT 1 AS a", { sql: "SELECT 5000", known: new Map() }, (task) => task());
  expect(asked.slice(2)).toEqual(["SELECT 5000"]);
  connection.disconnectSync();
  instance.closeSync();
});

test("gathered rows are freed when the stream is left early", async () => {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const used = async (): Promise<number> => {
    const sql = "SELECT memory_usage_bytes FROM duckdb_memory() WHERE tag = 'IN_MEMORY_TABLE'";
    const other = await instance.connect();
    const [row = []] = await (await other.run(sql)).getRows();
    other.disconnectSync();
    return Number(row[0]);
  };
  const sql = "SELECT md5(range::VARCHAR) AS text FROM range(500000)";
  const result = await startQuery(connection, sql, ZERO(), (task) => task());
  expect((await result.fetchChunk())?.rowCount).toBe(2048);
  expect(await used()).toBeGreaterThan(10_000_000);
  await endQuery(connection);
  expect(await used()).toBe(0);
  connection.disconnectSync();
  instance.closeSync();
});

test("rows are streamed where there is no room to gather them", async () => {
  const instance = await DuckDBInstance.create(":memory:", {
    memory_limit: "100MB",
    temp_directory: join(h.folder, "small"),
  });
  const connection = await instance.connect();
  await connection.run("SET max_temp_directory_size = '1MB'");
  const codes: string[] = [];
  const run = <T>(task: () => Promise<T>): Promise<T> =>
    task().catch((error: unknown) => {
      const failure = toAmlError(error, new Map());
      codes.push(failure.code);
      throw failure;
    });
  const sql = "SELECT repeat(md5(range::VARCHAR), 30) || range AS wide FROM range(300000)";
  const result = await startQuery(connection, sql, ZERO(), run);
  let rows = 0;
  for (let chunk = await result.fetchChunk(); chunk?.rowCount; chunk = await result.fetchChunk())
    rows += chunk.rowCount;
  expect(rows).toBe(300_000);
  expect(codes).toEqual(["resource_exhausted"]);
  await endQuery(connection);
  const broken = startQuery(connection, "SELECT error('no') AS a", ZERO(), run);
  expect(await failureOf(broken)).toMatchObject({ code: "query_failed" });
  connection.disconnectSync();
  instance.closeSync();
});

test("rows of text are gathered as well", async () => {
  const select = `SELECT range AS id, range % 4096 AS k, md5(range::VARCHAR) AS text FROM range(${ROWS})`;
  for (const [name, options, op] of [
    ["made.csv", "FORMAT csv", "read_delimited"],
    ["made.jsonl", "FORMAT json", "read_json_lines"],
  ] as const) {
    const made = await h.files({ [name]: await write(name, select, options) });
    const { ids, sizes } = await batchesOf(await h.open([{ op }, where("k < 5")], made));
    expect(ids.map(Number)).toEqual(idsWhere((id) => id % 4096 < 5));
    expect(sizes).toHaveLength(1);
  }
});
