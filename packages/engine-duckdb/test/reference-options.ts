import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { FileRef, Row } from "@aml/core";
import { add, commit, field, lines, metaData, parquet, protocol } from "./delta-table.ts";

/** An option of a step with one value, and what it gives. */
export interface OptionCase {
  readonly step: string;
  readonly option: string;
  readonly value: string;
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  readonly steps: readonly unknown[] | ((files: readonly FileRef[]) => readonly unknown[]);
  readonly gives: Outcome | ((files: readonly FileRef[]) => Outcome);
}

type Outcome = { readonly rows: readonly Row[] } | { readonly code: string; readonly context?: unknown };

const ENCODINGS = [
  "utf8",
  "utf8 with a mark",
  "utf8bom",
  "utf16 little endian",
  "utf16 big endian",
  "utf16 without a mark",
  "utf32 little endian",
  "utf32 big endian",
  "ascii",
  "ascii, another byte",
  "latin1",
  "iso88591",
  "windows1252",
  "utf8, other bytes",
] as const;
const SELECTORS = ["a name", "a list", "pattern", "ignore_case", "invert", "an unknown name"] as const;
const PACKED = ["plain", "gzip", "zstd", "gzip of utf16"] as const;

/** What the reference of MLTable lists, by step: an option and its values. */
export const OPTIONS: Readonly<Record<string, readonly (readonly [option: string, ...values: string[]])[]>> =
  {
    read_delimited: [
      ["delimiter", "one character", "two characters"],
      ["header", "no_header", "from_first_file", "all_files_same_headers", "all_files_different_headers"],
      ["support_multi_line", "false", "true"],
      ["empty_as_string", "false", "true", "true, empty behind the sample"],
      ["encoding", ...ENCODINGS],
      ["include_path_column", "false", "true"],
      ["path_column", "a name"],
      ["infer_column_types", "true", "false", "{}", "sample_size", "column_type_overrides"],
      ["partition_size", "a number"],
      ["(packing)", ...PACKED],
    ],
    read_json_lines: [
      ["invalid_lines", "error", "drop"],
      ["encoding", ...ENCODINGS],
      ["include_path_column", "false", "true"],
      ["path_column", "a name"],
      ["partition_size", "a number"],
      ["(values)", "nested", "union of keys", "order of keys", "several kinds"],
      ["(packing)", ...PACKED],
    ],
    read_parquet: [
      ["include_path_column", "false", "true"],
      ["path_column", "a name"],
    ],
    read_delta_lake: [
      ["(neither version nor instant)", "the newest version"],
      ["version_as_of", "the first", "the last", "none that there is", "with timestamp_as_of"],
      ["timestamp_as_of", "between commits", "of a commit", "with an offset", "in the future", "too early"],
      ["include_path_column", "false", "true"],
    ],
    convert_column_types: [
      ["columns", ...SELECTORS],
      ["column_type", "string", "int", "float", "boolean", "stream_info", "stream_info mapping"],
      ["float.decimal_mark", ".", ","],
      ["boolean.true_values", "with false_values"],
      ["boolean.mismatch_as", "error", "true", "false"],
      ["datetime.formats", ..."YymbBdHIMSfpz", "in order"],
      ["datetime.date_constant", "a text"],
    ],
    keep_columns: [["columns", ...SELECTORS]],
    drop_columns: [["columns", ...SELECTORS]],
  };

const utf16be = (text: string): Buffer => Buffer.from(text, "utf16le").swap16();

function utf32(text: string, big: boolean): Buffer {
  const points = Array.from(`\ufeff${text}`, (one) => one.codePointAt(0) ?? 0);
  const out = Buffer.alloc(points.length * 4);
  points.forEach((point, at) => (big ? out.writeUInt32BE(point, at * 4) : out.writeUInt32LE(point, at * 4)));
  return out;
}

