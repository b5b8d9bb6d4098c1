import { AmlError, type FileRef, type InferredTypes, type InferTypesOptions } from "@aml/core";
import { randomRuns } from "@aml/kit/runs";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { createDuckDBEngine } from "../src/index.ts";
import { allRows, createHarness, failureOf, listed } from "./harness.ts";
import { planOf } from "./workbench.ts";

const h = await createHarness();
const engine = createDuckDBEngine();
afterAll(() => engine[Symbol.asyncDispose]());

async function infer(
  files: readonly FileRef[],
  options?: InferTypesOptions,
  step: object = {},
): Promise<InferredTypes> {
  const { inferTypes } = engine;
  if (inferTypes === undefined) throw new Error("the engine infers no types");
  return inferTypes(planOf([{ op: "read_delimited", ...step }]), listed(files), options);
}

const column = async (values: readonly string[], options?: InferTypesOptions) =>
  (await infer(await h.files({ "a.csv": `x,n\n${values.map((value) => `${value},\n`).join("")}` }), options))
    .columns[0];

describe("evidence", () => {
  test("tells for every column the type, and the file, row and value that forced it", async () => {
    const [first, second] = await h.files({
      "a.csv": "id,code,note,when,empty,flag\n1,1,2,31/01/2020,,true\n2,2.5,,01/02/2020,,false\n",
      "b.csv": "id,code,note,when,empty,flag\n3,3,abc,2/2/2020,,TRUE\n",
    });
    const a = (row: number, value: string) => ({ uri: first?.uri, row, value });
    const b = (row: number, value: string) => ({ uri: second?.uri, row, value });
    const all = [first, second].filter((file) => file !== undefined);
    expect(await infer(all)).toEqual({
      rows: 3,
      complete: true,
      columns: [
        {
          name: "id",
          type: "int",
          by: "values",
          values: 3,
          forcedBy: a(1, "1"),
          ruledOut: [],
        },
        {
          name: "code",
          type: "float",
          by: "values",
          values: 3,
          forcedBy: a(2, "2.5"),
          ruledOut: [
            { type: "int", ...a(2, "2.5") },
            { type: "boolean", ...a(2, "2.5") },
          ],
        },
        {
          name: "note",
          type: "string",
          by: "values",
          values: 2,
          forcedBy: b(1, "abc"),
          ruledOut: [
            { type: "int", ...b(1, "abc") },
            { type: "boolean", ...a(1, "2") },
            { type: "float", ...b(1, "abc") },
            { type: "datetime", ...a(1, "2") },
          ],
        },
        {
          name: "when",
          type: { datetime: { formats: ["%d/%m/%Y"] } },
          by: "values",
          values: 3,
          forcedBy: a(1, "31/01/2020"),
          ruledOut: [
            { type: "int", ...a(1, "31/01/2020") },
            { type: "boolean", ...a(1, "31/01/2020") },
            { type: "float", ...a(1, "31/01/2020") },
          ],
          dates: { order: "day_first", ambiguous: false, settledBy: a(1, "31/01/2020") },
        },
        { name: "empty", type: "string", by: "default", values: 0, ruledOut: [] },
        {
          name: "flag",
          type: "boolean",
          by: "values",
          values: 3,
          forcedBy: a(1, "true"),
          ruledOut: [{ type: "int", ...a(1, "true") }],
        },
      ],
    });
    expect(await infer(all, { rows: "all" })).toEqual(await infer(all));
  });

  test("dates that could be read both ways are ambiguous", async () => {
    expect((await column(["1/2/2020", "3/4/2020"]))?.dates).toEqual({
      order: "month_first",
      ambiguous: true,
    });
    expect((await column(["1/2/2020", "1/31/2020"]))?.dates).toMatchObject({
      order: "month_first",
      ambiguous: false,
      settledBy: { row: 2, value: "1/31/2020" },
    });
    expect((await column(["2020-01-02"]))?.dates).toEqual({ order: "year_first", ambiguous: false });
    expect((await column(["1.2.2020"]))?.dates).toEqual({ order: "day_first", ambiguous: false });
  });

  test("looks at the sample, at so many rows, or at all", async () => {
    const lines = Array.from({ length: 30_000 }, (_, at) =>
      at === 25_000 ? "x" : at === 250 ? "1.5" : `${at}`,
    );
    const files = await h.files({ "a.csv": `n\n${lines.join("\n")}\n` });
    const found = async (rows?: number | "all") => {
      const { complete, rows: looked, columns } = await infer(files, { rows });
      return { complete, looked, type: columns[0]?.type, forcedBy: columns[0]?.forcedBy?.row };
    };
    expect(await found()).toEqual({ complete: false, looked: 200, type: "int", forcedBy: 1 });
    expect(await found(251)).toEqual({ complete: false, looked: 251, type: "float", forcedBy: 251 });
    expect(await found(25_000)).toEqual({ complete: false, looked: 25_000, type: "float", forcedBy: 251 });
    expect(await found("all")).toEqual({ complete: true, looked: 30_000, type: "string", forcedBy: 25_001 });
    expect(await failureOf(infer(files, { rows: 0 }))).toMatchObject({ code: "plan_invalid" });
  });

  test("reading looks at as large a sample as the plan says, beyond what fits in memory too", async () => {
    const long = "y".repeat(500);
    const lines = Array.from({ length: 20_000 }, (_, at) => `${at === 19_000 ? "x" : at},${long}`);
    const files = await h.files({ "a.csv": `n,t\n${lines.join("\n")}\n` });
    const steps = (sample_size: number) => [
      { op: "read_delimited", infer_column_types: { sample_size } },
      { op: "keep_columns", columns: "n" },
      { op: "skip", count: 18_999 },
      { op: "take", count: 2 },
    ];
    expect(await h.rows(steps(18_999), files)).toEqual([{ n: 18_999n }, { n: null }]);
    expect(await h.rows(steps(20_000), files)).toEqual([{ n: "18999" }, { n: "x" }]);
    const step = { infer_column_types: { sample_size: 20_000 } };
    expect((await infer(files, undefined, step)).columns[0]).toMatchObject({
      type: "string",
      values: 20_000,
    });
  });

  test("lossless keeps as text what a number would not give back, and says so otherwise", async () => {
    const cases = [
      ["007", "int", "string"],
      ["-00.5", "float", "string"],
      ["0.5", "float", "float"],
      ["12345678901234567", "int", "int"],
      ["-9223372036854775808", "int", "int"],
      ["9223372036854775808", "float", "string"],
      ["9300000000000000000", "float", "float"],
      ["0.1234567890123456789", "float", "string"],
      ["1.10", "float", "float"],
      ["1e400", "string", "string"],
      ["1e-400", "float", "string"],
    ] as const;
    for (const [value, plain, lossless] of cases) {
      for (const rows of [undefined, "all"] as const) {
        const kept = await column([value], { lossless: true, rows });
        const bent = await column([value], { rows });
        expect([value, bent?.type, kept?.type]).toEqual([value, plain, lossless]);
        const loses = plain !== lossless ? { value, row: 1 } : undefined;
        expect(bent?.loses).toEqual(loses && expect.objectContaining(loses));
      }
    }
  });

  test("overrides stand, and a plan that infers nothing is told as it is", async () => {
    const files = await h.files({ "a.csv": "a,b\n1,2\n" });
    const overrides = { column_type_overrides: [{ columns: "b", column_type: "string" }] };
    expect((await infer(files, {}, { infer_column_types: overrides })).columns).toMatchObject([
      { name: "a", type: "int", by: "values" },
      { name: "b", type: "string", by: "override", ruledOut: [] },
    ]);
    expect((await infer(files, {}, { infer_column_types: false })).columns).toMatchObject([
      { name: "a", type: "string", by: "default" },
      { name: "b", type: "string", by: "default" },
    ]);
    expect((await infer(files, { rows: "all" }, { infer_column_types: false })).columns).toMatchObject([
      { name: "a", type: "int", by: "values" },
      { name: "b", type: "int", by: "values" },
    ]);
  });

  test("other files have types of their own", async () => {
    const plan = planOf([{ op: "read_parquet" }]);
    const failure = await failureOf(
      engine.inferTypes?.(plan, listed(await h.files({ "a.parquet": "" }))) ?? Promise.resolve(),
    );
    expect(failure).toBeInstanceOf(AmlError);
    expect(failure).toMatchObject({ code: "unsupported", hint: expect.stringContaining("schema()") });
  });
});

