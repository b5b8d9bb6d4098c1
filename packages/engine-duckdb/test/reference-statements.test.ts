import { describe, expect, test } from "vitest";
import { localWorkspace, rowsOf } from "./local-workspace.ts";

// Statements of the reference about paths, the order of files, samples and times, as they come out of a workspace.

const { folder, workspace, write } = await localWorkspace();
const { tabular } = workspace;
const relative = async (...paths: Parameters<typeof workspace.files>): Promise<string[]> => {
  const found: string[] = [];
  for await (const { relativePath } of workspace.files(...paths).files()) found.push(relativePath);
  return found;
};

describe("paths", () => {
  test("what stands in front of a pattern's first sign is cut off at a folder", async () => {
    await write({
      "animals/dog/year-2018/1.jpg": "a",
      "animals/dog/year-2019/1.jpg": "b",
      "animals/dog/years.txt": "c",
    });
    expect(await relative("animals/dog/year-*/*.jpg")).toEqual(["year-2018/1.jpg", "year-2019/1.jpg"]);
    expect(await relative("animals/dog/")).toEqual(["year-2018/1.jpg", "year-2019/1.jpg", "years.txt"]);
    expect(await relative(["animals/dog/year-2018/", "animals/dog/years.txt"])).toEqual([
      "year-2018/1.jpg",
      "years.txt",
    ]);
  });

  test("files come in the order of the list, then of their names; one that is listed twice comes twice", async () => {
    await write({ "o/b.csv": "n\n1\n", "o/a.csv": "n\n2\n", "o/sub/c.csv": "n\n3\n", "p.csv": "n\n4\n" });
    const paths = ["p.csv", "o/", "o/s*/*.csv", "p.csv"];
    expect((await rowsOf(tabular.fromDelimitedFiles(paths))).map(({ n }) => n)).toEqual([
      4n,
      2n,
      1n,
      3n,
      3n,
      4n,
    ]);
  });

  test("a folder leaves out its own recipe, and no other", async () => {
    await write({ "recipe/MLTable": "paths: []", "recipe/sub/MLTable": "paths: []", "recipe/a.txt": "a" });
    expect(await relative("recipe/")).toEqual(["a.txt", "sub/MLTable"]);
    expect(await relative("recipe/**")).toEqual(["a.txt", "sub/MLTable"]);
  });

  test("a slash in front of a path of a datastore says nothing", async () => {
    await write({ "store/x/a.csv": "n\n1\n" });
    const path = `${folder}/store`;
    await workspace.datastores.register({ name: "lead", type: "local", options: { path } });
    for (const slash of ["", "/"]) {
      const table = tabular.fromDelimitedFiles(`azureml://datastores/lead/paths/${slash}x/a.csv`);
      expect(await rowsOf(table)).toEqual([{ n: 1n }]);
    }
  });
});

