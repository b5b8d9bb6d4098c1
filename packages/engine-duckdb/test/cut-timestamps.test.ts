import { readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ArrowVector, ColumnBatch, FileRef, NamedTable, TabularResult } from "@aml/core";
import { parseFilter } from "@aml/core/plan";
import { randomRuns } from "@aml/kit/runs";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { readFooter, writeFooter } from "../src/parquet-copy.ts";
import { nanosecondColumns, withOtherTypes } from "../src/parquet-types.ts";
import { allRows, createHarness, failureOf, listed, textOf } from "./harness.ts";
import { planOf } from "./workbench.ts";

const h = await createHarness();
const read = { op: "read_parquet" };
const where = (text: string): object => ({ op: "filter", where: parseFilter(text) });
const keep = (...columns: string[]): object => ({ op: "keep_columns", columns });

const instance = await DuckDBInstance.create(":memory:");
const connection = await instance.connect();
await connection.run("SET TimeZone = 'UTC'");
afterAll(() => {
  connection.disconnectSync();
  instance.closeSync();
});

let made = 0;
async function writeParquet(select: string, options: string): Promise<string> {
  const path = join(h.folder, `made-${(made += 1)}.parquet`);
  await connection.run(`COPY (${select}) TO '${path}' (FORMAT parquet ${options})`);
  return path;
}

async function plainParquet(select: string, options = ""): Promise<Buffer> {
  return readFile(await writeParquet(select, options));
}

/** A file whose times of nanoseconds are instants, as pandas and others write them. */
async function parquet(select: string, options = ""): Promise<Buffer> {
  const path = await writeParquet(select, options);
  const footer = await readFooter(path);
  const times = nanosecondColumns(footer).filter(({ kind }) => kind === "local");
  await writeFooter(path, withOtherTypes(footer, times));
  return readFile(path);
}

/** 2026-11-25T09:30:00Z. */
const START = 1_795_599_000_000_000_000n;
const nanos = (value: string): string => `make_timestamp_ns(${START} + ${value})`;
const DIGITS = `SELECT range AS i, ${nanos("range * 1000 + 789")} AS t FROM range(5)`;

async function sql(text: string, named: readonly NamedTable[]): Promise<TabularResult> {
  const found = await h.engine().openSql?.(text, named);
  if (found === undefined) throw new TypeError("The engine runs no statements.");
  return found;
}

/** Temporary files of engines. */
async function temporaryFiles(): Promise<string[]> {
  const folders = (await readdir(tmpdir())).filter((name) => name.startsWith("aml-engine-"));
  const inside = folders.map((name) => readdir(join(tmpdir(), name), { recursive: true }).catch(() => []));
  return (await Promise.all(inside)).flat();
}

async function batchesOf(table: TabularResult): Promise<ColumnBatch[]> {
  const out: ColumnBatch[] = [];
  for await (const batch of table.columnBatches?.() ?? []) out.push(batch);
  return out;
}

/** The values of a column of whole numbers behind `START`. */
async function valuesOf(table: TabularResult, name: string): Promise<(bigint | null)[]> {
  return (await valuesIn(table, name)).map((value) => (value === null ? null : value - START));
}

async function valuesIn(table: TabularResult, name: string): Promise<(bigint | null)[]> {
  const out: (bigint | null)[] = [];
  for (const { fields, columns, rowCount } of await batchesOf(table)) {
    const at = fields.findIndex((field) => field.name === name);
    const { data, validity } = columns[at] as ArrowVector;
    for (let row = 0; row < rowCount; row += 1) {
      const isNull = validity !== undefined && ((validity[row >> 3] ?? 0) & (1 << (row & 7))) === 0;
      out.push(isNull ? null : ((data as BigInt64Array)[row] ?? 0n));
    }
  }
  return out;
}

async function typeOf(table: TabularResult, name: string): Promise<unknown> {
  const [batch] = await batchesOf(table);
  return batch?.fields.find((field) => field.name === name)?.type;
}

const FINE = { kind: "timestamp", unit: "ns", timezone: "UTC" };
const COARSE = { kind: "timestamp", unit: "us", timezone: "UTC" };

