import { parseFilter } from "@aml/core/plan";
import { afterAll, expect, test } from "vitest";
import { allRows, createWorkbench } from "./workbench.ts";

/*
 * Small inputs that the published Python package `mltable` 1.7.0 was given as well. The first list is what it gives
 * back, the second is where docs/compatibility.md says that, and why, this engine does something else.
 */

const h = await createWorkbench();
afterAll(() => h.close());

type Case = readonly [
  name: string,
  steps: readonly object[],
  files: Readonly<Record<string, string | Uint8Array>>,
  columns: string,
  rows: readonly (readonly unknown[])[],
];

const read = (options: object = {}): object => ({ op: "read_delimited", ...options });
const json = (options: object = {}): object => ({ op: "read_json_lines", ...options });
const convert = (column_type: unknown, columns = "a"): object => ({
  op: "convert_column_types",
  columns: [{ columns, column_type }],
});
const filter = (text: string): object => ({ op: "filter", where: parseFilter(text) });
const one = (...values: string[]): Record<string, string> => ({
  "t.csv": `a,k\n${values.map((v) => `${v},k\n`).join("")}`,
});
const utc = (text: string): Date => new Date(text.includes("T") ? `${text}Z` : text);
const texts = [read({ infer_column_types: false })];
const numbers = { "t.csv": "a,b\n5,x\n6,\n,z\n7,w\n" };
const two = { "1.csv": "a\n5\n6\n7\n", "2.csv": "a\n8\n9\n" };

/** A column of the given values next to one of `k`. */
const inferred = (name: string, values: string[], type: string, out: readonly unknown[]): Case => [
  `inferred: ${name}`,
  [read()],
  one(...values),
  `a:${type} k:string`,
  out.map((value) => [value, "k"]),
];
const converted = (
  name: string,
  to: unknown,
  values: string[],
  type: string,
  out: readonly unknown[],
): Case => [
  `converted: ${name}`,
  [...texts, convert(to)],
  one(...values),
  `a:${type} k:string`,
  out.map((value) => [value, "k"]),
];
const filtered = (where: string, out: readonly unknown[][]): Case => [
  `filter: ${where}`,
  [read(), filter(where)],
  numbers,
  "a:int64 b:string",
  out,
];
const dates = (format: string): object => ({ datetime: { formats: [format] } });
const five = [5n, "x"];
const six = [6n, null];
const none = [null, "z"];
const seven = [7n, "w"];

