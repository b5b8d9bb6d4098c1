import { gzipSync } from "node:zlib";
import type { Row } from "@aml/core";
import type { FolderWorkspace } from "../src/index.ts";

/** Bytes, and what the page shows of them. */
export interface MadeFile {
  readonly shown: string;
  /** Behind the name of the file. */
  readonly note: string;
  make(workspace: FolderWorkspace): Promise<Uint8Array> | Uint8Array;
}

export interface Example {
  readonly title: string;
  readonly text?: string;
  readonly files: Readonly<Record<string, string | MadeFile>>;
  /** YAML of `paths`. */
  readonly paths?: string;
  /** YAML of `transformations`. */
  readonly steps: string;
}

export interface Chapter {
  readonly title: string;
  readonly text: string;
  readonly examples: readonly Example[];
}

const encoded = (note: string, shown: string, bytes: Uint8Array): MadeFile => ({
  shown,
  note,
  make: () => bytes,
});

function parquet(shown: string, rows: readonly Row[]): MadeFile {
  return {
    shown,
    note: "",
    async make(workspace) {
      const target = `made/${Math.random().toString(36).slice(2)}`;
      const table = await workspace.tabular.fromRows(rows, target);
      const bytes = new Uint8Array(await new Response(table.encode("parquet")).arrayBuffer());
      const { storage, path } = await workspace.locate(target);
      for await (const file of storage.list(path as never, { recursive: true }))
        if (file.kind === "file") await storage.delete?.(file.path);
      return bytes;
    },
  };
}

const TWO = { "a.csv": "id,city\n1,Oslo\n2,Bergen\n", "b.csv": "id,city\n3,Bodø\n" };
const TRIPS = { "trips.csv": "id,city,fare\n1,Oslo,12.5\n2,Bergen,\n3,Oslo,7\n4,Bodø,40\n" };
const MULTI = { "a.csv": 'A,B,C\nA1,B1,C1\nA2,"B\n2",C2\n' };
const DATES = {
  "a.csv": "day,when,text\n31/01/2020,10:15:00,31-Jan-20 11:05 PM\n01/02/2020,23:59:59,1-Feb-20 9:00 AM\n",
};

