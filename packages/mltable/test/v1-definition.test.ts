import { readFileSync } from "node:fs";
import { isAmlError } from "@aml/core";
import { formatFilter } from "@aml/core/plan";
import * as fc from "fast-check";
import { randomRuns } from "@aml/kit/runs";
import { describe, expect, test } from "vitest";
import { formatMLTable, fromV1Definition, type MLTable, parseMLTable, toV1Definition } from "../src/index.ts";
import { readV1Json, writeV1Json } from "../src/v1-json.ts";
import { plans } from "./plans.ts";

/** Blocks as the published package azureml-dataprep 4.12.9 makes them, by the call that did. */
const BLOCKS = readV1Json(
  readFileSync(new URL("fixtures/v1-blocks.json", import.meta.url), "utf8"),
) as Readonly<Record<string, object>>;
const definition = (...names: readonly string[]): string =>
  writeV1Json({
    blocks: names.map((name, at) => ({ id: String(at), localData: {}, ...BLOCKS[name] })),
    inspectors: [],
    meta: {},
  });
const stepsOf = (...names: readonly string[]): unknown =>
  fromV1Definition(definition("get_files", ...names)).table.transformations;
const table = (text: string): MLTable => parseMLTable(`paths:\n- file: /data/a.csv\n${text}`);