/** Of each encoding: the option's word, the bytes of a text, and what `é€𝄞` is read as; undefined where bytes do not fit. */
const encodings = (
  text: (value: string) => string,
): Readonly<
  Record<(typeof ENCODINGS)[number], readonly [word: string, bytes: Buffer, value: string | undefined]>
> => ({
  utf8: ["utf8", Buffer.from(text("é€𝄞")), "é€𝄞"],
  "utf8 with a mark": ["utf8", Buffer.from(`\ufeff${text("é€𝄞")}`), "é€𝄞"],
  utf8bom: ["utf8bom", Buffer.from(`\ufeff${text("é€𝄞")}`), "é€𝄞"],
  "utf16 little endian": ["utf16", Buffer.from(`\ufeff${text("é€𝄞")}`, "utf16le"), "é€𝄞"],
  "utf16 big endian": ["utf16", utf16be(`\ufeff${text("é€𝄞")}`), "é€𝄞"],
  "utf16 without a mark": ["utf16", Buffer.from(text("é€𝄞"), "utf16le"), "é€𝄞"],
  "utf32 little endian": ["utf32", utf32(text("é€𝄞"), false), "é€𝄞"],
  "utf32 big endian": ["utf32", utf32(text("é€𝄞"), true), "é€𝄞"],
  ascii: ["ascii", Buffer.from(text("e~")), "e~"],
  "ascii, another byte": ["ascii", Buffer.from(text("é"), "latin1"), undefined],
  // As Azure's reader does, by Windows-1252: see docs/compatibility.md.
  latin1: ["latin1", Buffer.from(text("é\u0080ÿ"), "latin1"), "é€ÿ"],
  iso88591: ["iso88591", Buffer.from(text("é\u0080ÿ"), "latin1"), "é€ÿ"],
  windows1252: ["windows1252", Buffer.from(text("é\u0080ÿ"), "latin1"), "é€ÿ"],
  "utf8, other bytes": ["utf8", Buffer.from(text("é"), "latin1"), undefined],
});

type Case = Omit<OptionCase, "step">;

const same = (
  files: Case["files"],
  steps: Case["steps"],
  rows: readonly Row[],
): Pick<Case, "files" | "steps" | "gives"> => ({
  files,
  steps,
  gives: { rows },
});

function encodingCases(name: string, op: string, text: (value: string) => string): Case[] {
  return Object.entries(encodings(text)).map(([value, [encoding, bytes, read]]) => ({
    option: "encoding",
    value,
    files: { [name]: bytes },
    steps: [{ op, encoding, ...(op === "read_delimited" ? { infer_column_types: false } : {}) }],
    gives: read === undefined ? { code: "parse_failed" } : { rows: [{ a: read, b: "x" }] },
  }));
}

function packedCases(name: string, op: string, text: string, rows: readonly Row[]): Case[] {
  const utf16 = gzipSync(Buffer.from(`\ufeff${text}`, "utf16le"));
  return [
    { option: "(packing)", value: "plain", ...same({ [name]: text }, [{ op }], rows) },
    { option: "(packing)", value: "gzip", ...same({ [`${name}.gz`]: gzipSync(text) }, [{ op }], rows) },
    {
      option: "(packing)",
      value: "zstd",
      ...same({ [`${name}.zst`]: zstdCompressSync(text) }, [{ op }], rows),
    },
    {
      option: "(packing)",
      value: "gzip of utf16",
      ...same({ [`${name}.gz`]: utf16 }, [{ op, encoding: "utf16" }], rows),
    },
  ];
}

function pathCases(name: string, op: string, content: string | Uint8Array, row: Row): Case[] {
  const files = { [name]: content };
  const withPath = (column: string) => (refs: readonly FileRef[]) => ({
    rows: [{ [column]: refs[0]?.uri ?? "", ...row }],
  });
  return [
    {
      option: "include_path_column",
      value: "false",
      ...same(files, [{ op, include_path_column: false }], [row]),
    },
    {
      option: "include_path_column",
      value: "true",
      files,
      steps: [{ op, include_path_column: true }],
      gives: withPath("Path"),
    },
    {
      option: "path_column",
      value: "a name",
      files,
      steps: [{ op, include_path_column: true, path_column: "From" }],
      gives: withPath("From"),
    },
    { option: "partition_size", value: "a number", ...same(files, [{ op, partition_size: 1 }], [row]) },
  ];
}

