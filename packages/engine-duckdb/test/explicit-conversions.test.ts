import type { ConversionErrors } from "@aml/core";
import { parseFilter } from "@aml/core/plan";
import { expect, test } from "vitest";
import { createHarness, listed } from "./harness.ts";
import { planOf } from "./workbench.ts";

// Conversions that say how texts are read, against what reading has guessed or files have already.

const h = await createHarness();
const read = { op: "read_delimited" };
const convert = (column_type: unknown): object => {
  return { op: "convert_column_types", columns: [{ columns: ["c"], column_type }] };
};
const formats = (...list: string[]): object => convert({ datetime: { formats: list } });
const words = (yes: string, no: string, mismatch = "error"): object =>
  convert({ boolean: { true_values: [yes], false_values: [no], mismatch_as: mismatch } });

async function values(texts: readonly string[], ...steps: object[]): Promise<unknown[]> {
  const files = await h.files({ "a.csv": `c,k\n${texts.map((text, at) => `${text},${at}\n`).join("")}` });
  return (await h.rows([read, ...steps], files)).map(({ c }) => (c instanceof Date ? c.toISOString() : c));
}

test("formats are about the text, not about a date that was guessed of it", async () => {
  expect(await values(["03/04/2020", "05/06/2020"], formats("%d/%m/%Y"))).toEqual([
    "2020-04-03T00:00:00.000Z",
    "2020-06-05T00:00:00.000Z",
  ]);
  const all = { ...read, infer_column_types: { sample_size: 20_000 } };
  const files = await h.files({ "a.csv": "c,k\n03/04/2020,1\n" });
  expect(await h.rows([all, formats("%d/%m/%Y")], files)).toEqual([{ c: new Date("2020-04-03"), k: 1n }]);
  // A date that can be read in one way alone is that date, and a number none, as in the original.
  expect(await values(["2020-01-31"], formats("%Y%m%d"))).toEqual(["2020-01-31T00:00:00.000Z"]);
  expect(await values(["20200131"], formats("%Y%m%d"))).toEqual([null]);
  // Without them the guess stands, and a filter in front is about it.
  expect(await values(["03/04/2020"])).toEqual(["2020-03-04T00:00:00.000Z"]);
  const march = { op: "filter", where: parseFilter("c == datetime(2020, 3, 4)") };
  expect(await values(["03/04/2020", "01/02/2020"], march, formats("%d/%m/%Y"))).toEqual([
    "2020-03-04T00:00:00.000Z",
  ]);
});

test("words are about the text, not about a truth value or number that was guessed of it", async () => {
  for (const mismatch of ["error", "false", "true"]) {
    expect(await values(["Y", "N", "Y"], words("Y", "N", mismatch))).toEqual([true, false, true]);
    expect(await values(["1.0", "0.0"], words("1.0", "0.0", mismatch))).toEqual([true, false]);
    expect(await values(["true", "false"], words("true", "false", mismatch))).toEqual([true, false]);
  }
  expect(await values(["Y", "maybe"], words("Y", "N", "true"))).toEqual([true, true]);
});

test("what has a type already stays true or false, numbers are unless they are 0", async () => {
  const content = '{"c":true,"n":7,"t":"Y"}\n{"c":false,"n":0,"t":"N"}\n{"c":null,"n":null,"t":"?"}\n';
  const files = await h.files({ "a.jsonl": content });
  const all = { op: "convert_column_types", columns: [{ columns: ["c", "n", "t"], column_type: undefined }] };
  const column_type = { boolean: { true_values: ["Y"], false_values: ["N"], mismatch_as: "false" } };
  all.columns = [{ ...all.columns[0], column_type }] as never;
  expect(await h.rows([{ op: "read_json_lines" }, all], files)).toEqual([
    { c: true, n: true, t: true },
    { c: false, n: false, t: false },
    { c: null, n: null, t: false },
  ]);
});

test("%Y has four digits, so that the next format has its turn", async () => {
  expect(await values(["31/01/20", "31/01/2020", "31/01/0020"], formats("%d/%m/%Y", "%d/%m/%y"))).toEqual([
    "2020-01-31T00:00:00.000Z",
    "2020-01-31T00:00:00.000Z",
    "0020-01-31T00:00:00.000Z",
  ]);
  expect(await values(["20-01-31", "x20-01-31"], formats("%Y-%m-%d", "%y-%m-%d"))).toEqual([
    "2020-01-31T00:00:00.000Z",
    null,
  ]);
  expect(await values(["20-01-31"], formats("%Y-%m-%d"))).toEqual([null]);
});

test("a fraction may be left out", async () => {
  expect(
    await values(["2020-01-01 10:11:12", "2020-01-01 10:11:12.5"], formats("%Y-%m-%d %H:%M:%S.%f")),
  ).toEqual(["2020-01-01T10:11:12.000Z", "2020-01-01T10:11:12.500Z"]);
});

test("an empty text is no value of a plain boolean, and no error", async () => {
  const files = await h.files({ "a.csv": 'c,k\ntrue,1\n"",2\n' });
  const told: ConversionErrors[] = [];
  const table = await h
    .engine()
    .open(
      planOf([{ ...read, infer_column_types: false, empty_as_string: true }, convert("boolean")]),
      listed(files),
      { onConversionErrors: (errors) => told.push(...errors) },
    );
  const rows: unknown[] = [];
  for await (const batch of table.batches()) rows.push(...batch.map(({ c }) => c));
  await table[Symbol.asyncDispose]();
  expect(rows).toEqual([true, null]);
  expect(told).toEqual([]);
});
