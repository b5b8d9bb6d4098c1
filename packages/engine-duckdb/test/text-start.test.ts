import { createHash } from "node:crypto";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { isAmlError, parseStorePath, type Encoding, type FileRef, type Row, type Schema } from "@aml/core";
import { randomRuns, runs } from "@aml/kit/runs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { allRows, createHarness } from "./harness.ts";
import { metered } from "./metered.ts";

const h = await createHarness();
const take = (count: number): object => ({ op: "take", count });
const skip = (count: number): object => ({ op: "skip", count });
const csv = { op: "read_delimited" };
const json = { op: "read_json_lines" };

async function schemaOf(steps: readonly unknown[], files: readonly FileRef[]): Promise<Schema> {
  await using table = await h.open(steps, files);
  return table.schema;
}

/** What a table gives, or the code of what it ends with. */
async function outcome(steps: readonly unknown[], files: readonly FileRef[]): Promise<Outcome> {
  try {
    const table = await h.open(steps, files);
    return { schema: table.schema, rows: await allRows(table) };
  } catch (error) {
    if (isAmlError(error)) return { code: error.code };
    throw error;
  }
}

type Outcome = { readonly schema: Schema; readonly rows: Row[] } | { readonly code: string };

describe("no more than the beginning is fetched", () => {
  const names = Array.from({ length: 60_000 }, (_, at) => {
    return createHash("sha256").update(String(at)).digest("hex");
  });
  const quoted = (name: string): string => `"${name}, ""é"""`;
  const rows = names.map((name, at) => `${at},${quoted(name)},2026-01-02,${at / 4}\n`).join("");
  const text = `id,name,day,part\n${rows}`;
  const expected = (from: number, to: number): Row[] =>
    names.slice(from, to).map((name, at) => {
      const id = from + at;
      return { id: BigInt(id), name: `${name}, "é"`, day: new Date("2026-01-02T00:00:00Z"), part: id / 4 };
    });

  test.each<[string, string, Uint8Array | string, Encoding | undefined]>([
    ["plain", "a.csv", text, undefined],
    ["gzip", "a.csv.gz", gzipSync(text, { level: 1 }), undefined],
    ["zstd", "a.csv.zst", zstdCompressSync(text), undefined],
    ["utf16", "a.csv", Buffer.from(`\ufeff${text}`, "utf16le"), "utf16"],
    ["windows1252", "a.csv", Buffer.from(text, "latin1"), "windows1252"],
  ])("delimited, %s", async (_, name, content, encoding) => {
    const given = await h.remote({ [name]: content, "z.csv": "another,header\n" });
    const { files, bytes } = metered(given);
    expect(files[0]?.stat.size).toBeGreaterThan(2 ** 20);
    const step = { ...csv, ...(encoding === undefined ? {} : { encoding }) };
    expect(await h.rows([step, skip(10), take(90)], files)).toEqual(expected(10, 100));
    expect(bytes()).toBe(2 ** 18);
    // Names, types and the same rows come from what is here.
    const { columns } = await schemaOf([step, { op: "filter", where: { lit: false } }, take(0)], files);
    expect(columns.map(({ type }) => type)).toEqual(["int64", "string", "timestamp", "float64"]);
    await h.rows([step, take(5)], files);
    expect(bytes()).toBe(2 ** 18);
    expect(await h.rows([step, skip(4990), take(10)], files)).toEqual(expected(4990, 5000));
    expect(bytes()).toBeLessThanOrEqual(2 ** 20);
  });

  test("more rows than are held in memory: the whole file", async () => {
    const { files, bytes } = metered(await h.remote({ "a.csv": text }));
    const all = await h.rows([csv, take(100_001)], files);
    expect(all).toEqual(expected(0, names.length));
    expect(bytes()).toBe(text.length + names.length);
  });

  test("JSON lines: the keys of the rows that are taken", async () => {
    const lines = names.map((name, id) => `{"id":${id},"name":"${name}"}\n`).join("");
    const content = `\n${lines}{"late":true}\n`;
    for (const [name, body] of [
      ["a.jsonl", `\ufeff${content}`],
      ["a.jsonl.gz", gzipSync(content, { level: 1 })],
    ] as const) {
      const { files, bytes } = metered(await h.remote({ [name]: body }));
      expect(await h.rows([json, skip(1), take(2)], files)).toEqual(
        names.slice(1, 3).map((taken, at) => ({ id: BigInt(at + 1), name: taken })),
      );
      expect((await schemaOf([json, take(2), take(0)], files)).columns).toHaveLength(2);
      expect(bytes()).toBe(2 ** 18);
      // The keys of all rows are in no beginning.
      expect((await schemaOf([json, take(0)], files)).columns).toHaveLength(3);
      expect(bytes()).toBe(2 ** 18 + (files[0]?.stat.size ?? 0));
    }
  });

  test("of other files the headers, where each has its own", async () => {
    const contents = Object.fromEntries(
      Array.from({ length: 20 }, (_, at) => [`${at}.csv`, `a,b${at}\n${"1,2\n".repeat(500_000)}`]),
    );
    const { files, bytes } = metered(await h.remote(contents));
    const each = { ...csv, header: "all_files_different_headers" };
    expect((await schemaOf([each, take(0)], files)).columns).toHaveLength(21);
    expect(bytes()).toBe(20 * 2 ** 18);
  });

  test("files without a row, and no inference", async () => {
    const files = await h.remote({ "a.csv": "", "b.csv": "\n", "c.csv": "x,y\n1,2\n" });
    const plain = { ...csv, infer_column_types: false };
    expect((await schemaOf([plain, take(0)], files)).columns.map(({ name }) => name)).toEqual(["x", "y"]);
    const none = { ...plain, header: "no_header" };
    const { columns } = await schemaOf([none, take(0)], files);
    expect(columns.map(({ name }) => name)).toEqual(["Column1", "Column2"]);
  });

  test("a file that changed since it was listed", async () => {
    const files = await h.remote({ "a.csv": text });
    const path = parseStorePath("a.csv");
    await files[0]?.storage.write?.(path, new Blob([text.replace("0", "1")]).stream());
    expect(await outcome([csv, take(3)], files)).toEqual({ code: "precondition_failed" });
  });
});