const TWO = { "a.csv": "x,y\n1,2\n", "b.csv": "x,y\n3,4\n" };
const MULTI = { "a.csv": 'A,B\n1,"p\nq"\n2,r\n' };
const EMPTY = { "a.csv": "n,s,d\n1,,2020-01-01\n,x,\n" };
const TYPED = { "a.csv": "a,b\n01,x\ny,2\n" };
const read = { op: "read_delimited" };
const text = { op: "read_delimited", infer_column_types: false };
const infer = (infer_column_types: unknown) => [{ op: "read_delimited", infer_column_types }];

const delimited: readonly Case[] = [
  {
    option: "delimiter",
    value: "one character",
    ...same({ "a.csv": "a;b\n1,5;x\n" }, [{ ...text, delimiter: ";" }], [{ a: "1,5", b: "x" }]),
  },
  {
    option: "delimiter",
    value: "two characters",
    ...same({ "a.csv": 'a::b\n1:2::"x::y"\n' }, [{ ...text, delimiter: "::" }], [{ a: "1:2", b: "x::y" }]),
  },
  {
    option: "header",
    value: "no_header",
    ...same(
      TWO,
      [{ ...text, header: "no_header" }],
      [
        { Column1: "x", Column2: "y" },
        { Column1: "1", Column2: "2" },
        { Column1: "x", Column2: "y" },
        { Column1: "3", Column2: "4" },
      ],
    ),
  },
  {
    option: "header",
    value: "from_first_file",
    ...same(
      TWO,
      [{ ...text, header: "from_first_file" }],
      [
        { x: "1", y: "2" },
        { x: "x", y: "y" },
        { x: "3", y: "4" },
      ],
    ),
  },
  {
    option: "header",
    value: "all_files_same_headers",
    ...same(
      TWO,
      [{ ...text, header: "all_files_same_headers" }],
      [
        { x: "1", y: "2" },
        { x: "3", y: "4" },
      ],
    ),
  },
  {
    option: "header",
    value: "all_files_different_headers",
    ...same(
      { ...TWO, "c.csv": "z,x\n5,6\n" },
      [{ ...text, header: "all_files_different_headers" }],
      [
        { x: "1", y: "2", z: null },
        { x: "3", y: "4", z: null },
        { x: "6", y: null, z: "5" },
      ],
    ),
  },
  {
    option: "support_multi_line",
    value: "false",
    ...same(
      MULTI,
      [{ ...text, support_multi_line: false }],
      [
        { A: "1", B: "p" },
        { A: 'q"', B: null },
        { A: "2", B: "r" },
      ],
    ),
  },
  {
    option: "support_multi_line",
    value: "true",
    ...same(
      MULTI,
      [{ ...text, support_multi_line: true }],
      [
        { A: "1", B: "p\nq" },
        { A: "2", B: "r" },
      ],
    ),
  },
  {
    option: "empty_as_string",
    value: "false",
    ...same(
      EMPTY,
      [{ ...read, empty_as_string: false }],
      [
        { n: 1n, s: null, d: new Date("2020-01-01") },
        { n: null, s: "x", d: null },
      ],
    ),
  },
  {
    option: "empty_as_string",
    value: "true",
    ...same(
      EMPTY,
      [{ ...read, empty_as_string: true }],
      [
        { n: "1", s: "", d: "2020-01-01" },
        { n: "", s: "x", d: "" },
      ],
    ),
  },
  {
    option: "empty_as_string",
    value: "true, empty behind the sample",
    ...same(
      EMPTY,
      [{ ...read, empty_as_string: true, infer_column_types: { sample_size: 1 } }],
      [
        { n: 1n, s: "", d: new Date("2020-01-01") },
        { n: null, s: "x", d: null },
      ],
    ),
  },
  ...encodingCases("a.csv", "read_delimited", (value) => `a,b\n${value},x\n`),
  ...pathCases("a.csv", "read_delimited", "x,y\n1,2\n", { x: 1n, y: 2n }),
  {
    option: "infer_column_types",
    value: "true",
    ...same({ "a.csv": "a,b\n01,1.5\n" }, infer(true), [{ a: 1n, b: 1.5 }]),
  },
  {
    option: "infer_column_types",
    value: "false",
    ...same({ "a.csv": "a,b\n01,1.5\n" }, infer(false), [{ a: "01", b: "1.5" }]),
  },
  {
    option: "infer_column_types",
    value: "{}",
    ...same({ "a.csv": "a,b\n01,1.5\n" }, infer({}), [{ a: 1n, b: 1.5 }]),
  },
  {
    option: "infer_column_types",
    value: "sample_size",
    ...same(TYPED, infer({ sample_size: 1 }), [
      { a: 1n, b: "x" },
      { a: null, b: "2" },
    ]),
  },
  {
    option: "infer_column_types",
    value: "column_type_overrides",
    ...same(
      { "a.csv": "a,b,c,d\n01,1,Y,31.1.20\n" },
      infer({
        column_type_overrides: [
          { columns: ["a"], column_type: "string" },
          { columns: "b", column_type: "float" },
          { columns: "c", column_type: { boolean: { true_values: ["Y"], false_values: ["N"] } } },
          { columns: "d", column_type: { datetime: { formats: ["%d.%m.%y"] } } },
        ],
      }),
      [{ a: "01", b: 1, c: true, d: new Date("2020-01-31") }],
    ),
  },
  ...packedCases("a.csv", "read_delimited", "a,b\n1,é\n", [{ a: 1n, b: "é" }]),
];

