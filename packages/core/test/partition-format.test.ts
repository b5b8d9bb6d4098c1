import { isAmlError } from "@aml/core";
import { matchPartitionFormat } from "@aml/core/engine";
import { parsePartitionFormat, parsePlan } from "@aml/core/plan";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

const match = (format: string, uri: string): unknown =>
  matchPartitionFormat(parsePartitionFormat(format), uri);
const utc = (text: string): Date => new Date(`${text}Z`);

describe("values as Hive writes them", () => {
  const hive = (name: string, uri = `azureml://datastores/a/paths/x=${name}/f.csv`): unknown =>
    matchPartitionFormat(parsePartitionFormat("/x={x}/", "hive"), uri)?.["x"];
  test.each<[string, string | null]>([
    ["__HIVE_DEFAULT_PARTITION__", null],
    ["%5F_HIVE_DEFAULT_PARTITION__", "__HIVE_DEFAULT_PARTITION__"],
    ["a%2Fb%2Ec%25", "a/b.c%"],
    ["S%C3%A3o", "São"],
    ["%e9%2f", "%e9/"],
    ["50%", "50%"],
    ["%4", "%4"],
    ["a b+é", "a b+é"],
  ])("%s", (name, value) => {
    expect(hive(name)).toBe(value);
    expect(hive(name, `file:///x=${encodeURIComponent(name)}/f.csv`)).toBe(value);
  });

  test("are told from plain ones by the step alone, which takes no other word", () => {
    expect(match("/x={x}/", "azureml://datastores/a/paths/x=a%2Fb/f.csv")).toEqual({ x: "a%2Fb" });
    const steps = (value_encoding: string): unknown => [
      { op: "extract_columns_from_partition_format", partition_format: "/{x}/", value_encoding },
    ];
    const source = { from: "paths", paths: [{ file: "file:///x" }] };
    expect(parsePlan({ version: 1, source, steps: steps("plain") }).steps).toEqual([
      { op: "extract_columns_from_partition_format", partition_format: "/{x}/" },
    ]);
    expect(() => parsePlan({ version: 1, source, steps: steps("spark") })).toThrow(/plain \| hive/);
  });
});

