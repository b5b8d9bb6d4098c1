import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ArrowVector } from "@aml/core";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { randomRuns } from "@aml/kit/runs";
import { expect, test } from "vitest";
import { arrowColumn } from "../src/arrow-type.ts";
import { parseSqlType } from "../src/parse-sql-type.ts";
import { createHarness } from "./harness.ts";
import { createBench } from "./push-down.ts";

const h = await createHarness();

test("columns of a delimited file: validity bits, offsets, zeros under nulls; conversion errors are counted", async () => {
  const files = await h.files({ "a.csv": "n,t\n1,ä\n,\nx,more than twelve bytes\n4,\n" });
  const heard: unknown[] = [];
  const table = await h.open([{ op: "read_delimited" }, convert("n", "int")], files, {
    onConversionErrors: (errors) => void heard.push(...errors),
  });
  const batches = [];
  for await (const batch of table.columnBatches?.() ?? []) batches.push(batch);
  expect(batches.length).toBe(1);
  const [batch] = batches;
  const [n, t] = batch?.columns ?? [];
  expect(batch?.rowCount).toBe(4);
  expect(batch?.fields.map(({ name, type }) => [name, type])).toEqual([
    ["n", { kind: "int", bits: 64, signed: true }],
    ["t", { kind: "utf8" }],
  ]);
  expect(n).toMatchObject({ length: 4, nullCount: 2, data: new BigInt64Array([1n, 0n, 0n, 4n]) });
  expect((n?.validity?.[0] ?? 0) & 0b1111).toBe(0b1001);
  expect(t).toMatchObject({ length: 4, nullCount: 2, offsets: new Int32Array([0, 2, 2, 24, 24]) });
  expect(new TextDecoder().decode(t?.data as Uint8Array)).toBe("ämore than twelve bytes");
  const first = [{ uri: files[0]?.uri, row: 3, value: "x" }];
  expect(heard).toEqual([{ column: "n", count: 1, first }]);
});

test("texts of all lengths and scripts, in rows and in columns, wherever DuckDB has put them", async () => {
  const letters = ["a", "Zürich ", "日本", "\u{1F600}"];
  const lengths = [0, 1, 3, 11, 12, 13, 17, 47, 48, 300, 5000];
  const texts = Array.from({ length: 20_000 }, (_, row) => {
    if (row % 7 === 3) return null;
    const length = lengths[(row * row + 5 * row) % lengths.length] ?? 0;
    return [...`${row}${letters[row % letters.length]?.repeat(length)}`].slice(0, length).join("");
  });
  const lines = texts.map((text, row) => JSON.stringify({ text, list: texts.slice(row, row + (row % 3)) }));
  const [source, target] = [join(h.folder, "texts.jsonl"), join(h.folder, "texts.parquet")];
  await writeFile(source, lines.join("\n"));
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  const types = "columns = { text: 'VARCHAR', list: 'VARCHAR[]' }";
  await connection.run(`COPY (FROM read_json('${source}', ${types})) TO '${target}' (FORMAT parquet)`);
  const files = await h.files({ "a.parquet": await readFile(target) });
  const table = await h.open([{ op: "read_parquet" }], files);
  const rows: unknown[] = [];
  for await (const batch of table.batches()) for (const { text } of batch) rows.push(text);
  expect(rows).toEqual(texts);
  const columns: (string | null)[] = [];
  const items: (string | null)[] = [];
  for await (const { columns: vectors } of table.columnBatches?.() ?? []) {
    columns.push(...textsOf(vectors[0]));
    items.push(...textsOf(vectors[1]?.children?.[0]));
  }
  expect(columns).toEqual(texts);
  expect(items).toEqual(texts.flatMap((_, row) => texts.slice(row, row + (row % 3))));
});

function textsOf(vector: ArrowVector | undefined): (string | null)[] {
  const { length = 0, offsets = [], data, validity } = vector ?? {};
  const decoder = new TextDecoder("utf-8", { fatal: true });
  return Array.from({ length }, (_, at) => {
    if (validity !== undefined && ((validity[at >> 3] ?? 0) & (1 << (at & 7))) === 0) return null;
    return decoder.decode((data as Uint8Array).subarray(offsets[at], offsets[at + 1]));
  });
}