describe("values", () => {
  test("blanks are a text, and NaN a number", async () => {
    await write({ "v.csv": "s,f\n ,1.5\nx,NaN\n,\n" });
    const table = tabular.fromDelimitedFiles("v.csv");
    expect(await rowsOf(table)).toEqual([
      { s: " ", f: 1.5 },
      { s: "x", f: Number.NaN },
      { s: null, f: null },
    ]);
    const [s, f] = (await table.profile()).columns;
    expect([s?.missing, f?.missing]).toEqual([1, 1]);
  });

  test("an empty value under a boolean override is null, and no error", async () => {
    await write({ "e.csv": 'b,k\ntrue,1\n"",2\n,3\n' });
    const inferColumnTypes = { columnTypeOverrides: [{ columns: "b", columnType: "boolean" as const }] };
    const told: unknown[] = [];
    const table = tabular.fromDelimitedFiles("e.csv", { inferColumnTypes });
    const rows: unknown[] = [];
    for await (const { b } of table.rows({ onConversionErrors: (errors) => told.push(...errors) }))
      rows.push(b);
    expect(rows).toEqual([true, null, null]);
    expect(told).toEqual([]);
  });

  test("a column that overrides name twice, and directives that nobody knows, are refused", async () => {
    const twice = ["string", "float"].map((columnType) => ({ columns: "b", columnType }));
    expect(() =>
      tabular.fromDelimitedFiles("e.csv", { inferColumnTypes: { columnTypeOverrides: twice as never } }),
    ).toThrow(
      expect.objectContaining({
        code: "plan_invalid",
        message: expect.stringContaining('"b" twice') as string,
      }),
    );
    for (const format of ["%Q", "%", "%d-%", "%-Y"]) {
      expect(() =>
        tabular.fromDelimitedFiles("e.csv").convertColumnTypes({ b: { datetime: { formats: [format] } } }),
      ).toThrow(expect.objectContaining({ code: "plan_invalid" }));
    }
    await write({ "short.csv": "d,k\n2020-01-31,1\n" });
    const iso = tabular.fromDelimitedFiles("short.csv", { inferColumnTypes: false });
    expect(
      await rowsOf(iso.convertColumnTypes({ d: { datetime: { formats: ["%F"] } } }).keepColumns(["d"])),
    ).toEqual([{ d: new Date("2020-01-31") }]);
  });

  test("a path becomes a reference to a file; of a datastore without a workspace it stays as it is", async () => {
    await write({ "u.csv": "u,k\nazureml://datastores/d/paths/x,1\nhttps://a.test/b,2\nnothing,3\n" });
    const table = tabular.fromDelimitedFiles("u.csv").convertColumnTypes({ u: "stream_info" });
    expect((await rowsOf(table)).map(({ u }) => u)).toEqual([
      "azureml://datastores/d/paths/x",
      "https://a.test/b",
      "nothing",
    ]);
  });
});

describe("times", () => {
  test("recent rows are those of the span that ends now, its start with them unless it is left out", async () => {
    const now = new Date("2026-11-25T10:00:00Z");
    await write({ "t.csv": "t,n\n2026-11-25T08:59:59Z,1\n2026-11-25T09:00:00Z,2\n2026-11-25T09:00:01Z,3\n" });
    const timed = tabular.fromDelimitedFiles("t.csv").withTimestampColumns({ timestamp: "t" });
    const numbers = async (table: typeof timed): Promise<unknown[]> =>
      (await rowsOf(table)).map(({ n }) => n);
    expect(await numbers(timed.timeRecent({ hours: 1 }, { now }))).toEqual([2n, 3n]);
    expect(await numbers(timed.timeRecent({ hours: 1 }, { now, includeBoundary: false }))).toEqual([3n]);
    const recent = new Date(Date.now() - 60_000).toISOString().replace(/\.\d+/, "");
    await write({ "now.csv": `t,n\n${recent},1\n2020-01-01T00:00:00Z,2\n` });
    const clock = tabular.fromDelimitedFiles("now.csv").withTimestampColumns({ timestamp: "t" });
    expect(await numbers(clock.timeRecent({ hours: 1 }))).toEqual([1n]);
  });

  test("a partition timestamp that is no column is an error where bounds are held against it", async () => {
    const timed = tabular
      .fromDelimitedFiles("t.csv")
      .withTimestampColumns({ timestamp: "t", partitionTimestamp: "none" });
    const literal = timed.timeAfter("2026-11-25T09:00:00Z", { partitions: "literal" });
    await expect(rowsOf(literal)).rejects.toMatchObject({ code: "plan_invalid" });
    expect(await rowsOf(timed.timeAfter("2026-11-25T09:00:01Z"))).toHaveLength(1);
  });

  test("a sample without a seed is another each time it is asked for, and of about the share", async () => {
    await write({ "many.csv": `n\n${Array.from({ length: 4000 }, (_, n) => n).join("\n")}\n` });
    const sampled = tabular.fromDelimitedFiles("many.csv").takeRandomSample({ probability: 0.5 });
    const [first, second] = [await rowsOf(sampled), await rowsOf(sampled)];
    for (const { length } of [first, second]) expect(Math.abs(length - 2000)).toBeLessThan(250);
    expect(first).not.toEqual(second);
  });
});
