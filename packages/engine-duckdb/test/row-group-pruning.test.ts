import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Expr, FileRef, TabularResult } from "@aml/core";
import { parseFilter } from "@aml/core/plan";
import { randomRuns } from "@aml/kit/runs";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fewStretches } from "../src/few-stretches.ts";
import { compileFilter } from "../src/compile-expr.ts";
import type { ParquetTable } from "../src/inspected.ts";
import { chooseRowGroups, type RowGroups } from "../src/row-groups.ts";
import type { Scope } from "../src/scope.ts";
import { add, commit, deltaStore, field, lines, metaData, protocol } from "./delta-table.ts";
import { allRows, createHarness, listed } from "./harness.ts";
import { metered } from "./metered.ts";
import { planOf } from "./workbench.ts";

const h = await createHarness();
const read = { op: "read_parquet" };
const keep = (...columns: string[]): object => ({ op: "keep_columns", columns });
const where = (filter: string | Expr): object => {
  return { op: "filter", where: typeof filter === "string" ? parseFilter(filter) : filter };
};

const instance = await DuckDBInstance.create(":memory:");
const connection = await instance.connect();
afterAll(() => {
  connection.disconnectSync();
  instance.closeSync();
});

let made = 0;
async function parquet(select: string, rowGroup: number): Promise<Buffer> {
  const path = join(h.folder, `made-${(made += 1)}.parquet`);
  await connection.run(
    `SET TimeZone = 'UTC'; COPY (${select}) TO '${path}' ` +
      `(FORMAT parquet, ROW_GROUP_SIZE ${rowGroup}, COMPRESSION uncompressed)`,
  );
  return readFile(path);
}

const GROUP = 2048;
const GROUPS = 6;
/** In the rows of group g: values that its statistics tell from those of the others, and cases in which they cannot. */
const COLUMNS: Readonly<Record<string, string>> = {
  id: "id",
  tiny: "(g * 10 + id % 7)::UTINYINT",
  big: "(18446744073709000000 + id)::UBIGINT",
  amount: "(id / 4 - 500)::DECIMAL(18, 2)",
  f: "CASE WHEN g = 4 AND id % 5 = 0 THEN 'nan'::FLOAT WHEN g = 5 AND id % 9 = 0 THEN 'inf'::FLOAT ELSE (g * 1000)::FLOAT END",
  d: "CASE WHEN g = 2 AND id % 5 = 0 THEN 'nan'::DOUBLE ELSE g::DOUBLE END",
  yes: "CASE WHEN g < 2 THEN true WHEN g < 4 THEN false ELSE id % 2 = 0 END",
  text: "CASE g WHEN 0 THEN 'same' WHEN 1 THEN repeat('x', 40) || id WHEN 2 THEN 'a\\xC3' || id WHEN 3 THEN 'é' || id WHEN 4 THEN '' ELSE 'z' || id END",
  half: "CASE WHEN g = 0 THEN NULL WHEN g = 1 THEN 7 WHEN g = 2 AND id % 2 = 0 THEN NULL ELSE g END",
  day: "DATE '2020-01-01' + g::INTEGER",
  at: "TIMESTAMP '2020-01-01' + INTERVAL (id) MINUTE",
  zoned: "TIMESTAMPTZ '2020-01-01 00:00:00+00' + INTERVAL (id) MINUTE",
  nanos: "(TIMESTAMP '2020-01-01' + INTERVAL (id) MINUTE)::TIMESTAMP_NS",
  bytes: "CASE WHEN g = 3 THEN NULL ELSE 'b'::BLOB END",
  nested: "CASE WHEN g = 3 THEN NULL WHEN g = 2 THEN {'x': NULL} ELSE {'x': id} END",
};
const filler = (n: number): string => `md5((id + ${n})::VARCHAR) || md5((id * 3 + ${n})::VARCHAR)`;
const ROWS = Object.entries(COLUMNS).map(([name, sql]) => `${sql} AS ${name}`);
const FROM = `FROM (SELECT range AS id, range // ${GROUP} AS g FROM range(${GROUPS * GROUP}))`;
const SELECT = `SELECT ${ROWS.join(", ")}, ${filler(1)} AS a, ${filler(2)} AS b, ${filler(3)} AS c ${FROM}`;