const delimited: Chapter = {
  title: "read_delimited",
  text: "Reads text files of fields. Without options: fields between commas, the first line of every file a header, types inferred from the first 200 rows.",
  examples: [
    { title: "without options", files: TWO, steps: "  - read_delimited\n" },
    {
      title: "delimiter",
      text: "One or two characters.",
      files: { "a.csv": "id||city\n1||Oslo, Norway\n" },
      steps: '  - read_delimited:\n      delimiter: "||"\n',
    },
    {
      title: "header: all_files_same_headers",
      text: "The default: the first line of each file is the header; another than that of the first file is an error.",
      files: { "a.csv": "id,city\n1,Oslo\n", "b.csv": "city,id\nBergen,2\n" },
      steps: "  - read_delimited:\n      header: all_files_same_headers\n",
    },
    {
      title: "header: all_files_different_headers",
      text: "Columns are matched by name; what a file has not is null.",
      files: { "a.csv": "id,city\n1,Oslo\n", "b.csv": "city,pop\nBergen,291940\n" },
      steps: "  - read_delimited:\n      header: all_files_different_headers\n",
    },
    {
      title: "header: from_first_file",
      text: "Only the first file has a header.",
      files: { "a.csv": "id,city\n1,Oslo\n", "b.csv": "2,Bergen\n" },
      steps: "  - read_delimited:\n      header: from_first_file\n",
    },
    {
      title: "header: no_header",
      files: { "a.csv": "1,Oslo\n2,Bergen\n" },
      steps: "  - read_delimited:\n      header: no_header\n",
    },
    {
      title: "support_multi_line: false",
      text: "The default: every line break ends a row, and closes an open quote.",
      files: MULTI,
      steps: "  - read_delimited:\n      support_multi_line: false\n",
    },
    {
      title: "support_multi_line: true",
      files: MULTI,
      steps: "  - read_delimited:\n      support_multi_line: true\n",
    },
    {
      title: "empty_as_string: false",
      text: "The default: an empty field is null.",
      files: { "a.csv": "n,s\n1,\n,x\n" },
      steps: "  - read_delimited:\n      empty_as_string: false\n",
    },
    {
      title: "empty_as_string: true",
      text: "An empty field is an empty text, and a column that has one in the sample is one of texts.",
      files: { "a.csv": "n,s\n1,\n,x\n" },
      steps: "  - read_delimited:\n      empty_as_string: true\n",
    },
    {
      title: "encoding",
      text: "utf8, utf8bom, utf16 (with a mark of either byte order, or little endian), utf32, ascii, latin1, iso88591 or windows1252. Bytes that are no text in the encoding are `parse_failed`.",
      files: {
        "a.csv": encoded(
          ", in Windows-1252",
          "city,price\nBodø,5 €\n",
          Buffer.from("city,price\nBod\xf8,5 \x80\n", "latin1"),
        ),
      },
      steps: "  - read_delimited:\n      encoding: windows1252\n",
    },
    {
      title: "a compressed file",
      text: "By its name: `.gz` and `.zst`.",
      files: { "a.csv.gz": encoded(", packed", "id,city\n1,Oslo\n", gzipSync("id,city\n1,Oslo\n")) },
      steps: "  - read_delimited\n",
    },
    {
      title: "include_path_column, path_column",
      files: TWO,
      steps: "  - read_delimited:\n      include_path_column: true\n      path_column: Source\n",
    },
    {
      title: "infer_column_types: true",
      text: "The default. A column gets a type if every value of the sample fits it: boolean, int, float or datetime; else it is text. Dates that can be read both ways are month first; `aml table schema --explain` shows which value forced what.",
      files: {
        "a.csv":
          "yes,code,price,day,us,eu,mixed\ntrue,007,1.50,2020-01-31,3/4/2020,31/12/2020,1\nFALSE,12,2,2020-02-01 10:30,12/31/2020,1/2/2020,a\n",
      },
      steps: "  - read_delimited:\n      infer_column_types: true\n",
    },
    {
      title: "infer_column_types: false",
      text: "All columns are text.",
      files: { "a.csv": "code,price\n007,1.50\n" },
      steps: "  - read_delimited:\n      infer_column_types: false\n",
    },
    {
      title: "infer_column_types with sample_size and column_type_overrides",
      text: "What does not fit behind the sample is null, and is reported with its place.",
      files: { "a.csv": "code,n\n007,1\n008,x\n" },
      steps:
        "  - read_delimited:\n      infer_column_types:\n        sample_size: 1\n        column_type_overrides:\n          - columns: code\n            column_type: string\n",
    },
    {
      title: "partition_size",
      text: "Bytes of a partition, for `select_partitions`; it changes no rows.",
      files: TWO,
      steps: "  - read_delimited:\n      partition_size: 1048576\n",
    },
  ],
};

const jsonLines: Chapter = {
  title: "read_json_lines",
  text: "Reads a JSON object from each line. Types are JSON's own, over all lines; `aml table schema --explain` shows which value forced what.",
  examples: [
    {
      title: "without options",
      text: "Columns are the union of all keys, in order of first appearance; a key that a line has not is null. Lists and objects stay as they are.",
      files: { "a.jsonl": '{"id":1,"tags":["x","y"]}\n\n{"id":2,"city":"Oslo","at":{"lat":59.9}}\n' },
      steps: "  - read_json_lines\n",
    },
    {
      title: "values of several kinds",
      files: { "a.jsonl": '{"v":1,"n":1}\n{"v":"a","n":2.5}\n{"v":true,"n":null}\n' },
      steps: "  - read_json_lines\n",
    },
    {
      title: "invalid_lines: error",
      text: "The default.",
      files: { "a.jsonl": '{"id":1}\n{"id":\n{"id":3}\n' },
      steps: "  - read_json_lines:\n      invalid_lines: error\n",
    },
    {
      title: "invalid_lines: drop",
      files: { "a.jsonl": '{"id":1}\n{"id":\n{"id":3}\n' },
      steps: "  - read_json_lines:\n      invalid_lines: drop\n",
    },
    {
      title: "encoding",
      files: {
        "a.jsonl": encoded(
          ", in UTF-16",
          '{"city":"Bodø"}\n',
          Buffer.from('\ufeff{"city":"Bodø"}\n', "utf16le"),
        ),
      },
      steps: "  - read_json_lines:\n      encoding: utf16\n",
    },
    {
      title: "include_path_column, path_column",
      files: { "a.jsonl": '{"id":1}\n' },
      steps: "  - read_json_lines:\n      include_path_column: true\n      path_column: Source\n",
    },
  ],
};

