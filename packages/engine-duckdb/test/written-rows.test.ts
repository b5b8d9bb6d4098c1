import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Row, TabularDataset } from "@aml/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { localWorkspace, rowsOf } from "./local-workspace.ts";

const { folder, workspace } = await localWorkspace();

const typesOf = async (dataset: TabularDataset): Promise<Record<string, string>> =>
  Object.fromEntries((await dataset.schema()).columns.map(({ name, type }) => [name, type]));

describe("fromRows", () => {
  const rows: readonly Row[] = [
    {
      flag: true,
      count: 1,
      big: 2n ** 63n - 1n,
      ratio: 0.1,
      name: "Grüße, \u{1F600}",
      raw: new Uint8Array([0, 255]),
      at: new Date("2026-11-25T09:30:00.123Z"),
      list: [1, "a", null],
      none: null,
    },
    {
      flag: null,
      count: -(2 ** 31),
      big: -(2n ** 63n),
      ratio: 2,
      name: "",
      at: null,
      list: { a: [] },
      more: "x",
    },
  ];

  test("gives back what was given, types and all", async () => {
    const dataset = await workspace.tabular.fromRows(rows, "given");
    expect(await rowsOf(dataset)).toEqual([
      { ...rows[0], more: null, list: [1, "a", null] },
      { ...rows[1], none: null, raw: null },
    ]);
    expect(await typesOf(dataset)).toEqual({
      flag: "boolean",
      count: "int32",
      big: "int64",
      ratio: "float64",
      name: "string",
      raw: "bytes",
      at: "timestamp",
      list: "json",
      none: "string",
      more: "string",
    });
    const [made] = await readdir(join(folder, "given"));
    expect(await readdir(join(folder, "given", String(made)))).toEqual(["part-00000.parquet"]);
  });

  test("each call writes a folder of its own", async () => {
    await workspace.tabular.fromRows([{ a: 1 }], "twice/");
    await workspace.tabular.fromRows([{ a: 2 }], "twice/");
    const all = await rowsOf(workspace.tabular.fromParquetFiles("twice/"));
    expect(all.map(({ a }) => Number(a)).toSorted((a, b) => a - b)).toEqual([1, 2]);
  });

  test("a schema makes decimals and dates, and streams", async () => {
    async function* stream(): AsyncIterable<Row> {
      for (let n = 0; n < 5000; n++) yield { price: `${n}.10`, day: "2026-02-28", n };
    }
    const columns = [
      { name: "price", type: "decimal", nullable: true },
      { name: "day", type: "date", nullable: true },
      { name: "n", type: "int64", nullable: true },
    ] as const;
    const dataset = await workspace.tabular.fromRows(stream(), "typed", { schema: { columns } });
    const all = await rowsOf(dataset);
    expect(all).toHaveLength(5000);
    expect(all[4999]).toEqual({ price: "4999.10", day: "2026-02-28", n: 4999n });
  });

  test("an empty table needs a schema", async () => {
    await expect(workspace.tabular.fromRows([], "empty")).rejects.toMatchObject({ code: "schema_mismatch" });
    const schema = { columns: [{ name: "a", type: "int32", nullable: true }] } as const;
    const dataset = await workspace.tabular.fromRows([], "empty", { schema });
    expect(await rowsOf(dataset)).toEqual([]);
    expect(await typesOf(dataset)).toEqual({ a: "int32" });
  });

  test.each<[string, readonly Row[], object]>([
    ["number and text", [{ a: 1 }, { a: "1" }], { row: 1, column: "a" }],
    ["a bigint beyond int64", [{ a: 1n }, { a: 2n ** 63n }], { row: 1, column: "a" }],
    ["a fraction among bigints", [{ a: 1n }, { a: 0.5 }], { row: 1, column: "a" }],
    ["half a surrogate pair", [{ a: "\uD800" }], { row: 0, column: "a" }],
    ["an invalid date", [{ a: new Date(Number.NaN) }], { row: 0, column: "a" }],
  ])("%s is refused, and leaves nothing", async (_, given, context) => {
    await expect(workspace.tabular.fromRows(given, "refused")).rejects.toMatchObject({
      code: "schema_mismatch",
      context,
    });
    await expect(readdir(join(folder, "refused"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("a value or column that the schema has not is refused, and leaves nothing", async () => {
    const schema = { columns: [{ name: "a", type: "int32", nullable: true }] } as const;
    for (const row of [{ a: 1.5 }, { a: 2 ** 31 }, { a: 1, b: 2 }]) {
      await expect(workspace.tabular.fromRows([row], "refused", { schema })).rejects.toMatchObject({
        code: "schema_mismatch",
      });
    }
    await expect(readdir(join(folder, "refused"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("an abort rejects with its reason, and leaves nothing", async () => {
    const stop = new AbortController();
    const reason = new Error("enough");
    function* endless(): Iterable<Row> {
      for (let n = 0; ; n++) {
        if (n === 10) stop.abort(reason);
        yield { n };
      }
    }
    const running = workspace.tabular.fromRows(endless(), "aborted", { signal: stop.signal });
    await expect(running).rejects.toBe(reason);
    await expect(readdir(join(folder, "aborted"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("any numbers, texts and times come back as they were", async () => {
    const cells = fc.record({
      n: fc.double(),
      i: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      s: fc.string({ unit: "grapheme" }),
      t: fc.date({ min: new Date("0001-01-01"), max: new Date("9999-12-31"), noInvalidDate: true }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(cells, { minLength: 1, maxLength: 20 }), async (given) => {
        const all = await rowsOf(await workspace.tabular.fromRows(given, "any"));
        expect(all.map((row) => ({ ...row, n: Number(row["n"]) }))).toEqual(given);
      }),
      { numRuns: 25 },
    );
  });
});

describe("toCsvFiles and toParquetFiles", () => {
  test("write one file into a folder, and give its dataset", async () => {
    const dataset = await workspace.tabular.fromRows(
      [
        { a: 1, b: 'x"y' },
        { a: null, b: "p,q" },
      ],
      "source",
    );
    const csv = await dataset.toCsvFiles("out/csv");
    expect(await readFile(join(folder, "out/csv/part-00000.csv"), "utf8")).toBe('a,b\n1,"x""y"\n,"p,q"\n');
    expect(csv.kind).toBe("file");
    const names: string[] = [];
    for await (const { relativePath } of csv.files()) names.push(relativePath);
    expect(names).toEqual(["part-00000.csv"]);
    await dataset.filter("a == 1").toParquetFiles("out/parquet/");
    expect(await rowsOf(workspace.tabular.fromParquetFiles("out/parquet/"))).toEqual([{ a: 1, b: 'x"y' }]);
    await expect(dataset.toCsvFiles("out/csv")).rejects.toMatchObject({ code: "already_exists" });
    await dataset.take(1).toCsvFiles("out/csv", { overwrite: true });
    expect(await readFile(join(folder, "out/csv/part-00000.csv"), "utf8")).toBe('a,b\n1,"x""y"\n');
    await expect(dataset.toCsvFiles("out/*")).rejects.toMatchObject({ code: "path_invalid" });
  });
});
