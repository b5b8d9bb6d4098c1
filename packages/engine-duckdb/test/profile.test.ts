import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ColumnProfile, SqlResult, TableProfile } from "@aml/core";
import { parsePlan } from "@aml/core/plan";
import { randomRuns } from "@aml/kit/runs";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createHarness, failureOf } from "./harness.ts";

const bench = await createHarness();
const csv = { op: "read_delimited" };
const json = { op: "read_json_lines" };

async function profiled(step: object, content: string, ...more: object[]): Promise<TableProfile> {
  const files = await bench.files({ [step === json ? "a.jsonl" : "a.csv"]: content });
  await using table = await bench.open([step, ...more], files);
  return must(await table.profile?.());
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("It is missing.");
  return value;
}

function withoutMoments({ distribution, ...rest }: ColumnProfile): object {
  const { of, quantiles, histogram } = distribution ?? {};
  return { ...rest, of, quantiles, histogram };
}

const column = (profile: TableProfile, name: string): ColumnProfile =>
  must(profile.columns.find((found) => found.name === name));
const shares = (found: ColumnProfile) => (found.distribution?.quantiles ?? []).map(({ value }) => value);

async function ofRows(type: ColumnProfile["type"], values: readonly unknown[], nativeType?: string) {
  const rows: SqlResult = {
    schema: { columns: [{ name: "v", type, nullable: true, nativeType }] },
    batches: (async function* () {
      for (let at = 0; at < values.length; at += 2048)
        yield values.slice(at, at + 2048).map((v) => ({ v: v as never }));
    })(),
    async [Symbol.asyncDispose]() {},
  };
  const plan = parsePlan({
    version: 1,
    source: { from: "query", datastore: "db", query: "select" },
    steps: [],
  });
  await using table = await bench.engine().openRows?.(plan, rows);
  return must(must(await table?.profile?.()).columns[0]);
}

