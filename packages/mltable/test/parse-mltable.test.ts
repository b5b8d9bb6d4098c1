import { isAmlError } from "@aml/core";
import { describe, expect, test } from "vitest";
import { type MLTableFault, parseMLTable } from "../src/index.ts";

const PATHS = "paths:\n- file: ./a.csv\n";

function faultsOf(text: string): readonly MLTableFault[] {
  try {
    parseMLTable(text);
  } catch (error) {
    if (isAmlError(error)) return error.context["errors"] as readonly MLTableFault[];
    throw error;
  }
  throw new Error(`Parsed: ${text}`);
}

const messages = (text: string): readonly string[] => faultsOf(text).map(({ message }) => message);
const step = (text: string): readonly string[] =>
  messages(`${PATHS}transformations:\n- ${text}\n`).map((message) =>
    message.replace(/^MLTable:\d+:\d+ transformations\[0\]/, ""),
  );
const parsed = (text: string): unknown =>
  parseMLTable(`${PATHS}transformations:\n- ${text}\n`).transformations[0];

test("reads a whole file", () => {
  const table = parseMLTable(`$schema: https://azuremlschemas.azureedge.net/latest/MLTable.schema.json
type: mltable
paths:
  - file: ./a.csv
  - folder: azureml://datastores/lake/paths/2025
  - pattern: ./**/*.csv
transformations:
  - read_delimited:
      delimiter: ";"
      encoding: iso-8859-1
      header: no_header
      include_path_column: on
      infer_column_types:
        sample_size: 200
        column_type_overrides:
          - {columns: [a, b], column_type: string}
      partition_size: 1024
  - filter: col("a") > 1 and b == 'x'
  - convert_column_types:
      - columns: {pattern: "^d", ignore_case: true}
        column_type: {datetime: {formats: ["%Y-%m-%d"], date_constant: "2020-01-01 "}}
      - {columns: x, column_type: {float: {decimal_mark: ","}}}
      - {columns: u, column_type: {stream_info: {workspace_name: w}}}
  - keep_columns: [a, d]
  - take_random_sample: {probability: 0.5, seed: 7}
  - sample: {sampler: randomPercent, sampler_arguments: {probability: 1, probability_lower_bound: 0.5}}
  - select_partitions: [0, 2]
  - skip: 1
traits: {timestamp_column: d, index_columns: [a], other: 1}
metadata: {owner: me, reviewed: yes}
`);
  expect(table).toEqual({
    paths: [
      { file: "./a.csv" },
      { folder: "azureml://datastores/lake/paths/2025" },
      { pattern: "./**/*.csv" },
    ],
    transformations: [
      {
        op: "read_delimited",
        delimiter: ";",
        encoding: "iso88591",
        header: "no_header",
        include_path_column: true,
        infer_column_types: {
          sample_size: 200,
          column_type_overrides: [{ columns: ["a", "b"], column_type: "string" }],
        },
        partition_size: 1024,
      },
      {
        op: "filter",
        where: {
          fn: "and",
          args: [
            { fn: ">", args: [{ col: "a" }, { lit: 1 }] },
            { fn: "==", args: [{ col: "b" }, { lit: "x" }] },
          ],
        },
      },
      {
        op: "convert_column_types",
        columns: [
          {
            columns: { pattern: "^d", ignore_case: true },
            column_type: { datetime: { formats: ["%Y-%m-%d"], date_constant: "2020-01-01 " } },
          },
          { columns: "x", column_type: { float: { decimal_mark: "," } } },
          { columns: "u", column_type: { stream_info: { workspace_name: "w" } } },
        ],
      },
      { op: "keep_columns", columns: ["a", "d"] },
      { op: "take_random_sample", probability: 0.5, seed: 7 },
      {
        op: "sample",
        sampler: "random_percent",
        sampler_arguments: { probability: 1, probability_lower_bound: 0.5 },
      },
      { op: "select_partitions", partitions: [0, 2] },
      { op: "skip", count: 1 },
    ],
    traits: { timestamp_column: "d", index_columns: ["a"], other: 1 },
    metadata: { owner: "me", reviewed: true },
  });
  expect(Object.isFrozen(table) && Object.isFrozen(table.paths[0]) && Object.isFrozen(table.metadata)).toBe(
    true,
  );
});

