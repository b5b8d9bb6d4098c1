import { type Expr, isAmlError, type Plan } from "@aml/core";
import {
  canonicalPlan,
  formatFilter,
  parseFilter,
  parsePlan,
  parseStep,
  type PlanIssue,
  planHash,
  STEP_OPS,
} from "@aml/core/plan";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

const source = { from: "paths", paths: [{ file: "file:///data/a.csv" }] };
const planOf = (...steps: readonly unknown[]): unknown => ({ version: 1, source, steps });
const stepOf = (step: unknown): unknown => parsePlan(planOf(step)).steps[0];

function refusal(input: unknown): readonly string[] {
  try {
    parsePlan(input);
  } catch (error) {
    if (isAmlError(error, "plan_invalid")) return error.context["errors"] as readonly string[];
    throw error;
  }
  throw new Error("accepted");
}

describe("parsePlan", () => {
  test("gives back a plain, deeply frozen copy", () => {
    const input = planOf({ op: "read_parquet" }, { op: "keep_columns", columns: ["a", "b"] });
    const plan = parsePlan(input);
    expect(plan).toEqual(input);
    expect(plan).not.toBe(input);
    for (const part of [plan, plan.source, plan.steps, plan.steps[1]])
      expect(Object.isFrozen(part)).toBe(true);
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  });

  test("leaves defaults out and normalises what says the same", () => {
    expect(
      stepOf({
        op: "read_delimited",
        delimiter: ",",
        header: "all_files_same_headers",
        support_multi_line: false,
        empty_as_string: false,
        encoding: "utf-8",
        include_path_column: false,
        infer_column_types: {},
        path_column: "Path",
        partition_size: 20 * 1024 * 1024,
      }),
    ).toEqual({ op: "read_delimited" });
    expect(stepOf({ op: "keep_columns", columns: ["a"] })).toEqual({ op: "keep_columns", columns: "a" });
    expect(
      stepOf({
        op: "convert_column_types",
        columns: [
          {
            columns: { pattern: "a", invert: false, ignore_case: false },
            column_type: { float: { decimal_mark: "." } },
          },
          { columns: "b", column_type: { boolean: { mismatch_as: "error" } } },
          { columns: "c", column_type: { stream_info: {} } },
        ],
      }),
    ).toEqual({
      op: "convert_column_types",
      columns: [
        { columns: { pattern: "a" }, column_type: "float" },
        { columns: "b", column_type: "boolean" },
        { columns: "c", column_type: "stream_info" },
      ],
    });
    expect(
      stepOf({
        op: "convert_column_types",
        columns: [{ columns: "a", column_type: { boolean: { mismatch_as: "true" } } }],
      }),
    ).toEqual({
      op: "convert_column_types",
      columns: [{ columns: "a", column_type: { boolean: { mismatch_as: "true" } } }],
    });
  });

  test("reads a query and pins", () => {
    const query = {
      version: 1,
      source: { from: "query", datastore: "sql", query: "select 1", timeoutMs: 5 },
      steps: [],
    };
    expect(parsePlan(query)).toEqual(query);
    const pinned = [{ uri: "file:///data/a.csv", relativePath: "x/a.csv", size: 3, etag: '"1"' }];
    expect(parsePlan({ version: 1, source: { ...source, pinned }, steps: [] }).source).toEqual({
      ...source,
      pinned,
    });
  });

  test("an unknown step is named with its index, and the known ones are listed", () => {
    expect(() => parsePlan(planOf({ op: "read_parquet" }, { op: "pivot" }))).toThrow(
      expect.objectContaining({
        code: "plan_invalid",
        message: 'steps[1] is an unknown step, "pivot"',
        hint: `Known are: ${STEP_OPS.join(", ")}.`,
      }) as Error,
    );
  });

  test("a newer version is refused with the way out, before anything else", () => {
    expect(() => parsePlan({ version: 2, sauce: 1 })).toThrow(
      expect.objectContaining({
        code: "plan_invalid",
        message: "version must be 1, not 2",
        hint: "Upgrade @aml/core to the release that wrote it.",
      }) as Error,
    );
  });

  test.each<[unknown, readonly string[]]>([
    [null, ["plan must be a mapping, not null"]],
    ["x", ['plan must be a mapping, not "x"']],
    [[], ["plan must be a mapping, not a list"]],
    [{ source, steps: [] }, ["version must be 1, not undefined"]],
    [{ version: 1, steps: [] }, ["plan needs source"]],
    [{ version: 1, source, steps: [], extra: 1 }, ['plan has no option "extra"']],
    [{ version: 1, source, steps: [], traits: {} }, ["traits needs timestamp_column"]],
    [
      { version: 1, source, steps: [], traits: { timestamp_column: 1, index_columns: [] } },
      [
        'traits has no option "index_columns"',
        "traits.timestamp_column must be a string that is not empty, not 1",
      ],
    ],
    [
      { version: 1, source: { from: "http" }, steps: [] },
      ['source must be a mapping with from: "paths" or "query", not a mapping'],
    ],
    [
      { version: 1, source: { from: "constructor" }, steps: [] },
      ['source must be a mapping with from: "paths" or "query", not a mapping'],
    ],
    [
      { version: 1, source: { from: "paths", paths: [] }, steps: [] },
      ["source.paths must be a list that is not empty, not a list"],
    ],
    [
      { version: 1, source: { from: "paths", paths: [{}] }, steps: [] },
      ["source.paths[0] needs exactly one of file | folder | pattern"],
    ],
    [
      { version: 1, source: { from: "paths", paths: [{ file: "./a" }] }, steps: [] },
      ['source.paths[0].file must be an absolute URI, not "./a"'],
    ],
    [
      { version: 1, source: { from: "query", datastore: "", query: "x" }, steps: [] },
      ['source.datastore must be a string that is not empty, not ""'],
    ],
    [planOf({ take: 1 }), ["steps[0] must be a mapping with an op"]],
    [planOf({ op: "__proto__" }), ['steps[0] is an unknown step, "__proto__"']],
    [planOf({ op: "take" }), ["steps[0] needs count"]],
    [planOf({ op: "take", count: -1 }), ["steps[0].count must be an integer of at least 0, not -1"]],
    [
      planOf({ op: "take", count: 2 ** 53 }),
      ["steps[0].count must be an integer of at least 0, not 9007199254740992"],
    ],
    [planOf({ op: "take", count: NaN }), ["steps[0].count must be an integer of at least 0, not NaN"]],
    [planOf({ op: "take", count: 1n }), ["steps[0].count must be an integer of at least 0, not 1"]],
    [planOf({ op: "take", count: 1, n: 1 }), ['steps[0] has no option "n"']],
    [
      planOf({ op: "filter", where: { col: "a", lit: 1 } }),
      ["steps[0].where has something that is no part of a filter"],
    ],
    [planOf({ op: "filter", where: [] }), ["steps[0].where must be a filter's tree, not a list"]],
    [
      planOf({ op: "read_parquet" }, { op: "read_parquet" }),
      ["steps[1] is read_parquet, but read_parquet has read the files already"],
    ],
    [
      planOf({ op: "drop_columns", columns: "a" }, { op: "read_parquet" }),
      ["steps[1] is read_parquet, which must stand before drop_columns"],
    ],
    [
      planOf({ op: "read_delta_lake" }),
      ["steps[0] is read_delta_lake, which needs exactly one path, a folder: the table's root"],
    ],
    [
      {
        version: 1,
        source: { from: "paths", paths: [{ folder: "file:///d" }] },
        steps: [
          { op: "extract_columns_from_partition_format", partition_format: "{a}/" },
          { op: "read_delta_lake" },
        ],
      },
      [
        "steps[0] is extract_columns_from_partition_format, but Delta keeps partition columns itself",
        "steps[1] is read_delta_lake, which must stand before extract_columns_from_partition_format",
      ],
    ],
    [
      { version: 1, source: { from: "query", datastore: "d", query: "q" }, steps: [{ op: "read_parquet" }] },
      ["steps[0] is read_parquet, but the source is a query, not files"],
    ],
  ])("refuses input %#", (input, errors) => {
    expect(refusal(input)).toEqual(errors);
  });

  test("all faults are told at once", () => {
    expect(
      refusal(planOf({ op: "take", count: "x" }, { op: "what" }, { op: "read_parquet", path_column: "" })),
    ).toEqual([
      'steps[0].count must be an integer of at least 0, not "x"',
      'steps[1] is an unknown step, "what"',
      'steps[2].path_column must be a string that is not empty, not ""',
    ]);
  });

  test.each(["../a", "a/../b", "/a", "", "a//b", ".", "a/.", "..\\a", "a\0"])(
    "a download is kept out of %j",
    (relativePath) => {
      const pinned = [{ uri: "file:///a", relativePath, size: 1 }];
      expect(refusal({ version: 1, source: { ...source, pinned }, steps: [] })[0]).toContain(
        "relativePath must be",
      );
    },
  );

  test("prototypes are no way in", () => {
    const polluted = JSON.parse(
      '{"version":1,"__proto__":{"a":1},"source":{"from":"paths","paths":[{"file":"file:///a"}]},"steps":[]}',
    ) as unknown;
    expect(refusal(polluted)).toEqual(['plan has no option "__proto__"']);
    const inherited = Object.create(planOf() as object) as unknown;
    expect(refusal(inherited)).toEqual(expect.arrayContaining(["plan must be a mapping, not a mapping"]));
    expect(refusal(planOf(JSON.parse('{"op":"read_parquet","constructor":1}')))).toEqual([
      'steps[0] has no option "constructor"',
    ]);
    expect(
      refusal(planOf(JSON.parse('{"op":"keep_columns","columns":{"pattern":"a","__proto__":1}}'))),
    ).toEqual(['steps[0].columns has no option "__proto__"']);
  });

  test("a tree deeper than any filter is refused, not overflown", () => {
    let where: unknown = { col: "a" };
    for (let depth = 0; depth < 50_000; depth++) where = { fn: "not", args: [where] };
    expect(refusal(planOf({ op: "filter", where }))[0]).toMatch(/^steps\[0\]\.where is no filter: /);
  });

  describe("a filter's tree", () => {
    const where = (tree: unknown): unknown => planOf({ op: "filter", where: tree });
    const call = (fn: string, ...args: readonly unknown[]): unknown => ({ fn, args });
    const [a, one, none] = [{ col: "a" }, { lit: 1 }, { lit: null }];
    const nested = (levels: number): unknown =>
      Array.from({ length: levels }).reduce<unknown>((tree) => call("not", tree), a);
    const date = (...fields: readonly number[]): unknown =>
      call("datetime", ...fields.map((lit) => ({ lit })));

    test.each<[string, unknown, RegExp]>([
      ["no such function", call("exec", a), /exec is not allowed here/],
      ["a function of objects", call("constructor", a), /constructor is not allowed here/],
      ["bits", call("&", a, a), /no part of a filter/],
      ["a name that is none", { col: 1 }, /takes a name in quotes/],
      ["no literal", { lit: {} }, /is not allowed here/],
      ["infinite", { lit: Infinity }, /no part of a filter/],
      ["undefined", { lit: undefined }, /no part of a filter/],
      ["two things at once", { ...a, ...one }, /no part of a filter/],
      ["an unknown field", { ...a, as: "b" }, /no part of a filter/],
      ["arguments of no list", { fn: "and", args: "ab" }, /no part of a filter/],
      ["no arguments", { fn: "not" }, /no part of a filter/],
      ["a null", call("not", null), /no part of a filter/],
      ["and of one", call("and", a), /no part of a filter/],
      ["or of none", call("or"), /too early/],
      ["not of two", call("not", a, a), /no part of a filter/],
      ["a sum of three", call("+", a, a, a), /no part of a filter/],
      ["a comparison of three", call("<", a, a, a), /no part of a filter/],
      ["a comparison of one", call("<", a), /no part of a filter/],
      ["length of two", call("length", a, a), /number of arguments/],
      ["contains of one", call("contains", a), /number of arguments/],
      ["substring of four", call("substring", a, one, one, one), /number of arguments/],
      ["equal to None", call("==", a, none), /no part of a filter/],
      ["None unequal to", call("!=", none, a), /no part of a filter/],
      ["in a column", call("in", a, { col: "b" }), /literals only/],
      ["in a sum", call("not_in", a, call("+", one, one)), /literals only/],
      ["in nothing at all", call("in"), /no part of a filter/],
      ["no leap year", call("<", a, date(2023, 2, 29)), /no date/],
      ["hour 24", date(2024, 2, 29, 24), /no date/],
      ["the year 0", date(0, 1, 1), /no date/],
      ["a fraction of a day", date(2024, 1, 1.5), /no date/],
      ["two fields", date(2024, 1), /no date/],
      ["a date of columns", call("datetime", a, one, one), /no date/],
      ["a small int", { int: "5" }, /no part of a filter/],
      ["the largest safe int", { int: "9007199254740991" }, /no part of a filter/],
      ["an int that is a number", { int: 2 ** 60 }, /no part of a filter/],
      ["an int with a plus", { int: "+9007199254740993" }, /is not allowed here/],
      ["an int that is code", { int: "1) or (1" }, /is not allowed here|no part/],
      ["201 levels", nested(201), /too long or nested too deeply/],
      ["shared branches", Array.from({ length: 60 }).reduce((x) => call("and", x, x), a), /too long/],
    ])("is refused for %s", (_, tree, fault) => {
      const [first, ...more] = refusal(where(tree));
      expect(first).toMatch(/^steps\[0\]\.where (has something that is no part of a filter|is no filter: )/);
      expect(first).toMatch(fault);
      expect(more).toEqual([]);
    });

    test.each<[string, unknown]>([
      ["200 levels", nested(200)],
      ["a leap day", date(2024, 2, 29)],
      ["an int beyond the safe range", { int: "-9007199254740993" }],
      ["in nothing", call("in", a)],
      ["None in a list", call("in", a, none, date(2024, 1, 1))],
    ])("is taken with %s", (_, tree) => {
      expect(stepOf({ op: "filter", where: tree })).toEqual({ op: "filter", where: tree });
    });

    test("is taken exactly when its text says the same", () => {
      const leaf = fc.oneof(
        fc.record({ col: fc.constantFrom("a", "b c") }),
        fc.record({ lit: fc.constantFrom<unknown>(null, true, 1, -2, 1.5, 2024, "x", undefined, NaN) }),
        fc.record({ int: fc.constantFrom<unknown>("9007199254740993", "-9007199254740993", "7", "x", 1) }),
        fc.constant(null),
      );
      const names =
        "and or not == != < <= > >= in not_in is_null is_not_null is_error + - * / // % ** negate contains " +
        "starts_with ends_with substring index_of length to_upper to_lower datetime & is";
      const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
        tree: fc.oneof(
          { depthSize: "small", withCrossShrink: true },
          leaf,
          fc.record({
            fn: fc.constantFrom(...names.split(" ")),
            args: fc.array(tie("tree"), { minLength: 1, maxLength: 3 }),
          }),
        ),
      }));
      let taken = 0;
      fc.assert(
        fc.property(tree, (given) => {
          let same = false;
          try {
            expect(parseFilter(formatFilter(given as Expr))).toEqual(given);
            same = true;
          } catch {
            // Refused below, too.
          }
          if (same) {
            taken++;
            expect(stepOf({ op: "filter", where: given })).toEqual({ op: "filter", where: given });
          } else expect(refusal(where(given))).toHaveLength(1);
        }),
        { numRuns: 500 },
      );
      expect(taken).toBeGreaterThan(20);
    });
  });

  test("a filter's tree comes back frozen", () => {
    const where: Expr = { fn: "in", args: [{ col: "a" }, { lit: 1 }, { lit: "x" }] };
    const step = parsePlan(planOf({ op: "filter", where })).steps[0] as {
      where: { args: readonly unknown[] };
    };
    expect(step.where).toEqual(where);
    expect(
      Object.isFrozen(step.where) && Object.isFrozen(step.where.args) && Object.isFrozen(step.where.args[0]),
    ).toBe(true);
  });

  test("never throws anything but plan_invalid", () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true }), (value) => {
        for (const input of [
          value,
          planOf(value),
          { version: 1, source: value, steps: [] },
          planOf({ op: "filter", where: value }),
        ]) {
          try {
            parsePlan(input);
          } catch (error) {
            expect(isAmlError(error, "plan_invalid")).toBe(true);
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe("parseStep", () => {
  test("points at each fault from the argument on", () => {
    const issues: PlanIssue[] = [];
    const argument = { header: "x", encoding: 1, typo: true };
    expect(
      parseStep("read_delimited", argument, (issue) => issues.push(issue), [
        "transformations",
        0,
        "read_delimited",
      ]),
    ).toBeUndefined();
    expect(issues.map(({ pointer, key }) => [pointer.slice(2), key])).toEqual([
      [["read_delimited"], "typo"],
      [["read_delimited", "encoding"], undefined],
      [["read_delimited", "header"], "x"],
    ]);
  });

  test("takes a plain argument where MLTable does", () => {
    const never = (issue: PlanIssue): void => expect.fail(issue.message);
    expect(parseStep("take", 5, never)).toEqual({ op: "take", count: 5 });
    expect(parseStep("keep_columns", ["a", "b"], never)).toEqual({ op: "keep_columns", columns: ["a", "b"] });
    expect(parseStep("select_partitions", [], never)).toEqual({ op: "select_partitions", partitions: [] });
    expect(parseStep("filter", { col: "a" }, never)).toEqual({ op: "filter", where: { col: "a" } });
  });
});

describe("planHash", () => {
  const hashOf = (...steps: readonly unknown[]): Promise<string> => planHash(planOf(...steps) as Plan);

  test("is that of the canonical text", async () => {
    const plan = planOf({ op: "take", count: 5 }) as Plan;
    expect(canonicalPlan(plan)).toBe(
      '{"source":{"from":"paths","paths":[{"file":"file:///data/a.csv"}]},"steps":[{"count":5,"op":"take"}],"version":1}',
    );
    expect(await planHash(plan)).toBe(
      "sha256:097f0345b714e2e384800ef1535296064c0811cf7bc4771bb5e510d2ebc1868d",
    );
  });

  test("is equal for recipes that say the same", async () => {
    const hashes = await Promise.all([
      hashOf({ op: "read_delimited" }),
      hashOf({ op: "read_delimited", encoding: "utf-8", delimiter: ",", infer_column_types: true }),
      hashOf({
        partition_size: 20_971_520,
        infer_column_types: { column_type_overrides: undefined },
        op: "read_delimited",
      }),
    ]);
    expect(new Set(hashes).size).toBe(1);
  });

  test("differs for those that do not", async () => {
    const hashes = await Promise.all([
      hashOf({ op: "keep_columns", columns: ["a", "b"] }),
      hashOf({ op: "keep_columns", columns: ["b", "a"] }),
      hashOf({ op: "drop_columns", columns: ["a", "b"] }),
      hashOf({ op: "take", count: 1 }, { op: "skip", count: 1 }),
      hashOf({ op: "skip", count: 1 }, { op: "take", count: 1 }),
    ]);
    expect(new Set(hashes).size).toBe(5);
  });
});
