import { pythonVenv } from "@aml/kit/python-venv";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { fromArrow, toArrow, toArrowIpc } from "@aml/arrow";
import type { Row, TabularDataset } from "@aml/core";
import { CompressionType, compressionRegistry } from "apache-arrow";
import { beforeAll, describe, expect, test } from "vitest";
import { runPython, type ReadBack } from "./python.ts";
import { plainRows } from "./values.ts";
import { createWorkbench } from "./workbench.ts";

const python = pythonVenv("pandas");

type ReadFile = "parquet" | "feather" | "arrow" | "csv" | "jsonl";
type ReadBacks = Record<
  | ReadFile
  | `pandas ${Exclude<ReadFile, "arrow">}`
  | "given"
  | "odd"
  | "odd given"
  | "taken in"
  | "nanos"
  | "nanos given",
  ReadBack
>;

describe.skipIf(!python)(`pandas and pyarrow${python ? "" : " (needs both of PyPI)"}`, async () => {
  const bench = await createWorkbench();
  const { tabular } = bench.workspace;
  let read: ReadBacks;

  beforeAll(async () => {
    await runPython(python ?? "", "pandas_writes.py", bench.folder);
    const table = tabular.fromParquetFiles("plain.parquet");
    await table.write("out.parquet", "parquet");
    await tabular.fromParquetFiles("nanos-utc.parquet").write("out-nanos.parquet", "parquet");
    await table.write("out.arrow", toArrowIpc);
    await table.write("out.feather", (source, options) => toArrowIpc(source, { ...options, format: "file" }));
    const text = table.keepColumns(["i64", "d38", "text", "day", "us", "us_utc"]);
    await text.write("out.csv", "csv");
    await text.write("out.jsonl", "jsonl");
    const taken = await takenFrom("frame.arrow");
    await taken.write("taken.parquet", "parquet");
    await (await takenFrom("odd.arrow")).write("odd.parquet", "parquet");
    read = await runPython(python ?? "", "pandas_reads.py", bench.folder);
  }, 300_000);

  const takenFrom = async (name: string): Promise<TabularDataset> =>
    tabular.fromColumnBatches(fromArrow(createReadStream(join(bench.folder, name))), "taken");

  test.each(["frame.arrow", "frame.feather", "zstd.feather", "lz4.feather"])(
    "their Arrow is taken in to the last digit (%s)",
    async (name) => {
      const table = await takenFrom(name);
      expect(await rowsOf(table)).toEqual([FIRST, NOTHING, LAST]);
      expect(plainRows(await toArrow(table.keepColumns(["us", "ns", "us_utc"])))).toEqual([
        ["1795599000123456", "1795599000123456789", "1795599000123456"],
        [null, null, null],
        ["-1", "-1", "-1"],
      ]);
    },
  );

  test("what was taken in is what they had given", () => {
    expect(read["taken in"].rows).toEqual(read.given.rows);
    expect(read["taken in"].types).toEqual(read.parquet.types);
  });

  test("types that only Arrow has come through as others of the same values", () => {
    expect(read.odd.rows).toEqual(read["odd given"].rows);
    expect(read.odd.types).toMatchObject({
      "large text": "string",
      "fixed raw": "binary",
      half: "float",
      "day in ms": "date32[day]",
      "instant in ns": "timestamp[us, tz=UTC]",
      "of numbers": "int64",
      nothing: "string",
    });
  });

  test("LZ4 of many blocks comes out as it went in", async () => {
    const rows = plainRows(await toArrow(await takenFrom("many.feather")));
    expect(rows).toHaveLength(120_000);
    for (const [at, [number, text]] of rows.entries()) {
      const expected = [String((at * 7919) % 120_011), `text ${at % 977} of ${Math.floor(at / 50)}`];
      if (number !== expected[0] || text !== expected[1]) expect([number, text]).toEqual(expected);
    }
  });

  test("compression that the runtime has not is refused with a way out", async () => {
    const codec = compressionRegistry.get(CompressionType.ZSTD) ?? {};
    compressionRegistry.set(CompressionType.ZSTD, {});
    try {
      await expect(takenFrom("zstd.feather")).rejects.toMatchObject({
        code: "unsupported",
        hint: expect.stringContaining("compression='lz4'") as string,
      });
    } finally {
      compressionRegistry.set(CompressionType.ZSTD, codec);
    }
  });

  test.each(["plain", "pages", "frame"])("their Parquet is read to the last digit (%s)", async (name) => {
    const table = tabular.fromParquetFiles(`${name}.parquet`);
    expect(await rowsOf(table)).toEqual([FIRST, NOTHING, LAST]);
    const precise = plainRows(await toArrow(table.keepColumns(["us", "ns", "us_utc"])));
    expect(precise).toEqual([
      ["1795599000123456", "1795599000123456789", "1795599000123456"],
      [null, null, null],
      ["-1", "-1", "-1"],
    ]);
  });

  test("their instants are read to the nanosecond, and explain tells what that takes", async () => {
    const nanos = tabular.fromParquetFiles("nanos-utc.parquet");
    expect(plainRows(await toArrow(nanos.keepColumns(["t"])))).toEqual([["1795599000123456789"]]);
    const notesOf = async (table: TabularDataset): Promise<string> => (await table.explain()).notes.join();
    expect(await notesOf(nanos)).toMatch(/^Timestamps of "deep", "t" are stored in nanoseconds/);
    expect(await notesOf(nanos.keepColumns(["t"]))).toMatch(/^Timestamps of "t" are/);
    expect(await notesOf(nanos.keepColumns(["deep"]))).toMatch(/^Timestamps of "deep" are/);
    expect(await notesOf(nanos.keepColumns(["i"]))).toBe("");
    expect(await notesOf(tabular.fromParquetFiles("plain.parquet"))).toBe("");
  });

  test("instants of nanoseconds that we write are what they gave", () => {
    expect(read.nanos).toEqual(read["nanos given"]);
    expect(read.nanos.types).toMatchObject({
      t: "timestamp[ns, tz=UTC]",
      deep: "struct<in: timestamp[ns, tz=UTC]>",
    });
    expect(read.nanos.rows[0]?.[0]).toBe("2026-11-25T09:30:00.123456789+00:00");
  });

  test("their old timestamps of 96 bits, and a table without rows", async () => {
    expect(await rowsOf(tabular.fromParquetFiles("int96.parquet"))).toEqual(
      [FIRST, NOTHING, LAST].map(({ us, us_utc }) => ({ us, us_utc })),
    );
    const empty = tabular.fromParquetFiles("empty.parquet");
    expect(await rowsOf(empty)).toEqual([]);
    const plain = tabular.fromParquetFiles("plain.parquet");
    expect(String((await toArrow(empty)).schema)).toBe(String((await toArrow(plain)).schema));
  });

  test("their CSV and JSON lines", async () => {
    const columns = ["i64", "u32", "text", "flag"];
    const expected = [FIRST, NOTHING, LAST].map((row) =>
      Object.fromEntries(columns.map((name) => [name, row[name] ?? null])),
    );
    const csv = tabular.fromDelimitedFiles("frame.csv", { supportMultiLine: true });
    expect(await rowsOf(csv.keepColumns(["i64", "u32", "flag"]).take(1))).toEqual([
      { i64: -(2n ** 63n), u32: 0n, flag: true },
    ]);
    expect(await rowsOf(tabular.fromJsonLinesFiles("frame.jsonl").keepColumns(columns))).toEqual(expected);
  });

  test.each(["parquet", "feather", "arrow", "pandas parquet", "pandas feather"] as const)(
    "they read ours to the last digit (%s)",
    (format) => {
      expect(read[format].rows).toEqual(read.given.rows);
      expect(read[format].types).toMatchObject({
        u8: "uint8",
        u64: "uint64",
        i64: "int64",
        f32: "float",
        d9: "decimal128(9, 2)",
        d38: "decimal128(38, 10)",
        text: "string",
        raw: "binary",
        day: "date32[day]",
        clock: "time64[us]",
        us: "timestamp[us]",
        ns: "timestamp[ns]",
        us_utc: "timestamp[us, tz=UTC]",
        oslo: "timestamp[us, tz=UTC]",
        category: "string",
      });
      expect(read[format].types["struct"]).toMatch(/^struct<a: int64, B c: list<\w+: string>>$/);
      expect(read[format].types["map"]).toMatch(/^map<string, decimal128\(20, 3\)/);
    },
  );

  test("what they were given is what was meant", () => {
    const [first, nothing, last] = read.given.rows;
    expect(first).toEqual([
      true,
      "-128",
      "-32768",
      "-2147483648",
      "-9223372036854775808",
      "0",
      "0",
      "0",
      "0",
      "1.5",
      "0.1",
      "-1.50",
      "-1.5000",
      "-1234567890123456789012345678.0123456789",
      "Grüße 😀",
      "a text of more than twelve bytes",
      "00ff",
      "1969-12-31",
      "10:11:12.123456",
      "2026-11-25T09:30:00.123000",
      "2026-11-25T09:30:00.123456",
      "2026-11-25T09:30:00.123456789",
      "2026-11-25T09:30:00.123000+00:00",
      "2026-11-25T09:30:00.123456+00:00",
      "2026-11-25T09:30:00.123456+00:00",
      "x",
      ["1", null, "4611686018427387904"],
      {
        a: "1",
        "B c": ["x", null],
      },
      [
        ["k", "-1.250"],
        ["l", null],
      ],
    ]);
    expect(new Set(nothing)).toEqual(new Set([null]));
    expect(last?.slice(0, 14)).toEqual([
      false,
      "127",
      "32767",
      "2147483647",
      "9223372036854775807",
      "255",
      "65535",
      "4294967295",
      "18446744073709551615",
      "nan",
      "-inf",
      "9999999.99",
      "12345678901234.5678",
      "0.0000000001",
    ]);
  });

  test("they read our CSV and JSON lines, the types given or found", () => {
    const rows = [
      [
        "-9223372036854775808",
        "-1234567890123456789012345678.0123456789",
        "Grüße 😀",
        "1969-12-31",
        "2026-11-25T09:30:00.123456+00:00",
        "2026-11-25T09:30:00.123456+00:00",
      ],
      [null, null, null, null, null, null],
      [
        "9223372036854775807",
        "0.0000000001",
        "",
        "9999-12-31",
        "1969-12-31T23:59:59.999999+00:00",
        "1969-12-31T23:59:59.999999+00:00",
      ],
    ];
    expect(read.csv.rows).toEqual(rows);
    const text = rows.map((row) => row.map((cell) => cell?.replace("+00:00", "Z") ?? null));
    // They take a date in JSON for a timestamp.
    const midnights = text.map((row) =>
      row.map((cell, at) => (at === 3 && cell ? `${cell}T00:00:00` : cell)),
    );
    expect(read.jsonl.rows).toEqual(midnights);
    expect(read["pandas jsonl"].rows).toEqual(midnights);
    // pandas tells no empty text from none in CSV.
    expect(read["pandas csv"].rows).toEqual(
      text.map((row) => row.map((cell) => (cell === "" ? null : cell))),
    );
  });
});