describe("a profile", () => {
  test("of a small table, computed by hand", async () => {
    const profile = await profiled(csv, "n,t,f\n1,aa,1.5\n2,,\n2,b,2.5\n5,aa,8\n");
    expect(profile.rows).toBe(4);
    expect(column(profile, "n")).toEqual({
      name: "n",
      type: "int64",
      missing: 0,
      errors: 0,
      empty: 0,
      notANumber: 0,
      infinite: 0,
      sampled: false,
      distinct: 3,
      top: [
        { value: 2n, count: 2 },
        { value: 1n, count: 1 },
        { value: 5n, count: 1 },
      ],
      min: 1n,
      max: 5n,
      distribution: {
        of: "values",
        mean: 2.5,
        // Squares of -1.5, -0.5, -0.5, 2.5: 9; cubes: 12; fourth powers: 44.25.
        variance: 3,
        std: expect.closeTo(Math.sqrt(3), 14),
        skew: expect.closeTo(3 / 2.25 ** 1.5, 14),
        kurtosis: expect.closeTo(11.0625 / 2.25 ** 2 - 3, 14),
        quantiles: [0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999].map((share, at) => ({
          share,
          value: [1n, 1n, 1n, 1n, 2n, 2n, 5n, 5n, 5n][at],
        })),
        histogram: [1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
      },
    });
    expect(column(profile, "t")).toMatchObject({
      missing: 1,
      distinct: 2,
      min: "aa",
      max: "b",
      top: [
        { value: "aa", count: 2 },
        { value: "b", count: 1 },
      ],
      distribution: { of: "lengths", mean: expect.closeTo(5 / 3, 14) },
    });
    expect(column(profile, "f")).toMatchObject({ missing: 1, min: 1.5, max: 8, distribution: { mean: 4 } });
  });

  test("counts empty texts and conversion errors", async () => {
    const convert = { op: "convert_column_types", columns: [{ columns: "n", column_type: "int" }] };
    const profile = await profiled(
      json,
      '{"n":"1","t":""}\n{"n":"x","t":"😀é"}\n{"n":null,"t":null}\n',
      convert,
    );
    expect(column(profile, "n")).toMatchObject({ missing: 2, errors: 1, min: 1n, distinct: 1 });
    expect(column(profile, "t")).toMatchObject({ missing: 1, empty: 1, errors: 0, distinct: 2 });
    expect(shares(column(profile, "t"))).toEqual([0, 0, 0, 0, 0, 2, 2, 2, 2]);
  });

  test("NaN and infinities are counted apart", async () => {
    const found = await ofRows("float64", [1, 3, Number.NaN, Infinity, -Infinity, Infinity, null]);
    expect(found).toMatchObject({ missing: 1, notANumber: 1, infinite: 3, min: 1, max: 3 });
    expect(found.distribution).toMatchObject({ mean: 2, variance: 2, skew: 0, kurtosis: -2 });
    const none = await ofRows("float64", [Number.NaN, Infinity]);
    expect(none).toMatchObject({ notANumber: 1, infinite: 1, min: null, max: null });
    expect(none.distribution).toBeUndefined();
  });

  test("exact values stay exact", async () => {
    const big = await ofRows("int64", [2n ** 63n - 1n, 2n ** 63n - 3n, 2n ** 63n - 2n]);
    expect(big).toMatchObject({
      min: 2n ** 63n - 3n,
      max: 2n ** 63n - 1n,
      distribution: { variance: 1, skew: 0 },
    });
    const wide = await ofRows("int64", [2n ** 63n - 1n, -(2n ** 63n)]);
    expect(wide.distribution?.histogram).toEqual([1, ...new Array<number>(18).fill(0), 1]);
    const decimals = ["1234567890123456789012345678.0123456789", "-1234567890123456789012345678.0123456789"];
    const decimal = await ofRows("decimal", decimals, "numeric(38,10)");
    expect(decimal).toMatchObject({ min: decimals[1], max: decimals[0] });
    const price = await ofRows("decimal", ["0.10", "0.20", "0.20"], "numeric(5,2)");
    expect(price).toMatchObject({ min: "0.10", top: [{ value: "0.20", count: 2 }, {}] });
    const huge = await ofRows("float64", [-1.7e308, 1.7e308, 1.7e308]);
    expect(huge.distribution?.mean).toBeCloseTo(1.7e308 / 3, -296);
    expect(huge.distribution?.skew).toBeCloseTo(-Math.SQRT1_2, 10);
  });

  test("times, booleans, bytes and nested values, each in its way", async () => {
    const at = ["2026-01-01T00:00:00.000001Z", "2026-01-03T00:00:00Z", "infinity"];
    const times = await ofRows("timestamp", at);
    expect(times).toMatchObject({ min: at[0], max: at[1], infinite: 1, distribution: { mean: null } });
    const days = await ofRows("date", ["-000043-03-15", "9999-12-31", null, "infinity"]);
    expect(days).toMatchObject({ min: "-000043-03-15", max: "9999-12-31", missing: 1, infinite: 1 });
    expect(days.distribution?.histogram).toEqual([1, ...new Array<number>(18).fill(0), 1]);
    expect(await ofRows("boolean", [true, false, true])).toMatchObject({
      top: [
        { value: true, count: 2 },
        { value: false, count: 1 },
      ],
      min: false,
      max: true,
    });
    const bytes = await ofRows("bytes", [
      new Uint8Array([0, 255]),
      new Uint8Array(0),
      new Uint8Array([0, 255]),
    ]);
    expect(bytes).toMatchObject({ empty: 1, min: null, distribution: { of: "lengths" } });
    expect(bytes.top[0]).toEqual({ value: new Uint8Array([0, 255]), count: 2 });
    const nested = await ofRows("json", [{ a: 1 }, { a: 1 }, []]);
    expect(nested).toMatchObject({ distinct: 2, top: [{ value: '{"a":1}', count: 2 }, { value: "[]" }] });
    expect(nested.distribution).toBeUndefined();
  });

  test("agrees with a plain computation", async () => {
    const doubles = fc.array(fc.option(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { freq: 5 }), {
      minLength: 1,
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(doubles, fc.constantFrom(0, 1e9), async (drawn, offset) => {
        const given = drawn.map((value) => (value === null ? null : Math.round(value) + offset));
        const found = await ofRows("float64", given);
        const values = given.filter((value) => value !== null).toSorted((a, b) => a - b);
        expect(found.missing).toBe(given.length - values.length);
        expect(found.distinct).toBe(new Set(values).size);
        expect([found.min, found.max]).toEqual([values[0] ?? null, values.at(-1) ?? null]);
        if (values.length === 0) {
          expect(found.distribution).toBeUndefined();
          return;
        }
        const { mean, variance, skew, kurtosis, histogram } = must(found.distribution);
        const truth = values.reduce((sum, value) => sum + value, 0) / values.length;
        const power = (of: number): number =>
          values.reduce((sum, value) => sum + (value - truth) ** of, 0) / values.length;
        const close = (ours: number | null, theirs: number): void =>
          expect(Math.abs((ours ?? Number.NaN) - theirs)).toBeLessThanOrEqual(
            1e-6 * Math.max(1, Math.abs(theirs)),
          );
        close(mean, truth);
        if (values.length > 1) close(variance, (power(2) * values.length) / (values.length - 1));
        else expect(variance).toBeNull();
        if (found.distinct > 1) {
          close(skew, power(3) / power(2) ** 1.5);
          close(kurtosis, power(4) / power(2) ** 2 - 3);
        } else expect([skew, kurtosis]).toEqual([null, null]);
        expect(histogram.reduce((sum, count) => sum + count, 0)).toBe(values.length);
        const rank = (share: number): number => Math.ceil((share * 1000 * values.length) / 1000) - 1;
        for (const { share, value } of found.distribution?.quantiles ?? [])
          expect(value).toBe(values[rank(share)]);
      }),
      randomRuns(25),
    );
  });

  test("of many different values is sampled, and says so", async () => {
    const count = 120_000;
    const values = Array.from({ length: count }, (_, at) =>
      at % 10 === 0 ? -5n : BigInt((at * 7919) % count),
    );
    const found = await ofRows("int64", values);
    expect(found).toMatchObject({ sampled: true, missing: 0, min: -5n, max: BigInt(count - 1) });
    expect(found.top[0]).toEqual({ value: -5n, count: count / 10 });
    expect(found.distinct / new Set(values).size).toBeCloseTo(1, 0);
    const truth = values.map(Number).toSorted((a, b) => a - b);
    expect(found.distribution?.mean).toBeCloseTo(truth.reduce((sum, value) => sum + value, 0) / count, 6);
    for (const { share, value } of found.distribution?.quantiles ?? []) {
      // Five standard deviations of a rank in a sample of 50,000.
      const off = 5 * Math.sqrt((share * (1 - share)) / 50_000);
      expect(Number(value)).toBeGreaterThanOrEqual(
        truth[Math.max(0, Math.floor((share - off) * count) - 1)] ?? 0,
      );
      expect(Number(value)).toBeLessThanOrEqual(
        truth[Math.min(count - 1, Math.ceil((share + off) * count))] ?? 0,
      );
    }
    const texts = await ofRows(
      "string",
      values.map((value) => `${value}`.padStart(8, "0")),
    );
    expect(texts).toMatchObject({ sampled: true, max: "00119999", distribution: { mean: 8, std: 0 } });
  });
});

describe("a profile of an odd table", () => {
  test("without rows, and of nothing but nulls", async () => {
    const empty = await profiled(csv, "a,b\n");
    expect(empty).toMatchObject({ rows: 0, columns: [{ name: "a", missing: 0, top: [], min: null }, {}] });
    const nulls = await ofRows("int64", [null, null]);
    expect(nulls).toMatchObject({ missing: 2, distinct: 0, top: [], min: null, max: null });
    expect(nulls.distribution).toBeUndefined();
  });

  test("without columns it is refused, as everywhere", async () => {
    const drop = { op: "keep_columns", columns: [] };
    expect(await failureOf(profiled(csv, "a\n1\n2\n", drop))).toMatchObject({ code: "plan_invalid" });
  });

  test("with hostile names", async () => {
    const names = ['a"; DROP TABLE x; --', "v", "n", "V", "counted values", "__proto__", "é 😀", "' OR 1=1"];
    const row = Object.fromEntries(names.map((name, at): [string, number] => [name, at]));
    const profile = await profiled(json, `${JSON.stringify(row)}\n`);
    expect(profile.columns.map(({ name, max }) => [name, max])).toEqual(
      names.map((name, at) => [name, BigInt(at)]),
    );
  });

  test("of more columns than are planned one by one", async () => {
    const names = Array.from({ length: 201 }, (_, at) => `c${at}`);
    const profile = await profiled(
      { ...csv, infer_column_types: false },
      `${names.join(",")}\n${names.map((_, at) => at).join(",")}\n`,
    );
    expect(profile.columns.map(({ max }) => max)).toEqual(names.map((_, at) => String(at)));
  });

  test("columns of one type are profiled together, and each comes out as it does alone", async () => {
    const makers: Record<string, (row: number) => string> = {
      small: (row) => `${row % 7}`,
      same: () => "5",
      wide: (row) => `${row % 2 ? "-" : ""}9${String(row * 7919).padStart(17, "0")}`,
      gaps: (row) => (row % 3 ? `${row}` : ""),
      tiny: (row) => `${row}e-200`,
      huge: (row) => `${row % 11}.5e200`,
      odd: (row) => ["nan", "inf", "-inf", "1.25"][row % 4] as string,
      none: () => "",
      word: (row) => `w${row % 31}`,
      long: (row) => "x".repeat(row % 300),
      yes: (row) => `${row % 5 === 0}`,
      no: (row) => `${row % 2 === 0}`,
      day: (row) => `2024-01-${String(1 + (row % 28)).padStart(2, "0")}`,
      later: (row) => `2025-02-0${1 + (row % 9)} 10:00:00`,
    };
    const names = Object.keys(makers);
    const lines = Array.from({ length: 1500 }, (_, row) =>
      names.map((name) => makers[name]?.(row)).join(","),
    );
    const content = `${names.join(",")}\n${lines.join("\n")}\n`;
    const together = await profiled(csv, content);
    expect(new Set(together.columns.map(({ type }) => type)).size).toBeLessThan(names.length / 2);
    for (const [at, name] of names.entries()) {
      const [alone] = (await profiled(csv, content, { op: "keep_columns", columns: [name] })).columns;
      const found = must(together.columns[at]);
      expect(withoutMoments(found)).toEqual(withoutMoments(must(alone)));
      const { mean = 0, std = 0 } = alone?.distribution ?? {};
      const scale = Math.abs(mean ?? 0) + (std ?? 0);
      // Sums of doubles, in an order of their own each time.
      for (const [moment, size] of [
        ["mean", scale],
        ["std", scale],
        ["skew", 1],
        ["kurtosis", 1],
      ] as const) {
        const [one, other] = [found.distribution?.[moment], alone?.distribution?.[moment]];
        expect(one === null).toBe(other === null);
        expect(Math.abs((one ?? 0) - (other ?? 0))).toBeLessThanOrEqual(1e-9 * size);
      }
    }
  });

  test("columns of types that only Parquet has are profiled together as alone", async () => {
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    const path = join(bench.folder, "types.parquet");
    const pairs = [
      "[n % 3, NULL]",
      "{'a': n % 5, 'b': 'x'}",
      "('b' || n % 40)::BLOB",
      "(n / 7)::DECIMAL(20,3)",
      "TIMESTAMP '2024-01-01' + to_days((n % 60)::INTEGER)",
      "TIMESTAMPTZ '2024-01-01 00:00:00+00' + to_days((n % 60)::INTEGER)",
      "TIME '10:00:00' + to_minutes(n % 90)",
      "(n % 100)::HUGEINT",
      "(n % 100)::UBIGINT",
      "CASE WHEN n % 4 > 0 THEN (n % 9)::FLOAT END",
    ];
    const list = pairs.flatMap((sql, at) => [
      `${sql} AS a${at}`,
      `${sql.replaceAll("n ", "(n + 3) ")} AS b${at}`,
    ]);
    await connection.run(
      `COPY (SELECT ${list.join(", ")} FROM range(500) t(n)) TO '${path}' (FORMAT parquet)`,
    );
    const files = await bench.files({ "types.parquet": await readFile(path) });
    const profileOf = async (...steps: object[]): Promise<TableProfile> => {
      await using table = await bench.open([{ op: "read_parquet" }, ...steps], files);
      return must(await table.profile?.());
    };
    for (const found of (await profileOf()).columns) {
      const [alone] = (await profileOf({ op: "keep_columns", columns: [found.name] })).columns;
      expect(withoutMoments(found)).toEqual(withoutMoments(must(alone)));
    }
  });

  test("Parquet that is read column by column gives what a gathered one gives", async () => {
    const lines = Array.from({ length: 150_000 }, (_, at) => `${at % 700},t${at % 90},${at / 8}`);
    const source = await bench.open([csv], await bench.files({ "a.csv": `a,b,c\n${lines.join("\n")}\n` }));
    const bytes = new Uint8Array(await new Response(source.encode("parquet")).arrayBuffer());
    const expected = must(await source.profile?.());
    await using table = await bench.open([{ op: "read_parquet" }], await bench.files({ "a.parquet": bytes }));
    const found = must(await table.profile?.());
    expect(found.columns.slice(0, 2)).toEqual(expected.columns.slice(0, 2));
    expect(found.columns[2]).toMatchObject({ sampled: true, min: 0, max: 149_999 / 8 });
  });

  test("an abort rejects with its reason, and the table works on", async () => {
    const lines = Array.from({ length: 200_000 }, (_, at) => `${at}`).join("\n");
    await using table = await bench.open([csv], await bench.files({ "a.csv": `a\n${lines}\n` }));
    const controller = new AbortController();
    const reason = new Error("enough");
    const running = failureOf(must(table.profile?.({ signal: controller.signal })));
    setImmediate(() => controller.abort(reason));
    expect(await running).toBe(reason);
    expect(await failureOf(must(table.profile?.({ signal: AbortSignal.abort(reason) })))).toBe(reason);
    expect(must(await table.profile?.()).rows).toBe(200_000);
  });
});
