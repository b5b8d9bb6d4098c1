import { expect, test } from "vitest";
import { parseFilter } from "@aml/core";
import { createHarness, textOf } from "./harness.ts";

const h = await createHarness();

test("reads a csv with types", async () => {
  const files = await h.files({ "a.csv": "id,name,v,when,ok\n1,x,1.5,7/5/2015 23:50,TRUE\n2,,2,1/2/2016 1:00,false\n" });
  const table = await h.open([{ op: "read_delimited" }, { op: "filter", where: parseFilter("id >= 1") }], files);
  console.log(table.sql);
  const rows = [];
  for await (const b of table.batches()) rows.push(...b);
  expect(rows).toEqual([
    { id: 1n, name: "x", v: 1.5, when: new Date("2015-07-05T23:50:00Z"), ok: true },
    { id: 2n, name: null, v: 2, when: new Date("2016-01-02T01:00:00Z"), ok: false },
  ]);
  expect(await textOf(table.encode("jsonl"))).toBe("");
});
