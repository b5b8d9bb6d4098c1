import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { randomRuns } from "@aml/kit/runs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createHarness, failureOf, textOf } from "./harness.ts";

const h = await createHarness();
const name = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 6 }),
  fc.constantFrom("a", "A", 'q"', "c,d", "e f", "é", "x'y"),
);
const value = fc.option(
  fc.oneof(
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }),
    fc.constantFrom('"', ",", "\n", "\r\n", 'a"b', " ", "ü,é", "NULL", "null"),
  ),
);

const table = fc
  .uniqueArray(
    name.filter((text) => text.trim() === text && text !== "" && !text.includes("\0")),
    { minLength: 1, maxLength: 5 },
  )
  .chain((names) =>
    fc.record({
      names: fc.constant(names),
      rows: fc.array(fc.array(value, { minLength: names.length, maxLength: names.length }), {
        maxLength: 12,
      }),
    }),
  );

const csvField = (text: string): string =>
  /["\r\n,]|^\s|\s$|^\ufeff/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

test("random tables come back from CSV as they were written, and again from what is encoded", async () => {
  await fc.assert(
    fc.asyncProperty(table, async ({ names, rows }) => {
      // A row of nothing but nulls of one column is a blank line, which is no row.
      const kept = rows.filter((row) => row.length > 1 || row[0] !== null);
      const content = [names, ...kept]
        .map((row) => row.map((cell) => (cell === null ? "" : csvField(cell))).join(","))
        .join("\n");
      const read = { op: "read_delimited", infer_column_types: false, support_multi_line: true };
      const expected = kept.map((row) => names.map((key, at) => [key, row[at]]));
      const opened = await h.open([read], await h.files({ "a.csv": `${content}\n` }));
      const got: unknown[] = [];
      for await (const batch of opened.batches()) got.push(...batch.map((row) => Object.entries(row)));
      expect(got).toEqual(expected);
      if (names.length > 1) {
        const again = await h.rows([read], await h.files({ "b.csv": await textOf(opened.encode("csv")) }));
        expect(again.map((row) => Object.entries(row))).toEqual(expected);
      }
      await opened[Symbol.asyncDispose]();
    }),
    randomRuns(25),
  );
});

const json = fc.dictionary(
  name.filter((text) => text !== "__proto__"),
  fc.oneof(fc.string({ unit: "grapheme" }), fc.constant(null)),
  { noNullPrototype: true, maxKeys: 5 },
);

test("random objects come back from JSON lines", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(json, { minLength: 1, maxLength: 12 }), async (objects) => {
      const keys = [...new Set(objects.flatMap((object) => Object.keys(object)))];
      const content = objects.map((object) => JSON.stringify(object)).join("\n");
      const rows = await h.rows([{ op: "read_json_lines" }], await h.files({ "a.jsonl": content }));
      expect(rows).toEqual(
        objects.map((object) => Object.fromEntries(keys.map((key) => [key, object[key] ?? null]))),
      );
    }),
    randomRuns(60),
  );
});

const content =
  'i,f,t,s,e\n9007199254740993,1.5,2020-01-01 10:00:00,"x ""y"", z",\n-1,2,2020-01-01 10:00:00,,\n';

test("jsonl: integers exact, datetimes with Z, nulls null", async () => {
  const opened = await h.open([{ op: "read_delimited" }], await h.files({ "a.csv": content }));
  expect(await textOf(opened.encode("jsonl"))).toBe(
    '{"i":9007199254740993,"f":1.5,"t":"2020-01-01T10:00:00Z","s":"x \\"y\\", z","e":null}\n' +
      '{"i":-1,"f":2.0,"t":"2020-01-01T10:00:00Z","s":null,"e":null}\n',
  );
  expect(await textOf(opened.encode("csv"))).toBe(
    'i,f,t,s,e\n9007199254740993,1.5,2020-01-01T10:00:00Z,"x ""y"", z",\n-1,2.0,2020-01-01T10:00:00Z,,\n',
  );
});

test("parquet comes back typed", async () => {
  const opened = await h.open([{ op: "read_delimited" }], await h.files({ "a.csv": content }));
  const bytes = new Uint8Array(await new Response(opened.encode("parquet")).arrayBuffer());
  expect(await h.rows([{ op: "read_parquet" }], await h.files({ "a.parquet": bytes }))).toEqual([
    { i: 9007199254740993n, f: 1.5, t: new Date("2020-01-01T10:00:00Z"), s: 'x "y", z', e: null },
    { i: -1n, f: 2, t: new Date("2020-01-01T10:00:00Z"), s: null, e: null },
  ]);
});

test("a query that fails gives an error and no byte, and leaves nothing behind", async () => {
  const lines = `a,b\n${"1,2\n".repeat(200_000)}1,2,3\n`;
  const cacheFolder = join(h.folder, "cache");
  const opened = await h.open([{ op: "read_delimited" }], await h.files({ "a.csv": lines }), { cacheFolder });
  let bytes = 0;
  const failure = await failureOf(
    (async () => {
      for await (const chunk of opened.encode("jsonl")) bytes += chunk.length;
    })(),
  );
  expect(failure).toMatchObject({ code: "parse_failed", context: { line: 200_002 } });
  expect(bytes).toBe(0);
  await opened[Symbol.asyncDispose]();
  expect(await readdir(join(cacheFolder, "objects")).catch(() => [])).toEqual([]);
});

test("a column without a name", async () => {
  const opened = await h.open([{ op: "read_json_lines" }], await h.files({ "a.jsonl": '{"":1,"b":2}\n' }));
  expect(await textOf(opened.encode("csv"))).toBe('"",b\n1,2\n');
  for (const format of ["jsonl", "parquet"] as const)
    await expect(textOf(opened.encode(format))).rejects.toMatchObject({
      code: "unsupported",
      message: `A column with the name "" cannot stand in a ${format} file.`,
    });
});

test("columns that differ by case only", async () => {
  const opened = await h.open([{ op: "read_delimited" }], await h.files({ "a.csv": "a,A\n1,2\n" }));
  expect(await textOf(opened.encode("csv"))).toBe("a,A\n1,2\n");
  await expect(textOf(opened.encode("jsonl"))).rejects.toMatchObject({ code: "unsupported" });
});
