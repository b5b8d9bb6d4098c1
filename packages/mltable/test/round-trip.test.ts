import { type AmlError } from "@aml/core";
import { parsePlan } from "@aml/core/plan";
import * as fc from "fast-check";
import { randomRuns } from "@aml/kit/runs";
import { describe, expect, test } from "vitest";
import {
  checkTraitColumns,
  formatMLTable,
  fromPlan,
  parseMLTable,
  toPlan,
  withMetadata,
  withTraits,
} from "../src/index.ts";
import { plans } from "./plans.ts";

const FOLDER = "azureml://datastores/lake/paths/a";

describe("formatMLTable", () => {
  test("writes keys in order, defaults out, encodings by their short names", () => {
    const table = parseMLTable(`paths: [{file: ./a.csv}]
metadata: {b: 1, a: [x]}
traits: {timestamp_column: d, index_columns: [i]}
transformations:
- read_delimited: {encoding: "utf-8", delimiter: ";"}
- convert_column_types:
  - {columns: [a], column_type: {boolean: {true_values: ["yes"], false_values: ["no"]}}}
  - {columns: b, column_type: boolean}
- filter: a>1
- take_random_sample: {seed: 1, probability: 1}
- sample: {sampler: randomPercent, sampler_arguments: {probability: 0.5}}
`);
    expect(formatMLTable(table)).toBe(`metadata:
  a:
    - x
  b: 1
paths:
  - file: ./a.csv
traits:
  index_columns:
    - i
  timestamp_column: d
transformations:
  - read_delimited:
      delimiter: ;
      empty_as_string: false
      encoding: utf8
      header: all_files_same_headers
      include_path_column: false
      infer_column_types: true
      partition_size: 20971520
      path_column: Path
      support_multi_line: false
  - convert_column_types:
      - column_type:
          boolean:
            false_values:
              - "no"
            mismatch_as: error
            true_values:
              - "yes"
        columns: a
      - column_type: boolean
        columns: b
  - filter: col("a") > 1
  - take_random_sample:
      probability: 1.0
      seed: 1
  - sample:
      sampler: random_percent
      sampler_arguments:
        probability: 0.5
        probability_lower_bound: 0.0
type: mltable
`);
  });

  test.each([
    ["read_json_lines", "encoding include_path_column invalid_lines partition_size path_column"],
    ["read_parquet", "include_path_column path_column"],
  ])("writes the defaults of %s", (op, keys) => {
    const text = formatMLTable(parseMLTable(`paths: [{file: a}]\ntransformations: [${op}]\n`));
    expect([...text.matchAll(/^ {6}(\w+):/gm)].map(([, key]) => key).join(" ")).toBe(keys);
  });

  test("texts and numbers that Python's reader would take for something else are written so that it does not", () => {
    const columns = [
      "<<",
      "=",
      "~",
      "null",
      "yes",
      "y",
      "1_0",
      "1:30",
      "2020-01-01",
      "0x1",
      ".5",
      "a\nb",
      "\u2028",
      "",
    ];
    const text = formatMLTable({
      paths: [{ file: "a" }],
      transformations: [{ op: "take_random_sample", probability: 1e-7 }],
      traits: {},
      metadata: { columns },
    });
    expect([...text.matchAll(/^ {4}- (.*)$/gm)].map(([, item]) => item)).toEqual(
      columns.map((column) => JSON.stringify(column).replace("\u2028", "\\u2028")),
    );
    expect(text).toContain("probability: 1.0e-7\n");
  });

  test("a table made by hand is checked and made canonical", () => {
    const bare = { paths: [{ file: "a" }], traits: {}, metadata: {} } as const;
    const defaults = [{ op: "read_parquet", path_column: "Path" }] as const;
    expect(formatMLTable({ ...bare, transformations: defaults })).toBe(
      formatMLTable({ ...bare, transformations: [{ op: "read_parquet" }] }),
    );
    expect(() => formatMLTable({ ...bare, transformations: [{ op: "take", count: -1 }] })).toThrow(
      expect.objectContaining({ code: "plan_invalid" }) as AmlError,
    );
  });

  test("parse(format(plan)) is the plan, and format is stable", () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const text = formatMLTable(fromPlan(plan, FOLDER));
        const table = parseMLTable(text);
        expect(toPlan(table, FOLDER)).toEqual(parsePlan(plan));
        expect(formatMLTable(table)).toBe(text);
      }),
      randomRuns(300),
    );
  });

  test("metadata of any JSON comes back", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), (metadata) => {
        const table = withMetadata(parseMLTable("paths: [{file: a}]\n"), metadata);
        const kept = JSON.parse(JSON.stringify(table.metadata)) as unknown;
        expect(JSON.parse(JSON.stringify(parseMLTable(formatMLTable(table)).metadata))).toEqual(kept);
      }),
      randomRuns(300),
    );
  });
});