describe("fromV1Definition", () => {
  test.each<[string, unknown]>([
    ["delim", { op: "read_delimited", infer_column_types: false, include_path_column: true }],
    [
      "delim2",
      {
        op: "read_delimited",
        delimiter: "\t",
        header: "no_header",
        encoding: "latin1",
        support_multi_line: true,
        empty_as_string: true,
        infer_column_types: false,
        include_path_column: true,
        partition_size: 4_194_304,
      },
    ],
    ["json", { op: "read_json_lines", invalid_lines: "drop", include_path_column: true }],
    ["parquet", { op: "read_parquet", include_path_column: true }],
    ["take", { op: "take", count: 5 }],
    ["skip", { op: "skip", count: 3 }],
    ["sample", { op: "take_random_sample", probability: 0.25, seed: 7 }],
    [
      "split",
      {
        op: "sample",
        sampler: "random_percent",
        sampler_arguments: { probability: 1, probability_lower_bound: 0.25, seed: 7 },
      },
    ],
    ["keep", { op: "keep_columns", columns: ["a", "b"] }],
    ["keep1", { op: "keep_columns", columns: "a" }],
    ["drop", { op: "drop_columns", columns: "a" }],
    ["keep re", { op: "keep_columns", columns: { pattern: "a.*", ignore_case: true, invert: true } }],
    ["sel", { op: "select_partitions", partitions: [1, 2] }],
    ["pf", { op: "extract_columns_from_partition_format", partition_format: "{a}/{d:yyyy/MM}" }],
    ["types s", { op: "convert_column_types", columns: [{ columns: "x", column_type: "string" }] }],
    ["types i", { op: "convert_column_types", columns: [{ columns: "x", column_type: "int" }] }],
    [
      "types f",
      {
        op: "convert_column_types",
        columns: [{ columns: "x", column_type: { float: { decimal_mark: "," } } }],
      },
    ],
    ["types b", { op: "convert_column_types", columns: [{ columns: "x", column_type: "boolean" }] }],
    [
      "types d",
      {
        op: "convert_column_types",
        columns: [{ columns: "x", column_type: { datetime: { formats: ["%Y"] } } }],
      },
    ],
    [
      "to_bool",
      {
        op: "convert_column_types",
        columns: [{ columns: "a", column_type: { boolean: { true_values: ["y"], false_values: ["n"] } } }],
      },
    ],
    [
      "to_datetime",
      {
        op: "convert_column_types",
        columns: [{ columns: "a", column_type: { datetime: { formats: ["%Y"], date_constant: "2020 " } } }],
      },
    ],
    ["to_number", { op: "convert_column_types", columns: [{ columns: "a", column_type: "float" }] }],
    ["to_long", { op: "convert_column_types", columns: [{ columns: "a", column_type: "int" }] }],
    ["to_string", { op: "convert_column_types", columns: [{ columns: "a", column_type: "string" }] }],
  ])("the block of %s", (name, step) => {
    const { table: found, lost } = fromV1Definition(definition("list", name));
    expect(found.paths).toEqual([{ file: "/a/b.csv" }, { file: "/a/c.csv" }]);
    expect(found.transformations).toEqual([step]);
    expect(lost.filter(({ path }) => path.startsWith("blocks[1]"))).toEqual([]);
  });

  test.each([
    ["eq", 'col("a") == "x"'],
    ["gt", 'col("a") > 1'],
    ["a", 'col("a") > 1 and col("b") <= 2.5 and col("c") != "x"'],
    ["o", 'col("a") > 1 or col("b") < 2'],
    ["n", 'not col("a") > 1'],
    ["isnull", 'col("a") is None'],
    ["iserr", 'col("a").is_error()'],
    ["contains", 'col("s").contains("x")'],
    ["sw", 'col("s").startswith("x")'],
    ["ew", 'col("s").endswith("x")'],
    ["sub", 'col("s").substring(1, 2) == "x"'],
    ["sub1", 'col("s").substring(1) == "x"'],
    ["idx", 'col("s").index_of("x") == 0'],
    ["ln", 'col("s").length() > 1'],
    ["up", 'col("s").upper() == "X"'],
    ["lo", 'col("s").lower() == "x"'],
    ["ar", '(col("a") + 1 - 2) * 3 / 4 == 5'],
    ["fd", 'col("a") // 2 == 1'],
    ["md", 'col("a") % 2 == 1'],
    ["pw", 'col("a") ** 2 == 4'],
    ["neg", 'col("a") > -1'],
    ["dt", 'col("d") >= datetime(2020, 1, 2, 3, 4, 5, 678)'],
    ["boo", 'col("b") == True'],
    ["none", 'col("b") is None'],
  ])("the filter %s, and back", (name, text) => {
    const [step] = stepsOf(`filter ${name}`) as readonly [{ where: never }];
    expect(formatFilter(step.where)).toBe(text);
    const again = toV1Definition(table(`transformations:\n- filter: '${text}'\n`));
    expect(again.lost).toEqual([]);
    const written = (readV1Json(again.definition) as { blocks: readonly { arguments: unknown }[] }).blocks[1]
      ?.arguments;
    const given = (BLOCKS[`filter ${name}`] as { arguments: unknown }).arguments;
    if (name === "none") expect(JSON.stringify(written)).toContain("Value_IsNull");
    else expect(written).toEqual(given);
  });

  test("the path column is read only where it is kept", () => {
    const drop = {
      type: "Microsoft.DPrep.DropColumnsBlock",
      arguments: { columns: { type: 0, details: { selectedColumns: ["Path"] } } },
    };
    const text = writeV1Json({
      blocks: [BLOCKS["get_files"], BLOCKS["parquet"], BLOCKS["pf"], drop, BLOCKS["take"]],
    });
    expect(fromV1Definition(text).table.transformations).toEqual([
      { op: "read_parquet" },
      { op: "extract_columns_from_partition_format", partition_format: "{a}/{d:yyyy/MM}" },
      { op: "take", count: 5 },
    ]);
    const later = writeV1Json({ blocks: [BLOCKS["get_files"], BLOCKS["parquet"], BLOCKS["take"], drop] });
    expect(fromV1Definition(later).table.transformations).toHaveLength(3);
  });

  test("datastores, with their workspace or without", () => {
    const store = {
      subscription: "s",
      resourceGroup: "g",
      workspaceName: "w",
      datastoreName: "lake",
      path: "/trips/**/*.csv",
    };
    const text = writeV1Json({
      blocks: [
        {
          type: "Microsoft.DPrep.GetDatastoreFilesBlock",
          arguments: { datastores: [store, { datastoreName: "lake", path: "trips/2025/" }] },
        },
      ],
    });
    expect(fromV1Definition(text)).toMatchObject({
      table: {
        paths: [
          {
            pattern:
              "azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/lake/paths/trips/**/*.csv",
          },
          { folder: "azureml://datastores/lake/paths/trips/2025/" },
        ],
      },
      lost: [],
    });
    const files = {
      type: "Microsoft.DPrep.CreateDatasetBlock",
      arguments: {
        streamInfos: [{ handler: "AmlDatastore", resourceidentifier: "lake/a b/c.csv", arguments: store }],
      },
    };
    expect(fromV1Definition(writeV1Json({ blocks: [files] })).table.paths).toEqual([
      { file: "azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/lake/paths/a b/c.csv" },
    ]);
  });

  test("every step without a counterpart is in the report, and nothing is dropped without a word", () => {
    const unknown = { type: "Microsoft.DPrep.SortBlock", arguments: { columns: [] } };
    const off = { ...BLOCKS["take"], isEnabled: false };
    const text = writeV1Json({
      blocks: [
        BLOCKS["get_files"],
        BLOCKS["delim"],
        unknown,
        BLOCKS["summarize"],
        BLOCKS["addcol"],
        BLOCKS["rename"],
        BLOCKS["drop_errors"],
        BLOCKS["filter nested"],
        off,
        BLOCKS["take"],
      ],
      meta: { steps_added: "3" },
    });
    const { table: found, lost } = fromV1Definition(text);
    expect(found.transformations.map(({ op }) => op)).toEqual(["read_delimited", "filter", "take"]);
    expect(formatFilter((found.transformations[1] as unknown as { where: never }).where)).toBe(
      'col("a")["b"] == 1',
    );
    expect(lost).toEqual([
      expect.objectContaining({ path: expect.stringMatching(/^blocks\[0\]/), changes: "nothing" }),
      {
        path: "blocks[2]",
        changes: "rows",
        message: "Microsoft.DPrep.SortBlock has no counterpart in MLTable, and is left out.",
      },
      expect.objectContaining({ path: "blocks[3]", changes: "rows" }),
      expect.objectContaining({ path: "blocks[4]", changes: "rows" }),
      expect.objectContaining({ path: "blocks[5]", changes: "rows" }),
      expect.objectContaining({ path: "blocks[6]", changes: "rows" }),
      { path: "blocks[8]", changes: "nothing", message: "Microsoft.DPrep.TakeBlock was switched off." },
      { path: "meta", changes: "nothing", message: "Notes of the SDK are not kept." },
    ]);
  });

  test("options without a counterpart are in the report", () => {
    const block = (name: string, more: object): object => {
      const known = BLOCKS[name] as { arguments: object };
      return { ...known, arguments: { ...known.arguments, ...more } };
    };
    const text = writeV1Json({
      blocks: [
        BLOCKS["get_files"],
        block("delim", { skipRows: 2, commentLineCharacter: "#" }),
        block("pf", { ignoreError: true, column: { type: 2, details: { selectedColumn: "x" } } }),
        block("types d", {
          columnConversion: [
            { column: { type: 2, details: { selectedColumn: "x" } }, typeProperty: 4, typeArguments: null },
          ],
        }),
        block("take", { count: -1 }),
      ],
    });
    expect(
      fromV1Definition(text)
        .lost.map(({ path, changes }) => [path, changes])
        .slice(1),
    ).toEqual([
      ["blocks[1].arguments.skipRows", "rows"],
      ["blocks[1].arguments.commentLineCharacter", "rows"],
      ["blocks[2].arguments.ignoreError", "rows"],
      ["blocks[2].arguments.column", "rows"],
      ["blocks[3].arguments.columnConversion[0]", "types"],
      ["blocks[4]", "rows"],
    ]);
  });

  test("arguments that nobody knows, and blocks in an order that MLTable has not", () => {
    const block = (name: string, more: object): object => {
      const known = BLOCKS[name] as { arguments: object };
      return { ...known, arguments: { ...known.arguments, ...more } };
    };
    const stream = { column: { type: 2, details: { selectedColumn: "x" } }, typeProperty: 10 };
    const text = writeV1Json({
      blocks: [
        BLOCKS["get_files"],
        BLOCKS["keep"],
        BLOCKS["take"],
        block("delim", { quoting: true, unused: null, neither: false }),
        block("types d", { columnConversion: [{ ...stream, typeArguments: { escaped: true } }] }),
        BLOCKS["json"],
      ],
    });
    const { table: found, lost } = fromV1Definition(text);
    expect(found.transformations.map(({ op }) => op)).toEqual([
      "take",
      "read_delimited",
      "convert_column_types",
    ]);
    expect(lost.map(({ path, changes }) => [path, changes]).slice(1)).toEqual([
      ["blocks[3].arguments.quoting", "rows"],
      ["blocks[4].arguments.columnConversion[0].typeArguments", "types"],
      ["blocks[1]", "rows"],
      ["blocks[5]", "rows"],
    ]);
    expect(parseMLTable(formatMLTable(found))).toEqual(found);
  });

  test("keys and tokens are left out, and stand in no message", () => {
    const details = [
      {
        path: "https://acct.blob.core.windows.net/c/a.csv?sig=SECRET1",
        sas: "SECRET2",
        storageAccountKey: "SECRET3",
      },
    ];
    const text = writeV1Json({
      blocks: [
        {
          type: "Microsoft.DPrep.GetFilesBlock",
          arguments: { path: { resourceDetails: details, target: 1 } },
        },
      ],
    });
    const result = fromV1Definition(text);
    expect(result.table.paths).toEqual([{ file: "https://acct.blob.core.windows.net/c/a.csv" }]);
    expect(result.lost.length).toBeGreaterThanOrEqual(2);
    expect(JSON.stringify(result)).not.toContain("SECRET");
  });

  test.each([
    ["no JSON", "{", "parse_failed"],
    ["a list", "[]", "plan_invalid"],
    ["nothing", "{}", "plan_invalid"],
    ["no blocks", '{"blocks": []}', "plan_invalid"],
    [
      "a query",
      '{"blocks": [{"type": "Microsoft.DPrep.ReadDatastoreSqlBlock", "arguments": {"query": "select 1"}}]}',
      "unsupported",
    ],
    ["another source", '{"blocks": [{"type": "Microsoft.DPrep.ReferenceBlock"}]}', "unsupported"],
    ["__proto__", '{"blocks": [{"type": "__proto__", "arguments": null}]}', "unsupported"],
    [
      "no paths",
      '{"blocks": [{"type": "Microsoft.DPrep.GetFilesBlock", "arguments": {"path": 1}}]}',
      "unsupported",
    ],
  ])("refuses %s", (_, text, code) => {
    expect(() => fromV1Definition(text)).toThrow(expect.objectContaining({ code }));
  });

  test("whatever stands in a block, the result is an MLTable or an error with a code", () => {
    const type = fc.constantFrom(
      ...Object.values(BLOCKS).map((block) => (block as { type: string }).type),
      "constructor",
      "x",
    );
    const keys = fc.constantFrom(
      "columns",
      "count",
      "expression",
      "r",
      "details",
      "type",
      "selectedColumns",
      "columnConversion",
      "partitionIndices",
      "separator",
      "probability",
      "term",
      "__proto__",
    );
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { depthSize: "small" },
        fc.jsonValue(),
        fc.dictionary(keys, tie("any")),
        fc.array(tie("any"), { maxLength: 3 }),
      ),
    })).any;
    fc.assert(
      fc.property(fc.array(fc.record({ type, arguments: value }), { maxLength: 4 }), (blocks) => {
        try {
          const { table: found, lost } = fromV1Definition(
            JSON.stringify({ blocks: [BLOCKS["get_files"], ...blocks] }),
          );
          expect(found.transformations.length + lost.length).toBeGreaterThanOrEqual(blocks.length);
        } catch (error) {
          if (!isAmlError(error)) throw error;
        }
      }),
      randomRuns(1000),
    );
  });
});

