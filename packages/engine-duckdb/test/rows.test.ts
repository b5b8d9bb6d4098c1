import { AmlError, type Row, type Schema, type SqlResult } from "@aml/core";
import { parsePlan } from "@aml/core/plan";
import { createDuckDBEngine } from "@aml/engine-duckdb";
import { randomRuns } from "@aml/kit/runs";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";

const engine = createDuckDBEngine({ onError: "fail" });
afterAll(() => engine[Symbol.asyncDispose]());

const schema: Schema = {
  columns: [
    { name: "flag", type: "boolean", nullable: true },
    { name: "small", type: "int32", nullable: true },
    { name: "big", type: "int64", nullable: true },
    { name: "ratio", type: "float64", nullable: true },
    { name: "price", type: "decimal", nullable: true, nativeType: "numeric(38,10)" },
    { name: "loose", type: "decimal", nullable: true },
    { name: "Name", type: "string", nullable: true },
    { name: "name", type: "string", nullable: true },
    { name: "raw", type: "bytes", nullable: true },
    { name: "day", type: "date", nullable: true },
    { name: "at", type: "timestamp", nullable: true },
    { name: "more", type: "json", nullable: true },
  ],
};

const first: Row = {
  flag: true,
  small: -(2 ** 31),
  big: 2n ** 63n - 1n,
  ratio: 0.1,
  price: "1234567890123456789012345678.0123456789",
  loose: "-0.25",
  Name: "Grüße \u{1F600}",
  name: "",
  raw: new Uint8Array([0, 255]),
  day: "9999-12-31",
  at: "2026-11-25T09:30:00.123456Z",
  more: { a: [1, 12_345_678_901_234_567_890n, null], 'b"': "x" },
};
const second: Row = {
  ...first,
  flag: false,
  big: -(2n ** 63n),
  ratio: Number.NaN,
  price: "-1.5",
  loose: "1234.5",
  day: "-000043-03-15",
  at: "1969-12-31T23:59:59.999999+01:00",
  more: [],
};
const nothing: Row = Object.fromEntries(schema.columns.map(({ name }) => [name, null]));

function resultOf(rows: readonly Row[], columns: Schema = schema): SqlResult & { disposed(): boolean } {
  let disposed = false;
  return {
    schema: columns,
    batches: (async function* () {
      if (rows.length > 0) yield rows;
    })(),
    disposed: () => disposed,
    async [Symbol.asyncDispose]() {
      disposed = true;
    },
  };
}

function planOf(...steps: object[]) {
  return parsePlan({ version: 1, source: { from: "query", datastore: "db", query: "select" }, steps });
}

async function read(rows: SqlResult, ...steps: object[]): Promise<readonly Row[]> {
  await using table = await engine.openRows?.(planOf(...steps), rows);
  const found: Row[] = [];
  for await (const batch of table?.batches() ?? []) found.push(...batch);
  return found;
}

