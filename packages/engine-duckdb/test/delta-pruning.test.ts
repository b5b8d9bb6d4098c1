import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { size } from "@aml/kit/runs";
import { beforeAll, expect, test } from "vitest";
import type { Expr, FileRef, StorageAdapter } from "@aml/core";
import { add, commit, deltaStore, field, lines, metaData, parquet, protocol } from "./delta-table.ts";
import { allRows, createHarness, listed } from "./harness.ts";
import { metered } from "./metered.ts";
import { planOf } from "./workbench.ts";

const h = await createHarness();

/** Columns by name: the type in the log, and values of row `r` of file `k` in SQL. */
const COLUMNS: Readonly<Record<string, readonly [type: string, sql: string]>> = {
  id: ["long", "9007199254740990 + k * 30 + r"],
  i: [
    "integer",
    "CASE WHEN k = 7 THEN NULL WHEN k % 3 = 1 AND r = 5 THEN NULL ELSE k * 10 + r - 60 END::INTEGER",
  ],
  d: [
    "double",
    "CASE WHEN k % 4 = 3 AND r = 0 THEN 'NaN' WHEN k = 5 THEN '-Infinity' ELSE k + r / 10 END::DOUBLE",
  ],
  f: ["float", "CASE WHEN k = 4 AND r = 1 THEN 'NaN' ELSE k + r / 10 END::FLOAT"],
  m: ["decimal(20,2)", "((k * 100000000000000 + r)::DECIMAL(20,0) / 100)::DECIMAL(20,2)"],
  s: [
    "string",
    `CASE k % 4 WHEN 0 THEN chr((97 + k)::INTEGER) || r WHEN 1 THEN repeat('x', 31) || chr((97 + k + r)::INTEGER) || r
      WHEN 2 THEN repeat('x', 32) || CASE WHEN r % 2 = 0 THEN '😀' ELSE '~' END ELSE '' END`,
  ],
  t: ["timestamp", "TIMESTAMPTZ '2020-01-01 00:00:00.0009Z' + to_days(k::INTEGER) + to_microseconds(r * 7)"],
  n: ["timestamp_ntz", "TIMESTAMP '1969-12-31 23:59:59.9985' + to_seconds(k) + to_microseconds(r * 7)"],
  day: ["date", "(DATE '1895-01-01' + to_days((k * 365 + r)::INTEGER))::DATE"],
  b: ["boolean", "CASE WHEN k < 3 THEN true WHEN k < 6 THEN false ELSE r % 2 = 0 END"],
};
const FILES = 12;
const ROWS = 30;
const NAMES = Object.keys(COLUMNS);
const valuesOf = (file: number): string =>
  `SELECT ${NAMES.map((name) => `${COLUMNS[name]?.[1]} AS ${name}`).join(", ")} ` +
  `FROM (SELECT ${file} AS k, range AS r FROM range(${ROWS}))`;

/** Statistics as Spark writes them: texts cut to 32 characters, times to milliseconds, NaN the greatest number. */
const SPARK = (name: string, type: string): readonly [least: string, most: string] => {
  const [least, most] = [`min(${name})`, `max(${name})`];
  if (type === "string") {
    const cut = `CASE WHEN length(${most}) > 32 THEN left(${most}, 32) || '\u{fffd}' ELSE ${most} END`;
    return [`to_json(left(${least}, 32))`, `to_json(${cut})`];
  }
  if (type.startsWith("timestamp")) {
    const text = (value: string): string =>
      `to_json(strftime(date_trunc('millisecond', ${value}), '%Y-%m-%dT%H:%M:%S.%g${type === "timestamp" ? "Z" : ""}'))`;
    return [text(least), text(most)];
  }
  if (type === "boolean") return ["NULL", "NULL"];
  const plain = (value: string): string =>
    /^(double|float)$/.test(type)
      ? `CASE WHEN isfinite(${value}) THEN ${value}::VARCHAR ELSE '"' || ${value} || '"' END`
      : type === "date"
        ? `to_json(${value})`
        : `${value}::VARCHAR`;
  return [plain(least), plain(most)];
};
/** As delta-rs writes them: without NaN, decimals as numbers of 64 bits, booleans. */
const RUST = (name: string, type: string): readonly [string, string] => {
  if (type.startsWith("decimal")) return [`min(${name})::DOUBLE::VARCHAR`, `max(${name})::DOUBLE::VARCHAR`];
  if (type === "boolean") return [`min(${name})::VARCHAR`, `max(${name})::VARCHAR`];
  const number = /^(double|float)$/.test(type);
  if (!number) return SPARK(name, type);
  const some = `FILTER (WHERE isfinite(${name}))`;
  return [`(min(${name}) ${some})::VARCHAR`, `(max(${name}) ${some})::VARCHAR`];
};

