import type { FileRef, InferredColumn, InferredTypes, InferTypesOptions } from "@aml/core";
import { randomRuns } from "@aml/kit/runs";
import { START_BYTES } from "@aml/staging";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { createDuckDBEngine } from "../src/index.ts";
import { createHarness, failureOf, listed } from "./harness.ts";
import { metered } from "./metered.ts";
import { planOf } from "./workbench.ts";

const h = await createHarness();
const engine = createDuckDBEngine();
afterAll(() => engine[Symbol.asyncDispose]());

const read = { op: "read_json_lines" };
const lenient = { ...read, invalid_lines: "drop" };
const take = (count: number): object => ({ op: "take", count });

async function infer(
  files: readonly FileRef[],
  options?: InferTypesOptions,
  steps: readonly object[] = [read],
): Promise<InferredTypes> {
  if (engine.inferTypes === undefined) throw new Error("the engine infers no types");
  return engine.inferTypes(planOf(steps), listed(files), options);
}

/** Lines of one key, `v`, with these values. */
const lines = (...values: string[]): string => values.map((value) => `{"v":${value}}\n`).join("");
const typed = async (...values: string[]): Promise<InferredColumn | undefined> =>
  (await infer(await h.files({ "a.jsonl": lines(...values) }))).columns[0];

