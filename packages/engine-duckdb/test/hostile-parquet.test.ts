import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { isAmlError } from "@aml/core";
import { parseFilter } from "@aml/core/plan";
import { randomRuns, sample } from "@aml/kit/runs";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { createHarness, failureOf, textOf } from "./harness.ts";

const h = await createHarness();
const read = { op: "read_parquet" };
const instance = await DuckDBInstance.create(":memory:");
const connection = await instance.connect();
afterAll(() => {
  connection.disconnectSync();
  instance.closeSync();
});
let count = 0;
async function parquet(sql: string, options = ""): Promise<Uint8Array> {
  const path = join(h.folder, `made-${(count += 1)}.parquet`);
  await connection.run(`SET TimeZone = 'UTC'; COPY (${sql}) TO '${path}' (FORMAT parquet${options})`);
  return readFile(path);
}
async function filesOf(...queries: string[]) {
  const made = await Promise.all(queries.map((sql) => parquet(sql)));
  return h.files(Object.fromEntries(made.map((bytes, at) => [`${at}.parquet`, bytes])));
}
const valuesOf = async (...queries: string[]) =>
  (await h.rows([read], await filesOf(...queries))).map(({ a }) => a);

test.each<[string, string, string, unknown[]]>([
  ["int32 and float32", "16777217::INTEGER", "1.5::FLOAT", [16777217, 1.5]],
  ["int64 and float64", "9007199254740992::BIGINT", "1.5::DOUBLE", [9007199254740992, 1.5]],
  [
    "decimals of several scales",
    "12345678901234567890::DECIMAL(20,0)",
    "1.1234567890::DECIMAL(12,10)",
    ["12345678901234567890.0000000000", "1.1234567890"],
  ],
  ["int64 and decimal", "9007199254740993::BIGINT", "0.25::DECIMAL(4,2)", ["9007199254740993.00", "0.25"]],
  ["uint64 and int64", "18446744073709551615::UBIGINT", "-1::BIGINT", ["18446744073709551615", "-1"]],
  ["anything and text", "1.50::DECIMAL(4,2)", "'x'", ["1.50", "x"]],
  [
    "structures with other fields",
    "{'x': 1}",
    "{'y': 'z'}",
    [
      { x: 1, y: null },
      { x: null, y: "z" },
    ],
  ],
])("files of several types: %s", async (_, one, two, values) => {
  expect(await valuesOf(`SELECT ${one} AS a`, `SELECT ${two} AS a`)).toEqual(values);
});

test.each([
  ["an int64 that no double holds", "9007199254740993::BIGINT", "1.5::DOUBLE"],
  ["the greatest int64", "9223372036854775807::BIGINT", "1.5::DOUBLE"],
  ["a decimal that no double holds", "12345678901234567890.12::DECIMAL(38,2)", "1.5::DOUBLE"],
  ["decimals beyond 38 digits", "1::DECIMAL(38,0)", "1.5::DECIMAL(38,10)"],
  ["lists of such numbers", "[9007199254740993::BIGINT]", "[1.5::DOUBLE]"],
  ["bytes and text", String.raw`'\xFF'::BLOB`, "'x'"],
  ["a list and a number", "[1]", "1"],
])("values that would change are refused: %s", async (_, one, two) => {
  const files = await filesOf(`SELECT ${one} AS a`, `SELECT ${two} AS a`);
  const failure = await failureOf(h.rows([read], files));
  expect(failure).toMatchObject({ code: "schema_mismatch", context: { column: "a" } });
});

test("names that differ by case are columns of their own", async () => {
  const files = await filesOf("SELECT 1 AS a, 2 AS b", "SELECT 3 AS A", "SELECT 4 AS b, 5 AS a WHERE false");
  expect(await h.rows([read], files)).toEqual([
    { a: 1, b: 2, A: null },
    { a: null, b: null, A: 3 },
  ]);
});

