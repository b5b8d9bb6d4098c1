import type { AmlError, Step } from "@aml/core";
import { describe, expect, test } from "vitest";
import { editMLTable, parseMLTable } from "../src/index.ts";

const TEXT = `# top
$schema:   https://x   # s

paths:   # the paths
  # first
  - file:   "./a.csv"   # a
  - file: ./b.csv # b

# steps
transformations:
  - read_delimited:
      delimiter: ";"   # semi
      encoding: 'utf-8'
  - take: 5     # five

traits: {timestamp_column: d}
# about
metadata:
  owner:   me # o
`;
const table = parseMLTable(TEXT);
const lines = (text: string): readonly string[] => text.split("\n");

describe("editMLTable", () => {
  test("that changes nothing keeps every byte", () => {
    expect(editMLTable(TEXT, {})).toBe(TEXT);
    expect(editMLTable(TEXT, table)).toBe(TEXT);
    expect(editMLTable(`\uFEFF${TEXT}`, table)).toBe(`\uFEFF${TEXT}`);
  });

  test("adds a step, and touches nothing outside the steps", () => {
    const steps: readonly Step[] = [...table.transformations, { op: "skip", count: 2 }];
    const out = editMLTable(TEXT, { transformations: steps });
    const before = TEXT.indexOf("transformations:");
    expect(out.slice(0, before)).toBe(TEXT.slice(0, before));
    const after = TEXT.slice(TEXT.indexOf("traits:"));
    expect(out.endsWith(after)).toBe(true);
    expect(out).toContain(
      "      delimiter: \";\" # semi\n      encoding: 'utf-8'\n  - take: 5 # five\n  - skip: 2\n",
    );
    expect(parseMLTable(out)).toEqual({ ...table, transformations: steps });
  });

  test("changes the options of a step, and keeps its others with their comments", () => {
    const [read, ...rest] = table.transformations as readonly [
      Extract<Step, { op: "read_delimited" }>,
      ...Step[],
    ];
    const change = (step: Step): string => editMLTable(TEXT, { transformations: [step, ...rest] });
    const head = "  - read_delimited:\n      delimiter: \";\" # semi\n      encoding: 'utf-8'\n";
    const typed: Step = {
      ...read,
      infer_column_types: { column_type_overrides: [{ columns: "a", column_type: "int" }] },
    };
    expect(change(typed)).toContain(
      `${head}      infer_column_types:\n        column_type_overrides:\n          - columns: a\n            column_type: int\n  - take: 5 # five\n`,
    );
    expect(parseMLTable(change(typed)).transformations).toEqual([typed, ...rest]);
    const { delimiter: _, ...bare } = read;
    expect(change(bare)).toContain("  - read_delimited:\n      encoding: 'utf-8'\n  - take: 5 # five\n");
    expect(change({ op: "read_parquet" })).toContain("  - read_parquet:\n      include_path_column: false\n");
    const merged =
      "x: &x { delimiter: ';' }\npaths: [{ file: a }]\ntransformations:\n  - read_delimited: { <<: *x, encoding: latin1 }\n".replace(
        "x: &x { delimiter: ';' }\n",
        "metadata: { x: &x { delimiter: ';' } }\n",
      );
    const plain: Step = { op: "read_delimited", encoding: "latin1" };
    expect(parseMLTable(editMLTable(merged, { transformations: [plain] })).transformations).toEqual([plain]);
  });

  test("keeps the comments of paths that stay", () => {
    const paths = [{ file: "./c.csv" }, ...table.paths.slice(1)];
    const out = editMLTable(TEXT, { paths });
    expect(lines(out)).toEqual(
      expect.arrayContaining(["  - file: ./c.csv", "  - file: ./b.csv # b", "# steps"]),
    );
    expect(out.slice(out.indexOf("# steps"))).toBe(TEXT.slice(TEXT.indexOf("# steps")));
    expect(parseMLTable(out).paths).toEqual(paths);
  });

  test("removes, adds and replaces traits and metadata", () => {
    const bare = editMLTable(TEXT, { traits: null, metadata: null });
    expect(parseMLTable(bare)).toEqual({ ...table, traits: {}, metadata: {} });
    expect(bare).not.toMatch(/^(traits|metadata)/m);
    const again = editMLTable(bare, { traits: { index_columns: ["i"] }, metadata: { k: "yes" } });
    expect(parseMLTable(again)).toEqual({
      ...table,
      traits: { index_columns: ["i"] },
      metadata: { k: "yes" },
    });
    const more = editMLTable(TEXT, { metadata: { owner: "me", team: "x" } });
    expect(more.endsWith("# about\nmetadata:\n  owner: me # o\n  team: x\n")).toBe(true);
  });

  test("follows the file's own indentation of lists, and its missing last line break", () => {
    const text = "paths:\n- file: a # a\ntransformations:\n- read_parquet";
    const steps: readonly Step[] = [{ op: "read_parquet" }, { op: "take", count: 1 }];
    expect(editMLTable(text, { transformations: steps })).toBe(
      "paths:\n- file: a # a\ntransformations:\n- read_parquet\n- take: 1\n",
    );
    expect(editMLTable("paths:\n- file: a", { transformations: steps.slice(1) })).toBe(
      "paths:\n- file: a\ntransformations:\n- take: 1\n",
    );
  });

  test("edits a file in braces", () => {
    const out = editMLTable("{paths: [{file: a}], type: mltable}\n", {
      transformations: [{ op: "take", count: 1 }],
    });
    expect(parseMLTable(out).transformations).toEqual([{ op: "take", count: 1 }]);
  });

  test.each([
    ["an end marker", "# top\npaths:\n- file: a # a\n...\n"],
    ["an indented root", "# top\n  paths:\n  - file: a # a\n"],
  ])("keeps comments with %s", (_, text) => {
    const out = editMLTable(text, { metadata: { k: 1 }, transformations: [{ op: "take", count: 1 }] });
    expect(parseMLTable(out)).toEqual({
      ...parseMLTable(text),
      metadata: { k: 1 },
      transformations: [{ op: "take", count: 1 }],
    });
    expect(out).toContain("# top\n");
    expect(out).toContain("- file: a # a\n");
  });

  test("does not pull an anchor from under its reference", () => {
    const text = "paths: &p\n- file: a\nmetadata: {k: *p}\n";
    expect(() => editMLTable(text, { paths: [{ file: "b" }] })).toThrow(
      expect.objectContaining({
        code: "plan_invalid",
        message: "paths has an anchor (&name) that is referred to from elsewhere",
      }) as AmlError,
    );
  });

  test("keeps CRLF where nothing changes", () => {
    const text = "paths:\r\n- file: a # x\r\nmetadata:\r\n  k: 1\r\n";
    const out = editMLTable(text, { metadata: { k: 2 } });
    expect(out.startsWith("paths:\r\n- file: a # x\r\n")).toBe(true);
    expect(parseMLTable(out).metadata).toEqual({ k: 2 });
  });

  test("refuses a result that is no MLTable, and a text that is none", () => {
    const invalid = expect.objectContaining({ code: "plan_invalid" }) as AmlError;
    expect(() => editMLTable(TEXT, { paths: [] })).toThrow(invalid);
    expect(() => editMLTable("path: []\n", { metadata: { a: 1 } })).toThrow(invalid);
    expect(() =>
      editMLTable(TEXT, { transformations: [{ op: "read_parquet" }, { op: "read_parquet" }] }),
    ).toThrow(invalid);
  });
});
