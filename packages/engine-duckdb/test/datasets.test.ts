import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { localWorkspace } from "./local-workspace.ts";

const { folder, workspace, write } = await localWorkspace();
const { tabular } = workspace;
const uriOf = (path: string): string => pathToFileURL(join(folder, path)).href;

async function images(name: string, rows: readonly (string | null)[]): Promise<string> {
  await write({ [name]: rows.map((image, id) => `${JSON.stringify({ id, image })}\n`).join("") });
  return name;
}

test("the files that a column names are copied, each once, below the folder that they share", async () => {
  await write({ "photos/a/1.jpg": "one", "photos/b/2.jpg": "two" });
  const rows = ["photos/b/2.jpg", null, "photos/a/1.jpg", "photos/b/2.jpg"].map(
    (path) => path && uriOf(path),
  );
  const table = tabular.fromJsonLinesFiles(await images("rows.jsonl", rows));
  const { files, bytes } = await table.download("image", "copies/");
  expect(files).toEqual([uriOf("copies/b/2.jpg"), uriOf("copies/a/1.jpg")]);
  expect(bytes).toBe(6);
  expect(await readFile(join(folder, "copies/b/2.jpg"), "utf8")).toBe("two");
  await expect(table.download("image", "copies/")).rejects.toMatchObject({ code: "already_exists" });
  const { files: few } = await table.filter("id == 2").download("image", "few/");
  expect(few).toEqual([uriOf("few/1.jpg")]);
});

test("a missing file is left out, or an error", async () => {
  await write({ "here/1.txt": "here" });
  const name = await images("missing.jsonl", [uriOf("here/1.txt"), uriOf("here/none.txt")]);
  const table = tabular.fromJsonLinesFiles(name);
  expect((await table.download("image", "found/")).files).toEqual([uriOf("found/1.txt")]);
  const all = { ignoreNotFound: false };
  await expect(table.download("image", "all/", all)).rejects.toMatchObject({ code: "not_found" });
  const gone = table.filter("id == 1");
  expect(await gone.download("image", "none/")).toEqual({ files: [], bytes: 0 });
  await expect(gone.download("image", "none/", all)).rejects.toMatchObject({ code: "not_found" });
});

test("a column that names no files is refused", async () => {
  const table = tabular.fromJsonLinesFiles(await images("wrong.jsonl", ["a.jpg"]));
  await expect(table.download("image", "x/")).rejects.toMatchObject({
    code: "plan_invalid",
    context: { column: "image", row: 0 },
  });
  await expect(table.download("id", "x/")).rejects.toMatchObject({ code: "plan_invalid" });
  await expect(table.download("none", "x/")).rejects.toMatchObject({ code: "plan_invalid" });
});

test("a folder without a slash is one, and its paths start in it", async () => {
  await write({ "dd/a.txt": "a", "dd/b/c.txt": "c", "dd/MLTable": "paths: []" });
  const paths = async (path: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const { relativePath } of workspace.files(path).files()) found.push(relativePath);
    return found;
  };
  expect(await paths("dd")).toEqual(["a.txt", "b/c.txt"]);
  expect(await paths("dd/")).toEqual(["a.txt", "b/c.txt"]);
  expect(await paths("dd/a.txt")).toEqual(["a.txt"]);
  await expect(paths("none")).rejects.toMatchObject({ code: "not_found" });
});

test("what is no path is refused as such", async () => {
  for (const path of [null, undefined, 5, {}, { file: 5 }, { glob: "a" }, [null]] as never[])
    expect(() => workspace.files(path)).toThrow(expect.objectContaining({ code: "path_invalid" }));
  const files = workspace.files("dd/");
  await expect(files.download(undefined as never)).rejects.toMatchObject({ code: "path_invalid" });
});

test("the workspace's own folder is in no listing", async () => {
  await mkdir(join(folder, "own/.aml"), { recursive: true });
  await writeFile(join(folder, "own/.aml/vault.key"), "key");
  await mkdir(join(folder, "own/sub"));
  await symlink("../.aml", join(folder, "own/sub/.aml"));
  await write({ "own/a.csv": "x\n1\n" });
  const { files } = await workspace.files("own/").download("copied/");
  expect(files).toEqual([uriOf("copied/a.csv")]);
  const every = await workspace.files("own/**").download("every/");
  expect(every.files).toEqual([uriOf("every/a.csv")]);
});

test("halves of a split without a seed are of one draw", async () => {
  await write({ "n.csv": `n\n${Array.from({ length: 500 }, (_, n) => n).join("\n")}\n` });
  const halves = tabular.fromDelimitedFiles("n.csv").randomSplit(0.5);
  const seen: unknown[] = [];
  for (const half of halves) for await (const { n } of half.rows()) seen.push(n);
  expect(seen.toSorted((a, b) => Number(a) - Number(b))).toEqual(
    Array.from({ length: 500 }, (_, n) => BigInt(n)),
  );
  expect(new Set(seen).size).toBe(500);
});

test("a null in the one column of a CSV is a row", async () => {
  const rows = [{ a: 1 }, { a: null }, { a: 3 }];
  const table = await tabular.fromRows(rows, "one");
  const written = await table.toCsvFiles("one-csv");
  const back: unknown[] = [];
  for await (const row of written.toTabular("delimited").convertColumnTypes({ a: "int" }).rows())
    back.push(row);
  expect(back).toEqual([{ a: 1n }, { a: null }, { a: 3n }]);
  const texts = await tabular.fromRows([{ a: "x" }, { a: null }, { a: "" }], "texts");
  const lines = await new Response(texts.encode("csv")).text();
  expect(lines).toBe('a\nx\n""\n""\n');
});

test("values that no column has say why", async () => {
  await expect(tabular.fromRows([{ a: 2n ** 64n }], "big")).rejects.toMatchObject({
    code: "schema_mismatch",
    message: "Row 0, column a: 18446744073709551616n is no value of a table.",
    hint: expect.stringContaining("64 bits") as string,
  });
  await expect(tabular.fromRows([{ a: 1 }, { a: new Date(Number.NaN) }], "nan")).rejects.toMatchObject({
    message: expect.stringContaining("an invalid Date is no int32") as string,
  });
});

test("steps that leave no file leave a table without rows", async () => {
  await write({ "left/a.csv": "x,y\n1,a\n", "left/b.csv": "x,y\n2,b\n" });
  const files = workspace.files("left/");
  for (const none of [files.take(0), files.skip(2), files.randomSplit(0, 1)[0]]) {
    const table = none.toTabular("delimited");
    expect((await table.schema()).columns.map(({ name, type }) => `${name}: ${type}`)).toEqual([
      "x: int64",
      "y: string",
    ]);
    const rows: unknown[] = [];
    for await (const row of table.rows()) rows.push(row);
    expect(rows).toEqual([]);
  }
  const last: unknown[] = [];
  for await (const row of files.skip(1).toTabular("delimited").rows()) last.push(row);
  expect(last).toEqual([{ x: 2n, y: "b" }]);
});
