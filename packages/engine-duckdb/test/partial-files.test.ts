import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import {
  isAmlError,
  type FileRef,
  type StorageAdapter,
  type TableProfile,
  type TabularResult,
} from "@aml/core";
import { parseFilter } from "@aml/core/plan";
import { randomRuns, runs, sample } from "@aml/kit/runs";
import { createStager, type ByteRange, type SparseFile, type Stager } from "@aml/staging";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { allRows, createHarness, failureOf, listed, textOf } from "./harness.ts";
import { planOf } from "./workbench.ts";

const h = await createHarness();
const read = { op: "read_parquet" };
const where = (text: string): object => ({ op: "filter", where: parseFilter(text) });
const keep = (...columns: string[]): object => ({ op: "keep_columns", columns });

const instance = await DuckDBInstance.create(":memory:");
const connection = await instance.connect();
afterAll(() => {
  connection.disconnectSync();
  instance.closeSync();
});

const stagers: Stager[] = [];
afterAll(async () => {
  for (const stager of stagers) await stager[Symbol.asyncDispose]();
});

let made = 0;
async function parquet(select: string, rowGroup: number, more = ""): Promise<Buffer> {
  const path = join(h.folder, `made-${(made += 1)}.parquet`);
  await connection.run(
    `SET TimeZone = 'UTC'; COPY (${select}) TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE ${rowGroup}${more})`,
  );
  return readFile(path);
}

interface Counted {
  readonly files: FileRef[];
  /** Bytes that were asked for. */
  readonly asked: () => number;
  readonly requests: () => number;
}

/** Files of a store that counts. */
async function counted(
  contents: Readonly<Record<string, Uint8Array>>,
  change: (storage: StorageAdapter) => Partial<StorageAdapter> = () => ({}),
): Promise<Counted> {
  const refs = await h.remote(contents);
  let bytes = 0;
  let requests = 0;
  const files = refs.map((file): FileRef => {
    const changed = { ...file.storage, ...change(file.storage) };
    const storage: StorageAdapter = {
      ...changed,
      read(path, options) {
        requests += 1;
        bytes += options?.range?.length ?? file.stat.size;
        return changed.read(path, options);
      },
    };
    return { ...file, storage };
  });
  return { files, asked: () => bytes, requests: () => requests };
}

const ROWS = 61_440;
const GROUP = 6144;
const WIDE =
  "SELECT range AS id, range::INTEGER AS n, (hash(range) >> 1)::BIGINT AS noise, md5(range::VARCHAR) AS a, " +
  "md5((range + 1)::VARCHAR) AS b, md5((range + 2)::VARCHAR) AS c, range / 7.0 AS d, " +
  "{'x': range, 'y': [md5(range::VARCHAR)]} AS nested, " +
  `TIMESTAMP '2020-01-01' + INTERVAL (range) MINUTE AS at FROM range(${ROWS})`;
let wide: Buffer;
beforeAll(async () => {
  wide = await parquet(WIDE, GROUP, ", COMPRESSION uncompressed");
});

/** As `toEqual`, which takes seconds for this many rows. */
function same(ours: unknown, theirs: unknown): void {
  if (!isDeepStrictEqual(ours, theirs)) expect(ours).toEqual(theirs);
}

const both = async (steps: readonly object[], files: readonly FileRef[], whole: readonly FileRef[]) => {
  const [ours, theirs] = [await h.rows([read, ...steps], files), await h.rows([read, ...steps], whole)];
  same(ours, theirs);
  return ours.length;
};

test("opening reads the footer; rows cost the columns and row groups that they need", async () => {
  const whole = await h.files({ "a.parquet": wide });
  const { files, asked, requests } = await counted({ "a.parquet": wide });
  const steps = [read, where('col("id") >= 50000 and col("id") < 52000'), keep("id", "d")];
  const table = await h.open(steps, files);
  expect(table.schema).toEqual((await h.open(steps, whole)).schema);
  expect([requests(), asked()]).toEqual([1, 65_536]);
  same(await allRows(table), await h.rows(steps, whole));
  // A row group of two columns, 8 bytes a value.
  const chunks = 2 * GROUP * 8;
  expect(asked() - 65_536).toBeGreaterThanOrEqual(chunks);
  expect(asked() - 65_536).toBeLessThan(chunks * 1.1);
  expect(requests()).toBe(3);
});