const parquetFiles: Chapter = {
  title: "read_parquet",
  text: "Reads Parquet files, with the types that they have.",
  examples: [
    {
      title: "files of different columns",
      text: "Columns are matched by name; numbers get the type that holds those of all files.",
      files: {
        "a.parquet": parquet("id: int32, city: string\n1 Oslo\n", [{ id: 1, city: "Oslo" }]),
        "b.parquet": parquet("id: double, pop: int32\n2.5 291940\n", [{ id: 2.5, pop: 291940 }]),
      },
      steps: "  - read_parquet\n",
    },
    {
      title: "include_path_column, path_column",
      files: { "a.parquet": parquet("id: int32\n1\n", [{ id: 1 }]) },
      steps: "  - read_parquet:\n      include_path_column: true\n      path_column: Source\n",
    },
  ],
};

const DELTA_SCHEMA = JSON.stringify({
  type: "struct",
  fields: [{ name: "id", type: "integer", nullable: true, metadata: {} }],
});
const PROTOCOL = { protocol: { minReaderVersion: 1, minWriterVersion: 2 } };
const METADATA = {
  metaData: {
    id: "0",
    format: { provider: "parquet", options: {} },
    schemaString: DELTA_SCHEMA,
    partitionColumns: [],
    configuration: { "delta.enableInCommitTimestamps": "true" },
  },
};

/** A commit that adds a file. */
function commit(date: string, path: string, file: MadeFile, ...more: readonly object[]): MadeFile {
  return {
    shown: `commit of ${date}: adds ${path}`,
    note: "",
    async make(workspace) {
      const { length: size } = await file.make(workspace);
      const add = { path, partitionValues: {}, size, modificationTime: 0, dataChange: true };
      const info = { inCommitTimestamp: Date.parse(date), timestamp: Date.parse(date), operation: "WRITE" };
      const actions = [{ commitInfo: info }, ...more, { add }];
      return Buffer.from(actions.map((action) => JSON.stringify(action)).join("\n"));
    },
  };
}

const FIRST = parquet("id: int32\n1\n", [{ id: 1 }]);
const SECOND = parquet("id: int32\n2\n", [{ id: 2 }]);
const DELTA: Example["files"] = {
  "_delta_log/00000000000000000000.json": commit("2026-01-01", "a.parquet", FIRST, PROTOCOL, METADATA),
  "_delta_log/00000000000000000001.json": commit("2026-02-01", "b.parquet", SECOND),
  "a.parquet": FIRST,
  "b.parquet": SECOND,
};
const DELTA_PATHS = "[{ folder: ./ }]";

const deltaLake: Chapter = {
  title: "read_delta_lake",
  text: "Reads a version of a Delta table, whose folder is the only path.",
  examples: [
    { title: "the latest version", files: DELTA, paths: DELTA_PATHS, steps: "  - read_delta_lake\n" },
    {
      title: "version_as_of",
      files: DELTA,
      paths: DELTA_PATHS,
      steps: "  - read_delta_lake:\n      version_as_of: 0\n",
    },
    {
      title: "timestamp_as_of",
      text: "The last version that was committed at or before the instant.",
      files: DELTA,
      paths: DELTA_PATHS,
      steps: '  - read_delta_lake:\n      timestamp_as_of: "2026-01-15T00:00:00Z"\n',
    },
    {
      title: "include_path_column",
      files: DELTA,
      paths: DELTA_PATHS,
      steps: "  - read_delta_lake:\n      version_as_of: 1\n      include_path_column: true\n",
    },
  ],
};

const CONVERT = (columns: string, type: string): string =>
  `  - read_delimited:\n      infer_column_types: false\n  - convert_column_types:\n      - columns: ${columns}\n        column_type: ${type}\n`;