const agreed: readonly Case[] = [
  [
    "no header",
    [read({ header: "no_header" })],
    { "t.csv": "5,x\n6,y\n" },
    "Column1:int64 Column2:string",
    [five, [6n, "y"]],
  ],
  [
    "empty and repeated names",
    [read()],
    { "t.csv": "a,,a,A,a\n5,6,7,8,9\n" },
    "a:int64 Column2:int64 a_1:int64 A:int64 a_2:int64",
    [[5n, 6n, 7n, 8n, 9n]],
  ],
  [
    "an empty name next to its own replacement",
    [read()],
    { "t.csv": "Column2,\n5,6\n" },
    "Column2:int64 Column2_1:int64",
    [[5n, 6n]],
  ],
  [
    "from_first_file",
    [read({ header: "from_first_file" })],
    { "1.csv": "a,b\n5,6\n", "2.csv": "a,b\n7,8\n" },
    "a:string b:string",
    [
      ["5", "6"],
      ["a", "b"],
      ["7", "8"],
    ],
  ],
  [
    "union of headers",
    [read({ header: "all_files_different_headers" })],
    { "1.csv": "b,a\n5,6\n", "2.csv": "c,a\n7,8\n" },
    "b:int64 a:int64 c:int64",
    [
      [5n, 6n, null],
      [null, 8n, 7n],
    ],
  ],
  ["a file without a byte", [read()], { "t.csv": "" }, "", []],
  [
    "a short row",
    [read()],
    { "t.csv": "a,b\n5,6\n7\n" },
    "a:int64 b:int64",
    [
      [5n, 6n],
      [7n, null],
    ],
  ],
  [
    "quotes within an unquoted field",
    [read()],
    { "t.csv": 'a,b\nx"y"z,w\n' },
    "a:string b:string",
    [['x"y"z', "w"]],
  ],
  ["a doubled quote", [read()], { "t.csv": 'a,b\n"x""y",w\n' }, "a:string b:string", [['x"y', "w"]]],
  [
    "blank lines",
    [read()],
    { "t.csv": "\n\na,b\n5,6\n\n7,8\n\n" },
    "a:int64 b:int64",
    [
      [5n, 6n],
      [7n, 8n],
    ],
  ],
  [
    "a line of spaces",
    [read()],
    { "t.csv": "a,b\n5,6\n  \n7,8\n" },
    "a:string b:int64",
    [
      ["5", 6n],
      ["  ", null],
      ["7", 8n],
    ],
  ],
  [
    "empty_as_string",
    [read({ empty_as_string: true })],
    { "t.csv": 'a,b\n"",x\n,y\n' },
    "a:string b:string",
    [
      ["", "x"],
      ["", "y"],
    ],
  ],
  [
    "a byte order mark",
    [read({ header: "no_header" })],
    { "t.csv": "\uFEFF5,6\n" },
    "Column1:int64 Column2:int64",
    [[5n, 6n]],
  ],
  ["CRLF", [read()], { "t.csv": "a,b\r\n5,x\r\n7,w\r\n" }, "a:int64 b:string", [five, seven]],
  [
    "a line break in quotes",
    [read({ support_multi_line: true })],
    { "t.csv": 'a,b\r\n"x\r\ny",z\r\n' },
    "a:string b:string",
    [["x\r\ny", "z"]],
  ],
  inferred("int", ["+5", "-6", "007", " 8 ", ""], "int64", [5n, -6n, 7n, 8n, null]),
  inferred("int64, the largest", ["9223372036854775807", "1"], "int64", [9223372036854775807n, 1n]),
  inferred("beyond int64", ["18446744073709551616", "1"], "float64", [2 ** 64, 1]),
  inferred("float", ["1e3", "2E-2", ".5", "5.", "+1.5", "2"], "float64", [1000, 0.02, 0.5, 5, 1.5, 2]),
  inferred("grouped digits", ["1_000", "2_000"], "string", ["1_000", "2_000"]),
  inferred("hexadecimal digits", ["0x10", "0x11"], "string", ["0x10", "0x11"]),
  inferred("words for nothing", ["NA", "5"], "string", ["NA", "5"]),
  inferred("no value", ["", ""], "string", [null, null]),
  inferred("boolean", ["true", "FALSE", "True"], "boolean", [true, false, true]),
  inferred("dates", ["2020-1-5", "2020-02-06", ""], "timestamp", [
    utc("2020-01-05"),
    utc("2020-02-06"),
    null,
  ]),
  inferred("a month first", ["01/31/2020", "02/03/2020"], "timestamp", [
    utc("2020-01-31"),
    utc("2020-02-03"),
  ]),
  inferred("a day first", ["13/04/2020", "05/06/2020"], "timestamp", [utc("2020-04-13"), utc("2020-06-05")]),
  inferred("both orders", ["01/31/2020", "31/01/2020"], "string", ["01/31/2020", "31/01/2020"]),
  inferred("no such day", ["2020-02-30", "2020-02-01"], "string", ["2020-02-30", "2020-02-01"]),
  inferred("date and time", ["2020-01-31", "2020-02-01T10:11:12Z"], "timestamp", [
    utc("2020-01-31"),
    utc("2020-02-01T10:11:12"),
  ]),
  inferred("offsets", ["2020-01-31T10:11:12+02:00"], "timestamp", [utc("2020-01-31T08:11:12")]),
  inferred("halves of the day", ["01/31/2020 10:11:12 PM"], "timestamp", [utc("2020-01-31T22:11:12")]),
  inferred("time alone", ["10:11:12", "11:12:13"], "string", ["10:11:12", "11:12:13"]),
  inferred("digits of a date", ["20200131"], "int64", [20200131n]),
  converted("int", "int", ["2", " 7 ", "+8", "", "x", "1_000"], "int64", [2n, 7n, 8n, null, null, null]),
  converted("float", "float", ["1e3", ".5", "5.", "1_0", "0x10", "x"], "float64", [
    1000,
    0.5,
    5,
    null,
    null,
    null,
  ]),
  converted("boolean", "boolean", ["true", "FALSE", "1", "0", "y", "on", "2"], "boolean", [
    true,
    false,
    true,
    false,
    null,
    null,
    null,
  ]),
  converted(
    "own words",
    { boolean: { true_values: ["on"], false_values: ["off"], mismatch_as: "error" } },
    ["on", "off", "ON", "true"],
    "boolean",
    [true, false, null, null],
  ),
  converted(
    "words that mean false",
    { boolean: { true_values: ["on"], false_values: ["off"], mismatch_as: "false" } },
    ["on", "true"],
    "boolean",
    [true, false],
  ),
  converted("without a zone", dates("%Y-%m-%d %H:%M:%S"), ["2020-01-31 10:11:12"], "timestamp", [
    utc("2020-01-31T10:11:12"),
  ]),
  converted("with an offset", dates("%Y-%m-%dT%H:%M:%S%z"), ["2020-01-31T10:11:12+0200"], "timestamp", [
    utc("2020-01-31T08:11:12"),
  ]),
  converted("%y", dates("%m/%d/%y"), ["01/02/68", "01/02/70", "01/02/99", "01/02/00"], "timestamp", [
    utc("2068-01-02"),
    utc("1970-01-02"),
    utc("1999-01-02"),
    utc("2000-01-02"),
  ]),
  [
    "converted: twice",
    [...texts, convert("int"), convert("string")],
    one("05", "6"),
    "a:string k:string",
    [
      ["5", "k"],
      ["6", "k"],
    ],
  ],
  ["converted: unknown columns", [read(), convert("int", "nope")], one("5"), "a:int64 k:string", [[5n, "k"]]],
  [
    "keep_columns leaves the order and ignores unknown names",
    [read(), { op: "keep_columns", columns: ["c", "nope", "a"] }],
    { "t.csv": "a,b,c\n5,6,7\n" },
    "a:int64 c:int64",
    [[5n, 7n]],
  ],
  ["take over files", [read(), { op: "take", count: 4 }], two, "a:int64", [[5n], [6n], [7n], [8n]]],
  ["skip over files", [read(), { op: "skip", count: 4 }], two, "a:int64", [[9n]]],
  ["take of files", [{ op: "take", count: 1 }, read()], two, "a:int64", [[5n], [6n], [7n]]],
  filtered('col("a") != 5', [six, seven]),
  filtered('col("a") < 7', [five, six]),
  filtered('col("b") != "x"', [none, seven]),
  filtered('col("a") == "5"', []),
  filtered('col("a") != "5"', [five, six, seven]),
  filtered('col("a") + 1 == 6', [five]),
  filtered('col("a") == 5.0', [five]),
  filtered('col("a") == 5 or col("b") == "z"', [five, none]),
  [
    "JSON: columns in order of appearance",
    [json()],
    { "t.jsonl": '{"b":1,"a":2}\n\n{"c":3,"b":4}\n' },
    "b:int64 a:int64 c:int64",
    [
      [1n, 2n, null],
      [4n, null, 3n],
    ],
  ],
  [
    "JSON: dropped lines",
    [json({ invalid_lines: "drop" })],
    { "t.jsonl": '{"a":5}\n[1]\n3\n{x\n{"a":NaN}\n{"a":6}\n' },
    "a:int64",
    [[5n], [6n]],
  ],
  [
    "JSON: texts stay texts",
    [json()],
    { "t.jsonl": '{"a":"5","b":"2020-01-31","c":1,"d":1.0}\n' },
    "a:string b:string c:int64 d:float64",
    [["5", "2020-01-31", 1n, 1]],
  ],
  [
    "latin letters",
    [read({ encoding: "windows1252" })],
    { "t.csv": Uint8Array.of(97, 10, 0x80, 0xe9, 10) },
    "a:string",
    [["€é"]],
  ],
  [
    "utf16 without a mark",
    [read({ encoding: "utf16" })],
    { "t.csv": Buffer.from("a,b\n5,é\n", "utf16le") },
    "a:int64 b:string",
    [[5n, "é"]],
  ],
];