test("a second reading, and another table, fetch what is missing", async () => {
  const { files, asked } = await counted({ "a.parquet": wide });
  const table = await h.open([read, keep("id", "a")], files);
  for await (const rows of table.batches()) expect(rows).not.toEqual([]);
  const first = asked();
  for await (const rows of table.batches()) expect(rows).not.toEqual([]);
  expect(await textOf(table.encode("csv"))).toMatch(/^id,a\n0,cfcd2/);
  expect((await table.profile?.())?.rows).toBe(ROWS);
  expect(asked()).toBe(first);
  await table[Symbol.asyncDispose]();
  expect(await h.rows([read, keep("a")], files)).toHaveLength(ROWS);
  expect(asked()).toBe(first);
  expect(await h.rows([read, keep("a", "b")], files)).toHaveLength(ROWS);
  expect(asked() - first).toBeLessThan(first);
});

test("encode and profile alone fetch what they read", async () => {
  const whole = await h.files({ "a.parquet": wide });
  for (const steps of sample([[read, where('col("n") < 3000'), keep("a", "nested")], [read]], 2)) {
    const { files } = await counted({ "a.parquet": wide });
    const [ours, theirs] = [await h.open(steps, files), await h.open(steps, whole)];
    expect(exact(await ours.profile?.())).toEqual(exact(await theirs.profile?.()));
    const again = await counted({ "a.parquet": wide });
    const other = await h.open(steps, again.files);
    expect(await textOf(other.encode("jsonl"))).toBe(await textOf(theirs.encode("jsonl")));
  }
});

/** What of a profile is not of a random sample. */
const exact = (profile: TableProfile | undefined): unknown =>
  profile?.columns.map(({ name, missing, empty, min, max }) => [
    name,
    missing,
    empty,
    min,
    max,
    profile.rows,
  ]);

test("a take needs the first row groups", async () => {
  const [a, b] = [
    await parquet(WIDE, GROUP),
    await parquet(WIDE.replace("SELECT", "SELECT 5 AS more,"), GROUP),
  ];
  const contents = { "a.parquet": a, "b.parquet": b };
  const whole = await h.files(contents);
  for (const [steps, groups] of [
    [[{ op: "take", count: 5 }], 1],
    [[{ op: "skip", count: GROUP }, keep("id", "a"), { op: "take", count: 5 }], 2],
    [[{ op: "take", count: 5 }, where('col("id") > 2')], 1],
    [[{ op: "take", count: ROWS + 5 }], 11],
    [[{ op: "take", count: 0 }], 0],
  ] as const) {
    const { files, asked } = await counted(contents);
    await both(steps, files, whole);
    expect(asked() - 2 * 65_536).toBeLessThanOrEqual((groups / 20) * (a.length + b.length) * 1.1);
  }
});

