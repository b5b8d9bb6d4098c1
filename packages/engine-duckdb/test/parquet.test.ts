import { readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { beforeAll, expect, test } from "vitest";
import { wideDecimals } from "../src/parquet-types.ts";
import { allRows, createHarness, failureOf, textOf } from "./harness.ts";

const h = await createHarness();
const read = { op: "read_parquet" };

/** Parquet made by a DuckDB of the test's own. */
async function parquet(select: string, options = ""): Promise<Buffer> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const path = join(h.folder, `made-${Math.random()}.parquet`);
  await connection.run(`SET TimeZone = 'UTC'; COPY (${select}) TO '${path}' (FORMAT parquet ${options})`);
  connection.disconnectSync();
  instance.closeSync();
  return readFile(path);
}

let all: Buffer;
beforeAll(async () => {
  all =
    await parquet(`SELECT true AS b, 1::TINYINT AS i8, -2::SMALLINT AS i16, 3 AS i32, 9223372036854775807 AS i64,
    200::UTINYINT AS u8, 4294967295::UINTEGER AS u32, 18446744073709551615::UBIGINT AS u64, 1.5::FLOAT AS f, 0.1::DOUBLE AS d,
    12345678901234567890.123456789::DECIMAL(38, 9) AS dec, 'text' AS s, 'long text with é and more than twelve bytes' AS l,
    '\\x00\\xFF'::BLOB AS bytes, DATE '2020-02-29' AS day, TIMESTAMP '2020-01-01 10:00:00.123456' AS ts,
    TIMESTAMPTZ '2020-01-01 10:00:00+02' AS tz, '2020-01-01 10:00:00.5'::TIMESTAMP_NS AS ns, TIME '10:11:12' AS t,
    [1, 2, NULL] AS list, {'x': 9007199254740993, 'y': 'z'} AS struct, NULL::INTEGER AS nothing`);
});

test("all primitive types, nested ones as json", async () => {
  const table = await h.open([read], await h.files({ "a.parquet": all }));
  expect(Object.fromEntries(table.schema.columns.map(({ name, type }) => [name, type]))).toEqual({
    b: "boolean",
    i8: "int32",
    i16: "int32",
    i32: "int32",
    i64: "int64",
    u8: "int32",
    u32: "int64",
    u64: "decimal",
    f: "float64",
    d: "float64",
    dec: "decimal",
    s: "string",
    l: "string",
    bytes: "bytes",
    day: "date",
    ts: "timestamp",
    tz: "timestamp",
    ns: "timestamp",
    t: "string",
    list: "json",
    struct: "json",
    nothing: "int32",
  });
  const jsonl = JSON.parse(await textOf(table.encode("jsonl"))) as Record<string, unknown>;
  expect(jsonl).toMatchObject({
    ts: "2020-01-01T10:00:00.123456Z",
    tz: "2020-01-01T08:00:00Z",
    dec: "12345678901234567890.123456789",
    day: "2020-02-29",
    nothing: null,
  });
  expect(await allRows(table)).toEqual([
    {
      b: true,
      i8: 1,
      i16: -2,
      i32: 3,
      i64: 9223372036854775807n,
      u8: 200,
      u32: 4294967295n,
      u64: "18446744073709551615",
      f: 1.5,
      d: 0.1,
      dec: "12345678901234567890.123456789",
      s: "text",
      l: "long text with é and more than twelve bytes",
      bytes: new Uint8Array([0, 255]),
      day: "2020-02-29",
      ts: new Date("2020-01-01T10:00:00.123Z"),
      tz: new Date("2020-01-01T08:00:00Z"),
      ns: new Date("2020-01-01T10:00:00.500Z"),
      t: "10:11:12",
      list: [1, 2, null],
      struct: { x: 9007199254740993n, y: "z" },
      nothing: null,
    },
  ]);
});

test("files are matched by name and widened", async () => {
  const files = await h.files({
    "a.parquet": await parquet("SELECT 1::INTEGER AS a, 'x' AS b"),
    "b.parquet": await parquet("SELECT 2.5::DOUBLE AS a, 3 AS c"),
  });
  expect(await h.rows([read], files)).toEqual([
    { a: 1, b: "x", c: null },
    { a: 2.5, b: null, c: 3 },
  ]);
  expect(
    (await h.rows([{ ...read, include_path_column: true, path_column: "from" }], files)).map(
      ({ from }) => from,
    ),
  ).toEqual(files.map(({ uri }) => uri));
});

test("files that are none, cut or empty are named", async () => {
  const good = await parquet("SELECT range AS a, repeat('x', 50) || range AS s FROM range(10000)");
  for (const bad of [
    Buffer.from(""),
    Buffer.from("a,b\n1,2\n"),
    good.subarray(0, good.length - 100),
    good.subarray(0, 1000),
  ]) {
    const files = await h.files({ "good.parquet": good, "bad.parquet": bad });
    expect(await failureOf(h.rows([read], files))).toMatchObject({
      code: "parse_failed",
      context: { uri: files[1]?.uri },
    });
  }
});

test("a zeroed page is an error that names its file", async () => {
  const good = await parquet(
    "SELECT range AS a, 'x' || range AS s FROM range(10000)",
    ", COMPRESSION uncompressed",
  );
  const bad = Buffer.from(good).fill(0, 4, 200);
  const files = await h.files({ "good.parquet": good, "bad.parquet": bad });
  expect(await failureOf(h.rows([read], files))).toMatchObject({
    code: "parse_failed",
    context: { uri: files[1]?.uri },
  });
});

test("a file that shrinks while its table is open", async () => {
  const files = await h.files({ "a.parquet": await parquet("SELECT range AS a FROM range(100000)") });
  const table = await h.open([read], files);
  const path = join(h.folder, new URL(files[0]?.uri ?? "").pathname.split("/").slice(-2).join("/"));
  await truncate(path, 100);
  await expect(allRows(table)).rejects.toMatchObject({ code: "precondition_failed" });
  await writeFile(path, "");
});

test("decimals of more than 38 digits are refused by name, not read as other numbers", async () => {
  const wide = await readFile(new URL("fixtures/decimal256.parquet", import.meta.url));
  const files = await h.files({ "a.parquet": wide });
  for (const [column, steps] of [
    ["v", []],
    ["s", [{ op: "keep_columns", columns: ["i", "s"] }]],
    [
      "v",
      [
        { op: "filter", where: { fn: ">", args: [{ col: "v" }, { lit: 1 }] } },
        { op: "keep_columns", columns: ["i"] },
      ],
    ],
  ] as const) {
    expect(await failureOf(h.open([read, ...steps], files))).toMatchObject({
      code: "unsupported",
      message: expect.stringContaining("decimal of 60 digits") as string,
      context: { uri: files[0]?.uri, column },
    });
  }
  const footer = wide.subarray(-8 - wide.readUInt32LE(wide.length - 8), -8);
  expect([...wideDecimals(footer)]).toEqual([
    [1, 60],
    [2, 60],
  ]);
  const rest = await h.rows([read, { op: "drop_columns", columns: ["v", "s"] }], files);
  expect(rest).toEqual([
    { i: 1n, f: 0.5, d38: "1".repeat(38) },
    { i: 2n, f: 1.5, d38: null },
  ]);
});