const json = { op: "read_json_lines" };
const BROKEN = { "a.jsonl": '{"a":1}\n{"a":\n[1]\n\n{"a":2}\n' };
const jsonLines: readonly Case[] = [
  {
    option: "invalid_lines",
    value: "error",
    files: BROKEN,
    steps: [{ ...json, invalid_lines: "error" }],
    gives: { code: "parse_failed", context: { line: 2 } },
  },
  {
    option: "invalid_lines",
    value: "drop",
    ...same(BROKEN, [{ ...json, invalid_lines: "drop" }], [{ a: 1n }, { a: 2n }]),
  },
  ...encodingCases("a.jsonl", "read_json_lines", (value) => `{"a":"${value}","b":"x"}\n`),
  ...pathCases("a.jsonl", "read_json_lines", '{"x":1}\n', { x: 1n }),
  {
    option: "(values)",
    value: "nested",
    ...same(
      { "a.jsonl": '{"a":{"b":[1,{"c":null}]},"d":[]}\n' },
      [json],
      [{ a: { b: [1, { c: null }] }, d: [] }],
    ),
  },
  {
    option: "(values)",
    value: "union of keys",
    ...same(
      { "a.jsonl": '{"a":1}\n', "b.jsonl": '{"b":"x"}\n{}\n' },
      [json],
      [
        { a: 1n, b: null },
        { a: null, b: "x" },
        { a: null, b: null },
      ],
    ),
  },
  {
    option: "(values)",
    value: "order of keys",
    ...same(
      { "a.jsonl": '{"b":1,"a":2}\n{"c":3,"a":4,"b":5}\n' },
      [json],
      [
        { b: 1n, a: 2n, c: null },
        { b: 5n, a: 4n, c: 3n },
      ],
    ),
  },
  {
    option: "(values)",
    value: "several kinds",
    ...same(
      { "a.jsonl": '{"a":1}\n{"a":"x"}\n{"a":[true]}\n' },
      [json],
      [{ a: 1 }, { a: "x" }, { a: [true] }],
    ),
  },
  ...packedCases("a.jsonl", "read_json_lines", '{"a":1,"b":"é"}\n', [{ a: 1n, b: "é" }]),
];