async function statsOf(file: number): Promise<string | undefined> {
  if (file === 10) return undefined;
  const style = file % 2 === 0 ? SPARK : RUST;
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const list = NAMES.flatMap((name) => [
    ...style(name, COLUMNS[name]?.[0] ?? ""),
    `(count(*) - count(${name}))::VARCHAR`,
  ]);
  await connection.run("SET TimeZone = 'UTC'");
  const [row = []] = await (
    await connection.run(`SELECT ${list.join(", ")} FROM (${valuesOf(file)})`)
  ).getRows();
  connection.disconnectSync();
  instance.closeSync();
  const object = (at: number): string =>
    `{${NAMES.flatMap((name, index) => {
      const value = row[index * 3 + at];
      return value === null ? [] : [`${JSON.stringify(name)}:${String(value)}`];
    }).join(",")}}`;
  const most = file === 8 ? "" : `"maxValues":${object(1)},`;
  const tight = file === 2 ? ',"tightBounds":false' : "";
  return `{"numRecords":${ROWS},"minValues":${object(0)},${most}"nullCount":${object(2)}${tight}}`;
}

/** Rows 3, 4, 7, 11, 18, 29: the protocol's own example. */
const VECTOR = {
  storageType: "i",
  pathOrInlineDv: "wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L",
  sizeInBytes: 40,
  cardinality: 6,
};

/** In the order of the files' paths. */
const ORDER = Array.from({ length: FILES }, (_, at) => at).toSorted((a, b) =>
  `p=${a % 3}/${a}.` < `p=${b % 3}/${b}.` ? -1 : 1,
);
const ALL = ORDER.map((at) => {
  const rows = `SELECT *, ${at % 3}::INTEGER AS p FROM (${valuesOf(at)})`;
  return at === 2 ? `${rows} WHERE id - 9007199254740990 - 60 NOT IN (3, 4, 7, 11, 18, 29)` : rows;
}).join(" UNION ALL ");

let files: Readonly<Record<string, Buffer>>;
let statistics: readonly (string | undefined)[];
beforeAll(async () => {
  const made = Array.from({ length: FILES }, async (_, at) => [
    `t/p=${at % 3}/${at}.parquet`,
    await parquet(h.folder, valuesOf(at)),
  ]);
  files = Object.fromEntries(await Promise.all(made)) as typeof files;
  statistics = await Promise.all(Array.from({ length: FILES }, (_, at) => statsOf(at)));
});

interface Table {
  readonly log: readonly FileRef[];
  /** Data files that were looked up since it was asked last. */
  looked(): number;
}

async function tableOf(given: readonly (string | undefined)[]): Promise<Table> {
  const fields = NAMES.map((name) => field(name, COLUMNS[name]?.[0]));
  const adds = Object.entries(files).map(([path, bytes], at) =>
    add(path.slice(2), bytes, {
      partitionValues: { p: String(at % 3) },
      ...(given[at] === undefined ? {} : { stats: given[at] }),
      ...(at === 2 ? { deletionVector: VECTOR } : {}),
    }),
  );
  const head = [
    protocol(["deletionVectors", "timestampNtz"]),
    metaData([...fields, field("p", "integer")], ["p"]),
  ];
  const store = deltaStore({ ...files, [commit(0)]: lines(...head, ...adds) });
  let count = 0;
  const storage: StorageAdapter = {
    ...store.storage,
    stat(path, options) {
      if (path.endsWith(".parquet")) count += 1;
      return store.storage.stat(path, options);
    },
  };
  const log = (await store.log()).map((file) => ({ ...file, storage }));
  return {
    log,
    looked() {
      const before = count;
      count = 0;
      return before;
    },
  };
}

const lit = (value: string | number | boolean): Expr => ({ lit: value });
const moment = (time: Date, micros: number): Expr => ({
  fn: "datetime",
  args: [
    time.getUTCFullYear(),
    time.getUTCMonth() + 1,
    time.getUTCDate(),
    time.getUTCHours(),
    time.getUTCMinutes(),
    time.getUTCSeconds(),
    time.getUTCMilliseconds() * 1000 + micros,
  ].map((part) => ({ lit: part })),
});