test("what DuckDB does not leave out is fetched: the same rows in one attempt", async () => {
  const types = {
    i16: "(range % 30000)::SMALLINT",
    i32: "range::INTEGER - 3000",
    i64: "range - 3000",
    u32: "range::UINTEGER",
    f: "range::FLOAT / 2",
    d: "range / 2.0",
    nan: "CASE WHEN range % 1000 = 7 THEN 'nan'::DOUBLE ELSE range END",
    amount: "(range * 1.25 - 3000)::DECIMAL(18, 2)",
    text: "'k' || lpad(range::VARCHAR, 12, '0')",
    nothing: "CASE WHEN range < 4096 THEN NULL ELSE range END",
    day: "DATE '2020-01-01' + range::INTEGER",
    at: "TIMESTAMP '2020-01-01' + INTERVAL (range) HOUR",
    zoned: "TIMESTAMPTZ '2020-01-01 00:00:00+00' + INTERVAL (range) HOUR",
    nanos: "(TIMESTAMP '2020-01-01' + INTERVAL (range) HOUR)::TIMESTAMP_NS",
    yes: "range > 5000",
    filler: "md5(range::VARCHAR) || md5((range * 3)::VARCHAR) || md5((range * 5)::VARCHAR)",
  };
  const columns = Object.entries(types).map(([name, sql]) => `${sql} AS ${name}`);
  const file = await parquet(`SELECT ${columns.join(", ")} FROM range(12288)`, 2048);
  const whole = await h.files({ "a.parquet": file });
  const numbers = ["5000", "4000.5", "3000000000", "-1e300"];
  const times = ["datetime(2020, 6, 1)", "datetime(2024, 6, 1, 12, 30)", "datetime(1, 1, 1)"];
  const words = ['"k000000005000"', '""', '"k"', '"ü"', "5"];
  const constants: Record<string, readonly string[]> = {
    ...Object.fromEntries(
      ["i16", "i32", "i64", "u32", "f", "d", "nan", "amount", "nothing"].map((name) => [name, numbers]),
    ),
    ...Object.fromEntries(["day", "at", "zoned"].map((name) => [name, times])),
    nanos: times.slice(0, 2),
    text: words,
    yes: ["True", "1"],
  };
  const { files } = await counted({ "a.parquet": file });
  const fetches: number[] = [];
  const stager = countingStager(fetches);
  const engine = h.engine({ stager });
  const failures: string[] = [];
  let turn = 0;
  for (const [name, values] of Object.entries(constants)) {
    const operators = ["==", "<", "<=", ">", ">=", "!="];
    const texts = values.flatMap((value) =>
      operators.map((operator) => `col("${name}") ${operator} ${value}`),
    );
    if (name === "i64") texts.push('5000 < col("i64")', '5000 >= col("i64")', '7 == col("i64")');
    const every = Math.round(texts.length / runs(texts.length));
    for (const text of texts.filter(() => (turn += 1) % every === 0)) {
      const steps = [read, where(text), keep("filler")];
      await stager.clean();
      fetches.length = 0;
      const ours = await allRows(await engine.open(planOf(steps), listed(files)));
      if (ours.length !== (await h.rows(steps, whole)).length) failures.push(`rows: ${text}`);
      // One for the footer and one for the chunks.
      if (fetches.length > 2) failures.push(text);
    }
  }
  expect(failures).toEqual([]);
}, 300_000);

type Change = (ranges: readonly ByteRange[], call: number) => readonly ByteRange[];

/** A stager that notes how many bytes each fetch of ranges brought. */
function countingStager(fetches: number[], change: Change = (ranges) => ranges): Stager {
  const stager = createStager({ folder: join(h.folder, `cache-${(made += 1)}`) });
  stagers.push(stager);
  return {
    ...stager,
    async stageSparse(file, options) {
      const sparse = await stager.stageSparse(file, options);
      let calls = 0;
      const fetch: SparseFile["fetch"] = async (ranges, more) => {
        const bytes = await (sparse as SparseFile).fetch(change(ranges, calls), more);
        calls += 1;
        fetches.push(bytes);
        return bytes;
      };
      return sparse && { ...sparse, fetch };
    },
  };
}

test.each([
  ["at once", 0],
  ["behind rows that were given out", 1],
])("a gap that DuckDB meets is filled, and no row is wrong: %s", async (_, kept) => {
  const whole = await h.files({ "a.parquet": wide });
  const { files } = await counted({ "a.parquet": wide });
  const fetches: number[] = [];
  // Leaves out ranges at first.
  const leaky = countingStager(fetches, (ranges, call) => (call === 1 ? ranges.slice(0, kept * 4) : ranges));
  const engine = h.engine({ stager: leaky, threads: 1 });
  const steps = [read, keep("id", "a")];
  const table = await engine.open(planOf(steps), listed(files));
  same(await allRows(table), await h.rows(steps, whole));
  expect(fetches).toHaveLength(3);
  const columns = countingStager([], (ranges, call) => (call === 1 ? ranges.slice(0, kept * 4) : ranges));
  const fourth = await h.engine({ stager: columns, threads: 1 }).open(planOf(steps), listed(files));
  const ids: number[] = [];
  for await (const batch of fourth.columnBatches?.() ?? []) {
    const [first] = batch.columns;
    if (first !== undefined && "data" in first) ids.push(...Array.from(first.data as BigInt64Array, Number));
  }
  same(
    ids,
    Array.from({ length: ROWS }, (__, at) => at),
  );
  const encoded = countingStager([], (ranges, call) => (call === 1 ? [] : ranges));
  const other = await h.engine({ stager: encoded }).open(planOf(steps), listed(files));
  expect(await textOf(other.encode("csv"))).toBe(await textOf((await h.open(steps, whole)).encode("csv")));
  const profiled = countingStager([], (ranges, call) => (call === 1 ? [] : ranges));
  const third = await h.engine({ stager: profiled }).open(planOf(steps), listed(files));
  expect((await third.profile?.())?.rows).toBe(ROWS);
});