// DuckDB writes no such files: `a`, `A` and `A_1`; and `A`, `a`. By pyarrow 25.
const threeNames =
  "UEFSMRUAFSwVLCwVBBUAFQYVBhwAAAACAAAABAEBAAAAAAAAAAIAAAAAAAAAFQAVIBUgLBUEFQAVBhUGHAAAAAIAAAAEAQEAAAB4" +
  "AQAAAHkVABUsFSwsFQQVABUGFQYcAAAAAgAAAAQBBQAAAAAAAAAGAAAAAAAAABUEGUw1ABgGc2NoZW1hFQYAFQQlAhgBYQAVDCUC" +
  "GAFBJQBMHAAAABUEJQIYA0FfMQAWBBkcGTwmABwVBBklBgAZGAFhFQAWBBZSFlImCEkcFQAVABUCADwpBhkmAAQAAAAmABwVDBkl" +
  "BgAZGAFBFQAWBBZGFkYmWkkcFQAVABUCADwWBBkGGSYABAAAACYAHBUEGSUGABkYA0FfMRUAFgQWUhZSJqABSRwVABUAFQIAPCkG" +
  "GSYABAAAABbqARYEJggW6gEAKCBwYXJxdWV0LWNwcC1hcnJvdyB2ZXJzaW9uIDI1LjAuMRk8HAAAHAAAHAAAAPMAAABQQVIx";
const twoNames =
  "UEFSMRUAFRYVFiwVAhUAFQYVBhwAAAACAAAAAgEBAAAAehUAFRwVHCwVAhUAFQYVBhwAAAACAAAAAgEDAAAAAAAAABUEGTw1ABgG" +
  "c2NoZW1hFQQAFQwlAhgBQSUATBwAAAAVBCUCGAFhABYCGRwZLCYAHBUMGSUGABkYAUEVABYCFjwWPCYISRwVABUAFQIAPBYCGQYZ" +
  "JgACAAAAJgAcFQQZJQYAGRgBYRUAFgIWQhZCJkRJHBUAFQAVAgA8KQYZJgACAAAAFn4WAiYIFn4AKCBwYXJxdWV0LWNwcC1hcnJv" +
  "dyB2ZXJzaW9uIDI1LjAuMRksHAAAHAAAALcAAABQQVIx";

test("names of one file that differ by case", async () => {
  const files = await h.files({
    "a.parquet": Buffer.from(threeNames, "base64"),
    "b.parquet": Buffer.from(twoNames, "base64"),
  });
  const rows = [
    { a: 1n, A: "x", A_1: 5n },
    { a: 2n, A: "y", A_1: 6n },
    { a: 3n, A: "z", A_1: null },
  ];
  expect(await h.rows([read], files)).toEqual(rows);
  expect(await h.rows([read, { op: "filter", where: parseFilter('col("A") == "y"') }], files)).toEqual([
    rows[1],
  ]);
  expect(await h.rows([read, { op: "keep_columns", columns: ["A", "A_1"] }], files)).toEqual(
    rows.map(({ A, A_1 }) => ({ A, A_1 })),
  );
  const table = await h.open([read, { op: "drop_columns", columns: "A_1" }], files);
  expect(await textOf(table.encode("csv"))).toBe("a,A\n1,x\n2,y\n3,z\n");
});

test("infinite, ancient and far dates; NaN; nested decimals", async () => {
  const sql = `SELECT DATE 'infinity' AS inf, DATE '0044-03-15 (BC)' AS bc, DATE '300000-01-01' AS far,
    TIMESTAMP_NS '2020-01-01 00:00:00.123456789' AS ns, 'nan'::DOUBLE AS nan, '-inf'::DOUBLE AS low,
    {'d': 1.10::DECIMAL(30, 2), 'f': ['nan'::DOUBLE, 'inf'::DOUBLE, 1]} AS nested, '\\x00\\xFF'::BLOB AS bytes,
    UUID '123e4567-e89b-12d3-a456-426614174000' AS id, INTERVAL '1 month 2 days' AS span, 'a'::ENUM('a') AS word`;
  const files = await filesOf(sql);
  expect(await h.rows([read], files)).toEqual([
    {
      inf: "infinity",
      bc: "-000043-03-15",
      far: "+300000-01-01",
      ns: new Date("2020-01-01T00:00:00.123Z"),
      nan: Number.NaN,
      low: -Infinity,
      nested: { d: "1.10", f: [Number.NaN, Infinity, 1] },
      bytes: new Uint8Array([0, 255]),
      id: "123e4567-e89b-12d3-a456-426614174000",
      span: "1 month 2 days",
      word: "a",
    },
  ]);
  const table = await h.open([read, { op: "drop_columns", columns: "nested" }], files);
  expect(JSON.parse(await textOf(table.encode("jsonl")))).toMatchObject({
    inf: "infinity",
    bc: "-000043-03-15",
    far: "+300000-01-01",
    ns: "2020-01-01T00:00:00.123456789Z",
    nan: "NaN",
    low: "-Infinity",
  });
  const nested = await h.open([read], files);
  expect(await failureOf(textOf(nested.encode("jsonl")))).toMatchObject({
    code: "unsupported",
    context: { column: "nested" },
  });
});

