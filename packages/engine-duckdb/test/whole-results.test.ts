import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { ConversionErrors } from "@aml/core";
import { expect, test } from "vitest";
import { allRows, createHarness, failureOf, textOf } from "./harness.ts";

const h = await createHarness();
const read = { op: "read_delimited" };

test("a local file that changes while its table is open: no complete rows, and no byte", async () => {
  for (const late of ["a,b\n9,9\n8,8\n", "a,b\n1,2\n"]) {
    const files = await h.files({ "a.csv": "a,b\n1,2\n3,4\n" });
    const table = await h.open([read], files);
    await writeFile(fileURLToPath(files[0]?.uri ?? ""), late);
    for (const format of ["csv", "jsonl", "parquet"] as const) {
      expect(await failureOf(textOf(table.encode(format)))).toMatchObject({
        code: "precondition_failed",
        context: { uri: files[0]?.uri },
      });
    }
    expect(await failureOf(allRows(table))).toMatchObject({ code: "precondition_failed" });
  }
});

test("conversion errors are counted for rows and for files", async () => {
  const values = Array.from({ length: 300 }, (_, at) => `${at},${at}`);
  const files = await h.files({ "a.csv": ["a,b", ...values, "x,1", "y,z", ",2"].join("\n") });
  const heard: Record<string, number>[] = [];
  const onConversionErrors = (errors: readonly ConversionErrors[]): void =>
    void heard.push(Object.fromEntries(errors.map(({ column, count }) => [column, count])));
  await h.rows([read], files, { onConversionErrors });
  for (const format of ["csv", "jsonl", "parquet"] as const) {
    const table = await h.open([read], files, { onConversionErrors });
    await new Response(table.encode(format)).arrayBuffer();
  }
  const some = await h.open([read, { op: "keep_columns", columns: "b" }], files, { onConversionErrors });
  await textOf(some.encode("csv"));
  expect(heard).toEqual([{ a: 2, b: 1 }, { a: 2, b: 1 }, { a: 2, b: 1 }, { a: 2, b: 1 }, { b: 1 }]);
});

test("the line of an error is the physical one, also behind quoted line breaks", async () => {
  const multi = { ...read, support_multi_line: true };
  const files = await h.files({ "a.csv": 'a,b\n"1\n\n2",x\n\n3,4\n5,6,7\n' });
  expect(await failureOf(h.rows([multi], files))).toMatchObject({
    code: "parse_failed",
    context: { uri: files[0]?.uri, line: 7 },
  });
  const broken = await h.files({ "a.csv": 'a,b\r\n"1\r\n2",x\r\n"3"4,5\r\n' });
  expect(await failureOf(h.rows([multi], broken))).toMatchObject({
    code: "parse_failed",
    context: { uri: broken[0]?.uri, line: 4 },
  });
});

test("a table without columns is no file", async () => {
  const nothing = await h.files({ "a.csv": "" });
  for (const format of ["csv", "jsonl", "parquet"] as const) {
    const empty = await h.open([read], nothing);
    expect(await failureOf(textOf(empty.encode(format)))).toMatchObject({ code: "unsupported" });
  }
});

test("no step leaves a table without columns", async () => {
  const files = await h.files({ "a.csv": "a\n1\n" });
  for (const step of [
    { op: "drop_columns", columns: "a" },
    { op: "keep_columns", columns: ["b", "A"] },
  ])
    await expect(h.rows([read, step], files)).rejects.toMatchObject({
      code: "plan_invalid",
      message: `Step 1 (${step.op}) leaves no column.`,
      context: { columns: ["a"] },
    });
});

test("datetimes with seven and nine digits of a second", async () => {
  const rows = await h.rows(
    [read],
    await h.files({
      "a.csv": "a,b\n2020-01-02 03:04:05.1234567,2020-01-02T03:04:05.123456789Z\n2020-01-02 03:04:05,\n",
    }),
  );
  expect(rows).toEqual([
    { a: new Date("2020-01-02T03:04:05.123Z"), b: new Date("2020-01-02T03:04:05.123Z") },
    { a: new Date("2020-01-02T03:04:05Z"), b: null },
  ]);
});

test("nested values of JSON lines come back from Parquet", async () => {
  const nested = [{ a: { x: [1, null, { y: "z" }] }, b: 1n }];
  const files = await h.files({ "a.jsonl": '{"a":{"x":[1,null,{"y":"z"}]},"b":1}\n' });
  const table = await h.open([{ op: "read_json_lines" }], files);
  const bytes = new Uint8Array(await new Response(table.encode("parquet")).arrayBuffer());
  expect(await h.rows([{ op: "read_parquet" }], await h.files({ "a.parquet": bytes }))).toEqual(nested);
});