let typed: Buffer;
/** The same numbers in other types, and without some columns. */
let other: Buffer;
beforeAll(async () => {
  typed = await parquet(SELECT, GROUP);
  other = await parquet(
    `SELECT id::INTEGER AS id, (g * 10)::INTEGER AS tiny, id::DOUBLE AS half, g::FLOAT AS d, text, ` +
      `${filler(4)} AS a, ${filler(5)} AS b FROM (${SELECT.replace("SELECT id AS id", "SELECT g, id AS id")})`,
    GROUP,
  );
});

interface Fetched {
  readonly rows: number;
  /** Of what was asked for behind the footers. */
  readonly bytes: number;
}

async function fetched(filter: string | Expr, contents: Readonly<Record<string, Buffer>>): Promise<Fetched> {
  const { files, bytes } = metered(await h.remote(contents));
  const table = await h.open([read, where(filter), keep("a")], files);
  const before = bytes();
  const rows = await allRows(table);
  await table[Symbol.asyncDispose]();
  expect(rows).toEqual(await h.rows([read, where(filter), keep("a")], await h.files(contents)));
  return { rows: rows.length, bytes: bytes() - before };
}

/** A row group's part of column `a`: a text of 64 bytes and its length. */
const PART = GROUP * 68;

test.each<[filter: string, groups: number]>([
  ['col("id") < 100 or col("id") >= 12000', 2],
  ['col("id") in [5, 4100, 12287]', 3],
  ['not (col("id") >= 2048)', 1],
  ['not (col("id") < 2048 or col("id") > 6143)', 2],
  ['col("id") < 2048 and (col("amount") > 1e6 or col("tiny") == 3)', 1],
  ['col("tiny") >= 50', 1],
  ['col("tiny") not in [0, 1, 2] and col("tiny") < 10', 1],
  ['col("big") < 18446744073709003000', 1],
  ['col("big") >= 18446744073709012000', 1],
  ['col("yes") == False and col("id") < 8192', 2],
  ['col("yes") != True', 4],
  ['not col("yes")', 4],
  ['col("yes")', 4],
  ['col("half") is None', 2],
  ['col("half") is not None', 5],
  ['col("half") != 7', 4],
  ['not (col("half") == 7)', 4],
  ['col("nested") is None', 6],
  ['col("bytes") is None', 1],
  ['col("day") == datetime(2020, 1, 3) or col("day") == datetime(2020, 1, 5)', 2],
  ['col("day") != datetime(2020, 1, 3)', 5],
  ['col("nanos") < datetime(2020, 1, 1, 12)', 1],
  ['col("zoned") < datetime(2020, 1, 1, 12) or col("at") > datetime(2020, 1, 9, 12)', 2],
  // NaN is in no statistic: it is not greater, but it is different.
  ['col("d") > 4', 2],
  ['col("d") != 4', 6],
  ['not (col("d") <= 4)', 6],
  ['col("f") > 3500', 2],
  // Where it may be cut, the bound '' says nothing; nor does one that may stand for other bytes.
  ['col("text") == "same"', 3],
  // Texts that are cut may be the same up to there.
  ['col("text") != "same"', 6],
  ['col("text").startswith("x")', 3],
  ['not col("text").startswith("x")', 6],
])("what is fetched for %s: %i row groups", async (filter, groups) => {
  const { bytes } = await fetched(filter, { "a.parquet": typed });
  // Columns of filters and requests that are joined come on top.
  expect(bytes).toBeGreaterThanOrEqual(groups * PART);
  expect(bytes).toBeLessThan((groups + 0.9) * PART + groups * GROUP * 34);
});

