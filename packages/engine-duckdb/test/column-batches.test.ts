import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
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
      const { cast } = arrowColumn(written);
      if (cast === undefined) return;
      // What has been cast is as Arrow needs it.
      expect(arrowColumn(await typeOf(cast)).cast).toBeUndefined();
      await connection.run(`SELECT NULL::${text}::${cast}`);
    }),
    { numRuns: 300 },
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