test("the columns of times go with the plan and come back; so do other traits and the metadata", () => {
  const table = parseMLTable(
    "paths: [{file: a}]\ntraits: {timestamp_column: d, partition_timestamp_column: p, index_columns: [i]}\nmetadata: {a: [1]}\n",
  );
  const plan = toPlan(table, FOLDER);
  const traits = { timestamp_column: "d", partition_timestamp_column: "p" };
  expect(plan.traits).toEqual(traits);
  expect(plan.mltable).toEqual({ traits: { index_columns: ["i"] }, metadata: { a: [1] } });
  expect(fromPlan(plan, FOLDER)).toMatchObject({
    traits: { ...traits, index_columns: ["i"] },
    metadata: { a: [1] },
  });
  expect(
    toPlan(parseMLTable("paths: [{file: a}]\ntraits: {index_columns: [i]}\n"), FOLDER),
  ).not.toHaveProperty("traits");
});

describe("toPlan", () => {
  const resolved = (path: string, folder: string, kind = "file"): unknown => {
    const plan = toPlan({ paths: [{ [kind]: path } as never], transformations: [] }, folder);
    return plan.source.from === "paths" && Object.values(plan.source.paths[0] ?? {})[0];
  };

  test.each([
    ["./a.csv", "file:///data/t", "file:///data/t/a.csv"],
    ["a.csv", "file:///data/t/", "file:///data/t/a.csv"],
    ["x/../b.csv", "file:///data/t", "file:///data/t/b.csv"],
    ["../b.csv", "file:///data/t", "file:///data/b.csv"],
    ["/abs/b.csv", "file:///data/t", "file:///abs/b.csv"],
    ["a b%.csv", "file:///data/t", "file:///data/t/a%20b%25.csv"],
    ["C:\\data\\a.csv", "file:///D:/t", "file:///C:/data/a.csv"],
    ["d:/data/a.csv", "file:///data/t", "file:///d:/data/a.csv"],
    [".\\data\\a.csv", "file:///C:/t", "file:///C:/t/data/a.csv"],
    ["\\\\server\\share\\a.csv", "file:///C:/t", "file://server/share/a.csv"],
    ["./a.csv", "https://acct.blob.core.windows.net/c/t", "https://acct.blob.core.windows.net/c/t/a.csv"],
    ["./a.csv", "azureml://datastores/lake/paths/t/", "azureml://datastores/lake/paths/t/a.csv"],
    ["file:///data/a.csv", "azureml://datastores/lake/paths/t", "file:///data/a.csv"],
    ["wasbs://c@acct.blob.core.windows.net/a", "file:///t", "wasbs://c@acct.blob.core.windows.net/a"],
    ["azureml:trips:3", "file:///t", "azureml:trips:3"],
    [
      "azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/d/paths/x",
      "file:///t",
      "azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/d/paths/x",
    ],
    ["azureml://datastores/d/paths/x", "file:///t", "azureml://datastores/d/paths/x"],
    ["s3://bucket/x", "file:///t", "s3://bucket/x"],
  ])("%s in %s", (path, folder, uri) => {
    expect(resolved(path, folder)).toBe(uri);
  });

  test.each([".", "./"])("%s is the folder itself", (path) => {
    expect(resolved(path, "file:///data/t", "folder")).toMatch(/^file:\/\/\/data\/t\/?$/);
  });

  test("a pattern's own characters count, the folder's do not", () => {
    expect(resolved("./**/[ab]?.csv", "azureml://datastores/d/paths/t", "pattern")).toBe(
      "azureml://datastores/d/paths/t/**/[ab]?.csv",
    );
    expect(resolved("*.csv", "azureml://datastores/d/paths/t*", "pattern")).toBe(
      "azureml://datastores/d/paths/t[*]/*.csv",
    );
  });

  test.each([
    ["../../../../x", "azureml://datastores/lake/paths/t"],
    ["/abs", "azureml://datastores/lake/paths/t"],
  ])("%s in %s is refused", (path, folder) => {
    expect(() => resolved(path, folder)).toThrow(
      expect.objectContaining({ code: "path_invalid" }) as AmlError,
    );
  });
});