const blank = fc.constantFrom("", "", "", " ", "\u00a0", "\f", "\u2003");
const padded = (text: fc.Arbitrary<string>) => fc.tuple(blank, text, blank).map((parts) => parts.join(""));
const digits = (most: number) =>
  fc.array(fc.constantFrom(..."0123456789"), { minLength: 1, maxLength: most }).map((all) => all.join(""));
const sign = fc.constantFrom("", "", "-", "+");
const two = fc.oneof(
  fc.integer({ min: 0, max: 32 }).map(String),
  fc.integer({ min: 0, max: 61 }).map((n) => String(n).padStart(2, "0")),
);
const day = fc
  .tuple(two, two, fc.constantFrom("2020", "1999", "0000", "0001", "20"), fc.constantFrom("-", "/", "."))
  .chain(([a, b, year, by]) =>
    fc.constantFrom([year, a, b].join(by), [a, b, year].join(by), [a, year, b].join(by)),
  );
const time = fc
  .tuple(
    fc.constantFrom("T", " ", ""),
    two,
    two,
    fc.option(fc.tuple(two, fc.option(digits(10))), { freq: 2 }),
    fc.constantFrom("", "", "", "AM", " pm", " Pm"),
    fc.constantFrom("", "", "", "Z", "z", "+02:00", "-0130", "+2"),
  )
  .map(
    ([at, hour, minute, second, half, zone]) =>
      `${at}${hour}:${minute}${second === null ? "" : `:${second[0]}${second[1] === null ? "" : `.${second[1]}`}`}${half}${zone}`,
  );