async function gives(...[, steps, files, columns, rows]: Case): Promise<void> {
  const table = await h.open(steps, await h.files(files));
  expect(table.schema.columns.map(({ name, type }) => `${name}:${type}`).join(" ")).toBe(columns);
  expect((await allRows(table)).map((row) => Object.values(row))).toEqual(rows);
}

test.each(agreed)("%s", gives);

test("types come from the first 200 rows of all files", async () => {
  const types = async (count: number): Promise<string[]> => {
    const files = await h.files({ "1.csv": `a\n${"5\n".repeat(count)}`, "2.csv": "a\nx\n" });
    const table = await h.open([read()], files);
    await table[Symbol.asyncDispose]();
    return table.schema.columns.map(({ type }) => type);
  };
  expect(await types(199)).toEqual(["string"]);
  expect(await types(200)).toEqual(["int64"]);
});

/** Where the row of docs/compatibility.md named in each case tells why. */
const apart: readonly Case[] = [
  // "Inferred: 1/0": booleans there.
  inferred("1 and 0", ["1", "0"], "int64", [1n, 0n]),
  // "Dates that are all ambiguous": all null there.
  inferred("ambiguous dates", ["03/04/2020", "05/06/2020"], "timestamp", [
    utc("2020-03-04"),
    utc("2020-05-06"),
  ]),
  // "Int of a fraction" and "Int beyond int64": 1 and 9223372036854775807 there.
  converted("numbers that are no int", "int", ["1.5", "9223372036854775808"], "int64", [null, null]),
  // "Float of 1e400": infinity there.
  converted("beyond float", "float", ["1e400"], "float64", [null]),
  // "Repeated names that meet one another": the third column is called a_1_2 there, and the second a_1.
  [
    "names that meet",
    [read()],
    { "t.csv": "a,a,a_1\n5,6,7\n" },
    "a:int64 a_2:int64 a_1:int64",
    [[5n, 6n, 7n]],
  ],
  // "A header without rows": no columns there.
  ["a header alone", [read()], { "t.csv": "a,b\n" }, "a:string b:string", []],
  // "Line ends": an empty table there.
  ["CR alone", [read()], { "t.csv": "a,b\r5,x\r" }, "a:int64 b:string", [five]],
  // "Delimiter of two characters": columns a, Column2, b and Column4 there.
  [
    "two characters",
    [read({ delimiter: "||" })],
    { "t.csv": "a||b\n5||x|y\n" },
    "a:int64 b:string",
    [[5n, "x|y"]],
  ],
  // "A delimiter behind the last field of each row": an empty Column3 there.
  [
    "a delimiter at the end",
    [read()],
    { "t.csv": "a,b\n5,6,\n7,8,\n" },
    "a:int64 b:int64",
    [
      [5n, 6n],
      [7n, 8n],
    ],
  ],
  // "== None, != None": no row there.
  filtered('col("a") == None', [none]),
  filtered('col("a") != None', [five, six, seven]),
  // "Text against number: <, >": all rows with a text there.
  filtered('col("b") > 5', []),
  // "Values of several kinds in a column": 5, null, null there.
  [
    "JSON: kinds",
    [json()],
    { "t.jsonl": '{"a":5}\n{"a":"x"}\n{"a":true}\n' },
    "a:json",
    [[5], ["x"], [true]],
  ],
  // "Integers next to fractions": 5, null there.
  ["JSON: 1.5 behind 5", [json()], { "t.jsonl": '{"a":5}\n{"a":1.5}\n' }, "a:float64", [[5], [1.5]]],
  // "utf16": an empty table there.
  [
    "utf16, big-endian",
    [read({ encoding: "utf16" })],
    { "t.csv": Buffer.from("\uFEFFa\né\n", "utf16le").swap16() },
    "a:string",
    [["é"]],
  ],
  // "Partition format behind the reading step, without path column": null there.
  [
    "partition",
    [read(), { op: "extract_columns_from_partition_format", partition_format: "/x={p}/t.csv" }],
    { "x=1/t.csv": "a\n5\n" },
    "a:int64 p:string",
    [[5n, "1"]],
  ],
];