const convert: Chapter = {
  title: "convert_column_types",
  text: 'Gives columns a type. A value that does not convert is null and is reported with its place, or with `onError: "fail"` ends reading. An empty text is null, and no error, but for booleans with words of their own.',
  examples: [
    { title: "int", files: { "a.csv": "n\n007\n1.5\n 8\n1e3\n" }, steps: CONVERT("n", "int") },
    { title: "float", files: { "a.csv": "n\n1.5\n1e3\n1_000\n" }, steps: CONVERT("n", "float") },
    {
      title: "float: decimal_mark",
      files: { "a.csv": "n;m\n1,5;x\n2;y\n1.5;z\n" },
      steps: CONVERT("n", '{ float: { decimal_mark: "," } }').replace(
        "types: false",
        'types: false\n      delimiter: ";"',
      ),
    },
    { title: "boolean", files: { "a.csv": "b\ntrue\nFALSE\n1\n0\nmaybe\n" }, steps: CONVERT("b", "boolean") },
    ...(["error", "true", "false"] as const).map((mismatch): Example => ({
      title: `boolean: true_values, false_values, mismatch_as: ${mismatch}`,
      files: { "a.csv": "b\nY\nN\ny\n" },
      steps: CONVERT(
        "b",
        `{ boolean: { true_values: ["Y"], false_values: ["N"], mismatch_as: "${mismatch}" } }`,
      ),
    })),
    {
      title: "datetime: formats",
      text: "Tried in order; `%Y %y %m %b %B %d %H %I %M %S %f %p %z` are known. Without an offset a time is UTC.",
      files: DATES,
      steps: CONVERT("text", '{ datetime: { formats: ["%Y-%m-%d", "%d-%b-%y %I:%M %p"] } }'),
    },
    {
      title: "datetime: date_constant",
      text: "Stands before each value when it is parsed.",
      files: DATES,
      steps: CONVERT(
        "when",
        '{ datetime: { formats: ["%Y-%m-%d %H:%M:%S"], date_constant: "2020-01-01 " } }',
      ),
    },
    {
      title: "string",
      text: "Of structures the JSON text.",
      files: { "a.jsonl": '{"n":2.0,"at":{"lat":1}}\n' },
      steps:
        "  - read_json_lines\n  - convert_column_types:\n      - columns: [n, at]\n        column_type: string\n",
    },
    {
      title: "stream_info",
      text: "A reference to a file stays the text of its URI.",
      files: { "a.csv": "image\nhttps://example.com/cat.png\n" },
      steps: CONVERT("image", "stream_info"),
    },
    {
      title: "columns by a pattern",
      text: "A regular expression that is found anywhere in a name.",
      files: { "a.csv": "Price_a,price_b,note\n1,2,3\n" },
      steps: CONVERT("{ pattern: ^price_, ignore_case: true }", "int"),
    },
  ],
};

const columns: Chapter = {
  title: "keep_columns, drop_columns",
  text: "By a name, a list of names, or a pattern. Names that are not there are ignored; the order stays that of the table.",
  examples: [
    {
      title: "keep_columns",
      files: TRIPS,
      steps: "  - read_delimited\n  - keep_columns: [fare, id, none]\n",
    },
    { title: "drop_columns", files: TRIPS, steps: "  - read_delimited\n  - drop_columns: city\n" },
    {
      title: "a pattern",
      files: TRIPS,
      steps: '  - read_delimited\n  - keep_columns: { pattern: "^(ID|c)", ignore_case: true }\n',
    },
    {
      title: "a pattern, inverted",
      files: TRIPS,
      steps: '  - read_delimited\n  - keep_columns: { pattern: "^id$", invert: true }\n',
    },
  ],
};