describe("toV1Definition", () => {
  test("what both forms know comes back the same", () => {
    const text = `
paths:
- pattern: azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/lake/paths/trips/**/*.csv
- folder: azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/lake/paths/more/
transformations:
- read_delimited: {infer_column_types: false, delimiter: ";", encoding: utf16, header: from_first_file, support_multi_line: true}
- extract_columns_from_partition_format: {partition_format: "/{year}/"}
- convert_column_types:
  - {columns: a, column_type: int}
- convert_column_types:
  - {columns: [b, c], column_type: {datetime: {formats: ["%Y-%m-%d"]}}}
- convert_column_types:
  - {columns: d, column_type: {boolean: {true_values: ["y"], false_values: ["n"], mismatch_as: "false"}}}
- convert_column_types:
  - {columns: {pattern: "^e", ignore_case: true}, column_type: {float: {decimal_mark: ","}}}
- filter: 'col("a") > 9007199254740993 and (col("b") is None or not col("c") == col("d"))'
- keep_columns: {pattern: "^x", invert: true}
- take_random_sample: {probability: 0.5, seed: 3}
- sample: {sampler: random_percent, sampler_arguments: {probability: 0.5, probability_lower_bound: 0.25}}
- skip: 1
- take: 10
- select_partitions: [0, 2]
`;
    const before = parseMLTable(text);
    const { definition: written, lost } = toV1Definition(before);
    expect(lost).toEqual([]);
    const after = fromV1Definition(written);
    expect(after.lost).toEqual([]);
    // v1 has one form for both.
    expect(formatMLTable(after.table)).toBe(
      formatMLTable(before).replace('not col("c") == col("d")', 'col("c") != col("d")'),
    );
    expect(toV1Definition(after.table).definition).toBe(written);
    expect(written).toContain('"Value",\n');
    expect(written).toContain("9007199254740993");
  });

  test("what a definition has no place for is in the report", () => {
    const { lost } = toV1Definition(
      parseMLTable(`
paths: [{folder: azureml://datastores/lake/paths/t}]
transformations:
- read_delimited: {include_path_column: true, path_column: File, infer_column_types: {column_type_overrides: [{columns: a, column_type: string}]}}
- filter: 'col("t").year == 2020'
- convert_column_types: [{columns: {pattern: x}, column_type: stream_info}]
traits: {timestamp_column: t}
metadata: {owner: me}
`),
    );
    expect(lost.map(({ path, changes }) => [path, changes])).toEqual([
      ["paths", "nothing"],
      ["transformations[0].read_delimited.path_column", "rows"],
      ["transformations[0].read_delimited.infer_column_types", "types"],
      ["transformations[1].filter", "rows"],
      ["transformations[2].convert_column_types[0]", "types"],
      ["traits.timestamp_column", "nothing"],
      ["metadata.owner", "nothing"],
    ]);
    expect(
      toV1Definition(
        parseMLTable(
          "paths: [{folder: azureml://datastores/lake/paths/t}]\ntransformations: [read_delta_lake]\n",
        ),
      ).lost,
    ).toContainEqual({
      path: "transformations[0].read_delta_lake",
      changes: "rows",
      message: "v1 cannot read Delta tables, and the step is left out.",
    });
  });

  test("lists in filters become comparisons", () => {
    const back = (filter: string): string => {
      const { definition: written } = toV1Definition(table(`transformations:\n- filter: "${filter}"\n`));
      const [step] = fromV1Definition(written).table.transformations as unknown as readonly [
        { where: never },
      ];
      return formatFilter(step.where);
    };
    expect(back("a in [1, 'x']")).toBe('col("a") == 1 or col("a") == "x"');
    expect(back("a not in [1]")).toBe('not col("a") is None and col("a") != 1');
    expect(back("a['b']['c'] > 1")).toBe('col("a")["b"]["c"] > 1');
    expect(back("a in []")).toBe("False");
    // A null is in no list here; there it would be equal to nulls.
    expect(back("a in [None, 1]")).toBe('col("a") == 1');
    expect(back("a in [None]")).toBe("False");
    expect(back("-a > 1")).toBe('0 - col("a") > 1');
    expect(back("t < datetime(1, 1, 1, 0, 0, 0, 1)")).toBe('col("t") < datetime(1, 1, 1, 0, 0, 0, 1)');
    expect(back("t < datetime(9999, 12, 31)")).toBe('col("t") < datetime(9999, 12, 31)');
  });

  test.each([
    "file: file:///d/a%5B1%5D.csv",
    "folder: file:///d/a%5B1%5D/",
    "folder: azureml://datastores/a/paths/x*/",
  ])("names that would be patterns are in the report (%s)", (path) => {
    const { lost } = toV1Definition(parseMLTable(`paths:\n- ${path}\n`));
    expect(lost).toContainEqual(expect.objectContaining({ path: "paths[0]", changes: "rows" }));
  });

  test("paths of several kinds are refused", () => {
    for (const paths of [
      "- file: azureml://datastores/a/paths/b\n- file: ./c.csv",
      "- file: https://x.test/a\n- file: /b.csv",
    ]) {
      expect(() => toV1Definition(parseMLTable(`paths:\n${paths}\n`))).toThrow(
        expect.objectContaining({ code: "unsupported" }),
      );
    }
  });

  test("any MLTable: what comes back either is the same or stands in the report", () => {
    fc.assert(
      fc.property(plans, ({ source, steps }) => {
        const paths = source.from === "paths" ? source.paths : [];
        const before: MLTable = { paths, transformations: steps, traits: {}, metadata: {} };
        const { definition: written, lost } = toV1Definition(before);
        const after = fromV1Definition(written).table;
        expect(after.transformations.length + lost.length).toBeGreaterThan(0);
        expect(() => formatMLTable(after)).not.toThrow();
        // From here on nothing changes any more.
        const second = toV1Definition(after);
        expect(second.definition.length).toBeGreaterThan(0);
        expect(toV1Definition(fromV1Definition(second.definition).table).definition).toBe(second.definition);
      }),
      randomRuns(300),
    );
  });
});