const kinds = {
  word: fc.constantFrom(
    "true",
    "False",
    "TRUE",
    "tRuE",
    "T",
    "f",
    "yes",
    "No",
    "Y",
    "n",
    "NaN",
    "inf",
    "-Infinity",
    "null",
    "NA",
    "1",
    "0",
  ),
  int: padded(fc.tuple(sign, fc.oneof(digits(3), digits(20))).map((parts) => parts.join(""))),
  float: padded(
    fc
      .tuple(
        sign,
        digits(18),
        fc.constantFrom(".", ".", "", ".."),
        fc.oneof(fc.constant(""), digits(20)),
        fc.constantFrom("", "e5", "E-3", "e400", "e-400", "e+10", "f"),
      )
      .map((parts) => parts.join("")),
  ),
  double: fc.double().map(String),
  date: day,
  datetime: fc.tuple(day, time).map((parts) => parts.join("")),
  text: fc.string({ maxLength: 6 }).map((text) => text.replace(/[",\r\n\0]/g, "")),
};
const value = fc.oneof(...Object.values(kinds), fc.constant(""));

/** Datetimes of one format, most of which exist. */
const written = fc
  .record({
    order: fc.constantFrom("ymd", "mdy", "dmy"),
    by: fc.constantFrom("-", "/", "."),
    pad: fc.boolean(),
    at: fc.constantFrom("T", " "),
    clock: fc.constantFrom("", "", "HM", "HMS", "HMSf"),
    half: fc.constantFrom("", "", "AM", " pm"),
    zone: fc.constantFrom("", "", "Z", "+02:00", "-0130"),
  })
  .map(({ order, by, pad, at, clock, half, zone }) =>
    fc
      .record({
        y: fc.constantFrom(2019, 2020),
        m: fc.integer({ min: 1, max: 12 }),
        d: fc.integer({ min: 1, max: 31 }),
        H: half === "" ? fc.integer({ min: 0, max: 23 }) : fc.integer({ min: 1, max: 12 }),
        M: fc.integer({ min: 0, max: 59 }),
        S: fc.integer({ min: 0, max: 59 }),
        f: digits(9),
      })
      .map((parts) => {
        const text = (part: number): string => (pad ? String(part).padStart(2, "0") : String(part));
        const date = [...order].map((part) => text(parts[part as "y"])).join(by);
        const [, M, S] = [...clock].map((part) => String(parts[part as "M"]).padStart(2, "0"));
        if (M === undefined) return date;
        const seconds = S === undefined ? "" : `:${S}${clock.endsWith("f") ? `.${parts.f}` : ""}`;
        return `${date}${at}${text(parts.H)}:${M}${seconds}${half}${zone}`;
      }),
  );
/** Decimals of about as many digits as a double holds. */
const long = fc
  .tuple(sign, digits(2), fc.array(fc.constantFrom(..."0123456789"), { minLength: 13, maxLength: 17 }))
  .map(([before, whole, fraction]) => `${before}${whole}.${fraction.join("")}`);

/** Mostly of one kind, as columns are. */
const cells = (rows: number) =>
  fc
    .tuple(fc.oneof(fc.constantFrom(...Object.values(kinds), value, long), written), fc.boolean())
    .chain(([kind, pure]) =>
      fc.array(
        fc.oneof(
          { weight: 12, arbitrary: kind },
          { weight: pure ? 0 : 1, arbitrary: value },
          { weight: 2, arbitrary: fc.constant("") },
        ),
        { minLength: rows, maxLength: rows },
      ),
    );

test("all rows in DuckDB give what a sample of all rows gives", async () => {
  const shape = fc
    .integer({ min: 1, max: 6 })
    .chain((rows) =>
      fc.tuple(
        fc.array(cells(rows), { minLength: 8, maxLength: 30 }),
        fc.integer({ min: 0, max: 6 }),
        fc.boolean(),
      ),
    );
  await fc.assert(
    fc.asyncProperty(shape, async ([columns, split, lossless]) => {
      const head = columns.map((_, at) => `c${at}`).join(",");
      const lines = columns[0]?.map((_, row) => columns.map((cell) => cell[row]).join(",")) ?? [];
      const text = (part: readonly string[]) => `${[head, ...part].join("\n")}\n`;
      const files = await h.files({
        "a.csv": text(lines.slice(0, split)),
        "b.csv": text(lines.slice(split)),
      });
      const sampled = await infer(files, { rows: 10_000, lossless });
      expect(await infer(files, { rows: "all", lossless })).toEqual(sampled);
      expect(sampled.complete).toBe(true);
      // What the types were inferred from converts to them.
      const errors: unknown[] = [];
      const table = await h.open([{ op: "read_delimited" }], files, {
        onConversionErrors: (found) => errors.push(found),
      });
      await allRows(table);
      expect(errors).toEqual([]);
    }),
    randomRuns(25),
  );
});