const rowsOf: Chapter = {
  title: "filter, take, skip",
  text: "Rows are counted over all files together. A comparison with null keeps no row, and nor does its `not`; `x is None` finds such rows.",
  examples: [
    {
      title: "filter",
      files: TRIPS,
      steps: "  - read_delimited\n  - filter: \"col('fare') > 10 and city != 'Bodø'\"\n",
    },
    {
      title: "filter: texts, times and lists",
      text: "Methods of texts and parts of times are Python's; `packages/core/README.md` has them all. What has no value, such as a text next to a number, is null; a division by zero is an error.",
      files: {
        "rides.csv":
          "id,city,at,fare\n1,Oslo,2025-03-01T08:30:00Z,12\n2,oslo ,2025-03-02T09:00:00Z,7\n3,Bergen,2024-12-31T23:59:59Z,7\n4,,2025-03-03T10:00:00Z,9\n",
      },
      steps:
        "  - read_delimited\n  - filter: at.year == 2025 and city.strip().lower() in ['oslo', 'bergen'] and fare % 5 == 2\n",
    },
    {
      title: "filter: null",
      files: TRIPS,
      steps: "  - read_delimited\n  - filter: fare is None or not fare < 40\n",
    },
    {
      title: "filter: fields within a column",
      text: "Of JSON, structures, and maps of texts. A JSON value without such a field gives null.",
      files: {
        "photos.jsonl":
          '{"id":1,"label":{"isCrowd":true,"box":{"x":4}}}\n{"id":2,"label":{"isCrowd":false,"box":{"x":9}}}\n{"id":3,"label":null}\n',
      },
      steps: `  - read_json_lines\n  - filter: label["isCrowd"] == True or label["box"]["x"] > 5\n`,
    },
    { title: "take", files: TWO, steps: "  - read_delimited\n  - take: 2\n" },
    { title: "skip", files: TWO, steps: "  - read_delimited\n  - skip: 2\n" },
    {
      title: "take before the reading step",
      text: "Steps before the reading step choose files.",
      files: TWO,
      steps: "  - take: 1\n  - read_delimited\n",
    },
    { title: "no reading step", text: "Then the table is one of files.", files: TWO, steps: "  - skip: 1\n" },
  ],
};

const NUMBERS = { "n.csv": `n\n${Array.from({ length: 12 }, (_, at) => at + 1).join("\n")}\n` };
const samples: Chapter = {
  title: "take_random_sample, sample",
  text: "Keep each row with a probability. The same seed gives the same rows, on any number of threads; without a seed they differ from run to run.",
  examples: [
    {
      title: "take_random_sample",
      files: NUMBERS,
      steps: "  - read_delimited\n  - take_random_sample: { probability: 0.3, seed: 7 }\n",
    },
    {
      title: "sample",
      text: "Keeps the rows whose draw is at or above the lower bound and below the probability: two that meet in one bound, with one seed, are a split.",
      files: NUMBERS,
      steps:
        "  - read_delimited\n  - sample:\n      sampler: random_percent\n      sampler_arguments: { probability: 1.0, probability_lower_bound: 0.3, seed: 7 }\n",
    },
  ],
};

const BY_PATH = { "no/2020/01/a.csv": "id\n1\n", "se/2020/02/b.csv": "id\n2\n" };
const partitions: Chapter = {
  title: "extract_columns_from_partition_format",
  text: "Makes columns of the path of each file: `{name}` of a text, `{name:yyyy/MM/dd}` of a date; `*` is anything.",
  examples: [
    {
      title: "texts and a date",
      files: BY_PATH,
      steps:
        "  - extract_columns_from_partition_format:\n      partition_format: /{country}/{month:yyyy/MM}/{file}.csv\n  - read_delimited\n",
    },
    {
      title: "value_encoding: hive",
      text: "Reads the values of folders that Hive, Spark or pyarrow wrote. Azure ML's own reader does not know this word.",
      files: { "city=S%2E%2FX/a.csv": "id\n1\n", "city=__HIVE_DEFAULT_PARTITION__/a.csv": "id\n2\n" },
      steps:
        "  - extract_columns_from_partition_format:\n      partition_format: /city={city}/\n      value_encoding: hive\n  - read_delimited\n",
    },
    {
      title: "a path that does not fit",
      files: BY_PATH,
      steps:
        "  - extract_columns_from_partition_format:\n      partition_format: /{month:yyyy-MM}/\n  - read_delimited\n",
    },
  ],
};

const selection: Chapter = {
  title: "select_partitions",
  text: "Keeps partitions by their number, from 0: of text and JSON lines each file is parted by `partition_size`, where a line ends; of Parquet each row group is one.",
  examples: [
    {
      title: "of two files",
      files: TWO,
      steps: "  - read_delimited\n  - select_partitions: [1]\n",
    },
  ],
};

export const CHAPTERS: readonly Chapter[] = [
  delimited,
  jsonLines,
  parquetFiles,
  deltaLake,
  convert,
  columns,
  rowsOf,
  samples,
  partitions,
  selection,
];