const made = await mkdtemp(join(tmpdir(), "aml-options-"));
const first = await parquet(made, "SELECT 1::BIGINT AS x UNION ALL SELECT 2");
const second = await parquet(made, "SELECT 3::BIGINT AS x");
await rm(made, { recursive: true });
const parquetFiles = pathCases("a.parquet", "read_parquet", second, { x: 3n }).filter(
  ({ option }) => option !== "partition_size",
);

const delta = { op: "read_delta_lake" };
/** Two rows of the first day of 2020, and another of the second. */
const DELTA = {
  "t/a.parquet": first,
  "t/b.parquet": second,
  [commit(0)]: lines(
    { commitInfo: { inCommitTimestamp: Date.parse("2020-01-01") } },
    protocol(),
    metaData([field("x", "long")], [], { "delta.enableInCommitTimestamps": "true" }),
    add("a.parquet", first),
  ),
  [commit(1)]: lines(
    { commitInfo: { inCommitTimestamp: Date.parse("2020-01-02") } },
    add("b.parquet", second),
  ),
};
const OLD: readonly Row[] = [{ x: 1n }, { x: 2n }];
const NEW: readonly Row[] = [...OLD, { x: 3n }];
const deltaCase = (option: string, value: string, options: object, gives: Case["gives"]): Case => {
  return { option, value, files: DELTA, steps: [{ ...delta, ...options }], gives };
};
const at2020 = (rest: string): object => ({ timestamp_as_of: `2020-01-0${rest}` });
const deltaTables: readonly Case[] = [
  deltaCase("(neither version nor instant)", "the newest version", {}, { rows: NEW }),
  deltaCase("version_as_of", "the first", { version_as_of: 0 }, { rows: OLD }),
  deltaCase("version_as_of", "the last", { version_as_of: 1 }, { rows: NEW }),
  deltaCase("version_as_of", "none that there is", { version_as_of: 2 }, { code: "not_found" }),
  deltaCase(
    "version_as_of",
    "with timestamp_as_of",
    { version_as_of: 0, ...at2020("2T00:00:00Z") },
    { code: "plan_invalid" },
  ),
  deltaCase("timestamp_as_of", "between commits", at2020("1T23:59:59.5Z"), { rows: OLD }),
  deltaCase("timestamp_as_of", "of a commit", at2020("2T00:00:00Z"), { rows: NEW }),
  deltaCase("timestamp_as_of", "with an offset", at2020("2T01:00:00+02:00"), { rows: OLD }),
  deltaCase("timestamp_as_of", "in the future", { timestamp_as_of: "2999-01-01T00:00:00Z" }, { rows: NEW }),
  deltaCase(
    "timestamp_as_of",
    "too early",
    { timestamp_as_of: "2019-12-31T23:59:59Z" },
    { code: "not_found" },
  ),
  deltaCase("include_path_column", "false", { version_as_of: 0, include_path_column: false }, { rows: OLD }),
  deltaCase("include_path_column", "true", { version_as_of: 0, include_path_column: true }, (refs) => {
    const Path = refs.find(({ uri }) => uri.endsWith("/t/a.parquet"))?.uri ?? "";
    return { rows: OLD.map((row) => ({ Path, ...row })) };
  }),
];

const convert = (columns: unknown, column_type: unknown) => [
  text,
  { op: "convert_column_types", columns: [{ columns, column_type }] },
];
const one = (values: readonly string[], column_type: unknown, given: readonly Row[string][]) =>
  same(
    { "a.csv": `v;n\n${values.map((value) => `${value};\n`).join("")}` },
    [
      { ...text, delimiter: ";" },
      { op: "convert_column_types", columns: [{ columns: "v", column_type }] },
      { op: "keep_columns", columns: "v" },
    ],
    given.map((v) => ({ v })),
  );