test("a table without columns still has its rows", async () => {
  const files = await h.files({ "a.jsonl": "{}\n{}\n" });
  const table = await h.open([{ op: "read_json_lines" }], files);
  const batches = [];
  for await (const batch of table.columnBatches?.() ?? []) batches.push(batch);
  expect(batches).toMatchObject([{ fields: [], columns: [], rowCount: 2 }]);
});

const leaf = fc.constantFrom(
  "INTEGER",
  "UBIGINT",
  "DECIMAL(38,10)",
  "VARCHAR",
  "UUID",
  "HUGEINT",
  "TIMESTAMP WITH TIME ZONE",
  "TIME WITH TIME ZONE",
  "ENUM('a, b', 'it''s', ')')",
  "UNION(num INTEGER, s VARCHAR[])",
  "INTERVAL",
);
const { type } = fc.letrec<{ type: string }>((tie) => ({
  type: fc.oneof(
    { depthSize: "small" },
    leaf,
    tie("type").map((item) => `${item}[]`),
    tie("type").map((item) => `${item}[3]`),
    fc.tuple(leaf, tie("type")).map(([key, value]) => `MAP(${key}, ${value})`),
    fc
      .uniqueArray(fc.tuple(fc.string({ minLength: 1, unit: "grapheme" }), tie("type")), {
        minLength: 1,
        maxLength: 3,
        selector: ([name]) => name.toLowerCase(),
      })
      .filter((fields) => fields.every(([name]) => !name.includes("\0")))
      .map((fields) => fields.map(([name, of]) => `"${name.replaceAll('"', '""')}" ${of}`))
      .map((fields) => `STRUCT(${fields.join(", ")})`),
  ),
}));

test("every type that DuckDB writes is read, and its cast is one that DuckDB knows", async () => {
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  const typeOf = async (text: string): Promise<string> =>
    String((await (await connection.run(`SELECT typeof(NULL::${text})`)).getRows())[0]?.[0]);
  await fc.assert(
    fc.asyncProperty(type, async (text) => {
      const written = await typeOf(text);
      expect(parseSqlType(written)).toBeDefined();
      const { cast } = arrowColumn({ sqlType: written });
      if (cast === undefined) return;
      // What has been cast is as Arrow needs it.
      expect(arrowColumn({ sqlType: await typeOf(cast) }).cast).toBeUndefined();
      await connection.run(`SELECT NULL::${text}::${cast}`);
    }),
    randomRuns(300),
  );
  connection.disconnectSync();
  instance.closeSync();
});

function convert(columns: string, column_type: string): object {
  return { op: "convert_column_types", columns: [{ columns, column_type }] };
}

test("a store whose decimals outgrow what it declares gives no columns of two types, and every digit as text", async () => {
  const amounts = [...Array<string>(300_000).fill("1.5"), "12345.678"];
  const bench = await createBench({
    contract: "aml.sql/1",
    type: "careless",
    uri: "careless://",
    async query() {
      async function* batches() {
        for (let from = 0; from < amounts.length; from += 1000)
          yield amounts.slice(from, from + 1000).map((amount) => ({ amount }));
      }
      const columns = [
        { name: "amount", type: "decimal", nullable: true, nativeType: "decimal(4,1)" },
      ] as const;
      return { schema: { columns }, batches: batches(), [Symbol.asyncDispose]: async () => undefined };
    },
    close: async () => undefined,
  });
  try {
    const read = async (): Promise<void> => {
      for await (const _ of bench.pushed("amounts").columnBatches());
    };
    await expect(read()).rejects.toMatchObject({ code: "schema_mismatch", context: { column: "amount" } });
    const lines = (await new Response(bench.pushed("amounts").encode("csv")).text()).split("\n");
    expect([lines.length, lines[1], lines.at(-2)]).toEqual([300_003, "1.5", "12345.678"]);
  } finally {
    await bench.close();
  }
});
