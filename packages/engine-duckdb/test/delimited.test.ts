import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { allRows, createHarness, failureOf } from "./harness.ts";

const h = await createHarness();
const text = { op: "read_delimited", infer_column_types: false };

describe("headers", () => {
  const two = { "a.csv": "x,y\n1,2\n", "b.csv": "x,y\n3,4\n" };

  test("all_files_same_headers drops the header of each file", async () => {
    expect(await h.rows([{ op: "read_delimited" }], await h.files(two))).toEqual([
      { x: 1n, y: 2n },
      { x: 3n, y: 4n },
    ]);
  });

  test("from_first_file reads the first lines of other files as rows", async () => {
    const rows = await h.rows([{ op: "read_delimited", header: "from_first_file" }], await h.files(two));
    expect(rows).toEqual([
      { x: "1", y: "2" },
      { x: "x", y: "y" },
      { x: "3", y: "4" },
    ]);
  });

  test("no_header names columns by their place", async () => {
    const rows = await h.rows(
      [{ op: "read_delimited", header: "no_header" }],
      await h.files({ "a.csv": "1,x\n2,y" }),
    );
    expect(rows).toEqual([
      { Column1: 1n, Column2: "x" },
      { Column1: 2n, Column2: "y" },
    ]);
  });

  test("all_files_different_headers joins columns by name, in the order of files", async () => {
    const files = await h.files({ "a.csv": "a,b\n1,2\n", "b.csv": "c,a\n3,4\n", "c.csv": "a,b\n5,6\n" });
    const table = await h.open([{ op: "read_delimited", header: "all_files_different_headers" }], files);
    expect(table.schema.columns.map(({ name }) => name)).toEqual(["a", "b", "c"]);
    expect(await allRows(table)).toEqual([
      { a: 1n, b: 2n, c: null },
      { a: 4n, b: null, c: 3n },
      { a: 5n, b: 6n, c: null },
    ]);
  });

  test("empty, repeated and differently spelt names", async () => {
    const rows = await h.rows(
      [text],
      await h.files({ "a.csv": 'a,,a,A,"x ""y"", z",__proto__\n1,2,3,4,5,6\n' }),
    );
    expect(rows.map((row) => Object.entries(row))).toEqual([
      [
        ["a", "1"],
        ["Column2", "2"],
        ["a_1", "3"],
        ["A", "4"],
        ['x "y", z', "5"],
        ["__proto__", "6"],
      ],
    ]);
  });

  test("files without a byte and without a row", async () => {
    const files = await h.files({
      "0.csv": "",
      "1.csv": "a,b\n1,2\n",
      "2.csv": "",
      "3.csv": "a,b",
      "4.csv": "a,b\n3,4",
    });
    expect(await h.rows([{ op: "read_delimited" }], files)).toEqual([
      { a: 1n, b: 2n },
      { a: 3n, b: 4n },
    ]);
    expect(await h.rows([{ op: "read_delimited" }], await h.files({ "0.csv": "" }))).toEqual([]);
  });
});

