import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { aml, type Outcome } from "./aml.ts";

const folder = await mkdtemp(join(tmpdir(), "aml-cli-read-"));
afterAll(() => rm(folder, { recursive: true, force: true }));
await writeFile(join(folder, "sales.csv"), Buffer.from("id;city\n1;Zürich\n2;\n", "latin1"));
await writeFile(join(folder, "ragged.csv"), "id;amount\n1;1,50\n2;2,25\n");
await writeFile(join(folder, "tabs.txt.csv"), "1\tx\n2\ty\n");
await writeFile(join(folder, "broken.jsonl"), '{"a":1}\n{"a":\n');
await writeFile(join(folder, "a.headers.csv"), "a,b\n1,2\n");
await writeFile(join(folder, "b.headers.csv"), "b,a\n1,2\n");
await writeFile(join(folder, "array.json"), '[{"a":1},{"a":2}]\n');
await writeFile(join(folder, "pretty.json"), '{\n  "a": 1\n}\n');

const run = (...args: string[]): Promise<Outcome> => aml(args, { cwd: folder });

async function rows(...args: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await run("table", "show", ...args, "--json");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return (JSON.parse(stdout) as { rows: unknown }).rows;
}

test("--read gives options of the step that reads a file", async () => {
  const how = ["--read", "delimiter=;", "--read", "encoding=windows1252"];
  expect(await rows("sales.csv", ...how)).toEqual([
    { id: 1, city: "Zürich" },
    { id: 2, city: null },
  ]);
  expect(await rows("sales.csv", ...how, "--read", "infer_column_types=false")).toEqual([
    { id: "1", city: "Zürich" },
    { id: "2", city: null },
  ]);
  expect(await rows("sales.csv", ...how, "--read", "emptyAsString=true")).toEqual([
    { id: 1, city: "Zürich" },
    { id: 2, city: "" },
  ]);
  expect(await rows("*.txt.csv", "--read", String.raw`delimiter=\t`, "--read", "header=no_header")).toEqual([
    { Column1: 1, Column2: "x" },
    { Column1: 2, Column2: "y" },
  ]);
});

test("--read is for all tables of a statement", async () => {
  const select = "select a.city, b.id from a join b using (id) order by id";
  const tables = ["--table", "a=sales.csv", "--table", "b=sales.csv"];
  const how = ["--read", "delimiter=;", "--read", "encoding=windows1252"];
  const { stdout } = await run("table", "sql", select, ...tables, ...how, "--json");
  expect((JSON.parse(stdout) as { rows: unknown }).rows).toEqual([
    { city: "Zürich", id: 1 },
    { city: null, id: 2 },
  ]);
});

test("--read is kept by a dataset and by an MLTable that is made of a file", async () => {
  const how = ["--read", "delimiter=;", "--read", "encoding=windows1252"];
  expect(await run("dataset", "register", "sales", "sales.csv", ...how)).toMatchObject({ code: 0 });
  const expected = [
    { id: 1, city: "Zürich" },
    { id: 2, city: null },
  ];
  expect(await rows("azureml:sales")).toEqual(expected);
  expect(await run("table", "schema", "sales.csv", ...how, "--save", "made")).toMatchObject({ code: 0 });
  expect(await readFile(join(folder, "made", "MLTable"), "utf8")).toContain("encoding: windows1252\n");
  expect(await rows("made")).toEqual(expected);
});

test.each([
  ["no value", ["table", "show", "sales.csv", "--read", "delimiter"], "config_invalid", "--read key=value"],
  ["an unknown option", ["table", "show", "sales.csv", "--read", "sep=;"], "plan_invalid", "delimiter"],
  ["one of another step", ["table", "show", "array.json", "--read", "header=no_header"], "plan_invalid", ""],
  ["a value that is none", ["table", "show", "sales.csv", "--read", "encoding=utf9"], "plan_invalid", "utf8"],
  ["an MLTable", ["table", "show", "own", "--read", "delimiter=;"], "config_invalid", "Leave the options"],
  ["a dataset", ["table", "show", "azureml:own", "--read", "delimiter=;"], "config_invalid", "Leave the"],
  [
    "files",
    ["dataset", "register", "x", "sales.csv", "--file", "--read", "delimiter=;"],
    "config_invalid",
    "",
  ],
])("--read with %s is refused", async (_, args, code, hint) => {
  await run("table", "schema", "sales.csv", "--read", "encoding=latin1", "--save", "own");
  await run("dataset", "register", "own", "own");
  const { stdout, stderr, code: exit } = await run(...args, "--json");
  const { error } = JSON.parse(stderr) as { error: { code: string; hint: string } };
  expect({ stdout, code: error.code }).toEqual({ stdout: "", code });
  expect(error.hint).toContain(hint);
  expect(exit).toBeGreaterThan(0);
});

test.each([
  ["ragged.csv", "If \";\" separates the fields, add --read 'delimiter=;'; else correct the row"],
  ["broken.jsonl", "Correct the line, or add --read 'invalid_lines=drop'."],
  ["*.headers.csv", "Add --read 'header=all_files_different_headers', which matches"],
  ["array.json", "jq -c"],
  ["pretty.json", "jq -c"],
])("the error about %s says what it looks like", async (file, hint) => {
  const { code, stderr } = await run("table", "show", file);
  expect(code).toBe(5);
  expect(stderr).toContain(hint);
});

test("a pattern that the shell has replaced", async () => {
  const { code, stderr } = await run("table", "show", "ragged.csv", "sales.csv");
  expect(code).toBe(2);
  expect(stderr).toContain("'data/*.csv' needs quotes");
});
