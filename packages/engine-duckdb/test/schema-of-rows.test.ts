import type { TabularDataset } from "@aml/core";
import { expect, test } from "vitest";
import { localWorkspace, rowsOf } from "./local-workspace.ts";

const { workspace, write } = await localWorkspace();
const { tabular } = workspace;

async function columnsOf(table: TabularDataset, rows?: number): Promise<string[]> {
  return (await table.schema({ rows })).columns.map(({ name, type }) => `${name}: ${type}`);
}

test("the schema of JSON lines is that of all rows, or of the first", async () => {
  const lines = Array.from({ length: 300 }, (_, id) => JSON.stringify({ id, n: id > 200 ? 0.5 : 1 }));
  await write({ "a.jsonl": `${lines.join("\n")}\n{"late":true}\n` });
  const table = tabular.fromJsonLinesFiles("a.jsonl");
  expect(await columnsOf(table)).toEqual(["id: int64", "n: float64", "late: boolean"]);
  expect(await columnsOf(table, 201)).toEqual(["id: int64", "n: int64"]);
  expect(await columnsOf(table, 1000)).toEqual(["id: int64", "n: float64", "late: boolean"]);
  // Of the files, not of what steps let pass.
  const few = table.filter("id == 299").dropColumns(["n"]).skip(5);
  expect(await columnsOf(few, 10)).toEqual(["id: int64"]);
  expect(await rowsOf(table.filter("late"))).toHaveLength(1);
});

test("what lies behind these rows is not looked at", async () => {
  await write({ "b.jsonl": `{"id":1}\n`.repeat(500) + "no JSON\n" });
  const table = tabular.fromJsonLinesFiles("b.jsonl");
  await expect(table.schema()).rejects.toMatchObject({ code: "parse_failed" });
  expect(await columnsOf(table, 500)).toEqual(["id: int64"]);
  await expect(table.schema({ rows: 501 })).rejects.toMatchObject({ code: "parse_failed" });
});

test("of other sources it is the same", async () => {
  await write({ "c.csv": "a,b\n1,x\n2,y\n" });
  const csv = tabular.fromDelimitedFiles("c.csv");
  await csv.write("c.parquet", "parquet");
  expect(await columnsOf(csv, 1)).toEqual(["a: int64", "b: string"]);
  expect(await columnsOf(tabular.fromParquetFiles("c.parquet"), 1)).toEqual(["a: int64", "b: string"]);
});

test.each([0, -1, 1.5, Number.NaN, Infinity])("%d rows are refused", async (rows) => {
  await write({ "d.jsonl": "{}\n" });
  const table = tabular.fromJsonLinesFiles("d.jsonl");
  await expect(table.schema({ rows })).rejects.toMatchObject({ code: "plan_invalid" });
});