const PIECES = [
  "a",
  "é",
  "x y",
  "1",
  "2.5",
  "",
  '""',
  '"q,"',
  '"x""y"',
  '"two\nlines"',
  '"two\r\nlines"',
  "D",
];
const encoded: Readonly<Record<string, (text: string) => Uint8Array>> = {
  utf8: (text) => Buffer.from(text),
  utf16: (text) => Buffer.from(`\ufeff${text}`, "utf16le"),
  latin1: (text) => Buffer.from(text, "latin1"),
};
const packed: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  "": (bytes) => bytes,
  ".gz": (bytes) => gzipSync(bytes, { level: 1 }),
  ".zst": (bytes) => zstdCompressSync(bytes),
};

/** Delimited files, some of them larger than what is fetched first. */
const tables = fc
  .record({
    header: fc.constantFrom(
      "all_files_same_headers",
      "all_files_different_headers",
      "from_first_file",
      "no_header",
    ),
    encoding: fc.constantFrom("utf8", "utf16", "latin1"),
    ending: fc.constantFrom("", ".gz", ".zst"),
    multiLine: fc.boolean(),
    infer: fc.boolean(),
    files: fc.array(
      fc.record({
        head: fc.constantFrom("a,b,c", "a,b,c", "c,a", ""),
        records: fc.array(fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 3 }), {
          maxLength: 12,
        }),
        end: fc.constantFrom("\n", "\r\n", "\r"),
        closed: fc.boolean(),
        times: fc.constantFrom(1, 1, 1, 40, 30_000),
      }),
      { minLength: 1, maxLength: 4 },
    ),
    skipped: fc.constantFrom(0, 0, 1, 7, 300),
    taken: fc.constantFrom(0, 1, 2, 5, 50, 5000),
  })
  .map(({ files, multiLine, infer, ...rest }) => {
    const step = {
      ...csv,
      header: rest.header,
      encoding: rest.encoding,
      support_multi_line: multiLine,
      infer_column_types: infer,
    };
    const encode = encoded[rest.encoding] ?? Buffer.from;
    const pack = packed[rest.ending] ?? Buffer.from;
    const contents = files.map(({ head, records, end, closed, times }, at): [string, Uint8Array] => {
      const body = records.map((record) => record.join(",").replaceAll("D", ",") + end).join("");
      const content = (head === "" ? "" : head + end) + body.repeat(times);
      const bytes = encode(closed ? content : content.slice(0, content.length - end.length));
      return [`${at}.csv${rest.ending}`, pack(bytes)];
    });
    return { ...rest, step, contents: Object.fromEntries(contents) };
  });

test("what is taken of a beginning is what is taken of the whole", async () => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(tables, async ({ step, contents, skipped, taken }) => {
      const whole = await outcome([step], await h.remote(contents));
      const start = await outcome([step, skip(skipped), take(taken)], await h.remote(contents));
      if ("code" in start) expect(whole).toHaveProperty("code");
      // What is wrong behind the beginning does not matter to it.
      if ("code" in whole || "code" in start) return;
      expect(start.schema).toEqual(whole.schema);
      expect(start.rows).toEqual(whole.rows.slice(skipped, skipped + taken));
      compared += 1;
    }),
    randomRuns(60),
  );
  expect(compared).toBeGreaterThan(runs(60) / 6);
});