test.each(apart)("apart: %s", gives);

test.each<[string, string, readonly object[], Readonly<Record<string, string>>]>([
  // "Rows longer than the header": a third column there.
  ["a long row", "parse_failed", [read()], { "t.csv": "a,b\n5,6\n7,8,9\n" }],
  // "Text behind a closing quote": "xy" there.
  ["text behind a quote", "parse_failed", [read()], { "t.csv": 'a,b\n"x"y,z\n' }],
  // "all_files_same_headers and a file with another header": by place there.
  ["another header", "schema_mismatch", [read()], { "1.csv": "a,b\n5,6\n", "2.csv": "b,a\n7,8\n" }],
  // "Whole numbers beyond int64": -9223372036854775808 there.
  ["JSON: beyond int64", "parse_failed", [json()], { "t.jsonl": '{"a":9223372036854775808}\n' }],
  // "A key twice in a line": a crash there.
  ["JSON: a key twice", "parse_failed", [json()], { "t.jsonl": '{"a":5,"a":6}\n' }],
  // "A column that does not exist": no row there.
  ["an unknown column", "plan_invalid", [read(), filter('col("nope") == 5')], numbers],
])("refused: %s", async (_, code, steps, files) => {
  await expect(h.rows(steps, await h.files(files))).rejects.toMatchObject({ code });
});