describe("parsePartitionFormat", () => {
  test("has string columns in order and the datetime last, as the original", () => {
    const { columns } = parsePartitionFormat("/{When:yyyy/MM}/{region}/{name}.{ext}");
    expect(columns).toEqual([
      { name: "region", kind: "string" },
      { name: "name", kind: "string" },
      { name: "ext", kind: "string" },
      { name: "When", kind: "datetime" },
    ]);
  });

  test.each([
    ["no column", "", "has no column"],
    ["no column", "/a/*/{{b}}", "has no column"],
    ["an open brace", "/{a", "has a { alone"],
    ["a closing brace", "/{a}/b}", "has a } alone"],
    ["no name", "/{}/", "has a column without a name"],
    ["no name for a date", "/{:yyyy}/", "has a column without a name"],
    ["no year", "/{d:MM/dd}/", "has a date without yyyy"],
    ["no token", "/{d:}/", "has a date without yyyy"],
    ["short tokens", "/{d:yyyy/M/dd}/", "has M in a date, which takes yyyy MM dd HH mm ss"],
    ["long tokens", "/{d:yyyy/MMM}/", "has M in a date, which takes yyyy MM dd HH mm ss"],
    ["12 hours", "/{d:yyyy/hh}/", "has h in a date, which takes yyyy MM dd HH mm ss"],
    ["two dates", "/{a:yyyy}/{b:MM}", "has two dates"],
    ["a date in two places", "/{a:yyyy}/{x}/{a:MM}", "has two dates"],
    ["a name of two kinds", "/{a}/{a:yyyy}", "has a as string and as datetime"],
  ])("%s: %s", (_, format, message) => {
    expect(() => parsePartitionFormat(format)).toThrow(
      expect.objectContaining({
        code: "plan_invalid",
        message: `The partition format ${JSON.stringify(format)} ${message}`,
      }) as Error,
    );
  });

  test("refuses with plan_invalid or parses, whatever it gets", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...Array.from("{}:*/\\.yMdHmsab|$^[](+?")) }),
        (format) => {
          try {
            matchPartitionFormat(parsePartitionFormat(format), "https://a.b/c/2020/01/x.csv");
          } catch (error) {
            expect(isAmlError(error, "plan_invalid")).toBe(true);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe("matchPartitionFormat", () => {
  test.each<[string, string, unknown]>([
    // The documentation's own.
    [
      "{account}/{container}/{folder}/{label}",
      "https://acct.blob.core.windows.net/data/pet-images/cat/0.jpg",
      { account: "net", container: "data", folder: "pet-images", label: "cat" },
    ],
    [
      "/puYear={year}/puMonth={month}",
      "https://a.net/green/puYear=2019/puMonth=3/part-0.parquet",
      { year: "2019", month: "3" },
    ],
    [
      "/puYear={year}/puMonth={month}/*.parquet",
      "https://a.net/green/puYear=2019/puMonth=3/part-0.parquet",
      { year: "2019", month: "3" },
    ],
    [
      "{Region}/{When:yyyy/MM/dd/HH}/{file_name}.{extension}",
      "file:///data/US/2020/01/31/23/x.csv",
      { Region: "US", file_name: "x", extension: "csv", When: utc("2020-01-31T23:00:00") },
    ],
    [
      "/{Department}/{PartitionDate:yyyy/MM/dd/HH/mm/ss}/data.csv",
      "azureml://datastores/s/paths/Accounts/2019/01/02/03/04/05/data.csv",
      { Department: "Accounts", PartitionDate: utc("2019-01-02T03:04:05") },
    ],
    [
      "{timestamp:yyyy/MM/dd}",
      "wasbs://c@a/weather/2019/12/31/x.parquet",
      { timestamp: utc("2019-12-31T00:00:00") },
    ],
    ["{file_type}/{file_name}.txt", "file:///t/cats/cat1.txt", { file_type: "cats", file_name: "cat1" }],
    ["{file_type}/{file_name}.txt", "file:///t/dogs/dog2.txt", { file_type: "dogs", file_name: "dog2" }],
    // Dates.
    ["/{d:yyyyMMddHHmmss}/", "/20200131235958/", { d: utc("2020-01-31T23:59:58") }],
    ["/{d:yyyy}/", "/2020/", { d: utc("2020-01-01T00:00:00") }],
    ["/{d:yyyy_MM} x/", "/2020_02 x/", { d: utc("2020-02-01T00:00:00") }],
    ["/{d:yyyy_MM}/", "/2020_02/", { d: utc("2020-02-01T00:00:00") }],
    ["/{d:dd.MM.yyyy}/", "/29.02.2024/", { d: utc("2024-02-29T00:00:00") }],
    ["/{d:yyyy/MM/dd}/", "/0099/01/01/", { d: new Date("0099-01-01T00:00:00Z") }],
    ["/{d:yyyy/MM/dd}/", "/2023/02/29/", undefined],
    ["/{d:yyyy/MM/dd}/", "/2023/13/01/", undefined],
    ["/{d:yyyy/MM/dd}/", "/2023/00/01/", undefined],
    ["/{d:yyyy/MM/dd/HH}/", "/2023/01/01/24/", undefined],
    ["/{d:yyyy/MM/dd/HH/mm/ss}/", "/2023/01/01/23/59/60/", undefined],
    ["/{d:yyyy}/", "/0000/", undefined],
    ["/{d:yyyy}/", "/202/", undefined],
    ["/{d:yyyy}/", "/20200/", undefined],
    ["/{d:yyyy}/", "/٢٠٢٠/", undefined],
    // Values.
    ["/{a}/", "/x//y/", { a: "x" }],
    ["/{a}/", "/x.y/z/", { a: "z" }],
    ["/{a}/", "\\x\\", undefined],
    ["/{a}-{b}/", "/x-y-z/", { a: "x-y", b: "z" }],
    ["{a}{b}", "xyz", { a: "xy", b: "z" }],
    ["/{y}/{y}/{z}", "/1/2/3", { y: "1", z: "3" }],
    ["/y={y}/", "/y=a%20b/", { y: "a%20b" }],
    ["/y={y}/", "azureml://datastores/d/paths/y=a%20b/t.csv", { y: "a%20b" }],
    ["/y={y}/", "file:///y=a%20b%C3%A9/t.csv", { y: "a bé" }],
    ["/y={y}/", "https://h/y=a%2520b/t.csv", { y: "a%20b" }],
    ["/y={y}/", "https://h/y=a%ffb/t.csv", { y: "a%ffb" }],
    ["/{größe}/", "/ü/", { größe: "ü" }],
    ["/{__proto__}/", "/x/", Object.fromEntries([["__proto__", "x"]])],
    // Text.
    ["/{{{a}}}/", "/{x}/", { a: "x" }],
    ["/{a}.csv", "/xxcsv", undefined],
    ["/(a|b)+$/{c}", "/(a|b)+$/x", { c: "x" }],
    ["/a*/{b}/", "/a/x/", { b: "x" }],
    ["/*/{b}/", "/q/r/x/y/", { b: "r" }],
    ["/X/{b}", "/x/y", undefined],
    ["{a}", "", undefined],
  ])("%s in %s", (format, uri, values) => {
    expect(match(format, uri)).toEqual(values);
  });

  test("values are own properties alone", () => {
    const values = match("/{__proto__}/", "/x/") as object;
    expect(Object.keys(values)).toEqual(["__proto__"]);
    expect(Object.isFrozen(values)).toBe(true);
  });

  test("finds what a regular expression would", () => {
    const piece = fc.constantFrom("{a}", "{b}", "{d:yyyy}", "{d:yyyyMM}", "/", "-", "x", "*", ".");
    const text = fc.string({ unit: fc.constantFrom("/", "-", "x", ".", "1", "2"), maxLength: 14 });
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 5 }), text, (pieces, uri) => {
        fc.pre(
          pieces.some((each) => each.startsWith("{")) &&
            pieces.filter((each) => each.includes(":")).length < 2,
        );
        const seen = new Set<string>();
        const pattern = pieces.map((each) => {
          const name = /^\{(\w)/.exec(each)?.[1];
          if (name === undefined) return each === "*" ? ".*?" : each === "." ? "\\." : each;
          const inner = name === "d" ? (each.includes("MM") ? "\\d{6}" : "\\d{4}") : "[^./\\\\]+";
          if (seen.has(name)) return `(?:${inner})`;
          seen.add(name);
          return `(?<${name}>${inner})`;
        });
        const expected = new RegExp(pattern.join(""), "s").exec(uri)?.groups;
        const got = match(pieces.join(""), uri) as Record<string, unknown> | undefined;
        const { d, ...strings } = { ...expected };
        const valid =
          d === undefined ||
          (Number(d.slice(0, 4)) > 0 &&
            (d.length === 4 || (Number(d.slice(4)) > 0 && Number(d.slice(4)) < 13)));
        if (expected === undefined || !valid) expect(got).toBeUndefined();
        else {
          const { d: date, ...rest } = got ?? {};
          expect(rest).toEqual(strings);
          expect((date as Date | undefined)?.toISOString().slice(0, 4)).toBe(d?.slice(0, 4));
        }
      }),
      { numRuns: 500 },
    );
  });

  test("hostile formats take time linear in the URI", () => {
    const format = parsePartitionFormat(`${"{a}{b}*".repeat(15)}!`);
    const start = performance.now();
    expect(matchPartitionFormat(format, "a".repeat(20_000))).toBeUndefined();
    expect(performance.now() - start).toBeLessThan(30_000);
  });
});