describe("rows of a database", () => {
  test("come out as they went in, timestamps as Dates", async () => {
    const rows = resultOf([first, nothing, second]);
    const found = await read(rows);
    expect(found).toEqual([
      { ...first, loose: "-0.25", at: new Date("2026-11-25T09:30:00.123Z") },
      nothing,
      { ...second, price: "-1.5000000000", loose: "1234.50", at: new Date("1969-12-31T22:59:59.999Z") },
    ]);
    expect(rows.disposed()).toBe(true);
  });

  test("steps compute with exact types", async () => {
    const rows = (): SqlResult => resultOf([first, nothing, second]);
    const filter = (where: object): object => ({ op: "filter", where });
    const greater = (col: string, lit: number): object => filter({ fn: ">", args: [{ col }, { lit }] });
    expect(await read(rows(), greater("loose", 1000), { op: "keep_columns", columns: ["big"] })).toEqual([
      { big: -(2n ** 63n) },
    ]);
    expect(
      await read(rows(), greater("price", 0), { op: "keep_columns", columns: ["Name", "price"] }),
    ).toEqual([{ Name: first["Name"], price: first["price"] }]);
    expect(await read(rows(), { op: "skip", count: 1 }, { op: "take", count: 1 })).toEqual([nothing]);
    const text = { op: "convert_column_types", columns: [{ columns: "at", column_type: "string" }] };
    expect(await read(rows(), text, { op: "keep_columns", columns: ["at"] })).toEqual([
      { at: "2026-11-25T09:30:00.123456+00:00" },
      { at: null },
      { at: "1969-12-31T22:59:59.999999+00:00" },
    ]);
    const pattern = { op: "keep_columns", columns: { pattern: "^(big|small)$" } };
    expect(await read(rows(), pattern, { op: "take", count: 1 })).toEqual([
      { small: -(2 ** 31), big: 2n ** 63n - 1n },
    ]);
  });

  test("any texts, bytes and times, short and long, over several chunks", async () => {
    const columns: Schema = {
      columns: [
        { name: "t", type: "string", nullable: true },
        { name: "b", type: "bytes", nullable: true },
        { name: "at", type: "timestamp", nullable: true },
        { name: "flag", type: "boolean", nullable: true },
      ],
    };
    const pad = (value: number, length: number): string => String(value).padStart(length, "0");
    const time = fc
      .record({
        year: fc.integer({ min: 1, max: 9999 }),
        rest: fc.date({ min: new Date("2000-01-01Z"), max: new Date("2000-12-31Z"), noInvalidDate: true }),
        fraction: fc.option(fc.stringMatching(/^\d{1,9}$/), { nil: "" }),
        zone: fc.constantFrom("", "Z", "+00:00"),
      })
      // No leap day, which most years have not.
      .filter(({ rest }) => rest.toISOString().slice(5, 10) !== "02-29")
      .map(({ year, rest, fraction, zone }) => {
        const text = `${pad(year, 4)}${rest.toISOString().slice(4, 19)}`;
        return { text: `${text}${fraction === "" ? "" : `.${fraction}`}${zone}`, seconds: text, fraction };
      });
    const row = fc.record({
      t: fc.option(
        fc.oneof(fc.string({ unit: "binary", maxLength: 20 }), fc.stringMatching(/^[ -~]{0,16}$/)),
      ),
      b: fc.option(fc.uint8Array({ maxLength: 20 })),
      at: fc.option(time),
      flag: fc.option(fc.boolean()),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 30 }), async (some) => {
        const rows = Array.from({ length: 4100 }, (_, at) => some[at % some.length] ?? some[0]);
        const given = rows.map((one) => ({ ...one, at: one?.at?.text ?? null }));
        const text = { op: "convert_column_types", columns: [{ columns: "at", column_type: "string" }] };
        const found = await read(resultOf(given, columns), text);
        const expected = rows.map((one) => {
          const micros = (one?.at?.fraction ?? "").slice(0, 6).padEnd(6, "0");
          return { ...one, at: one?.at ? `${one.at.seconds}.${micros}` : null };
        });
        // Digits of a second that are zero are left out; the zone is UTC.
        const shown = found.map(({ at, ...rest }) => {
          const [, seconds, fraction = ""] = /^(.{19})(?:\.(\d+))?\+00:00$/.exec(at as string) ?? [];
          return { ...rest, at: at === null ? null : `${seconds}.${fraction.padEnd(6, "0")}` };
        });
        expect(shown).toEqual(expected);
      }),
      randomRuns(40),
    );
  });

  test("no rows have columns, and no columns have rows", async () => {
    await using empty = await engine.openRows?.(planOf(), resultOf([]));
    expect(empty?.schema.columns.map(({ name, type }) => [name, type])).toEqual(
      schema.columns.map(({ name, type }) => [name, type]),
    );
  });

  test("decimals that 38 digits do not hold are text", async () => {
    const columns: Schema = { columns: [{ name: "d", type: "decimal", nullable: true }] };
    for (const values of [["NaN", "1.5"], ["9".repeat(39)], ["1", `0.${"1".repeat(38)}`]]) {
      await using table = await engine.openRows?.(
        planOf(),
        resultOf(
          values.map((d) => ({ d })),
          columns,
        ),
      );
      expect(table?.schema.columns).toMatchObject([{ name: "d", type: "string" }]);
      for await (const batch of table?.batches() ?? []) expect(batch.map(({ d }) => d)).toEqual(values);
    }
  });

  test("are written as files", async () => {
    const columns: Schema = {
      columns: [
        { name: "at", type: "timestamp", nullable: true },
        { name: "n", type: "int64", nullable: true },
      ],
    };
    await using table = await engine.openRows?.(
      planOf(),
      resultOf([{ at: "2026-01-01T00:00:00.000001Z", n: 2n ** 60n }], columns),
    );
    const text = await new Response(table?.encode("csv")).text();
    expect(text).toBe("at,n\n2026-01-01T00:00:00.000001Z,1152921504606846976\n");
  });

  test("a failure of the database is the table's, and nothing stays behind", async () => {
    const broken: SqlResult = {
      schema,
      batches: (async function* () {
        yield [first];
        throw new AmlError("unavailable", "The server went away.");
      })(),
      async [Symbol.asyncDispose]() {},
    };
    await expect(engine.openRows?.(planOf(), broken)).rejects.toMatchObject({ code: "unavailable" });
    const late = resultOf([{ ...first, at: "300000-01-01T00:00:00Z" }]);
    await expect(engine.openRows?.(planOf(), late)).rejects.toMatchObject({
      code: "parse_failed",
      context: { column: "at" },
    });
    const reason = new Error("enough");
    await expect(
      engine.openRows?.(planOf(), resultOf([first]), { signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason);
  });

  test("more rows than memory go to disk", async () => {
    const small = createDuckDBEngine({ memoryLimit: "64MB", threads: 1 });
    const columns: Schema = {
      columns: [
        { name: "n", type: "int32", nullable: true },
        { name: "pad", type: "string", nullable: true },
      ],
    };
    const rows: SqlResult = {
      schema: columns,
      batches: (async function* () {
        for (let batch = 0; batch < 200; batch += 1) {
          yield Array.from({ length: 1000 }, (_, at) => ({
            n: batch * 1000 + at,
            pad: `${at}${crypto.randomUUID().repeat(15)}`,
          }));
        }
      })(),
      async [Symbol.asyncDispose]() {},
    };
    {
      await using table = await small.openRows?.(planOf({ op: "keep_columns", columns: ["n"] }), rows);
      let next = 0;
      for await (const batch of table?.batches() ?? [])
        for (const { n } of batch) if (n !== next++) throw new Error(`Row ${next} is another one.`);
      expect(next).toBe(200_000);
    }
    await small[Symbol.asyncDispose]();
  });
});