test("a damaged file is named, and healthy ones with gaps are not", async () => {
  const bad = Buffer.from(wide);
  const [at = 0] = await chunkStarts(wide, "a", 8);
  bad.fill(0, at, at + 100);
  const { files } = await counted({ "a.parquet": wide, "b.parquet": bad, "c.parquet": wide });
  for (const steps of [[keep("a")], [where('col("id") > 50000'), keep("a")]]) {
    expect(await failureOf(h.rows([read, ...steps], files))).toMatchObject({
      code: "parse_failed",
      context: { uri: files[1]?.uri },
    });
  }
  const one = await counted({ "b.parquet": bad });
  expect(await failureOf(h.rows([read, keep("a")], one.files))).toMatchObject({ code: "parse_failed" });
  expect(await h.rows([read, where('col("id") < 7000'), keep("a")], files)).toHaveLength(21_000);
});

async function chunkStarts(file: Buffer, column: string, group: number): Promise<number[]> {
  const path = join(h.folder, `starts-${(made += 1)}.parquet`);
  await writeFile(path, file);
  const sql =
    "SELECT least(data_page_offset, coalesce(nullif(dictionary_page_offset, 0), data_page_offset))::INTEGER " +
    `FROM parquet_metadata('${path}') WHERE path_in_schema = '${column}' AND row_group_id >= ${group} ORDER BY row_group_id`;
  return (await (await connection.run(sql)).getRows()).map(([start]) => Number(start));
}

test("what is no Parquet file, or cut, is refused by name", async () => {
  for (const bytes of [
    Buffer.alloc(2 ** 21, 120),
    wide.subarray(0, 2 ** 21),
    Buffer.concat([wide.subarray(0, -8), Buffer.from([0xff, 0xff, 0xff, 0x7f]), Buffer.from("PAR1")]),
    Buffer.concat([wide.subarray(0, -8), Buffer.from([0, 0, 1, 0]), Buffer.from("PAR1")]),
  ]) {
    const { files } = await counted({ "good.parquet": wide, "bad.parquet": bytes });
    expect(await failureOf(h.open([read], files))).toMatchObject({
      code: "parse_failed",
      context: { uri: files[1]?.uri },
    });
  }
});

test("a file that changes meanwhile, a range that is cut: an error, and no row", async () => {
  const { files } = await counted({ "a.parquet": wide });
  const table = await h.open([read, keep("a")], files);
  const [file] = files;
  await file?.storage.write?.(file.stat.path, new Blob([wide.subarray(0, -1)]).stream());
  expect(await failureOf(allRows(table))).toMatchObject({ code: "precondition_failed" });
  const cut = await counted({ "a.parquet": wide }, (storage) => ({
    read: async (path, options) => {
      const { offset = 0, length = 0 } = options?.range ?? {};
      const short = offset + length === wide.length ? length : length - 1;
      return storage.read(path, { ...options, range: { offset, length: short } });
    },
  }));
  const other = await h.open([read, keep("a")], cut.files);
  expect(await failureOf(allRows(other))).toMatchObject({
    code: "unavailable",
    context: { uri: cut.files[0]?.uri },
  });
});

test("an abort while ranges are fetched: the reason", async () => {
  let isOpen = false;
  const { files } = await counted({ "a.parquet": wide }, (storage) => ({
    read: (path, options) =>
      isOpen
        ? new Promise((_, reject) =>
            options?.signal?.addEventListener("abort", () => reject(options.signal?.reason)),
          )
        : storage.read(path, options),
  }));
  const table = await h.open([read, keep("a")], files);
  isOpen = true;
  const controller = new AbortController();
  const next = failureOf(table.batches({ signal: controller.signal })[Symbol.asyncIterator]().next());
  const reason = new Error("enough");
  setTimeout(() => controller.abort(reason), 50);
  expect(await next).toBe(reason);
  const reading = failureOf(table.batches()[Symbol.asyncIterator]().next());
  setTimeout(() => void table[Symbol.asyncDispose](), 50);
  expect(await reading).toMatchObject({ code: "query_failed" });
});

