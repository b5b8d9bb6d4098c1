import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Row } from "@aml/core";
import { randomRuns } from "@aml/kit/runs";
import { DuckDBInstance } from "@duckdb/node-api";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { localWorkspace, rowsOf } from "./local-workspace.ts";

const { folder, workspace, write } = await localWorkspace();

async function filesBelow(name: string): Promise<string[]> {
  const entries = await readdir(join(folder, name), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const root = join(folder, name).length + 1;
  return files.map((path) => path.slice(root).replaceAll("\\", "/").split("/").slice(1).join("/")).toSorted();
}

const january = new Date("2025-01-01T00:00:00Z");
const later = new Date("2025-01-01T12:30:15Z");

test("a folder for each combination, and the table of them with the keys as they were", async () => {
  const rows: Row[] = [
    { city: "oslo", at: january, big: 2n ** 60n, yes: true, n: 1, s: "ä" },
    { city: "bergen", at: later, big: -1n, yes: false, n: 2, s: null },
    { city: "oslo", at: january, big: 2n ** 60n, yes: true, n: 3, s: "" },
    { city: "oslo", at: later, big: -1n, yes: true, n: 4, s: "b" },
  ];
  const source = await workspace.tabular.fromRows(rows, "source");
  const parts = await source.partitionBy(["city", "at", "big", "yes"], "parts");
  expect(await filesBelow("parts")).toEqual([
    "bergen/20250101123015/-1/false/part-00000.parquet",
    "oslo/20250101000000/1152921504606846976/true/part-00000.parquet",
    "oslo/20250101123015/-1/true/part-00000.parquet",
  ]);
  expect(parts.partitionKeys).toEqual(["city", "big", "yes", "at"]);
  const back = await rowsOf(parts);
  expect(back.toSorted((a, b) => Number(a["n"]) - Number(b["n"]))).toEqual(rows);
  expect(await parts.partitionKeyValues({ keys: ["city"] })).toEqual([{ city: "bergen" }, { city: "oslo" }]);
  const pruned = parts
    .withTimestampColumns({ timestamp: "at" })
    .timeAfter(january, { includeBoundary: false });
  expect((await rowsOf(pruned)).map(({ n }) => n)).toEqual([2, 4]);
});

test.each<[string, readonly Row[], readonly string[], string]>([
  ["no key", [{ k: "a", n: 1 }], [], "plan_invalid"],
  ["a key twice", [{ k: "a", n: 1 }], ["k", "k"], "plan_invalid"],
  ["an unknown key", [{ k: "a", n: 1 }], ["j"], "plan_invalid"],
  ["nothing but keys", [{ k: "a" }], ["k"], "plan_invalid"],
  ["an empty text", [{ k: "", n: 1 }], ["k"], "unsupported"],
  ["no number", [{ k: Number.NaN, n: 1 }], ["k"], "unsupported"],
  ["infinity", [{ k: Number.POSITIVE_INFINITY, n: 1 }], ["k"], "unsupported"],
  ["bytes", [{ k: new Uint8Array([1]), n: 1 }], ["k"], "unsupported"],
  ["a list", [{ k: [1], n: 1 }], ["k"], "unsupported"],
])("%s is refused, and leaves nothing", async (name, rows, keys, code) => {
  const source = await workspace.tabular.fromRows(rows, "source");
  const target = `refused-${name.replaceAll(" ", "-")}`;
  await expect(source.partitionBy(keys, target)).rejects.toMatchObject({ code });
  expect(await filesBelow(target).catch(() => [])).toEqual([]);
});

const byN = (rows: readonly Row[]): Row[] => rows.toSorted((a, b) => Number(a["n"]) - Number(b["n"]));

test("names of the store are names of folders: letters of all languages and spaces, and any format reads them", async () => {
  const rows = ["New York", "Zürich", "東京", "😀", "x=1", "a:b", "(1) & 2"].map((city, n) => ({
    "the city.": city,
    n,
  }));
  const source = await workspace.tabular.fromRows(rows, "source");
  const parts = await source.partitionBy(["the city."], "names");
  expect(await filesBelow("names")).toContain("New York/part-00000.parquet");
  expect(parts.plan.steps[0]).not.toHaveProperty("value_encoding");
  expect(byN(await rowsOf(parts))).toEqual(rows);
  expect(await parts.partitionKeyValues()).toContainEqual({ "the city.": "New York" });
});

test("what is no name is written as Hive and Spark do it, and null as they do", async () => {
  const texts = [
    null,
    "a/b",
    "..",
    ".",
    "50%",
    "%2E",
    "a\\b",
    "*?[x]",
    " x ",
    "\n\t",
    "1.5",
    "__HIVE_DEFAULT_PARTITION__",
    "né",
    "a",
  ];
  const rows = texts.map((k, n) => ({ k, n }));
  const source = await workspace.tabular.fromRows(rows, "source");
  const parts = await source.partitionBy(["k"], "hive");
  const folders = (await filesBelow("hive")).map((path) => path.replace(/\/.*/, ""));
  expect(folders.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(
    [
      "%0A%09",
      "%20x%20",
      "%252E",
      "%2A%3F%5Bx%5D",
      "%2E",
      "%2E%2E",
      "%5F_HIVE_DEFAULT_PARTITION__",
      "1%2E5",
      "50%25",
      "__HIVE_DEFAULT_PARTITION__",
      "a",
      "a%2Fb",
      "a%5Cb",
      "né",
    ].toSorted(),
  );
  expect(parts.plan.steps[0]).toMatchObject({ value_encoding: "hive" });
  expect(byN(await rowsOf(parts))).toEqual(rows);
  expect(await parts.partitionKeyValues()).toContainEqual({ k: null });
  expect((await rowsOf(parts.filter("k is None"))).map(({ n }) => n)).toEqual([0]);
  expect((await parts.schema()).columns.find(({ name }) => name === "k")).toMatchObject({ nullable: true });
  const saved = workspace.tabular.fromPlan(JSON.parse(JSON.stringify(parts.plan)) as never);
  expect(byN(await rowsOf(saved))).toEqual(rows);
});

test("folders that Spark or pyarrow wrote: escaped values are read as they were", async () => {
  await write({
    "spark/city=S%C3%A3o%2FX/k=__HIVE_DEFAULT_PARTITION__/a.csv": "n\n1\n",
    "spark/city=a%3Ab/k=1/a.csv": "n\n2\n",
  });
  const base = workspace.tabular.fromDelimitedFiles("spark/**/*.csv");
  const [read] = base.plan.steps;
  const format = {
    op: "extract_columns_from_partition_format",
    partition_format: "/city={city}/k={k}/",
    value_encoding: "hive",
  } as const;
  const table = workspace.tabular.fromPlan({ ...base.plan, steps: [format, read as never] });
  expect(await rowsOf(table)).toEqual([
    { city: "São/X", k: null, n: 1n },
    { city: "a:b", k: "1", n: 2n },
  ]);
});

test("keys of all types: numbers, dates, times with fractions, several of them, and nulls among them", async () => {
  const rows: Row[] = [
    { f: 0.1, at: new Date("2025-01-01T00:00:00.250Z"), to: january, yes: null, i: null, n: 0 },
    { f: -1.5e300, at: later, to: later, yes: true, i: 3n, n: 1 },
    { f: null, at: null, to: january, yes: false, i: -(2n ** 62n), n: 2 },
    { f: 0.1, at: new Date("2025-01-01T00:00:00.250Z"), to: january, yes: null, i: null, n: 3 },
  ];
  const source = await workspace.tabular.fromRows(rows, "source");
  const parts = await source.partitionBy(["f", "at", "to", "yes", "i"], "types");
  expect(await filesBelow("types")).toEqual(
    [
      "0%2E1/20250101000000%2E250000/20250101000000/__HIVE_DEFAULT_PARTITION__/__HIVE_DEFAULT_PARTITION__/part-00000.parquet",
      "-1%2E5e+300/20250101123015/20250101123015/true/3/part-00000.parquet",
      "__HIVE_DEFAULT_PARTITION__/__HIVE_DEFAULT_PARTITION__/20250101000000/false/-4611686018427387904/part-00000.parquet",
    ].toSorted(),
  );
  expect(byN(await rowsOf(parts))).toEqual(rows);
  expect(parts.plan.steps[0]).toMatchObject({
    partition_format: expect.stringContaining("{to:yyyyMMddHHmmss}"),
  });
});

test("dates come back as times of midnight, decimals as floats if these hold them", async () => {
  const schema = {
    columns: [
      { name: "d", type: "date", nullable: true },
      { name: "m", type: "decimal", nullable: true },
      { name: "n", type: "int64", nullable: false },
    ],
  } as const;
  const rows = [
    { d: "2024-02-29", m: "12.50", n: 0n },
    { d: null, m: "-0.001", n: 1n },
    { d: "0001-01-01", m: null, n: 2n },
  ];
  const source = await workspace.tabular.fromRows(rows, "typed", { schema });
  const types = (await source.schema()).columns.map(({ type }) => type);
  expect(types.slice(0, 2)).toEqual(["date", "decimal"]);
  const parts = await source.partitionBy(["d", "m"], "dates");
  expect((await filesBelow("dates"))[0]).toMatch(/^0001-01-01\/__HIVE|^2024-02-29\/12%2E5/);
  expect(byN(await rowsOf(parts))).toEqual([
    { d: new Date("2024-02-29T00:00:00Z"), m: 12.5, n: 0n },
    { d: null, m: -0.001, n: 1n },
    { d: new Date("0001-01-01T00:00:00Z"), m: null, n: 2n },
  ]);
  const long = await workspace.tabular.fromRows([{ d: null, m: "1234567890.1234567", n: 0n }], "long", {
    schema,
  });
  await expect(long.partitionBy(["m"], "long-parts")).rejects.toMatchObject({ code: "unsupported" });
});

test("no row is lost whose time or number is finer than a literal of filters", async () => {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const made = (name: string, sql: string) =>
    connection.run(`COPY (${sql}) TO '${join(folder, name)}' (FORMAT parquet)`);
  await made(
    "ns.parquet",
    "SELECT make_timestamp_ns(1735689600000000000 + range * 1000) AS k, range AS n FROM range(4)",
  );
  await made(
    "wide.parquet",
    "SELECT (range * 0.000000000000000000000000000001)::DECIMAL(38, 30) AS k, range AS n FROM range(4)",
  );
  await made("finer.parquet", "SELECT make_timestamp_ns(1735689600000000500) AS k, 1 AS n");
  await made("far.parquet", "SELECT 'infinity'::TIMESTAMP AS k, 1 AS n");
  connection.disconnectSync();
  instance.closeSync();
  const parted = (name: string) =>
    workspace.tabular.fromParquetFiles(name).partitionBy(["k"], `${name}-parts`);
  expect(byN(await rowsOf(await parted("ns.parquet"))).map(({ n }) => n)).toEqual([0n, 1n, 2n, 3n]);
  expect(byN(await rowsOf(await parted("wide.parquet"))).map(({ k }) => k)).toEqual([0, 1e-30, 2e-30, 3e-30]);
  await expect(parted("finer.parquet")).rejects.toMatchObject({
    code: "unsupported",
    context: { column: "k" },
  });
  await expect(parted("far.parquet")).rejects.toMatchObject({ code: "unsupported" });
});

test("a sample without a seed is drawn once: parts are of the same rows", async () => {
  const rows = Array.from({ length: 2000 }, (_, n) => ({ k: n % 3, n }));
  const source = await workspace.tabular.fromRows(rows, "source");
  const parts = await source.takeRandomSample({ probability: 0.5 }).partitionBy(["k"], "sampled");
  const once = (await rowsOf(parts)).map(({ n }) => n);
  expect(new Set(once).size).toBe(once.length);
  expect(once.length).toBeGreaterThan(800);
});

test("no row is lost, doubled or changed, whatever the keys", async () => {
  const row = fc.record({
    text: fc.oneof(
      fc.constantFrom("a", "A1", "x-y", "true", "0", "(1)", "a=b", null),
      fc.string({
        unit: fc.constantFrom("a", ".", "/", "%", " ", "é", "*", "{"),
        minLength: 1,
        maxLength: 4,
      }),
    ),
    float: fc.oneof(
      fc.constant(null),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((f) => f || 0),
    ),
    whole: fc.bigInt({ min: -3n, max: 3n }),
    at: fc.integer({ min: 0, max: 3 }).map((hour) => new Date(hour * 3_600_000)),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 12 }), async (given) => {
      const rows = given.map((each, n) => ({ ...each, n }));
      const source = await workspace.tabular.fromRows(rows, "source");
      const back = await rowsOf(await source.partitionBy(["whole", "text", "float", "at"], "any"));
      expect(byN(back)).toEqual(rows);
    }),
    randomRuns(10),
  );
});