async function rowsOf(table: TabularDataset): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const row of table.rows()) rows.push(row);
  return rows;
}

const AT = new Date("2026-11-25T09:30:00.123Z");
const BEFORE = new Date("1969-12-31T23:59:59.999Z");

const FIRST: Row = {
  flag: true,
  i8: -128,
  i16: -32_768,
  i32: -(2 ** 31),
  i64: -(2n ** 63n),
  u8: 0,
  u16: 0,
  u32: 0n,
  u64: "0",
  f32: 1.5,
  f64: 0.1,
  d9: "-1.50",
  d18: "-1.5000",
  d38: "-1234567890123456789012345678.0123456789",
  text: "Grüße \u{1F600}",
  long: "a text of more than twelve bytes",
  raw: new Uint8Array([0, 255]),
  day: "1969-12-31",
  clock: "10:11:12.123456",
  ms: AT,
  us: AT,
  ns: AT,
  ms_utc: AT,
  us_utc: AT,
  oslo: AT,
  category: "x",
  list: [1, null, 2n ** 62n],
  struct: { a: 1, "B c": ["x", null] },
  map: { k: "-1.250", l: null },
};

const NOTHING: Row = Object.fromEntries(Object.keys(FIRST).map((name) => [name, null]));

const LAST: Row = {
  flag: false,
  i8: 127,
  i16: 32_767,
  i32: 2 ** 31 - 1,
  i64: 2n ** 63n - 1n,
  u8: 255,
  u16: 65_535,
  u32: 4_294_967_295n,
  u64: "18446744073709551615",
  f32: Number.NaN,
  f64: -Infinity,
  d9: "9999999.99",
  d18: "12345678901234.5678",
  d38: "0.0000000001",
  text: "",
  long: "é".repeat(300),
  raw: new Uint8Array(),
  day: "9999-12-31",
  clock: "00:00:00",
  ms: new Date("0001-01-01T00:00:00Z"),
  us: BEFORE,
  // DuckDB cuts nanoseconds towards 1970; in Arrow and Parquet they are all there.
  ns: new Date(0),
  ms_utc: new Date(0),
  us_utc: BEFORE,
  oslo: BEFORE,
  category: "y",
  list: [],
  struct: { a: null, "B c": null },
  map: {},
};