/** For each column constants that its rows hold, or nearly. */
const CONSTANTS: Readonly<Record<string, (k: number, r: number) => Expr>> = {
  // The last that a number of JavaScript holds, and those behind it.
  id: (k, r) =>
    k * 30 + r < 2 ? lit(9007199254740989) : { int: String(9007199254740990n + BigInt(k * 30 + r)) },
  i: (k, r) => lit(r % 5 === 0 ? k * 10 + r - 60.5 : k * 10 + r - 60),
  d: (k, r) => lit(k + r / 10),
  f: (k, r) => lit(r % 2 === 0 ? k : Math.fround(k + r / 10)),
  m: (k, r) => lit(r % 2 === 0 ? k * 1e12 : (k * 1e14 + r) / 100),
  s: (k, r) =>
    lit(
      [
        `${String.fromCodePoint(97 + k)}${r}`,
        `${"x".repeat(31)}${String.fromCodePoint(97 + k + r)}${r}`,
        `${"x".repeat(32)}${r % 2 === 0 ? "😀" : "~"}`,
        "",
      ][k % 4] ?? "",
    ),
  t: (k, r) => moment(new Date(Date.UTC(2020, 0, 1 + k)), 900 + r * 7),
  n: (k, r) => moment(new Date((k - 1) * 1000 + 998), 500 + r * 7),
  day: (k, r) => moment(new Date(Date.UTC(1895, 0, 1 + k * 365 + r)), 0),
  b: (k) => lit(k % 2 === 0),
  p: (k) => lit(k % 3),
};

const leaf = fc
  .record({
    name: fc.constantFrom(...Object.keys(CONSTANTS)),
    fn: fc.constantFrom(
      "==",
      "<",
      "<=",
      ">",
      ">=",
      "!=",
      "in",
      "is_null",
      "is_not_null",
      "starts_with",
      "turned",
    ),
    k: fc.integer({ min: -1, max: FILES }),
    r: fc.nat(ROWS - 1),
    other: fc.constantFrom(...Object.keys(CONSTANTS)),
  })
  .map(({ name, fn, k, r, other }): Expr => {
    const at = { col: name };
    // Now and then of another kind.
    const constant = CONSTANTS[r === 13 ? other : name]?.(k, r) ?? lit(0);
    if (fn === "is_null" || fn === "is_not_null") return { fn, args: [at] };
    if (fn === "in") return { fn, args: [at, constant, CONSTANTS[name]?.(k + 1, 0) ?? lit(0)] };
    if (fn === "turned") return { fn: "<=", args: [constant, at] };
    return { fn: fn as "==", args: [at, constant] };
  });
const filter: fc.Arbitrary<Expr> = fc.oneof(
  { weight: 3, arbitrary: leaf },
  fc
    .tuple(fc.constantFrom("and" as const, "or" as const), leaf, leaf)
    .map(([fn, a, b]): Expr => ({ fn, args: [a, b] })),
  leaf.map((one): Expr => ({ fn: "not", args: [one] })),
);

test("filters give the same rows with statistics and without", async () => {
  const [told, untold] = [await tableOf(statistics), await tableOf([])];
  // The same rows in one file: DuckDB judges them alone.
  const whole = await h.files({ "all.parquet": await parquet(h.folder, ALL) });
  const numRuns = size(40, 12);
  let fewer = 0;
  await fc.assert(
    fc.asyncProperty(filter, async (where) => {
      const plan = (op: string) => [{ op }, { op: "filter", where }];
      const expected = await h.rows(plan("read_parquet"), whole);
      expect(await h.rows(plan("read_delta_lake"), told.log)).toEqual(expected);
      if (told.looked() < FILES) fewer += 1;
    }),
    { numRuns },
  );
  expect(fewer).toBeGreaterThan(numRuns / 4);
  expect(await h.rows([{ op: "read_delta_lake" }], untold.log)).toEqual(
    await h.rows([{ op: "read_parquet" }], whole),
  );
});