test("files without a row, and parts of others, are of the right path and partition", async () => {
  const contents = { "1/a.parquet": typed, "2/b.parquet": other, "3/c.parquet": typed, "4/d.parquet": other };
  const steps = [
    { ...read, include_path_column: true },
    { op: "extract_columns_from_partition_format", partition_format: "/{part}/{name}.parquet" },
    where('(col("id") < 2 or col("id") == 9000 or col("half") == 7) and col("tiny") in [0, 1, 15, 42, 43]'),
    keep("Path", "part", "id", "tiny"),
  ];
  const [far, near] = [
    await h.rows(steps, await h.remote(contents)),
    await h.rows(steps, await h.files(contents)),
  ];
  const named = (rows: typeof far): unknown[] =>
    rows.map(({ Path, ...rest }) => ({ ...rest, Path: (Path as string).split("/").slice(-2).join("/") }));
  expect(named(far)).toEqual(named(near));
  expect(new Set(far.map(({ part }) => part)).size).toBeGreaterThan(1);
  const none = [read, where('col("id") < 0 or col("id") > 99999'), keep("id")];
  expect(await h.rows(none, await h.remote(contents))).toEqual([]);
});

test("bytes that are no text rule nothing out", async () => {
  const file = await parquet(
    `SELECT ['éa', 'éb', 'éz'][1 + id % 3] AS word, ${filler(1)} AS a, ${filler(2)} AS b ` +
      "FROM (SELECT range AS id FROM range(12288))",
    GROUP,
  );
  const end = file.length - 8 - file.readUInt32LE(file.length - 8);
  // As a writer leaves bounds that cuts within a character: é is C3 A9.
  let found = 0;
  for (const [bound, byte] of [
    ["éa", 0x01],
    ["éz", 0xff],
  ] as const) {
    for (let at = file.indexOf(bound, end); at >= 0; at = file.indexOf(bound, at + 1)) {
      file.writeUInt8(byte, at + 1);
      found += 1;
    }
  }
  expect(found).toBeGreaterThanOrEqual(12);
  expect(await fetched('col("word") == "éb"', { "a.parquet": file })).toMatchObject({ rows: 4096 });
});

test.each([
  ['not (col("d") <= 4)', "1.0"],
  ['not (4 > col("d"))', "1.0"],
  ['not (col("d") < 4 and 5 >= col("d") or col("d") in [4])', "1.0"],
  ['col("d") != 3', "3.0"],
  ['not (col("d") == 3)', "3.0"],
  ['col("d") not in [3]', "3.0"],
  ['not (col("d") in [3])', "3.0"],
])("NaN is in no bound: %s", async (filter, least) => {
  const file = await parquet(
    `SELECT [${least}, 3.0, 5.0][1 + id % 3]::DOUBLE AS d, ${filler(1)} AS a, ${filler(2)} AS b ` +
      "FROM (SELECT range AS id FROM range(12288))",
    GROUP,
  );
  // As other writers leave it: DuckDB itself writes no bounds of such values.
  const end = file.length - 8 - file.readUInt32LE(file.length - 8);
  const five = Buffer.from(Float64Array.of(5).buffer);
  for (let at = file.indexOf(five); at >= 0; at = file.indexOf(five, at)) {
    file.writeDoubleLE(at < end ? Number.NaN : 3, at);
  }
  expect(await fetched(filter, { "a.parquet": file })).toMatchObject({ rows: 4096 });
});

test("a Delta table's rows have the partition values of their own files", async () => {
  const store = deltaStore({
    "t/a.parquet": typed,
    "t/b.parquet": typed,
    "t/c.parquet": typed,
    [commit(0)]: lines(
      protocol(),
      metaData([field("id", "long"), field("p", "integer")], ["p"]),
      ...["a", "b", "c"].map((name, at) =>
        add(`${name}.parquet`, typed, { partitionValues: { p: String(at + 1) } }),
      ),
    ),
  });
  const all = { op: "read_delta_lake" };
  const taken = await h.rows([all, { op: "take", count: GROUPS * GROUP + 1 }], await store.log());
  expect(taken.at(-1)).toEqual({ id: 0n, p: 2 });
  const some = await h.rows([all, where('col("id") in [3, 12287] or col("id") == 5000')], await store.log());
  expect(some).toEqual([1, 2, 3].flatMap((p) => [3n, 5000n, 12287n].map((id) => ({ id, p }))));
});