test("a timestamp that no Date holds is an error in rows, and text in files", async () => {
  for (const value of ["infinity", "290000-01-01"]) {
    const files = await filesOf(`SELECT TIMESTAMP '${value}' AS a`);
    expect(await failureOf(h.rows([read], files))).toMatchObject({ code: "parse_failed" });
    const text = await textOf((await h.open([read], files)).encode("csv"));
    expect(text).toBe(`a\n${value === "infinity" ? value : "+290000-01-01T00:00:00Z"}\n`);
  }
});

test("files that are cut or damaged anywhere are refused, or whole", async () => {
  const sql = "SELECT range AS a, 'text' || (range * 7919) AS b, range / 3 AS c FROM range(20000)";
  const good = await parquet(sql, ", ROW_GROUP_SIZE 4096");
  const whole = await h.rows([read], await h.files({ "a.parquet": good }));
  expect(whole).toHaveLength(20_000);
  const attempt = async (bytes: Uint8Array) => {
    try {
      expect(await h.rows([read], await h.files({ "a.parquet": bytes }))).toEqual(whole);
    } catch (error) {
      if (!isAmlError(error)) throw error;
      expect(error.code).toBe("parse_failed");
    }
  };
  const parts = (all: number): readonly number[] =>
    sample(
      Array.from({ length: all }, (_, at) => at),
      4,
    );
  for (const part of parts(16)) await attempt(good.subarray(0, (good.length * part) / 16));
  for (const part of parts(24)) {
    const bytes = Buffer.from(good);
    // Compressed pages, and then the footer.
    const at = part < 12 ? Math.floor((good.length * (part + 0.5)) / 12) : good.length - (part - 11) * 41;
    for (let i = at; i < at + 4; i += 1) bytes[i] = (bytes[i] ?? 0) ^ 0xff;
    await attempt(bytes);
  }
});

test("a damaged file is named, whatever DuckDB says of it", async () => {
  const sql =
    "SELECT range AS id, md5(range::VARCHAR) AS text, range % 7 AS few, {'a': range, 'b': [range]} AS nested, " +
    "range % 3 = 0 AS flag, 'w' || (range % 9) AS word, range::DECIMAL(30, 2) AS d FROM range(3000)";
  const packed = ["uncompressed", "snappy", "gzip", "zstd", "lz4_raw", "brotli"].flatMap((codec) =>
    ["V1", "V2"].map((version) => `, COMPRESSION ${codec}, PARQUET_VERSION ${version}, ROW_GROUP_SIZE 2048`),
  );
  const made = await Promise.all(packed.map((options) => parquet(sql, options)));
  const damage = fc.record({
    good: fc.constantFrom(...made),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.constantFrom(1, 4, 40, 2000),
    byte: fc.option(fc.constantFrom(0, 0xff), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(damage, async ({ good, at, length, byte }) => {
      const bad = Buffer.from(good);
      const from = Math.floor(at * (good.length - 8));
      for (let i = from; i < Math.min(from + length, good.length - 8); i += 1)
        bad[i] = byte ?? (Math.imul(i, 2_654_435_761) >>> 13) & 0xff;
      const files = await h.files({ "good.parquet": good, "bad.parquet": bad });
      // Without checksums, what is still a value is read as one.
      const outcome = await h.rows([read], files).catch((error: unknown) => error);
      if (Array.isArray(outcome)) expect(outcome).toHaveLength(6000);
      else expect(outcome).toMatchObject({ code: "parse_failed", context: { uri: files[1]?.uri } });
    }),
    randomRuns(200),
  );
}, 600_000);

test("text that is not UTF-8, and a column name that no statement can hold: the file is named", async () => {
  const replaced = async (sql: string, from: string, to: string): Promise<Buffer> => {
    const bytes = Buffer.from(await parquet(sql, ", COMPRESSION uncompressed"));
    for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + 1))
      bytes.write(to, at, "latin1");
    return bytes;
  };
  const good = await parquet("SELECT 'x' AS a");
  for (const [bad, context] of [
    [await replaced("SELECT 'some text' AS a", "some text", "some \xfft"), {}],
    [await replaced('SELECT 1 AS "aXb"', "aXb", "a\0b"), { column: "a\0b" }],
  ] as const) {
    const files = await h.files({ "good.parquet": good, "bad.parquet": bad });
    expect(await failureOf(h.rows([read], files))).toMatchObject({
      code: "parse_failed",
      context: { uri: files[1]?.uri, ...context },
    });
  }
});
