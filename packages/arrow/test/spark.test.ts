import { pythonVenv } from "@aml/kit/python-venv";
import { program } from "@aml/kit/needs";
import { toArrow } from "@aml/arrow";
import type { Row, TabularDataset } from "@aml/core";
import { beforeAll, describe, expect, test } from "vitest";
import { runPython, type ReadBack } from "./python.ts";
import { plainRows } from "./values.ts";
import { createWorkbench } from "./workbench.ts";

const python = pythonVenv("pyspark");
const java = program("java");
const lacks = [python ? "" : "PySpark of PyPI", java ? "" : "Java 17"]
  .filter((what) => what !== "")
  .join(" and ");

describe.skipIf(lacks !== "")(`Spark${lacks && ` (needs ${lacks})`}`, async () => {
  const bench = await createWorkbench();
  const { tabular } = bench.workspace;
  let read: Record<"parquet" | "csv" | "jsonl", ReadBack>;

  beforeAll(async () => {
    await bench.parquet("source.parquet", SOURCE);
    const table = tabular.fromParquetFiles("source.parquet");
    await table.write("out.parquet", "parquet");
    const text = table.keepColumns(["i64", "d38", "text", "day", "us"]);
    await text.write("out.csv", "csv");
    await text.write("out.jsonl", "jsonl");
    read = await runPython(python ?? "", "spark_trip.py", bench.folder);
  }, 300_000);

  test("reads our Parquet: every type, null and digit", () => {
    expect(read.parquet.types).toEqual({
      flag: "boolean",
      i8: "tinyint",
      i64: "bigint",
      u32: "bigint",
      u64: "decimal(20,0)",
      f64: "double",
      d9: "decimal(9,2)",
      d38: "decimal(38,10)",
      text: "string",
      raw: "binary",
      day: "date",
      us: "timestamp_ntz",
      us_utc: "timestamp",
      list: "array<bigint>",
      struct: "struct<a:bigint,B c:array<string>>",
      map: "map<string,decimal(20,3)>",
      uuid: "string",
      json: "string",
    });
    expect(read.parquet.rows).toEqual([
      [
        true,
        "-128",
        "-9223372036854775808",
        "4294967295",
        "18446744073709551615",
        "0.1",
        "-1.50",
        "-1234567890123456789012345678.0123456789",
        'Grüße \u{1F600}, "x"\nand y',
        "00ff",
        "1969-12-31",
        "2026-11-25T09:30:00.123456",
        "2026-11-25T09:30:00.123456",
        ["1", null, "4611686018427387904"],
        { a: "1", "B c": ["x", null] },
        { k: "-1.250", l: null },
        "5d0a86c2-9f5a-4d3c-9b5e-1f2a3b4c5d6e",
        '{"a": 1}',
      ],
      Array.from({ length: 18 }, () => null),
      [
        false,
        "127",
        "9223372036854775807",
        "0",
        "0",
        "nan",
        "9999999.99",
        "98765.0000000001",
        "",
        "",
        "9999-12-31",
        "1969-12-31T23:59:59.999999",
        "1969-12-31T23:59:59.999999",
        [],
        {
          a: null,
          "B c": null,
        },
        {},
        "00000000-0000-0000-0000-000000000000",
        "[]",
      ],
    ]);
  });

  test("reads our CSV and JSON lines by a schema", () => {
    const rows = [
      [
        "-9223372036854775808",
        "-1234567890123456789012345678.0123456789",
        'Grüße 😀, "x"\nand y',
        "1969-12-31",
        "2026-11-25T09:30:00.123456",
      ],
      [null, null, null, null, null],
      ["9223372036854775807", "98765.0000000001", "", "9999-12-31", "1969-12-31T23:59:59.999999"],
    ];
    expect(read.jsonl.rows).toEqual(rows);
    // Spark tells no empty text from none in CSV.
    expect(read.csv.rows).toEqual(rows.map((row) => row.map((cell) => (cell === "" ? null : cell))));
  });

  test.each(["int96", "micros"])("its Parquet is read to the last digit (%s)", async (folder) => {
    const table = tabular.fromParquetFiles(`${folder}/*.parquet`);
    expect(await rowsOf(table)).toEqual(WRITTEN);
    expect(
      Object.fromEntries((await table.schema()).columns.map(({ name, type }) => [name, type])),
    ).toMatchObject({
      i8: "int32",
      i64: "int64",
      d38: "decimal",
      us: "timestamp",
      us_utc: "timestamp",
      map: "json",
    });
    // Spark has microseconds, so that there are no digits to look for.
    expect((await table.explain()).notes.join()).not.toContain("nanoseconds");
    const micros = plainRows(await toArrow(table.keepColumns(["us", "us_utc"])));
    expect(micros).toEqual([
      ["1795599000123456", "1795599000123456"],
      [null, null],
      ["-1", "-1"],
    ]);
  });

  test("its table without rows has the types", async () => {
    const table = tabular.fromParquetFiles("empty/*.parquet");
    expect(await rowsOf(table)).toEqual([]);
    expect((await table.schema()).columns.length).toBe(15);
  });

  test("its CSV and JSON lines", async () => {
    const pick = (names: readonly string[]): Row[] =>
      WRITTEN.map((row) => Object.fromEntries(names.map((name) => [name, row[name] ?? null])));
    const names = ["i64", "text", "us_utc", "flag"];
    const csv = tabular.fromDelimitedFiles("csv/*.csv", { supportMultiLine: true }).keepColumns(names);
    expect(await rowsOf(csv)).toEqual(pick(names));
    const json = tabular.fromJsonLinesFiles("json/*.json").keepColumns(["i64", "text", "flag", "list"]);
    expect(await rowsOf(json)).toEqual(pick(["i64", "text", "flag", "list"]));
  });
});