describe("steps", () => {
  test.each(["read_delimited", "read_parquet", "read_json_lines"])(
    "%s may stand bare or with nothing",
    (op) => {
      expect(parsed(op)).toEqual({ op });
      expect(parsed(`${op}: {}`)).toEqual({ op });
      expect(step(`${op}:`)).toEqual([`.${op} has no value`]);
    },
  );

  test.each([
    ["utf-8", undefined],
    ["utf8 bom", "utf8bom"],
    ["utf-8 bom", "utf8bom"],
    ["utf8bom", "utf8bom"],
    ["utf-16", "utf16"],
    ["utf32", "utf32"],
    ["latin-1", "latin1"],
    ["ascii", "ascii"],
    ["windows-1252", "windows1252"],
  ])("encoding %s is %s", (given, short) => {
    for (const op of ["read_delimited", "read_json_lines"]) {
      expect(parsed(`${op}: {encoding: ${given}}`)).toEqual({ op, ...(short && { encoding: short }) });
    }
  });

  test("the forms of a partition format", () => {
    const op = "extract_columns_from_partition_format";
    expect(parsed(`${op}: {partition_format: "/{a}/{d:yyyy/MM}/"}`)).toEqual({
      op,
      partition_format: "/{a}/{d:yyyy/MM}/",
    });
    expect(parsed(`${op}: {timestamp:yyyy/MM/dd}`)).toEqual({
      op,
      partition_format: "{timestamp:yyyy/MM/dd}",
    });
    expect(parsed(`${op}: {region}`)).toEqual({ op, partition_format: "{region}" });
    expect(parsed(`${op}: "/{a}/{b}"`)).toEqual({ op, partition_format: "/{a}/{b}" });
    expect(step(op)).toEqual([`.${op} needs partition_format`]);
    expect(step(`${op}: {partition_format: "{a"}`)).toEqual([
      `.${op}.partition_format is wrong: The partition format "{a" has a { alone`,
    ]);
  });

  test.each([
    [
      "read_delimited: {delimiter: '|||'}",
      '.read_delimited.delimiter must be one or two characters, no quote and no line break, not "|||"',
    ],
    [
      "read_delimited: {header: First}",
      '.read_delimited.header must be one of no_header | from_first_file | all_files_same_headers | all_files_different_headers, not "First"',
    ],
    [
      "read_delimited: {partition_size: 0}",
      ".read_delimited.partition_size must be an integer of at least 1, not 0",
    ],
    [
      "read_delimited: {support_multi_line: 'true'}",
      '.read_delimited.support_multi_line must be true or false, not "true"',
    ],
    [
      "read_delimited: {infer_column_types: {sample: 1}}",
      '.read_delimited.infer_column_types has no option "sample"',
    ],
    [
      "read_delimited: {infer_column_types: {column_type_overrides: [{columns: a, column_type: {float: {decimal_mark: ','}}}]}}",
      '.read_delimited.infer_column_types.column_type_overrides[0].column_type has no option "float"',
    ],
    [
      "read_json_lines: {invalid_lines: skip}",
      '.read_json_lines.invalid_lines must be one of error | drop, not "skip"',
    ],
    ["read_json_lines: {delimiter: ','}", '.read_json_lines has no option "delimiter"'],
    ["read_parquet: {encoding: utf8}", '.read_parquet has no option "encoding"'],
    [
      "read_delta_lake: {version_as_of: 0, timestamp_as_of: '2020-01-01T00:00:00Z'}",
      ".read_delta_lake takes a version or a timestamp, not both",
    ],
    [
      "read_delta_lake: {timestamp_as_of: 2020-02-30T00:00:00Z}",
      '.read_delta_lake.timestamp_as_of must be an instant such as "2026-01-31T12:00:00Z", not "2020-02-30T00:00:00Z"',
    ],
    [
      "read_delta_lake: {version_as_of: -1}",
      ".read_delta_lake.version_as_of must be an integer of at least 0, not -1",
    ],
    ["take: -1", ".take must be an integer of at least 0, not -1"],
    ["take: 1.5", ".take must be an integer of at least 0, not 1.5"],
    ["take: '3'", '.take must be an integer of at least 0, not "3"'],
    ["take: true", ".take must be an integer of at least 0, not true"],
    ["take", " is take without its argument"],
    ["skip: []", ".skip must be an integer of at least 0, not a list"],
    [
      "take_random_sample: {probability: 1.1}",
      ".take_random_sample.probability must be a number from 0 to 1, not 1.1",
    ],
    ["take_random_sample: {seed: 1}", ".take_random_sample needs probability"],
    ["take_random_sample: {probability: 0.5, sead: 1}", '.take_random_sample has no option "sead"'],
    [
      "sample: {sampler: other, sampler_arguments: {probability: 1}}",
      '.sample.sampler must be one of random_percent, not "other"',
    ],
    [
      "sample: {sampler: random_percent, sampler_arguments: {probability: 0.1, probability_lower_bound: 0.2}}",
      ".sample.sampler_arguments has a lower bound above its probability",
    ],
    ["select_partitions: [-1]", ".select_partitions[0] must be an integer of at least 0, not -1"],
    ["keep_columns: {patern: a}", '.keep_columns has no option "patern"'],
    [
      "convert_column_types: {columns: a, column_type: int}",
      ".convert_column_types must be a list, not a mapping",
    ],
    ["convert_column_types: [{columns: a}]", ".convert_column_types[0] needs column_type"],
    [
      "convert_column_types: [{columns: a, column_type: datetime}]",
      ".convert_column_types[0].column_type must be a mapping: datetime needs formats",
    ],
    [
      "convert_column_types: [{columns: a, column_type: {datetime: {}}}]",
      ".convert_column_types[0].column_type.datetime needs formats",
    ],
    [
      "convert_column_types: [{columns: a, column_type: {boolean: {true_values: [a]}}}]",
      ".convert_column_types[0].column_type.boolean needs both true_values and false_values, or neither",
    ],
    [
      "convert_column_types: [{columns: a, column_type: {boolean: {true_values: [a], false_values: [a]}}}]",
      '.convert_column_types[0].column_type.boolean has "a" as true and as false',
    ],
    [
      "convert_column_types: [{columns: a, column_type: {float: {decimal_mark: ';'}}}]",
      '.convert_column_types[0].column_type.float.decimal_mark must be one of . | ,, not ";"',
    ],
    [
      "convert_column_types: [{columns: a, column_type: {}}]",
      ".convert_column_types[0].column_type needs exactly one of boolean | datetime | float | stream_info",
    ],
    ["rename_columns: {a: b}", ' is an unknown step, "rename_columns"'],
    ["{}", " must have exactly one key, the step, not 0"],
    ["[take]", " must be a step: a mapping with one key"],
    ["filter: 1", ".filter must be a string"],
  ])("%s is refused", (text, message) => {
    expect(step(text)).toEqual([message]);
  });

  test("the order of steps", () => {
    const steps = (...lines: string[]): string =>
      `${PATHS}transformations:\n${lines.map((line) => `- ${line}\n`).join("")}`;
    expect(messages(steps("read_parquet", "read_parquet"))).toEqual([
      "MLTable:5:3 transformations[1] is read_parquet, but read_parquet has read the files already",
    ]);
    expect(messages(steps("keep_columns: a", "read_parquet"))).toEqual([
      "MLTable:5:3 transformations[1] is read_parquet, which must stand before keep_columns",
    ]);
    expect(messages(steps("read_delta_lake"))).toEqual([
      "MLTable:4:3 transformations[0] is read_delta_lake, which needs exactly one path, a folder: the table's root",
    ]);
    const early = steps(
      "take: 2",
      "skip: 1",
      "take_random_sample: {probability: 0.5}",
      "read_parquet",
      "take: 1",
    );
    expect(parseMLTable(early).transformations).toHaveLength(5);
  });
});