test.each<[what: string, type: string, values: readonly unknown[], where: Expr, isRead: boolean]>([
  ["a number beyond the bounds", "long", [1, 5], { fn: ">", args: [{ col: "x" }, lit(5)] }, false],
  ["the greatest", "long", [1, 5], { fn: ">=", args: [{ col: "x" }, lit(5)] }, true],
  ["the constant first", "long", [1, 5], { fn: ">", args: [lit(1), { col: "x" }] }, false],
  ["bounds that are texts", "long", ["1", "5"], { fn: "==", args: [{ col: "x" }, lit(6)] }, false],
  ["a bound that was rounded", "long", [1, "5.0E18"], { fn: ">", args: [{ col: "x" }, lit(6e18)] }, true],
  ["NaN as the greatest", "double", [1, "NaN"], { fn: ">", args: [{ col: "x" }, lit(9)] }, true],
  ["an infinite bound", "double", ["-Infinity", 3], { fn: "<", args: [{ col: "x" }, lit(-9)] }, true],
  [
    "a float that became a double",
    "double",
    [0.1, 0.1],
    { fn: "==", args: [{ col: "x" }, lit(Math.fround(0.1))] },
    true,
  ],
  [
    "a thousandth of a second",
    "timestamp",
    ["2020-01-01T00:00:00.001Z", "2020-01-01T00:00:00.001Z"],
    { fn: "==", args: [{ col: "x" }, moment(new Date("2020-01-01T00:00:00.001Z"), 999)] },
    true,
  ],
  [
    "the next",
    "timestamp",
    ["2020-01-01T00:00:00.001Z", "2020-01-01T00:00:00.001Z"],
    { fn: ">", args: [{ col: "x" }, moment(new Date("2020-01-01T00:00:00.002Z"), 1)] },
    false,
  ],
  [
    "an offset",
    "timestamp",
    ["2020-01-01T00:00:00.000+02:00", "2020-01-01T00:00:00.000+02:00"],
    { fn: "<", args: [{ col: "x" }, moment(new Date("2019-12-31T22:30:00Z"), 0)] },
    true,
  ],
  [
    "a time without a zone",
    "timestamp",
    ["2020-01-01T00:00:00", "2020-01-01T00:00:00"],
    { fn: "<", args: [{ col: "x" }, moment(new Date("2019-01-01T00:00:00Z"), 0)] },
    true,
  ],
  [
    "a day before all calendars are alike",
    "date",
    ["1582-10-15", "1582-10-15"],
    { fn: "<", args: [{ col: "x" }, moment(new Date("1582-10-06T00:00:00Z"), 0)] },
    true,
  ],
  [
    "a text that was cut",
    "string",
    ["a", `${"b".repeat(32)}\u{fffd}`],
    { fn: "==", args: [{ col: "x" }, lit(`${"b".repeat(32)}😀`)] },
    true,
  ],
  ["a text behind it", "string", ["a", "bbb"], { fn: ">=", args: [{ col: "x" }, lit("bc")] }, false],
  ["how a text begins", "string", ["ba", "bz"], { fn: "starts_with", args: [{ col: "x" }, lit("c")] }, false],
  ["half a character", "string", ["\ud83d", "\ud83d"], { fn: "==", args: [{ col: "x" }, lit("a")] }, true],
  ["no bounds", "long", [], { fn: ">", args: [{ col: "x" }, lit(5)] }, true],
  ["one of several", "long", [1, 5], { fn: "in", args: [{ col: "x" }, lit(7), lit(0)] }, false],
  [
    "either of two columns",
    "long",
    [1, 5],
    {
      fn: "or",
      args: [
        { fn: ">", args: [{ col: "x" }, lit(5)] },
        { fn: "==", args: [{ col: "p" }, lit(2)] },
      ],
    },
    false,
  ],
  ["an opposite", "long", [1, 5], { fn: "not", args: [{ fn: "<", args: [{ col: "x" }, lit(9)] }] }, false],
  [
    "an opposite that NaN fulfils",
    "double",
    [1, 5],
    { fn: "not", args: [{ fn: "<", args: [{ col: "x" }, lit(9)] }] },
    true,
  ],
  ["another than the only value", "long", [5, 5], { fn: "!=", args: [{ col: "x" }, lit(5)] }, false],
  ["another than one of two", "long", [5, 6], { fn: "!=", args: [{ col: "x" }, lit(5)] }, true],
  ["none of several", "long", [5, 5], { fn: "not_in", args: [{ col: "x" }, lit(4), lit(5)] }, false],
  [
    "a text that others may begin with",
    "string",
    ["a", "a"],
    { fn: "!=", args: [{ col: "x" }, lit("a")] },
    true,
  ],
  ["a condition by itself", "boolean", [false, false], { col: "x" }, false],
  ["nulls, of which there are none", "long", [1, 5], { fn: "is_null", args: [{ col: "x" }] }, false],
  [
    "a column of nulls",
    "long",
    [undefined, undefined, 3],
    { fn: "is_not_null", args: [{ col: "x" }] },
    false,
  ],
  ["nulls of rows that may be deleted", "long", [1, 5, 2], { fn: "is_null", args: [{ col: "x" }] }, true],
])("whether a file is read for: %s", async (_, type, [least, most, nulls = 0], where, isRead) => {
  const bytes = await parquet(h.folder, "SELECT NULL::BIGINT AS column_7");
  const values = (value: unknown) => (value === undefined ? {} : { "column-7": value });
  const stats = {
    numRecords: 3,
    minValues: values(least),
    maxValues: values(most),
    nullCount: { "column-7": nulls },
  };
  const x = field("x", type, {
    "delta.columnMapping.physicalName": "column-7",
    "delta.columnMapping.id": 1,
  });
  const p = field("p", "integer", { "delta.columnMapping.physicalName": "p", "delta.columnMapping.id": 2 });
  const store = deltaStore({
    "t/a.parquet": bytes,
    [commit(0)]: lines(
      protocol(["columnMapping"]),
      metaData([x, p], ["p"], { "delta.columnMapping.mode": "name" }),
      add("a.parquet", bytes, { partitionValues: { p: "1" }, stats: JSON.stringify(stats) }),
    ),
  });
  const steps = [
    { op: "read_delta_lake" },
    { op: "keep_columns", columns: ["x", "p"] },
    { op: "filter", where },
  ];
  const explained = await h.engine().explain?.(planOf(steps), listed(await store.log()));
  expect(explained?.files?.read).toBe(isRead ? 1 : 0);
  if (!isRead) expect(explained?.files?.pruned[0]?.reason).toMatch(/^filter: .*, by statistics of the log$/);
});