describe("fromPlan", () => {
  const written = (uri: string, folder?: string): unknown =>
    fromPlan({ version: 1, source: { from: "paths", paths: [{ file: uri }] }, steps: [] }, folder).paths[0];

  test.each([
    ["file:///data/t/a%20b.csv", "file:///data/t", "./a b.csv"],
    ["file:///data/tt/a.csv", "file:///data/t", "file:///data/tt/a.csv"],
    ["file:///data/t/a.csv", undefined, "file:///data/t/a.csv"],
    ["https://x.blob.core.windows.net/c/t/a.csv", "https://x.blob.core.windows.net/c/t", "./a.csv"],
    [
      "https://x.blob.core.windows.net/d/t/a.csv",
      "https://x.blob.core.windows.net/c/t",
      "https://x.blob.core.windows.net/d/t/a.csv",
    ],
    ["s3://b/x", "file:///data/t", "s3://b/x"],
  ])("%s below %s is %s", (uri, folder, path) => {
    expect(written(uri, folder)).toEqual({ file: path });
  });

  test("a query has no file form", () => {
    const plan = { version: 1, source: { from: "query", datastore: "d", query: "q" }, steps: [] } as const;
    expect(() => fromPlan(plan)).toThrow(expect.objectContaining({ code: "unsupported" }) as AmlError);
  });
});

describe("traits and metadata", () => {
  const table = parseMLTable(
    "paths: [{file: a}]\ntraits: {timestamp_column: d, index_columns: [i]}\nmetadata: {k: 1}\n",
  );

  test("give a changed table, and leave the old one", () => {
    expect(withTraits(table, { timestamp_column: "e" }).traits).toEqual({
      timestamp_column: "e",
      index_columns: ["i"],
    });
    expect(withTraits(table, { index_columns: null }).traits).toEqual({ timestamp_column: "d" });
    expect(withMetadata(table, { k: 2, l: 3 }).metadata).toEqual({ k: 2, l: 3 });
    expect(withMetadata(table, { k: null }).metadata).toEqual({});
    expect(table.traits).toEqual({ timestamp_column: "d", index_columns: ["i"] });
  });

  test.each<["keep_columns" | "drop_columns", string | readonly string[], readonly string[]]>([
    ["drop_columns", "d", ["d"]],
    ["drop_columns", ["a", "i", "d"], ["d", "i"]],
    ["keep_columns", ["a", "d"], ["i"]],
    ["keep_columns", "d", ["i"]],
  ])("%s of %j would lose %j", (op, columns, lost) => {
    expect(() => checkTraitColumns(table.traits, op, columns)).toThrow(
      expect.objectContaining({ code: "plan_invalid", context: { columns: lost } }) as AmlError,
    );
  });

  test.each<["keep_columns" | "drop_columns", string | readonly string[]]>([
    ["drop_columns", "a"],
    ["drop_columns", []],
    ["keep_columns", ["i", "d", "a"]],
    ["keep_columns", []],
  ])("%s of %j is fine", (op, columns) => {
    expect(checkTraitColumns(table.traits, op, columns)).toBeUndefined();
  });
});