describe("records", () => {
  const published = 'A,B,C\nA1,B1,C1\nA2,"B\n2",C2\n';

  test("support_multi_line: false ends a record at each line break (the published example)", async () => {
    expect(await h.rows([text], await h.files({ "a.csv": published }))).toEqual([
      { A: "A1", B: "B1", C: "C1" },
      { A: "A2", B: "B", C: null },
      { A: '2"', B: "C2", C: null },
    ]);
  });

  test("support_multi_line: true keeps quoted line breaks as they are", async () => {
    const files = await h.files({ "a.csv": published.replace("B\n2", "B\r\n2") });
    expect(await h.rows([{ ...text, support_multi_line: true }], files)).toEqual([
      { A: "A1", B: "B1", C: "C1" },
      { A: "A2", B: "B\r\n2", C: "C2" },
    ]);
  });

  test.each([
    ["LF", "a,b\n1,2\n\n3\n"],
    ["CRLF", "a,b\r\n1,2\r\n\r\n3\r\n"],
    ["CR", "a,b\r1,2\r\r3\r"],
    ["mixed", "a,b\r\n1,2\n\r3\r\n"],
    ["mixed late", `a,b\n1,2\n3\r\n`],
    ["with a byte order mark", "\ufeffa,b\n1,2\n3\n"],
    ["blank lines first", "\n\na,b\n1,2\n3"],
  ])("line ends: %s; blank lines are dropped, short rows filled up", async (_, content) => {
    expect(await h.rows([text], await h.files({ "a.csv": content }))).toEqual([
      { a: "1", b: "2" },
      { a: "3", b: null },
    ]);
  });

  test("one column: blank lines are no rows, quoted empty ones are", async () => {
    expect(await h.rows([text], await h.files({ "a.csv": "a\n1\n\n2\n" }))).toEqual([{ a: "1" }, { a: "2" }]);
    expect(await h.rows([text], await h.files({ "a.csv": 'a\n1\n\n""\n' }))).toEqual([{ a: "1" }, { a: "" }]);
  });

  test("quotes within a field and behind blanks are text", async () => {
    const files = await h.files({ "a.csv": 'a,b\n5" pipe,x"y"z\n "q",w\n' });
    expect(await h.rows([text], files)).toEqual([
      { a: '5" pipe', b: 'x"y"z' },
      { a: ' "q"', b: "w" },
    ]);
  });

  test("a row that is too long names file, line and row", async () => {
    const files = await h.files({ "a.csv": "a,b\n1,2\n3,4,5\n" });
    expect(await failureOf(h.rows([text], files))).toMatchObject({
      code: "parse_failed",
      message: `${files[0]?.uri}, line 3: the row has 3 fields where the header has 2: 3,4,5.`,
    });
    const quoted = await h.files({ "a.csv": 'a,b\n"1\n",2\n3,4,5\n' });
    expect(await failureOf(h.rows([text], quoted))).toMatchObject({
      code: "parse_failed",
      context: { line: 4 },
    });
  });

  test("text behind a closing quote and an open quote are errors", async () => {
    expect(await failureOf(h.rows([text], await h.files({ "a.csv": 'a,b\n"bad"tail,2\n' })))).toMatchObject({
      code: "parse_failed",
      context: { line: 2 },
    });
    const open = await h.files({ "a.csv": 'a,b\n1,2\n"bad,2\n3,4\n' });
    expect(await failureOf(h.rows([{ ...text, support_multi_line: true }], open))).toMatchObject({
      code: "parse_failed",
      context: { line: 3 },
    });
  });

  test("delimiters of one and two characters", async () => {
    const rows = [{ a: "1", b: "x,y|z" }];
    for (const delimiter of [";", "\t", "||", ";;"]) {
      const content = `a${delimiter}b\n1${delimiter}x,y|z\n`;
      expect(await h.rows([{ ...text, delimiter }], await h.files({ "a.csv": content }))).toEqual(rows);
      const quoted = `a${delimiter}b\n1${delimiter}"x,y|z"\n`;
      expect(await h.rows([{ ...text, delimiter }], await h.files({ "a.csv": quoted }))).toEqual(rows);
    }
  });

  test("empty fields are null, or text with empty_as_string; quoted ones are text, missing ones null", async () => {
    const contents = ['n,s\n,\n1,""\n2\n', 'n,s\r\n,\n1,""\n2\n'];
    for (const content of contents) {
      const files = await h.files({ "a.csv": content });
      expect(await h.rows([{ op: "read_delimited" }], files)).toEqual([
        { n: null, s: null },
        { n: 1n, s: "" },
        { n: 2n, s: null },
      ]);
      expect(await h.rows([{ op: "read_delimited", empty_as_string: true }], files)).toEqual([
        { n: "", s: "" },
        { n: "1", s: "" },
        { n: "2", s: null },
      ]);
      const take = { op: "take", count: 2 };
      expect(await h.rows([{ op: "read_delimited", empty_as_string: true }, take], files)).toEqual([
        { n: "", s: "" },
        { n: "1", s: "" },
      ]);
    }
  });

  test("an empty text is never in a column of numbers, dates or booleans", async () => {
    const files = await h.files({ "a.csv": `a,b,c\n${"1,true,2020-01-31\n".repeat(200)}"","",""\n` });
    const reports: unknown[] = [];
    const rows = await h.rows([{ op: "read_delimited" }], files, {
      onConversionErrors: (errors) => reports.push(errors),
    });
    expect(rows[200]).toEqual({ a: null, b: null, c: null });
    expect(reports).toEqual([]);
  });
});