const constants: Readonly<Record<string, readonly Expr[]>> = {
  id: [0, 2048, 4095.5, 7000, 12287, 1e300].map((lit) => ({ lit })),
  tiny: [0, 3, 10, 56, 255, 300, -1].map((lit) => ({ lit })),
  big: [{ int: "18446744073709002048" }, { lit: 5 }, { lit: 1.8446744073709552e19 }],
  amount: [-500, 0, 12.25, 1012, 99_999].map((lit) => ({ lit })),
  f: [0, 1000, 4000, 4000.5, 1e39].map((lit) => ({ lit })),
  d: [0, 2, 3, 5, -1].map((lit) => ({ lit })),
  yes: [{ lit: true }, { lit: false }, { lit: 1 }],
  text: ["same", "", "x", "xxxx", "a", "é", "é6150", "z", "zz", "\u{10ffff}"].map((lit) => ({ lit })),
  half: [7, 3, 4, 0, 2.5].map((lit) => ({ lit })),
  ...Object.fromEntries(
    ["day", "at", "zoned", "nanos"].map((name) => [
      name,
      [parseFilter("datetime(2020, 1, 3)"), parseFilter("datetime(2020, 1, 5, 7, 30)")],
    ]),
  ),
  bytes: [{ lit: "b" }],
  nested: [{ lit: "b" }],
};

const leaf = fc
  .tuple(
    fc.constantFrom(...Object.keys(constants)),
    fc.constantFrom(
      "==",
      "!=",
      "<",
      "<=",
      ">",
      ">=",
      "in",
      "not_in",
      "is_null",
      "is_not_null",
      "turned",
      "alone",
    ),
    fc.nat(9),
    fc.nat(9),
    fc.integer({ min: 0, max: 19 }),
  )
  .map(([name, fn, first, second, odd]): Expr => {
    const own = constants[name] ?? [];
    // Now and then of another kind.
    const list = odd === 0 ? (constants["text"] ?? []) : own;
    const [a, b] = [list[first % list.length] ?? { lit: 0 }, own[second % own.length] ?? { lit: 0 }];
    const column = { col: name };
    if (fn === "is_null" || fn === "is_not_null") return { fn, args: [column] };
    if (fn === "in" || fn === "not_in") return { fn, args: [column, a, odd === 1 ? { lit: null } : b] };
    if (fn === "turned") return { fn: odd % 2 === 0 ? "<" : ">=", args: [a, column] };
    if (fn === "alone") return { col: "yes" };
    return { fn: fn as "==", args: [column, a] };
  });
const { tree } = fc.letrec<{ tree: Expr }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    leaf,
    fc.tuple(fc.constantFrom<"and" | "or">("and", "or"), tie("tree"), tie("tree")).map(([fn, a, b]) => {
      return { fn, args: [a, b] };
    }),
    tie("tree").map((arg): Expr => ({ fn: "not", args: [arg] })),
  ),
}));

test("no row group is left out that has a row of the filter", async () => {
  const run = (sql: string) => connection.runAndReadAll(sql);
  const scope = { run } as unknown as Scope;
  const path = join(h.folder, "statistics.parquet");
  await writeFile(path, typed);
  const described = await run(`DESCRIBE SELECT * FROM '${path}'`);
  const columns = described.getRows().map(([name, type]) => ({ name: String(name), sqlType: String(type) }));
  const types = new Map(columns.map(({ name, sqlType }) => [name, sqlType]));
  const group = { places: [0], paths: [path], types };
  const table = { kind: "parquet", groups: [group], columns } as unknown as ParquetTable;
  let leftOut = 0;
  await fc.assert(
    fc.asyncProperty(tree, async (filter) => {
      const plan = planOf([read, where(filter)]);
      const ids = columns.map(({ name, sqlType }) => ({ name, id: name, sqlType, nullable: true }));
      const has = `bool_or(coalesce(${compileFilter(filter, ids, 1)}, false))`;
      const sql = `SELECT ${has} FROM '${path}' GROUP BY file_row_number // ${GROUP} ORDER BY file_row_number // ${GROUP}`;
      const truth = await run(sql).then(
        (result) => result.getRows().map(([some]) => some),
        () => undefined,
      );
      const chosen = (await chooseRowGroups(plan, table, new Set([path]), scope, undefined)).get(path);
      for (const [at, one] of (chosen ?? []).entries()) {
        if (one.leftOut === undefined) continue;
        expect(truth?.[at]).toBe(false);
        leftOut += 1;
      }
    }),
    randomRuns(1500),
  );
  expect(leftOut).toBeGreaterThan(100);
}, 300_000);