test("any plan over any files gives the rows of whole staging, and what it fetches is what DuckDB reads", async () => {
  const numbers = "range AS id, (range % 100)::INTEGER AS n, range / 3.0 AS d, 'w' || (range // 500) AS word";
  const filler = "md5(range::VARCHAR) AS a, md5((range + 1)::VARCHAR) || md5((range + 2)::VARCHAR) AS b";
  const schemas = [
    `${numbers}, ${filler}`,
    `${filler}, (range // 2)::INTEGER AS n, range AS id, 5 AS more, range / 3.0 AS d, 'w' || range AS word`,
    `range::DOUBLE AS id, range AS n, ${filler}, {'x': range} AS nested`,
  ];
  const pool = await Promise.all(
    schemas.flatMap((schema) =>
      [2048, 6000, 20_000].map((size) =>
        parquet(`SELECT ${schema} FROM range(15000)`, size, ", COMPRESSION uncompressed"),
      ),
    ),
  );
  const names = ["id", "n", "d", "word", "a", "b", "more", "nested"];
  const name = fc.constantFrom(...names);
  const number = fc.integer({ min: -100, max: 16_000 });
  const comparison = fc
    .tuple(fc.constantFrom("id", "n", "d"), fc.constantFrom("==", "<", "<=", ">", ">=", "!="), number)
    .map(([column, operator, value]) => `col("${column}") ${operator} ${value}`);
  const word = fc
    .tuple(fc.constantFrom("<", ">=", "=="), fc.nat(30))
    .map(([operator, value]) => `col("word") ${operator} "w${value}"`);
  const clause = fc.oneof({ weight: 4, arbitrary: comparison }, word, fc.constant('col("id") != None'));
  const filter = fc.tuple(clause, clause, fc.constantFrom("and", "or", "")).map(([a, b, join2]) => ({
    op: "filter",
    where: parseFilter(join2 === "" ? a : `(${a}) ${join2} (${b})`),
  }));
  const count = fc.integer({ min: 0, max: 20_000 });
  const step = fc.oneof(
    { weight: 4, arbitrary: filter },
    count.map((value) => ({ op: "take", count: value })),
    count.map((value) => ({ op: "skip", count: value })),
    fc.subarray(names, { minLength: 1 }).map((columns) => ({ op: "keep_columns", columns })),
    name.map((columns) => ({ op: "drop_columns", columns })),
    fc.constant({ op: "take_random_sample", probability: 0.1, seed: 7 }),
    name.map((columns) => ({ op: "convert_column_types", columns: [{ columns, column_type: "string" }] })),
  );
  const choice = fc.array(fc.nat(pool.length - 1), { minLength: 1, maxLength: 3 });
  let retries = 0;
  await fc.assert(
    fc.asyncProperty(choice, fc.array(step, { maxLength: 4 }), async (chosen, steps) => {
      const contents = Object.fromEntries(
        chosen.map((at, index) => [`${index}.parquet`, pool[at] as Buffer]),
      );
      const { files } = await counted(contents);
      const whole = await h.files(contents);
      const fetches: number[] = [];
      const engine = h.engine({ stager: countingStager(fetches) });
      const run = async (opened: () => Promise<TabularResult>): Promise<unknown> => {
        try {
          return await allRows(await opened());
        } catch (error) {
          return isAmlError(error) ? error.code : error;
        }
      };
      const plan = planOf([read, ...steps]);
      const theirs = await run(() => h.open([read, ...steps], whole));
      const ours = await run(() => engine.open(plan, listed(files)));
      expect(ours).toEqual(theirs);
      // A take behind a filter fetches in waves.
      const inWaves = steps.some(({ op }) => op === "take");
      if (Array.isArray(ours) && !inWaves && fetches.length > 2 * files.length) retries += 1;
      await engine[Symbol.asyncDispose]();
    }),
    randomRuns(60),
  );
  expect(retries).toBe(0);
}, 300_000);