describe("every fault has its line, column and hint", () => {
  const hints = (text: string): readonly unknown[] =>
    faultsOf(text).map(({ code, line, column, path, hint }) => [code, line, column, path, hint]);

  test.each<[string, string, readonly unknown[]]>([
    [
      "a mistyped key",
      "path:\n- file: a\npaths:\n- file: a\n",
      ["plan_invalid", 1, 1, "", "Did you mean paths?"],
    ],
    [
      "a mistyped step",
      `${PATHS}transformations:\n- read_delimted\n`,
      ["plan_invalid", 4, 3, "transformations[0]", "Did you mean read_delimited?"],
    ],
    [
      "a mistyped option",
      `${PATHS}transformations:\n- read_delimited:\n    headers: no_header\n`,
      ["plan_invalid", 5, 5, "transformations[0].read_delimited", "Did you mean header?"],
    ],
    [
      "a mistyped value",
      `${PATHS}transformations:\n- read_delimited:\n    header: no_headers\n`,
      ["plan_invalid", 5, 13, "transformations[0].read_delimited.header", "Did you mean no_header?"],
    ],
    [
      "an option that is not indented",
      `${PATHS}transformations:\n- read_delimited:\n  delimiter: ","\n`,
      [
        "plan_invalid",
        4,
        3,
        "transformations[0]",
        "Indent the options of read_delimited by two spaces more than read_delimited itself.",
      ],
    ],
    [
      "a boolean for a text",
      `${PATHS}transformations:\n- convert_column_types:\n  - columns: a\n    column_type:\n      boolean: {mismatch_as: true}\n`,
      [
        "plan_invalid",
        7,
        30,
        "transformations[0].convert_column_types[0].column_type.boolean.mismatch_as",
        'YAML reads true as a boolean: write "true" in quotes.',
      ],
    ],
    [
      "a column named no",
      `${PATHS}transformations:\n- keep_columns: no\n`,
      [
        "plan_invalid",
        4,
        17,
        "transformations[0].keep_columns",
        'YAML reads no as a boolean: write "no" in quotes.',
      ],
    ],
    [
      "a quoted number",
      `${PATHS}transformations:\n- take: "5"\n`,
      ["plan_invalid", 4, 9, "transformations[0].take", "Remove the quotes."],
    ],
    ["type: table", `type: table\n${PATHS}`, ["plan_invalid", 1, 7, "type", "Write type: mltable."]],
    [
      "a path without its kind",
      "paths:\n- ./a.csv\n",
      ["plan_invalid", 2, 3, "paths[0]", 'Write "- file: ./a.csv", or folder or pattern instead of file.'],
    ],
    [
      "two kinds in a path",
      "paths:\n- file: a\n  folder: b\n",
      ["plan_invalid", 2, 3, "paths[0]", "Begin each path with its own dash."],
    ],
    [
      "a mistyped kind of path",
      "paths:\n- fil: a\n",
      ["plan_invalid", 2, 3, "paths[0]", "Did you mean file?"],
    ],
    [
      "an empty list of paths",
      "paths: []\n",
      ["plan_invalid", 1, 8, "paths", 'Write each on its own line, such as "- file: ./data.csv".'],
    ],
    [
      "transformations without a value",
      `${PATHS}transformations:\n`,
      ["plan_invalid", 3, 17, "transformations", "Give transformations a list, or remove the key."],
    ],
    [
      "a trait of the wrong type",
      `${PATHS}traits: {index_columns: a}\n`,
      ["plan_invalid", 3, 25, "traits.index_columns", undefined],
    ],
    [
      "a list as metadata",
      `${PATHS}metadata: [1]\n`,
      ["plan_invalid", 3, 11, "metadata", "Give metadata a mapping, or remove the key."],
    ],
    [
      "an empty file",
      "",
      ["plan_invalid", 1, 1, "", "Begin with paths:, a list such as [{ file: ./data.csv }]."],
    ],
    [
      "only a comment",
      "# nothing\n",
      ["plan_invalid", 1, 1, "", "Begin with paths:, a list such as [{ file: ./data.csv }]."],
    ],
    [
      "a list",
      "- file: a\n",
      ["plan_invalid", 1, 1, "", "Begin with paths:, a list such as [{ file: ./data.csv }]."],
    ],
    [
      "a plain text",
      "hello\n",
      ["plan_invalid", 1, 1, "", "Begin with paths:, a list such as [{ file: ./data.csv }]."],
    ],
    ["two documents", `${PATHS}---\n${PATHS}`, ["parse_failed", 3, 1, "", "Keep one document to a file."]],
    [
      "a key twice",
      `${PATHS}${PATHS}`,
      ["parse_failed", 3, 1, "", "Keep one of the two; other readers take the last without a word."],
    ],
    ["tabs", "paths:\n\t- file: a\n", ["parse_failed", 2, 1, "", "Indent with spaces, not tabs."]],
    [
      "a tag",
      "paths: !!python/object:os.system [a]\n",
      ["parse_failed", 1, 8, "", "Remove the tag (the word that begins with !)."],
    ],
    [
      "a format without quotes",
      `${PATHS}transformations:\n- extract_columns_from_partition_format:\n    partition_format: {a}/{b}.csv\n`,
      ["parse_failed", 5, 26, "", "Put a text that begins with a special character in quotes."],
    ],
  ])("%s", (_, text, fault) => {
    expect(hints(text)[0]).toEqual(fault);
  });

  test("a filter's fault is shown inside the filter", () => {
    const at = (text: string): unknown => hints(`${PATHS}transformations:\n${text}`)[0];
    expect(at('- filter: "a > > 1"\n')).toEqual(expect.arrayContaining(["plan_invalid", 4, 16]));
    expect(at("- filter: a > > 1\n")).toEqual(expect.arrayContaining(["plan_invalid", 4, 15]));
    expect(at("- filter: >\n    a >\n    > 1\n")).toEqual(expect.arrayContaining(["plan_invalid", 4, 11]));
    expect(messages(`${PATHS}transformations:\n- filter: a > > 1\n`)[0]).toBe(
      "MLTable:4:15 transformations[0].filter is no filter: > is not allowed here.",
    );
  });

  test("all are found at once, in the order of the text", () => {
    const text = `type: table\npaths:\n- fil: a\ntransformations:\n- tak: 1\n- take: x\nmetadata: 1\n`;
    expect(faultsOf(text).map(({ line, column }) => [line, column])).toEqual([
      [1, 7],
      [3, 3],
      [5, 3],
      [6, 9],
      [7, 11],
    ]);
  });

  test("the error is the first fault, with its place for programs", () => {
    let caught: unknown;
    try {
      parseMLTable("paths:\n- file: a\ntransformations:\n- take: x\n", { uri: "file:///t/MLTable" });
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({
      code: "plan_invalid",
      message: 'MLTable:4:9 transformations[0].take must be an integer of at least 0, not "x"',
      context: { uri: "file:///t/MLTable", line: 4, column: 9, path: "transformations[0].take" },
    });
  });

  test("a SQL query is refused as such", () => {
    expect(() => parseMLTable("query_source: {query: x}\n")).toThrow(
      expect.objectContaining({ code: "unsupported" }) as Error,
    );
  });
});

describe("YAML", () => {
  test.each(["yes", "Yes", "on", "TRUE", "true"])("%s is true, as to Python's YAML", (word) => {
    expect(parsed(`read_parquet: {include_path_column: ${word}}`)).toEqual({
      op: "read_parquet",
      include_path_column: true,
    });
  });

  test("y, n and words like them stay texts", () => {
    expect(parsed("keep_columns: [y, n, nay, 2020-01-01]")).toEqual({
      op: "keep_columns",
      columns: ["y", "n", "nay", "2020-01-01"],
    });
  });

  test("a byte order mark, CRLF, anchors and merge keys are read", () => {
    expect(parseMLTable(`\uFEFFpaths:\r\n- file: a\r\n`).paths).toEqual([{ file: "a" }]);
    expect(parseMLTable("paths:\n- &p {file: a}\n- *p\n").paths).toEqual([{ file: "a" }, { file: "a" }]);
    const merged = `${PATHS}transformations:\n- convert_column_types:\n  - &c {columns: a, column_type: int}\n  - {<<: *c, columns: b}\n`;
    expect(parseMLTable(merged).transformations[0]).toEqual({
      op: "convert_column_types",
      columns: [
        { columns: "a", column_type: "int" },
        { columns: "b", column_type: "int" },
      ],
    });
  });

  const laughs = ["a: &a [x,x,x,x,x,x,x,x,x]", ...Array.from("bcdefghi")].map((name, index) =>
    index === 0
      ? name
      : `${name}: &${name} [${Array(9)
          .fill(`*${"abcdefghi"[index - 1]}`)
          .join(",")}]`,
  );
  test.each<[string, string, string]>([
    ["references that double", `${laughs.join("\n")}\npaths: *i\n`, "parse_failed"],
    ["a value that holds itself", `${PATHS}metadata: &m\n  a: *m\n`, "plan_invalid"],
    ["a list that holds itself", "paths: &p [*p]\n", "plan_invalid"],
    ["a reference to nothing", "paths: *nope\n", "parse_failed"],
    ["20,000 brackets", `paths: ${"[".repeat(20_000)}`, "parse_failed"],
    ["20,000 nested mappings", `paths: ${"{a: ".repeat(20_000)}`, "parse_failed"],
    ["an open bracket", "paths: [\n", "parse_failed"],
    ["an open quote", 'paths: "\n', "parse_failed"],
    ["control characters", 'paths:\n- file: "a\\0b"\n', "plan_invalid"],
    ["a prototype as step", `${PATHS}transformations:\n- __proto__: {}\n`, "plan_invalid"],
    ["a constructor as step", `${PATHS}transformations:\n- constructor: {}\n`, "plan_invalid"],
    [
      "a prototype as option",
      `${PATHS}transformations:\n- read_parquet: {__proto__: {include_path_column: true}}\n`,
      "plan_invalid",
    ],
    ["a prototype as key", `${PATHS}__proto__: {paths: 1}\n`, "plan_invalid"],
    ["a colossal name", `${"x".repeat(200_000)}: 1\n${PATHS}`, "parse_failed"],
    ["a directive", `%TAG ! tag:evil,2000:\n---\npaths: !x [a]\n`, "parse_failed"],
    ["a binary", `${PATHS}metadata: {a: !!binary aGk=}\n`, "plan_invalid"],
  ])("%s is refused", (_, text, code) => {
    expect(faultsOf(text)[0]?.code).toBe(code);
  });

  test("a prototype in metadata is data and no more", () => {
    const { metadata } = parseMLTable(`${PATHS}metadata: {__proto__: {admin: true}}\n`);
    expect(Object.hasOwn(metadata, "__proto__")).toBe(true);
    expect((metadata as { admin?: unknown }).admin).toBeUndefined();
    expect(({} as { admin?: unknown }).admin).toBeUndefined();
  });
});

test("1,000 paths are read at once", () => {
  const text = `paths:\n${Array.from({ length: 1000 }, (_, index) => `- file: ./data/part-${index}.csv\n`).join("")}`;
  const times = Array.from({ length: 5 }, () => {
    const start = performance.now();
    expect(parseMLTable(text).paths).toHaveLength(1000);
    return performance.now() - start;
  });
  // Wide, for a machine that has other things to do; a quadratic reader would still not pass.
  expect(Math.min(...times)).toBeLessThan(3000);
});