test("any filter gives the rows that it gives without statistics, and leaves out row groups", async () => {
  const pool = { "a.parquet": typed, "b.parquet": other };
  let fewer = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.subarray(["a.parquet", "b.parquet"] as const, { minLength: 1 }),
      tree,
      async (names, filter) => {
        const contents = Object.fromEntries(names.map((name) => [name, pool[name]]));
        const steps = [read, where(filter), keep("id", "a")];
        const rows = async (files: readonly FileRef[]): Promise<unknown> => {
          let table: TabularResult | undefined;
          try {
            table = await h.open(steps, files);
            return await allRows(table);
          } catch (error) {
            return (error as { readonly code?: string }).code;
          } finally {
            await table?.[Symbol.asyncDispose]();
          }
        };
        const { files, bytes } = metered(await h.remote(contents));
        const ours = await rows(files);
        expect(ours).toEqual(await rows(await h.files(contents)));
        if (bytes() < (names.length * GROUPS * PART) / 2) fewer += 1;
        await h.reset();
      },
    ),
    randomRuns(60),
  );
  expect(fewer).toBeGreaterThan(1);
}, 300_000);

test("what DuckDB reads is there: one request for the rows of each table", async () => {
  const filters = [
    'col("id") > 100 and (col("id") > 9000 or col("id") < 3000)',
    '(col("id") < 9 or col("id") > 9000) and col("text") > "a" and not (col("a") == "" or col("b") == col("a"))',
    'col("half") is None or col("yes") or col("id") == 4',
  ];
  for (const filter of filters) {
    const { files } = metered(await h.remote({ "a.parquet": typed, "b.parquet": other }));
    const plan = planOf([read, where(filter), keep("a")]);
    const before = await h.engine().explain?.(plan, listed(files));
    const again = metered(await h.remote({ "a.parquet": typed, "b.parquet": other }));
    const table = await h.open([read, where(filter), keep("a")], again.files);
    const footers = again.bytes();
    await allRows(table);
    expect(again.bytes() - footers).toBeGreaterThan(0);
    expect(again.bytes() - footers).toBeLessThanOrEqual((before?.bytes?.fetch ?? 0) * 1.2);
  }
});

test("more stretches than can be planned: the smallest gaps are read, then whole files", () => {
  const of = (...kept: readonly number[]) =>
    kept.map((one, at) => ({ rows: 10 + at, leftOut: one === 1 ? undefined : "why" }));
  const groups: RowGroups = new Map([
    ["a", of(0, 1, 0, 1, 0)],
    ["b", of(1, 0, 0, 1)],
    ["c", of(0, 0)],
    ["d", of(1, 1)],
  ]);
  const kept = (found: RowGroups): unknown =>
    Object.fromEntries(
      [...found].map(([path, list]) => [
        path,
        list.map(({ leftOut }) => (leftOut === undefined ? 1 : 0)).join(""),
      ]),
    );
  expect(kept(fewStretches(groups, 4))).toEqual(kept(groups));
  expect(kept(fewStretches(groups, 3))).toEqual({ a: "01110", b: "1001", c: "00", d: "11" });
  expect(kept(fewStretches(groups, 2))).toEqual({ a: "01110", b: "1111", c: "00", d: "11" });
  expect(kept(fewStretches(groups, 1))).toEqual({ a: "01110", b: "1111", c: "00", d: "11" });
  expect(kept(fewStretches(groups, 0))).toEqual({ a: "11111", b: "1111", c: "00", d: "11" });
});