async function rowsOf(table: TabularDataset): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const row of table.rows()) rows.push(row);
  return rows;
}

const SOURCE = `
  SELECT true AS flag, (-128)::TINYINT AS i8, (-9223372036854775808)::BIGINT AS i64, 4294967295::UINTEGER AS u32,
    18446744073709551615::UBIGINT AS u64, 0.1::DOUBLE AS f64, -1.50::DECIMAL(9,2) AS d9,
    -1234567890123456789012345678.0123456789::DECIMAL(38,10) AS d38, 'Grüße \u{1F600}, "x"' || chr(10) || 'and y' AS text,
    '\\x00\\xFF'::BLOB AS raw, DATE '1969-12-31' AS day, TIMESTAMP '2026-11-25 09:30:00.123456' AS us,
    TIMESTAMPTZ '2026-11-25 09:30:00.123456+00' AS us_utc, [1, NULL, 4611686018427387904] AS list,
    {'a': 1::BIGINT, 'B c': ['x', NULL]} AS struct, MAP {'k': -1.25::DECIMAL(20,3), 'l': NULL} AS map,
    '5d0a86c2-9f5a-4d3c-9b5e-1f2a3b4c5d6e'::UUID AS uuid, '{"a": 1}'::JSON AS json
  UNION ALL SELECT ${Array.from({ length: 18 }, () => "NULL").join(", ")}
  UNION ALL SELECT false, 127::TINYINT, 9223372036854775807, 0::UINTEGER, 0::UBIGINT, 'NaN'::DOUBLE,
    9999999.99::DECIMAL(9,2), 98765.0000000001::DECIMAL(38,10), '', ''::BLOB, DATE '9999-12-31',
    TIMESTAMP '1969-12-31 23:59:59.999999', TIMESTAMPTZ '1969-12-31 23:59:59.999999+00', []::BIGINT[],
    {'a': NULL, 'B c': NULL}, MAP {}, '00000000-0000-0000-0000-000000000000'::UUID, '[]'::JSON`;

const AT = new Date("2026-11-25T09:30:00.123Z");
const BEFORE = new Date("1969-12-31T23:59:59.999Z");

const WRITTEN: readonly Row[] = [
  {
    flag: true,
    i8: -128,
    i64: -(2n ** 63n),
    f32: 1.5,
    f64: 0.1,
    d9: "-1.50",
    d38: "-1234567890123456789012345678.0123456789",
    text: 'Grüße \u{1F600}, "x"\nand y',
    raw: new Uint8Array([0, 255]),
    day: "1969-12-31",
    us: AT,
    us_utc: AT,
    list: [1, null, 2n ** 62n],
    struct: { a: 1, "B c": "x" },
    map: { k: "-1.250", l: null },
  },
  Object.fromEntries(
    [
      "flag",
      "i8",
      "i64",
      "f32",
      "f64",
      "d9",
      "d38",
      "text",
      "raw",
      "day",
      "us",
      "us_utc",
      "list",
      "struct",
      "map",
    ].map((name) => [name, null]),
  ),
  {
    flag: false,
    i8: 127,
    i64: 2n ** 63n - 1n,
    f32: Number.NaN,
    f64: -Infinity,
    d9: "9999999.99",
    d38: "98765.0000000001",
    text: "",
    raw: new Uint8Array(),
    day: "9999-12-31",
    us: BEFORE,
    us_utc: BEFORE,
    list: [],
    struct: { a: null, "B c": null },
    map: {},
  },
];