describe.each<[string, (files: Record<string, Uint8Array>) => Promise<FileRef[]>]>([
  ["local", h.files],
  ["remote", h.remote],
])("%s files", (_, filesOf) => {
  test("every digit comes out, as an instant", async () => {
    const files = await filesOf({ "a.parquet": await parquet(DIGITS) });
    await using table = await h.open([read], files);
    expect(await typeOf(table, "t")).toEqual(FINE);
    expect(await valuesOf(table, "t")).toEqual([789n, 1789n, 2789n, 3789n, 4789n]);
    expect(table.schema.columns.map(({ type }) => type)).toEqual(["int64", "timestamp"]);
  });

  test("without such digits a column is as all others are", async () => {
    const plain = await parquet(`SELECT range AS i, ${nanos("range * 1000")} AS t FROM range(3)`);
    await using table = await h.open([read], await filesOf({ "a.parquet": plain }));
    expect(await typeOf(table, "t")).toEqual(COARSE);
    expect((await valuesOf(table, "t")).length).toBe(3);
  });

  test("files with and without them go together", async () => {
    const files = await filesOf({
      "a.parquet": await parquet(`SELECT 1 AS i, ${nanos("1000")} AS t`),
      "b.parquet": await parquet(`SELECT 2 AS i, ${nanos("1001")} AS t`),
      "c.parquet": await parquet(`SELECT 3 AS i, ${nanos("2000")}::TIMESTAMPTZ AS t`),
      "d.parquet": await parquet(`SELECT 4 AS i, NULL::TIMESTAMPTZ AS t`),
    });
    await using table = await h.open([read], files);
    expect(await valuesOf(table, "t")).toEqual([1000n, 1001n, 2000n, null]);
  });

  test("an instant beyond what nanoseconds hold is an error where other files have them", async () => {
    const files = await filesOf({
      "a.parquet": await parquet(`SELECT ${nanos("1")} AS t`),
      "b.parquet": await parquet("SELECT TIMESTAMPTZ '1500-01-01 00:00:00+00' AS t"),
    });
    await using table = await h.open([read], files);
    expect(await failureOf(batchesOf(table))).toMatchObject({
      code: "schema_mismatch",
      context: { column: "t", from: "TIMESTAMP WITH TIME ZONE", to: "TIMESTAMP_NS" },
    });
  });

  test("a column that other files have as another type says so, instead of losing digits", async () => {
    const files = await filesOf({
      "a.parquet": await parquet(`SELECT ${nanos("1")} AS t`),
      "b.parquet": await parquet("SELECT 'x' AS t"),
    });
    await using table = await h.open([read], files);
    expect(await failureOf(batchesOf(table))).toMatchObject({
      code: "schema_mismatch",
      context: { column: "t" },
    });
  });

  test("filters compare all digits", async () => {
    const rows = `SELECT range AS i, ${nanos("(range // 2048) * 1000 + CASE WHEN range % 2048 = 7 THEN 789 ELSE 0 END")} AS t FROM range(8192)`;
    const files = await filesOf({ "a.parquet": await parquet(rows, ", ROW_GROUP_SIZE 2048") });
    const late = where("col('t') > datetime(2026, 11, 25, 9, 30, 0, 3)");
    await using table = await h.open([read, late], files);
    expect(await valuesOf(table, "t")).toEqual([3789n]);
    await using first = await h.open([read, late, { op: "take", count: 1 }], files);
    expect(await valuesOf(first, "t")).toEqual([3789n]);
    const same = where("col('t') == datetime(2026, 11, 25, 9, 30, 0, 1)");
    await using equal = await h.open([read, same], files);
    expect((await valuesOf(equal, "t")).length).toBe(2047);
  });

  test("what is not read is not looked at", async () => {
    const rows = `SELECT range AS i, ${nanos("CASE WHEN range >= 4096 THEN 1 ELSE 0 END")} AS t FROM range(8192)`;
    const files = await filesOf({ "a.parquet": await parquet(rows, ", ROW_GROUP_SIZE 2048") });
    await using head = await h.open([read, { op: "take", count: 10 }], files);
    expect(await typeOf(head, "t")).toEqual(COARSE);
    await using other = await h.open([read, keep("i")], files);
    expect((await valuesOf(other, "i")).length).toBe(8192);
    await using all = await h.open([read], files);
    expect((await valuesOf(all, "t")).filter((value) => value === 1n).length).toBe(4096);
  });

  test("within lists, structures and maps", async () => {
    const fine = nanos("1");
    const nested = await parquet(
      `SELECT [${fine}, NULL] AS l, {'a b': ${fine}, 'TIMESTAMP WITH TIME ZONE': 1} AS s, map(['k'], [${fine}]) AS m`,
    );
    await using table = await h.open([read], await filesOf({ "a.parquet": nested }));
    const [batch] = await batchesOf(table);
    const [l, s, m] = batch?.fields.map(({ type }) => type) ?? [];
    expect(l).toMatchObject({ item: { type: FINE } });
    expect(s).toMatchObject({ fields: [{ name: "a b", type: FINE }, { type: { kind: "int" } }] });
    expect(m).toMatchObject({ value: { type: FINE } });
    expect(batch?.columns[0]?.children?.[0]?.data).toEqual(BigInt64Array.of(START + 1n, 0n));
    expect(batch?.columns[1]?.children?.[0]?.data).toEqual(BigInt64Array.of(START + 1n));
  });

  test("the old timestamps of 96 bits", async () => {
    const old = await readFile(join(import.meta.dirname, "fixtures/int96-nanoseconds.parquet"));
    const files = await filesOf({ "a.parquet": old });
    await using table = await h.open([read], files);
    expect(await typeOf(table, "t")).toEqual({ kind: "timestamp", unit: "ns" });
    expect(await valuesOf(table, "t")).toEqual([789n, null, -1n - START, 1000n, 2_000_001n]);
    await using late = await h.open(
      [read, where("col('t') > datetime(2026, 11, 25, 9, 30, 0, 2000)")],
      files,
    );
    expect(await valuesOf(late, "i")).toEqual([5n - START]);
    const coarse = await parquet("SELECT 6::BIGINT AS i, TIMESTAMP '2026-11-25 09:30:00.000003' AS t");
    await using both = await h.open([read], await filesOf({ "a.parquet": old, "b.parquet": coarse }));
    expect((await valuesOf(both, "t")).at(-1)).toBe(3000n);
  });

  test("as JSON they are instants, too", async () => {
    const both = (fine: string): string => {
      const coarse = `(${fine})::TIMESTAMPTZ`;
      return `{'z': ${fine}, 'l': [${fine}, NULL], 'n': NULL::TIMESTAMP_NS[], 'u': ${coarse}, 'd': 1.50}`;
    };
    const nested = `SELECT ${both(nanos("789"))} AS s, map([${nanos("1")}], [${nanos("2")}]) AS m, [NULL, {'z': ${nanos("3")}}] AS l
      UNION ALL SELECT NULL, NULL, NULL`;
    const files = await filesOf({ "a.parquet": await parquet(nested) });
    const time = "2026-11-25 09:30:00";
    const s = {
      z: `${time}.000000789+00`,
      l: [`${time}.000000789+00`, null],
      n: null,
      u: `${time}+00`,
      d: "1.50",
    };
    const m = { [`${time}.000000001+00`]: `${time}.000000002+00` };
    const expected = { s, m, l: [null, { z: `${time}.000000003+00` }] };
    expect(await h.rows([read], files)).toEqual([expected, { s: null, m: null, l: null }]);
    await using table = await h.open([read], files);
    expect(JSON.parse((await textOf(table.encode("jsonl"))).split("\n")[0] ?? "")).toEqual(expected);
    const toText = { op: "convert_column_types", columns: [{ columns: "s", column_type: "string" }] };
    const [row] = await h.rows([read, toText, keep("s")], files);
    expect(JSON.parse(row?.["s"] as string)).toEqual({ ...s, d: 1.5 });
  });

  test("written Parquet has them as instants, text has all digits", async () => {
    const rows = `SELECT ${nanos("789")} AS t, [${nanos("1")}] AS l, {'s': ${nanos("2")}, 'n': 1} AS s`;
    const files = await filesOf({ "a.parquet": await parquet(rows) });
    await using table = await h.open([read], files);
    const bytes = new Uint8Array(await new Response(table.encode("parquet")).arrayBuffer());
    const path = join(h.folder, `written-${(made += 1)}.parquet`);
    await writeFile(path, bytes);
    expect(nanosecondColumns(await readFooter(path)).map(({ kind }) => kind)).toEqual([
      "instant",
      "instant",
      "instant",
    ]);
    await using again = await h.open([read], await filesOf({ "b.parquet": bytes }));
    expect(await valuesOf(again, "t")).toEqual([789n]);
    await using flat = await h.open([read, keep("t")], files);
    expect(await textOf(flat.encode("csv"))).toBe("t\n2026-11-25T09:30:00.000000789Z\n");
    expect(await textOf(flat.encode("jsonl"))).toBe('{"t":"2026-11-25T09:30:00.000000789Z"}\n');
  });

  test("converted to text they keep their digits, converted to datetimes microseconds", async () => {
    const convert = (column_type: unknown): object => {
      return { op: "convert_column_types", columns: [{ columns: ["t"], column_type }] };
    };
    const files = await filesOf({ "a.parquet": await parquet(`SELECT ${nanos("789")} AS t`) });
    const text = await h.rows([read, convert("string")], files);
    expect(text).toEqual([{ t: "2026-11-25T09:30:00.000000789+00:00" }]);
    await using times = await h.open([read, convert({ datetime: { formats: ["%Y"] } })], files);
    expect(await typeOf(times, "t")).toEqual({ kind: "timestamp", unit: "us" });
    expect(await valuesOf(times, "t")).toEqual([START / 1000n - START]);
  });

  test("profiles have all digits, statements too", async () => {
    const files = await filesOf({ "a.parquet": await parquet(DIGITS) });
    await using table = await h.open([read], files);
    const [, t] = (await table.profile?.())?.columns ?? [];
    expect([t?.min, t?.max]).toEqual(["2026-11-25T09:30:00.000000789Z", "2026-11-25T09:30:00.000004789Z"]);
    const named = (): NamedTable[] => [{ name: "a", plan: planOf([read]), files: listed(files) }];
    await using found = await sql("select t from a where i > 0 order by t", named());
    expect(await valuesOf(found, "t")).toEqual([1789n, 2789n, 3789n, 4789n]);
    const rows = await allRows(await sql("select i, max(t) as t from a where i = 2 group by i", named()));
    expect(rows).toEqual([{ i: 2n, t: new Date(1_795_599_000_000) }]);
  });
});