const at = (iso: string): Date => new Date(iso);
const formats = (value: string, format: string, iso: string): Case => ({
  option: "datetime.formats",
  value: /%([a-zA-Z])/.exec(format.replace(/^.*\|/, ""))?.[1] ?? "",
  ...one([value, "x"], { datetime: { formats: [format.replace("|", "")] } }, [at(iso), null]),
});
const words = (mismatch_as: string) => ({
  boolean: { true_values: ["Y", "1"], false_values: ["N"], mismatch_as },
});
const stream = "azureml://subscriptions/s/resourcegroups/r/workspaces/w/datastores/d/paths/x.png";

const conversions: readonly Case[] = [
  ...selectorCases(
    (columns) => convert(columns, "int"),
    (chosen) =>
      Object.fromEntries(
        ["Price_a", "price_b", "note"].map((name, index) => [
          name,
          chosen.includes(name) ? BigInt(index + 1) : String(index + 1),
        ]),
      ),
  ),
  {
    option: "column_type",
    value: "string",
    ...same(
      { "a.jsonl": '{"i":7,"f":2.5,"b":true,"j":{"x":[1]},"n":null}\n' },
      [json, { op: "convert_column_types", columns: [{ columns: { pattern: "." }, column_type: "string" }] }],
      [{ i: "7", f: "2.5", b: "True", j: '{"x":[1]}', n: null }],
    ),
  },
  {
    option: "column_type",
    value: "int",
    ...one(
      ["7", " -8 ", "+9", "007", "9223372036854775807", "9223372036854775808", "1.5", "0x1F", "", "x"],
      "int",
      [7n, -8n, 9n, 7n, 9223372036854775807n, null, null, null, null, null],
    ),
  },
  {
    option: "column_type",
    value: "float",
    ...one(["7", "-.5", "1e3", "1_000", "0x1F", "1.5f", "", "x"], "float", [
      7,
      -0.5,
      1000,
      null,
      null,
      null,
      null,
      null,
    ]),
  },
  {
    option: "column_type",
    value: "boolean",
    ...one(["true", "FALSE", "1", "0", "2", "x"], "boolean", [true, false, true, false, null, null]),
  },
  {
    option: "column_type",
    value: "stream_info",
    ...one([stream, "https://example.com/cat.png"], "stream_info", [stream, "https://example.com/cat.png"]),
  },
  {
    option: "column_type",
    value: "stream_info mapping",
    ...one(
      [stream],
      { stream_info: { subscription: "s", resource_group: "r", workspace_name: "w", escaped: false } },
      [stream],
    ),
  },
  {
    option: "float.decimal_mark",
    value: ".",
    ...one(["1.5", "1,5"], { float: { decimal_mark: "." } }, [1.5, null]),
  },
  {
    option: "float.decimal_mark",
    value: ",",
    ...one(["1,5", "-2", "1.5", "1.000,5"], { float: { decimal_mark: "," } }, [1.5, -2, null, null]),
  },
  {
    option: "boolean.true_values",
    value: "with false_values",
    ...one(["Y", "N", "1", "y", "true"], { boolean: { true_values: ["Y", "1"], false_values: ["N"] } }, [
      true,
      false,
      true,
      null,
      null,
    ]),
  },
  {
    option: "boolean.mismatch_as",
    value: "error",
    ...one(["Y", "N", "y"], words("error"), [true, false, null]),
  },
  {
    option: "boolean.mismatch_as",
    value: "true",
    ...one(["Y", "N", "y"], words("true"), [true, false, true]),
  },
  {
    option: "boolean.mismatch_as",
    value: "false",
    ...one(["Y", "N", "y"], words("false"), [true, false, false]),
  },
  formats("2020", "|%Y", "2020-01-01T00:00:00Z"),
  formats("99", "|%y", "1999-01-01T00:00:00Z"),
  formats("2020-02", "%Y-|%m", "2020-02-01T00:00:00Z"),
  formats("2020 Feb", "%Y |%b", "2020-02-01T00:00:00Z"),
  formats("2020 February", "%Y |%B", "2020-02-01T00:00:00Z"),
  formats("2020-02-29", "%Y-%m-|%d", "2020-02-29T00:00:00Z"),
  formats("2020-02-29 23", "%Y-%m-%d |%H", "2020-02-29T23:00:00Z"),
  formats("2020-02-29 11 PM", "%Y-%m-%d |%I %p", "2020-02-29T23:00:00Z"),
  formats("2020-02-29 23:59", "%Y-%m-%d %H:|%M", "2020-02-29T23:59:00Z"),
  formats("2020-02-29 23:59:58", "%Y-%m-%d %H:%M:|%S", "2020-02-29T23:59:58Z"),
  formats("2020-02-29 23:59:58.125", "%Y-%m-%d %H:%M:%S.|%f", "2020-02-29T23:59:58.125Z"),
  formats("2020-02-29 12:01 AM", "%Y-%m-%d %I:%M |%p", "2020-02-29T00:01:00Z"),
  formats("2020-02-29 01:00 +0230", "%Y-%m-%d %H:%M |%z", "2020-02-28T22:30:00Z"),
  {
    option: "datetime.formats",
    value: "in order",
    ...one(
      ["1/2/2020", "13/2/2020", "2020-02-30"],
      { datetime: { formats: ["%m/%d/%Y", "%d/%m/%Y", "%Y-%m-%d"] } },
      [at("2020-01-02"), at("2020-02-13"), null],
    ),
  },
  {
    option: "datetime.date_constant",
    value: "a text",
    ...one(
      ["10:15:00", "x"],
      { datetime: { formats: ["%Y-%m-%d %H:%M:%S"], date_constant: "2020-01-01 " } },
      [at("2020-01-01T10:15:00Z"), null],
    ),
  },
];