describe("types", () => {
  const first = async (content: string, more: object = {}): Promise<unknown> =>
    (await h.rows([{ op: "read_delimited", ...more }], await h.files({ "a.csv": content })))[0];

  test("are inferred from the sample", async () => {
    const content =
      "i,neg,big,f,e,b,d,t,us,eu,code,zone,half\n" +
      "1,-5,9223372036854775807,1.5,1e3,TRUE,2020-01-31,2020-01-31T10:00:00Z,7/5/2015 23:50,31/12/2020,007," +
      "2020-01-01T00:00:00+02:00,1/2/2020 11:00 PM\n";
    expect(await first(content)).toEqual({
      i: 1n,
      neg: -5n,
      big: 9223372036854775807n,
      f: 1.5,
      e: 1000,
      b: true,
      d: new Date("2020-01-31T00:00:00Z"),
      t: new Date("2020-01-31T10:00:00Z"),
      us: new Date("2015-07-05T23:50:00Z"),
      eu: new Date("2020-12-31T00:00:00Z"),
      code: 7n,
      zone: new Date("2019-12-31T22:00:00Z"),
      half: new Date("2020-01-02T23:00:00Z"),
    });
  });

  test("what DuckDB's casts would bend stays text", async () => {
    const content = "a,b,c,d,e,f\n1_000,0x1F,nan,yes,9223372036854775808,epoch\n";
    expect(await first(content)).toEqual({
      a: "1_000",
      b: "0x1F",
      c: Number.NaN,
      d: "yes",
      e: 9223372036854775808,
      f: "epoch",
    });
  });

  test("a value behind the sample that does not fit is null and is counted, or an error", async () => {
    const lines = Array.from({ length: 300 }, (_, at) => `${at},x`);
    lines[250] = "1.5,x";
    lines[260] = "abc,x";
    const files = await h.files({ "a.csv": `n,s\n${lines.join("\n")}\n` });
    const reports: unknown[] = [];
    const rows = await h.rows([{ op: "read_delimited" }], files, {
      onConversionErrors: (errors) => reports.push(errors),
    });
    expect(rows[250]).toEqual({ n: null, s: "x" });
    expect(rows[249]).toEqual({ n: 249n, s: "x" });
    const { uri } = files[0] ?? {};
    const places = [
      { uri, row: 251, value: "1.5" },
      { uri, row: 261, value: "abc" },
    ];
    expect(reports).toEqual([[{ column: "n", count: 2, first: places }]]);
    expect(await failureOf(h.rows([{ op: "read_delimited" }], files, { onError: "fail" }))).toMatchObject({
      code: "parse_failed",
      message: `${uri}, row 251: A value of column n cannot be converted: "1.5".`,
      context: { uri, row: 251, column: "n", value: "1.5" },
    });
  });

  test("sample_size and overrides", async () => {
    const files = await h.files({ "a.csv": "n,s,d\n1,1,5.1.2020\nx,2,6.1.2020\n" });
    const infer = {
      sample_size: 1,
      column_type_overrides: [
        { columns: ["s"], column_type: "string" },
        { columns: "d", column_type: { datetime: { formats: ["%d.%m.%Y"] } } },
      ],
    };
    expect(await h.rows([{ op: "read_delimited", infer_column_types: infer }], files)).toEqual([
      { n: 1n, s: "1", d: new Date("2020-01-05T00:00:00Z") },
      { n: null, s: "2", d: new Date("2020-01-06T00:00:00Z") },
    ]);
  });
});