describe("evidence", () => {
  test("tells for every column the type, and the file, row and value that forced it", async () => {
    const [first, second] = await h.files({
      "a.jsonl":
        '{"id":1,"tags":["x","é"],"name":"a\\"b","ok":true}\n\n{"id":2,"mixed":1,"ok":null,"none":null}\n',
      "b.jsonl": '{"id":2.5,"ok":false,"mixed":"1"}\n{"id":0.123456789012345}\n',
    });
    const a = (row: number, value: string) => ({ uri: first?.uri, row, value });
    const b = (row: number, value: string) => ({ uri: second?.uri, row, value });
    const all = [first, second].filter((file) => file !== undefined);
    const values = "values";
    expect(await infer(all)).toEqual({
      rows: 4,
      complete: true,
      columns: [
        {
          name: "id",
          type: "float",
          by: values,
          values: 4,
          forcedBy: b(1, "2.5"),
          ruledOut: [
            { type: "int", ...b(1, "2.5") },
            { type: "boolean", ...a(1, "1") },
          ],
        },
        {
          name: "tags",
          type: "json",
          by: values,
          values: 1,
          forcedBy: a(1, '["x","é"]'),
          ruledOut: ["int", "boolean", "float", "string"].map((type) => ({ type, ...a(1, '["x","é"]') })),
        },
        {
          name: "name",
          type: "string",
          by: values,
          values: 1,
          forcedBy: a(1, '"a\\"b"'),
          ruledOut: ["int", "boolean", "float"].map((type) => ({ type, ...a(1, '"a\\"b"') })),
        },
        {
          name: "ok",
          type: "boolean",
          by: values,
          values: 2,
          forcedBy: a(1, "true"),
          ruledOut: [{ type: "int", ...a(1, "true") }],
        },
        {
          name: "mixed",
          type: "json",
          by: values,
          values: 2,
          forcedBy: b(1, '"1"'),
          ruledOut: [
            { type: "int", ...b(1, '"1"') },
            { type: "boolean", ...a(2, "1") },
            { type: "float", ...b(1, '"1"') },
            { type: "string", ...a(2, "1") },
          ],
        },
        { name: "none", type: "string", by: "default", values: 0, ruledOut: [] },
      ],
    });
  });

  test("whole numbers that a double changes keep their digits, and rule float out", async () => {
    expect(await typed("9007199254740992", "1.5")).toMatchObject({
      type: "float",
      forcedBy: { row: 2, value: "1.5" },
    });
    expect(await typed("1.5", "7", "9007199254740993")).toMatchObject({
      type: "json",
      forcedBy: { row: 3, value: "9007199254740993" },
      ruledOut: [
        { type: "int", row: 1 },
        { type: "boolean", row: 1 },
        { type: "float", row: 3 },
        { type: "string", row: 1 },
      ],
    });
    expect(await typed("9007199254740993", "9223372036854775807")).toMatchObject({
      type: "int",
      ruledOut: [],
    });
    expect(await typed("1.5", "9223372036854775808")).toMatchObject({ type: "float", forcedBy: { row: 1 } });
  });

  test("fractions of more digits than a double holds are told, whatever is asked for", async () => {
    for (const [value, loses] of [
      ["0.5", false],
      ["1.0", false],
      ["2.50e3", false],
      ["0.12345678901234568", false],
      ["0.1234567890123456789", true],
      ["1e-400", true],
    ] as const) {
      const files = await h.files({ "a.jsonl": lines("1", value, "3.25", value) });
      for (const lossless of [false, true]) {
        const [found] = (await infer(files, { lossless })).columns;
        expect([value, found?.type, found?.loses]).toEqual([
          value,
          "float",
          loses ? { uri: files[0]?.uri, row: 2, value } : undefined,
        ]);
      }
    }
    expect(await typed("0.1234567890123456789", '"x"')).not.toHaveProperty("loses");
  });

  test("strings stay strings; a type that each of them converts to is told", async () => {
    const cases: readonly (readonly [readonly string[], unknown])[] = [
      [["2020-01-31", "2020-02-01T10:00:00Z"], { datetime: { formats: ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"] } }],
      [["31/12/2020", "1/2/2020"], { datetime: { formats: ["%d/%m/%Y"] } }],
      [["1", "25"], "int"],
      [["1", "2.5"], "float"],
      [["true", "no"], undefined],
      [["true", "No"], "boolean"],
      [["1", "007"], undefined],
      [["0.1234567890123456789"], undefined],
      [["2020-01-31", "x", "2020-01-31"], undefined],
      [["1", ""], undefined],
    ];
    for (const [texts, convertsTo] of cases) {
      const found = await typed(...texts.map((text) => JSON.stringify(text)), "null");
      expect([texts, found?.type, found?.convertsTo]).toEqual([texts, "string", convertsTo]);
    }
    expect((await typed(String.raw`"1\/2\/2020"`))?.convertsTo).toEqual({
      datetime: { formats: ["%m/%d/%Y"] },
    });
    expect(await typed('"1"', "2")).not.toHaveProperty("convertsTo");
  });

  test("of a long value its first characters are told", async () => {
    const text = JSON.stringify(["😀é".repeat(300)]);
    expect((await typed(text))?.forcedBy?.value).toBe([...text].slice(0, 200).join(""));
  });
});

describe("rows", () => {
  test("all unless told otherwise, or the first so many", async () => {
    const values = Array.from({ length: 120_000 }, (_, at) =>
      at === 110_000 ? '"x"' : at === 250 ? "1.5" : `${at}`,
    );
    const files = await h.files({
      "a.jsonl": lines(...values.slice(0, 70_000)),
      "b.jsonl": lines(...values.slice(70_000)),
    });
    const found = async (rows?: number | "all") => {
      const { complete, rows: looked, columns } = await infer(files, { rows });
      const { type, values: counted, forcedBy } = columns[0] ?? {};
      return [complete, looked, counted, type, forcedBy?.uri.slice(-7), forcedBy?.row];
    };
    const all = [true, 120_000, 120_000, "json", "b.jsonl", 40_001];
    expect(await found()).toEqual(all);
    expect(await found("all")).toEqual(all);
    expect(await found(130_000)).toEqual(all);
    expect(await found(250)).toEqual([false, 250, 250, "int", "a.jsonl", 1]);
    expect(await found(251)).toEqual([false, 251, 251, "float", "a.jsonl", 251]);
    expect(await found(110_000)).toEqual([false, 110_000, 110_000, "float", "a.jsonl", 251]);
    expect(await found(110_001)).toEqual([false, 110_001, 110_001, ...all.slice(3)]);
    for (const rows of [0, 1.5, -1])
      expect(await failureOf(infer(files, { rows }))).toMatchObject({ code: "plan_invalid" });
  });

  test("what a plan takes is all that reading looks at", async () => {
    const files = await h.files({ "a.jsonl": `${lines("1", "2")}{"v":2.5,"late":true}\n` });
    const names = async (options: InferTypesOptions, ...steps: object[]) => {
      const { rows, complete, columns } = await infer(files, options, [read, ...steps]);
      return [rows, complete, ...columns.map(({ name, type }) => `${name}: ${JSON.stringify(type)}`)];
    };
    expect(await names({}, take(2))).toEqual([2, false, 'v: "int"']);
    expect(await names({}, { op: "skip", count: 1 }, take(2))).toEqual([
      3,
      false,
      'v: "float"',
      'late: "boolean"',
    ]);
    expect(await names({}, take(9))).toEqual([3, true, 'v: "float"', 'late: "boolean"']);
    expect(await names({ rows: "all" }, take(2))).toEqual([3, true, 'v: "float"', 'late: "boolean"']);
    expect(await names({}, take(0))).toEqual([3, true, 'v: "float"', 'late: "boolean"']);
  });

  test("of a store elsewhere no more is read than is asked for", async () => {
    const more = lines('"much more of it"').repeat(400_000);
    const { files, bytes } = metered(await h.remote({ "a.jsonl": `${lines("1", "2.5")}${more}` }));
    expect((await infer(files, { rows: 2 })).columns[0]).toMatchObject({ type: "float", values: 2 });
    expect(bytes()).toBeLessThanOrEqual(START_BYTES);
    expect((await infer(files)).columns[0]).toMatchObject({ type: "json", values: 400_002 });
  });

  test("byte order mark, encoding, compression by name, no row at all", async () => {
    const utf16 = Buffer.from(`\ufeff${lines("1")}`, "utf16le");
    const files = await h.files({
      "a.jsonl": `\ufeff${lines("1", "2.5")}`,
      "b.jsonl": utf16,
      "c.jsonl": "\n\n",
    });
    const [mark, wide, none] = files as [FileRef, FileRef, FileRef];
    for (const rows of [undefined, 9]) {
      expect((await infer([mark], { rows })).columns[0]).toMatchObject({
        type: "float",
        forcedBy: { row: 2 },
      });
      const encoded = await infer([wide], { rows }, [{ ...read, encoding: "utf16" }]);
      expect(encoded.columns[0]).toMatchObject({ type: "int", values: 1 });
      expect(await infer([none], { rows })).toEqual({ rows: 0, complete: true, columns: [] });
    }
  });
});

describe("lines that are no rows", () => {
  const BAD = [
    "[1]",
    '{"v":',
    '{"v":NaN}',
    '{"v":1,"v":2}',
    '{"v":"\\q"}',
    '{"v":"\\ud800"}',
    '{"v":01}',
    '{"v":1e999}',
  ];

  test.each(BAD)("%s is the error of reading, or dropped", async (bad) => {
    const files = await h.files({
      "a.jsonl": lines("1"),
      "b.jsonl": `${lines("2")}\n${bad}\n${lines("2.5", "3")}`,
    });
    const reading = (await failureOf(h.rows([read], files))) as Error;
    for (const rows of [undefined, "all", 3] as const) {
      const failure = (await failureOf(infer(files, { rows }))) as Error;
      expect(failure).toMatchObject({ code: "parse_failed", context: { uri: files[1]?.uri, line: 3 } });
      expect(failure.message).toBe(reading.message);
    }
    // Behind what is looked at.
    expect(await infer(files, { rows: 2 })).toMatchObject({
      rows: 2,
      complete: false,
      columns: [{ type: "int" }],
    });
    expect(await infer(files, {}, [lenient])).toMatchObject({
      rows: 4,
      complete: true,
      columns: [
        { name: "v", type: "float", values: 4, forcedBy: { uri: files[1]?.uri, row: 2, value: "2.5" } },
      ],
    });
  });

  test("a whole number beyond int64 is the error of reading", async () => {
    const files = await h.files({ "a.jsonl": lines("1", "9223372036854775808") });
    const reading = (await failureOf(h.rows([read], files))) as Error;
    for (const rows of [undefined, 2])
      expect(await failureOf(infer(files, { rows }))).toMatchObject({
        code: "parse_failed",
        message: reading.message,
      });
    expect(await infer(files, { rows: 1 })).toMatchObject({ columns: [{ type: "int" }] });
  });
});

const kinds = {
  int: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  small: fc.integer({ min: -99, max: 99 }).map(String),
  huge: fc.bigInt({ min: 2n ** 62n, max: 2n ** 66n }).map(String),
  edge: fc.constantFrom(
    "9007199254740992",
    "9007199254740993",
    "-9007199254740993",
    "18446744073709551616",
    "-0",
  ),
  float: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  digits: fc.bigInt({ min: 1n, max: 10n ** 20n }).map((digits) => `0.${digits}`),
  boolean: fc.boolean().map(String),
  string: fc.string({ maxLength: 5 }).map((text) => JSON.stringify(text.replaceAll("\0", "x"))),
  number: fc.integer().map((value) => `"${value}"`),
  date: fc
    .date({ noInvalidDate: true, min: new Date("0001-01-01"), max: new Date("9999-12-31") })
    .map((value) => JSON.stringify(value)),
  day: fc
    .tuple(fc.integer({ min: 1, max: 31 }), fc.integer({ min: 1, max: 12 }))
    .map(([day, month]) => `"${day}\\/${month}\\/2020"`),
  nested: fc.constantFrom("[]", "{}", '[1,{"v":"}"}]', '{"v":[true]}'),
};
const any = fc.oneof(...Object.values(kinds));

/** Mostly of one kind, as columns are; undefined where the key is missing. */
const cells = fc
  .tuple(fc.constantFrom(...Object.values(kinds), any), fc.boolean())
  .chain(([kind, pure]) =>
    fc.array(
      fc.oneof(
        { weight: 10, arbitrary: kind },
        { weight: pure ? 0 : 1, arbitrary: any },
        { weight: 2, arbitrary: fc.constantFrom("null", undefined) },
      ),
      { minLength: 12, maxLength: 12 },
    ),
  );

const isWhole = (text: string): boolean => /^-?\d+$/.test(text);
const isKept = (text: string): boolean => !isWhole(text) || BigInt(Number(text)) === BigInt(text);
const FITS: Readonly<Record<string, (text: string) => boolean>> = {
  int: (text) => isWhole(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text),
  boolean: (text) => text === "true" || text === "false",
  float: (text) => /^[-\d]/.test(text) && isKept(text),
  string: (text) => text.startsWith('"'),
  json: () => true,
};
const NAMES: Readonly<Record<string, string>> = { int64: "int", float64: "float" };

test("types are those of the schema, what forces them stands where it is said, and conversions to them change nothing", async () => {
  const shape = fc.record({
    columns: fc.array(cells, { minLength: 2, maxLength: 5 }),
    splits: fc.tuple(fc.nat({ max: 12 }), fc.nat({ max: 12 })),
    noise: fc.array(fc.constantFrom("", "", "", "\n", " \r\n", "[1]\n", '{"c0":tru}\n'), {
      minLength: 12,
      maxLength: 12,
    }),
    rows: fc.option(fc.integer({ min: 1, max: 14 }), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(shape, async ({ columns, splits, noise, rows }) => {
      const [one, two] = splits.toSorted((x, y) => x - y) as [number, number];
      const textOf = (from: number, to: number): string =>
        Array.from({ length: to - from }, (_, at) => {
          const pairs = columns.flatMap((all, c) =>
            all[from + at] === undefined ? [] : [`"c${c}":${all[from + at]}`],
          );
          return `${noise[from + at]}{${pairs.join(", ")}}\n`;
        }).join("");
      const bounds = [0, one, two, 12];
      const files = await h.files({ a: textOf(0, one), b: textOf(one, two), c: textOf(two, 12) });
      const uris = files.map(({ uri }) => uri);
      const limit = rows === undefined ? [] : [take(rows)];
      const opening = h.open([lenient, ...limit, ...(rows === undefined ? [take(0)] : [])], files);
      const failure = (await failureOf(opening)) as { message?: string } | undefined;
      const inferring = infer(files, { rows }, [lenient]);
      if (failure !== undefined) {
        expect(await failureOf(inferring)).toMatchObject({ code: "parse_failed", message: failure.message });
        return;
      }
      const table = await opening;
      const { schema } = table;
      await table[Symbol.asyncDispose]();
      const found = await inferring;
      expect([found.rows, found.complete]).toEqual([Math.min(rows ?? 12, 12), (rows ?? 13) > 12]);
      expect(found.columns.map(({ name, type }) => [name, type])).toEqual(
        schema.columns.map(({ name, type }) => [name, NAMES[type] ?? type]),
      );
      const conversions = found.columns.flatMap(({ name, type }) =>
        type === "json" ? [] : [{ columns: name, column_type: type }],
      );
      const convert = { op: "convert_column_types", columns: conversions };
      const converted = conversions.length === 0 ? [lenient] : [lenient, convert];
      expect(await h.rows([...converted, ...limit], files)).toEqual(await h.rows([lenient, ...limit], files));
      const guesses = found.columns.flatMap(({ name, convertsTo }) =>
        convertsTo === undefined ? [] : [{ columns: name, column_type: convertsTo }],
      );
      // An error where a value does not convert.
      if (guesses.length > 0)
        await h.rows([lenient, { op: "convert_column_types", columns: guesses }, ...limit], files, {
          onError: "fail",
        });
      for (const { name, type: told, values, forcedBy, ruledOut, loses } of found.columns) {
        const type = typeof told === "string" ? told : "";
        const column = (columns[Number(name.slice(1))] ?? []).slice(0, rows);
        const present = column.filter((text): text is string => text !== undefined && text !== "null");
        expect(values).toBe(present.length);
        expect(present.every((text) => FITS[type]?.(text))).toBe(true);
        const indexOf = ({ uri, row, value }: NonNullable<typeof forcedBy>): number => {
          const index = (bounds[uris.indexOf(uri)] ?? NaN) + row - 1;
          expect(column[index]).toBe(value);
          return index;
        };
        const misfits = ruledOut.map((place): number => {
          const fits = (text: string | undefined) =>
            text === undefined || text === "null" || FITS[place.type]?.(text) === true;
          const index = indexOf(place);
          expect(column.findIndex((text) => !fits(text))).toBe(index);
          return index;
        });
        const order = ["int", "boolean", "float", "string", "json"];
        const tried = present.length === 0 ? [] : order.slice(0, order.indexOf(type));
        expect(ruledOut.map((place) => place.type)).toEqual(tried);
        const start = column.findIndex((text) => text !== undefined && text !== "null");
        expect(forcedBy === undefined ? -1 : indexOf(forcedBy)).toBe(Math.max(start, ...misfits));
        if (loses !== undefined) expect([type, FITS["int"]?.(loses.value)]).toEqual(["float", false]);
        if (loses !== undefined) expect(String(Number(loses.value))).not.toBe(column[indexOf(loses)]);
      }
    }),
    randomRuns(100),
  );
});
