import type { FileDataset, TabularDataset } from "@aml/core";
import { describe, expect, test } from "vitest";
import { localWorkspace, rowsOf } from "./local-workspace.ts";

const { workspace, write } = await localWorkspace();
await write({
  "trips/oslo/2025/01/a.csv": "n\n1\n",
  "trips/oslo/2025/01/b.csv": "n\n2\n",
  "trips/oslo/2025/02/a.csv": "n\n3\n",
  "trips/bergen/2025/01/a.csv": "n\n4\n",
  "trips/empty/2025/01/a.csv": "",
});
const plain = workspace.tabular.fromDelimitedFiles("trips/**/*.csv");
const trips = plain.extractColumnsFromPartitionFormat("/trips/{city}/{month:yyyy/MM}/");
const january = new Date("2025-01-01T00:00:00Z");
const february = new Date("2025-02-01T00:00:00Z");

async function pathsOf(dataset: FileDataset | TabularDataset): Promise<string[]> {
  const paths: string[] = [];
  for await (const { relativePath } of dataset.files()) paths.push(relativePath);
  return paths;
}

describe("partition keys", () => {
  test("are those of the format", () => {
    expect(plain.partitionKeys).toEqual([]);
    expect(trips.partitionKeys).toEqual(["city", "month"]);
    expect(trips.filter("n > 1").toFiles().partitionKeys).toEqual(["city", "month"]);
  });

  test("have each combination of their values once, without those of empty files", async () => {
    expect(await trips.partitionKeyValues()).toEqual([
      { city: "bergen", month: january },
      { city: "oslo", month: january },
      { city: "oslo", month: february },
    ]);
    expect(await trips.partitionKeyValues({ keys: ["month"] })).toEqual([
      { month: january },
      { month: february },
    ]);
    expect(await trips.toFiles().partitionKeyValues({ keys: ["city"] })).toEqual([
      { city: "bergen" },
      { city: "oslo" },
    ]);
  });

  test("that are not there are refused, and paths that do not fit", async () => {
    await expect(plain.partitionKeyValues()).rejects.toMatchObject({ code: "plan_invalid" });
    await expect(trips.partitionKeyValues({ keys: ["town"] })).rejects.toMatchObject({
      code: "plan_invalid",
      hint: "Keys are: city, month.",
    });
    await expect(trips.partitionKeyValues({ keys: [] })).rejects.toMatchObject({ code: "plan_invalid" });
    const other = plain.extractColumnsFromPartitionFormat("/{day:yyyy-MM-dd}/");
    await expect(other.partitionKeyValues()).rejects.toMatchObject({ code: "parse_failed" });
  });
});

test.each([true, false])(
  "partition columns are converted, dropped and filtered, inferred %s",
  async (infer) => {
    await write({ "typed/7/true/a.csv": "n\n1\n2\n", "typed/-8/false/a.csv": "n\n3\n" });
    const typed = workspace.tabular
      .fromDelimitedFiles("typed/**/*.csv", { inferColumnTypes: infer })
      .extractColumnsFromPartitionFormat("/typed/{id}/{yes}/")
      .convertColumnTypes({ id: "int", yes: "boolean" });
    const n = (value: number): bigint | string => (infer ? BigInt(value) : String(value));
    expect(await rowsOf(typed)).toEqual([
      { id: -8n, yes: false, n: n(3) },
      { id: 7n, yes: true, n: n(1) },
      { id: 7n, yes: true, n: n(2) },
    ]);
    expect(await rowsOf(typed.filter("id > 0").dropColumns("id").skip(1))).toEqual([{ yes: true, n: n(2) }]);
    expect(await new Response(typed.encode("csv")).text()).toBe("id,yes,n\n-8,false,3\n7,true,1\n7,true,2\n");
  },
);

describe("files and tables", () => {
  test("a table's files, and back again", async () => {
    const files = trips.filter("n > 1").take(1).toFiles();
    expect(files.kind).toBe("file");
    expect(files.plan.steps).toEqual([trips.plan.steps[0]]);
    expect(await pathsOf(files)).toHaveLength(5);
    const rows = await rowsOf(files.toTabular("delimited", { inferColumnTypes: false }));
    expect(rows).toEqual([
      { city: "bergen", month: january, n: "4" },
      { city: "oslo", month: january, n: "1" },
      { city: "oslo", month: january, n: "2" },
      { city: "oslo", month: february, n: "3" },
    ]);
  });

  test("steps over files stay: the table is that of the files chosen", async () => {
    const two = workspace.files("trips/oslo/**/*.csv").skip(1).take(2).toTabular("delimited");
    expect((await rowsOf(two)).map(({ n }) => n)).toEqual([2n, 3n]);
    expect(await pathsOf(two.toFiles())).toEqual(await pathsOf(two));
  });

  test("a pinned version stays pinned both ways", async () => {
    await write({ "pinned/a.csv": "n\n1\n" });
    await workspace.tabular.fromDelimitedFiles("pinned/*.csv").register("pinned");
    await write({ "pinned/b.csv": "n\n2\n" });
    const pinned = (await workspace.datasets.get("pinned")) as TabularDataset;
    expect(await pathsOf(pinned.toFiles())).toEqual(["a.csv"]);
    expect(await rowsOf(pinned.toFiles().toTabular("delimited"))).toEqual([{ n: 1n }]);
  });

  test("a query has no files, and an unknown option is refused", () => {
    const query = workspace.tabular.fromSqlQuery({ datastore: "shop", query: "select 1" });
    expect(() => query.toFiles()).toThrow(expect.objectContaining({ code: "unsupported" }) as Error);
    const typo = { delimitr: ";" } as never;
    expect(() => workspace.files("trips/").toTabular("delimited", typo)).toThrow(
      expect.objectContaining({ code: "plan_invalid" }) as Error,
    );
  });
});