describe("bytes", () => {
  test("encodings", async () => {
    const content = "a,b\né,ü\n";
    const utf16be = Buffer.from(`\ufeff${content}`, "utf16le").swap16();
    const cases = [
      ["utf16", Buffer.from(`\ufeff${content}`, "utf16le")],
      ["utf16", utf16be],
      ["latin1", Buffer.from(content, "latin1")],
      ["windows1252", Buffer.from(content, "latin1")],
    ] as const;
    for (const [encoding, bytes] of cases) {
      expect(await h.rows([{ ...text, encoding }], await h.files({ "a.csv": bytes }))).toEqual([
        { a: "é", b: "ü" },
      ]);
    }
  });

  test("bytes that are not UTF-8 are an error, with the line", async () => {
    const bad = Buffer.concat([Buffer.from("a,b\n1,2\n"), Buffer.from([0xff, 0xfe]), Buffer.from(",3\n")]);
    const failure = await failureOf(h.rows([text], await h.files({ "a.csv": bad })));
    expect(failure).toMatchObject({ code: "parse_failed" });
  });

  test("gzip by name", async () => {
    expect(await h.rows([text], await h.files({ "a.csv.gz": gzipSync("a,b\n1,2\n") }))).toEqual([
      { a: "1", b: "2" },
    ]);
    expect(
      await failureOf(h.rows([text], await h.files({ "a.csv.gz": gzipSync("a,b\n1,2\n").subarray(0, 15) }))),
    ).toMatchObject({
      code: "parse_failed",
    });
  });
});

describe("paths", () => {
  test("names with glob characters stand for themselves", async () => {
    const files = await h.files({
      "x[1].csv": "a\n1\n",
      "x1.csv": "a\n2\n",
      "*.csv": "a\n3\n",
      "y=1/it's ?.csv": "a\n4\n",
    });
    expect(await h.rows([{ op: "read_delimited" }], [...files.slice(0, 1), ...files.slice(2)])).toEqual([
      { a: 1n },
      { a: 3n },
      { a: 4n },
    ]);
  });

  test("path and partition columns come first", async () => {
    const files = await h.files({ "year=2019/east.csv": "a\n1\n", "year=2020/west.csv": "a\n2\n" });
    const steps = [
      { op: "extract_columns_from_partition_format", partition_format: "/year={year}/{region}.csv" },
      { op: "read_delimited", include_path_column: true },
      { op: "filter", where: { fn: "==", args: [{ col: "year" }, { lit: "2020" }] } },
    ];
    const rows = await h.rows(steps, files);
    expect(rows).toEqual([{ Path: files[1]?.uri, year: "2020", region: "west", a: 2n }]);
    expect(Object.keys(rows[0] ?? {})).toEqual(["Path", "year", "region", "a"]);
    const behind = await h.rows(
      [
        { op: "read_delimited" },
        { op: "drop_columns", columns: [] },
        { op: "extract_columns_from_partition_format", partition_format: "year={year:yyyy}/" },
      ],
      files,
    );
    expect(behind[0]).toEqual({ year: new Date("2019-01-01T00:00:00Z"), a: 1n });
  });

  test("a path that does not fit the format, and a name that is taken", async () => {
    const files = await h.files({ "a.csv": "a\n1\n" });
    const format = (partition_format: string) => ({
      op: "extract_columns_from_partition_format",
      partition_format,
    });
    expect(await failureOf(h.rows([format("/year={y}/"), { op: "read_delimited" }], files))).toMatchObject({
      code: "parse_failed",
    });
    expect(await failureOf(h.rows([format("/{a}.csv"), { op: "read_delimited" }], files))).toMatchObject({
      code: "schema_mismatch",
    });
  });
});

test("no row wanted: the columns are there all the same", async () => {
  for (const infer_column_types of [true, false]) {
    const files = await h.files({ "0.csv": "", "a.csv": "a,b\n1,2\n" });
    const table = await h.open(
      [
        { op: "read_delimited", infer_column_types },
        { op: "take", count: 0 },
      ],
      files,
    );
    expect(table.schema.columns.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(await allRows(table)).toEqual([]);
  }
});

test("take reads the beginning only: a broken row behind it does not matter", async () => {
  const content = `a,b\n${"1,2\n".repeat(100_000)}3,4,5\n`;
  const files = await h.remote({ "a.csv": content });
  expect(
    await h.rows([{ op: "read_delimited" }, { op: "skip", count: 2 }, { op: "take", count: 3 }], files),
  ).toEqual(Array.from({ length: 3 }, () => ({ a: 1n, b: 2n })));
  expect(await failureOf(h.rows([{ op: "read_delimited" }], files))).toMatchObject({
    code: "parse_failed",
    context: { line: 100_002 },
  });
});
