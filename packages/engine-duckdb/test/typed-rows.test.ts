import { expect, expectTypeOf, test } from "vitest";
import { failureOf } from "./harness.ts";
import { localWorkspace } from "./local-workspace.ts";

const { workspace, write } = await localWorkspace();
await write({
  "trips/a.csv": "id,fare,at,city\n1,12.5,2025-01-01 10:00:00,Oslo\n2,3,2025-01-02 11:00:00,\n",
  "trips/b.csv": "id,fare,at,city\n3,,2025-01-03 12:00:00,Narvik\n",
  "bad.csv": "id,fare\n1,2\n2,\n",
});
const trips = workspace.tabular.fromDelimitedFiles("trips/*.csv");

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const row of rows) out.push(row);
  return out;
}

test("rows are of the columns and types of a schema", async () => {
  const rows = await all(trips.rows({ schema: { fare: "float64?", id: "int64", at: "timestamp" } }));
  expectTypeOf(rows).toEqualTypeOf<
    { readonly fare: number | null; readonly id: bigint; readonly at: Date }[]
  >();
  expect(rows).toEqual([
    { id: 1n, fare: 12.5, at: new Date("2025-01-01T10:00:00Z") },
    { id: 2n, fare: 3, at: new Date("2025-01-02T11:00:00Z") },
    { id: 3n, fare: null, at: new Date("2025-01-03T12:00:00Z") },
  ]);
  expectTypeOf(trips.rows()).toEqualTypeOf<
    AsyncIterable<Readonly<Record<string, import("@aml/core").Cell>>>
  >();
});

test("a statement's rows, too; its other columns stay", async () => {
  const table = workspace.sql(
    "select city, count(*) as n from trips where city is not null group by city order by city",
    {
      trips,
    },
  );
  const rows = await all(table.rows({ schema: { n: "int64" } }));
  expectTypeOf(rows).toEqualTypeOf<{ readonly n: bigint }[]>();
  expect(rows).toEqual([
    { city: "Narvik", n: 1n },
    { city: "Oslo", n: 1n },
  ]);
  expect(await failureOf(all(table.rows({ schema: { total: "int64" } })))).toMatchObject({
    code: "schema_mismatch",
    message: "There is no column total.",
    hint: "There are city, n.",
  });
});

test("another type is refused before any row", async () => {
  const rows = trips.rows({ schema: { id: "int64", fare: "int32" } });
  expect(await failureOf(all(rows))).toMatchObject({
    code: "schema_mismatch",
    message: "Column fare is of type float64, not int32.",
    context: { column: "fare", type: "float64", wanted: "int32" },
  });
});

test("a column that is not there is refused by name", async () => {
  for (const schema of [{ price: "float64" }, { id: "int64", price: "float64" }] as const) {
    expect(await failureOf(all(trips.rows({ schema })))).toMatchObject({
      code: "schema_mismatch",
      message: "There is no column price.",
      hint: "There are id, fare, at, city.",
    });
  }
});

test("a missing value is refused with row and column, unless the schema expects it", async () => {
  const bad = workspace.tabular.fromDelimitedFiles("bad.csv");
  const given: number[] = [];
  const read = async (): Promise<void> => {
    for await (const { fare } of bad.rows({ schema: { fare: "int64" } })) given.push(Number(fare));
  };
  expect(await failureOf(read())).toMatchObject({
    code: "schema_mismatch",
    message: "Row 1 has no value in column fare, which the schema calls int64.",
    hint: expect.stringContaining('"int64?"') as string,
    context: { row: 1, column: "fare" },
  });
  expect(given).toEqual([2]);
  expect(await all(bad.rows({ schema: { fare: "int64?" } }))).toEqual([{ fare: 2n }, { fare: null }]);
});