test("of a file elsewhere come the columns and row groups that matter; explain says so before", async () => {
  const bytes = await parquet(
    h.folder,
    'SELECT range AS "column-7", md5(range::VARCHAR) AS a, md5((range + 1)::VARCHAR) AS b FROM range(40960)',
    ", ROW_GROUP_SIZE 4096, COMPRESSION uncompressed",
  );
  const name = (logical: string, physical: string, type: string): object =>
    field(logical, type, {
      "delta.columnMapping.physicalName": physical,
      "delta.columnMapping.id": 1,
    });
  const stats = (least: number, most: number): object => ({
    stats: JSON.stringify({
      numRecords: 40960,
      minValues: { "column-7": least },
      maxValues: { "column-7": most },
    }),
  });
  const fields = [name("x", "column-7", "long"), name("a", "a", "string"), name("b", "b", "string")];
  const store = deltaStore({
    "t/1.parquet": bytes,
    "t/2.parquet": bytes,
    "t/3.parquet": bytes,
    [commit(0)]: lines(
      protocol(["columnMapping", "deletionVectors"]),
      metaData(fields, [], { "delta.columnMapping.mode": "name" }),
      add("1.parquet", bytes, { ...stats(0, 40959), deletionVector: VECTOR }),
      add("2.parquet", bytes, stats(50000, 90000)),
      add("3.parquet", bytes),
    ),
  });
  const { files: log, bytes: fetched } = metered(await store.log());
  const engine = h.engine();
  const plan = planOf([
    { op: "read_delta_lake" },
    { op: "filter", where: { fn: "<", args: [{ col: "x" }, lit(5000)] } },
    { op: "keep_columns", columns: ["a"] },
  ]);
  const before = await engine.explain?.(plan, listed(log));
  expect(before?.files).toEqual({
    listed: 3,
    read: 2,
    pruned: [
      {
        uri: expect.stringMatching(/2\.parquet$/),
        reason: 'filter: col("x") < 5000, by statistics of the log',
      },
    ],
  });
  expect(before?.notes).toEqual([
    expect.stringMatching(/^16 of 20 row groups are left out .*: col\("x"\) < 5000\.$/),
  ]);
  expect(before?.bytes?.fetch).toBeLessThan(bytes.length / 4);
  expect(before?.bytes?.read).toBe(bytes.length * 2);
  const footers = fetched();
  const rows = await allRows(await engine.open(plan, listed(log)));
  expect(rows).toHaveLength(5000 - VECTOR.cardinality + 5000);
  // The log was read again.
  expect(fetched() - footers - (footers - 2 * 65_536)).toBe(before?.bytes?.fetch);
  expect((await engine.explain?.(plan, listed(log)))?.bytes).toMatchObject({ fetch: 0 });
});