/** Selectors over the columns Price_a, price_b and note. */
function selectorCases(
  steps: (columns: unknown) => readonly unknown[],
  row: (chosen: readonly string[]) => Row,
): Case[] {
  const files = { "a.csv": "Price_a,price_b,note\n1,2,3\n" };
  const chosen: Readonly<Record<(typeof SELECTORS)[number], readonly [unknown, readonly string[]]>> = {
    "a name": ["note", ["note"]],
    "a list": [
      ["note", "Price_a"],
      ["Price_a", "note"],
    ],
    pattern: [{ pattern: "rice_" }, ["Price_a", "price_b"]],
    ignore_case: [{ pattern: "^PRICE", ignore_case: true }, ["Price_a", "price_b"]],
    invert: [{ pattern: "^price", invert: true }, ["Price_a", "note"]],
    "an unknown name": [["none", "price_b", "Note"], ["price_b"]],
  };
  return Object.entries(chosen).map(([value, [columns, names]]) => {
    return { option: "columns", value, ...same(files, steps(columns), [row(names)]) };
  });
}

const ALL: Readonly<Record<string, string>> = { Price_a: "1", price_b: "2", note: "3" };
const only = (keep: (name: string) => boolean): Row =>
  Object.fromEntries(Object.entries(ALL).filter(([name]) => keep(name)));
const choosing = (op: string) => (columns: unknown) => [text, { op, columns }];

export const CASES: readonly OptionCase[] = Object.entries({
  read_delimited: delimited,
  read_json_lines: jsonLines,
  read_parquet: parquetFiles,
  read_delta_lake: deltaTables,
  convert_column_types: conversions,
  keep_columns: selectorCases(choosing("keep_columns"), (chosen) => only((name) => chosen.includes(name))),
  drop_columns: selectorCases(choosing("drop_columns"), (chosen) => only((name) => !chosen.includes(name))),
}).flatMap(([step, cases]) => cases.map((each) => ({ step, ...each })));