test("any plan gives the rows that it gives of times without zone", async () => {
  const step = fc.oneof(
    fc.record({ op: fc.constantFrom("take", "skip"), count: fc.integer({ min: 1, max: 9000 }) }),
    fc.record({
      op: fc.constant("take_random_sample"),
      probability: fc.double({ min: 0.1, max: 0.9 }),
      seed: fc.nat(9),
    }),
    fc
      .tuple(fc.constantFrom("i", "t"), fc.constantFrom("<", "<=", "==", "!=", ">=", ">"), fc.nat(8))
      .map(([name, operator, at]) =>
        where(
          `col('${name}') ${operator} ${name === "i" ? at * 1000 : `datetime(2026, 11, 25, 9, 30, 0, ${at})`}`,
        ),
      ),
  );
  // Less than a megabyte of a remote file is fetched whole.
  const noise = Array.from({ length: 6 }, (_, at) => `md5((range + ${at})::VARCHAR)`).join(" || ");
  const digits = fc.constantFrom(
    "0",
    "range % 1000",
    "CASE WHEN range = 5000 THEN 1 ELSE 0 END",
    "range // 1024 % 2",
  );
  const plans = fc.tuple(fc.array(digits, { minLength: 1, maxLength: 3 }), fc.array(step, { maxLength: 4 }));
  await fc.assert(
    fc.asyncProperty(plans, fc.boolean(), async ([files, steps], isRemote) => {
      const selects = files.map((end) => {
        return `SELECT range AS i, ${nanos(`(range // 1000) * 1000 + ${end}`)} AS t, ${noise} AS noise FROM range(8192)`;
      });
      const written = async (make: typeof parquet): Promise<Record<string, Uint8Array>> => {
        const all = selects.map((select) => make(select, ", ROW_GROUP_SIZE 1024"));
        return Object.fromEntries((await Promise.all(all)).map((bytes, at) => [`${at}.parquet`, bytes]));
      };
      const [zoned, plain] = [await written(parquet), await written(plainParquet)];
      const all = [read, ...steps, keep("t")];
      await using expected = await h.open(all, await h.files(plain));
      await using found = await h.open(all, await (isRemote ? h.remote(zoned) : h.files(zoned)));
      const unit = (await typeOf(found, "t")) as { readonly unit: string };
      const values = await valuesIn(found, "t");
      expect(values.map((value) => value && (unit.unit === "ns" ? value : value * 1000n))).toEqual(
        await valuesIn(expected, "t"),
      );
    }),
    randomRuns(40),
  );
});

test("of the old timestamps that Spark writes nothing is cut: they have microseconds", async () => {
  const kindsOf = async (name: string): Promise<unknown[]> =>
    nanosecondColumns(await readFooter(join(import.meta.dirname, "fixtures", name))).map(
      ({ kind, isCut }) => [kind, isCut],
    );
  expect(await kindsOf("int96-nanoseconds.parquet")).toEqual([["int96", true]]);
  expect(await kindsOf("int96-spark.parquet")).toEqual([["int96", false]]);
  // What was read of Spark and written by another library may have what Spark has not.
  const after = await readFile(join(import.meta.dirname, "fixtures/int96-after-spark.parquet"));
  await using table = await h.open([read], await h.files({ "a.parquet": after }));
  expect(await valuesOf(table, "t")).toEqual([7n, null]);
});

test("the last nanosecond of all, which is infinity for DuckDB, is an error", async () => {
  const files = await h.files({ "a.parquet": await parquet("SELECT 'infinity'::TIMESTAMP_NS AS t") });
  await using table = await h.open([read], files);
  expect(await failureOf(batchesOf(table))).toMatchObject({ code: "parse_failed" });
});

test("copies are gone when a table is", async () => {
  const engine = h.engine();
  const before = await temporaryFiles();
  const table = await engine.open(
    planOf([read]),
    listed(await h.files({ "a.parquet": await parquet(DIGITS) })),
  );
  await valuesOf(table, "t");
  const during = (await temporaryFiles()).filter(
    (name) => !before.includes(name) && /query-.*\.parquet$/.test(name),
  );
  expect(during.length).toBe(1);
  await table[Symbol.asyncDispose]();
  expect((await temporaryFiles()).filter((name) => during.includes(name))).toEqual([]);
});

test("a damaged footer is none, whatever it says", async () => {
  const path = join(h.folder, `made-${(made += 1)}.parquet`);
  await writeFile(path, await parquet(`SELECT ${nanos("1")} AS t, [${nanos("1")}] AS l, 1 AS i`));
  const whole = await readFooter(path);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }), fc.nat(), (changes, end) => {
      const bytes = Uint8Array.from(whole);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      const cut = bytes.subarray(0, end % (bytes.length + 1));
      const found = nanosecondColumns(cut);
      for (const { at } of found) expect(at).toBeLessThan(cut.length);
      expect(withOtherTypes(cut, found).length).toBeGreaterThanOrEqual(cut.length);
    }),
    randomRuns(2000),
  );
});

test("one reader that gives up does not end another", async () => {
  const files = await h.files({ "a.parquet": await parquet(DIGITS) });
  await using table = await h.open([read], files);
  const stop = new AbortController();
  const first = table.batches({ signal: stop.signal })[Symbol.asyncIterator]().next();
  const others = [valuesOf(table, "t"), valuesOf(table, "t")];
  stop.abort(new Error("enough"));
  await expect(first).rejects.toThrow("enough");
  for (const values of await Promise.all(others)) expect(values).toEqual([789n, 1789n, 2789n, 3789n, 4789n]);
});
