import { type Row } from "@aml/core";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { parseMLTable } from "@aml/mltable";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type FolderWorkspace, openWorkspace } from "../src/index.ts";

let home: string;
let workspace: FolderWorkspace;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "aml-mltable-"));
  await mkdir(join(home, "data", "2025"), { recursive: true });
  await writeFile(join(home, "data", "2025", "a.csv"), "id,city\n1,Oslo\n2,Bergen\n");
  await writeFile(join(home, "data", "2025", "b.csv"), "id,city\n3,Oslo\n");
  await writeFile(join(home, "data", "lines.jsonl"), '{"id":4}\n');
  await writeFile(join(home, "data", "x.tsv.gz"), gzipSync("id\tcity\n5\tTromsø\n"));
  workspace = await openWorkspace({ folder: home });
});
afterAll(async () => {
  await workspace[Symbol.asyncDispose]();
  await rm(home, { recursive: true, force: true });
});

async function rows(source: string): Promise<Row[]> {
  const dataset = await workspace.openSource(source);
  if (dataset.kind !== "tabular") throw new Error(`${source} is no table`);
  const found: Row[] = [];
  for await (const row of dataset.rows()) found.push(row);
  return found;
}

const recipe = (folder: string): Promise<string> => readFile(join(home, folder, "MLTable"), "utf8");

test("a saved table is read again from where it stands, with its data elsewhere", async () => {
  const table = workspace.tabular
    .fromDelimitedFiles("data/2025/*.csv")
    .filter("city == 'Oslo'")
    .keepColumns(["id"]);
  await workspace.saveMLTable(table, "saved");
  expect(await recipe("saved")).toContain("pattern: ../data/2025/*.csv");
  expect(await rows("saved")).toEqual([{ id: 1n }, { id: 3n }]);
  expect(await rows("saved/MLTable")).toEqual([{ id: 1n }, { id: 3n }]);
});

test("nothing is replaced unless it is asked for", async () => {
  const table = workspace.tabular.fromDelimitedFiles("data/2025/a.csv");
  await workspace.saveMLTable(table, "twice");
  const before = await recipe("twice");
  await expect(workspace.saveMLTable(table.take(1), "twice")).rejects.toMatchObject({
    code: "already_exists",
  });
  expect(await recipe("twice")).toBe(before);
  await workspace.saveMLTable(table.take(1), "twice", { overwrite: true });
  expect(await rows("twice")).toEqual([{ id: 1n, city: "Oslo" }]);
});

test("a colocated table takes its data along", async () => {
  const table = workspace.tabular.fromDelimitedFiles("data/2025/*.csv").skip(1);
  await workspace.saveMLTable(table, "whole", { colocated: true });
  await rename(join(home, "whole"), join(home, "moved"));
  expect((await readdir(join(home, "moved"))).toSorted()).toEqual(["MLTable", "a.csv", "b.csv"]);
  expect(await recipe("moved")).toContain("file: ./a.csv");
  expect((await rows("moved")).map(({ id }) => id)).toEqual([2n, 3n]);
});

test("metadata and traits of all sorts come through loading, registering and saving", async () => {
  const text =
    "paths:\n- file: ../data/2025/a.csv\ntransformations:\n- read_delimited\ntraits:\n" +
    "  index_columns: [id]\n  timestamp_column: at\n  other: {a: [1, null]}\nmetadata:\n  owner: me\n  none: null\n  deep: {a: [x, 2.5]}\n";
  await mkdir(join(home, "noted"));
  await writeFile(join(home, "noted", "MLTable"), text);
  const loaded = await workspace.loadMLTable("noted");
  if (loaded.kind !== "tabular") throw new Error("no table");
  await loaded.skip(1).register("noted");
  await workspace.saveMLTable(await workspace.datasets.get("noted"), "noted-again");
  const { traits, metadata } = parseMLTable(await recipe("noted-again"));
  expect(traits).toEqual({ index_columns: ["id"], timestamp_column: "at", other: { a: [1, null] } });
  expect(metadata).toEqual({ owner: "me", none: null, deep: { a: ["x", 2.5] } });
  await workspace.saveMLTable(loaded.withTimestampColumns(), "noted", { overwrite: true });
  const after = parseMLTable(await recipe("noted"));
  expect(after.traits).toEqual({ index_columns: ["id"], other: { a: [1, null] } });
  expect(after.metadata).toEqual(metadata);
});

test("a colocated copy that would be another table is refused, and nothing is copied", async () => {
  const files = "data/{year}/{name}.csv";
  const csv = workspace.tabular.fromDelimitedFiles("data/2025/*.csv");
  const known = csv.extractColumnsFromPartitionFormat("/{name}.csv");
  await workspace.saveMLTable(known, "known", { colocated: true });
  expect((await rows("known")).map(({ name }) => name)).toEqual(["a", "a", "b"]);
  for (const format of [`/${files}`, "/{year}/{name}.csv"]) {
    const table = csv.extractColumnsFromPartitionFormat(format);
    await expect(workspace.saveMLTable(table, "unlike", { colocated: true })).rejects.toMatchObject({
      code: "unsupported",
      message: expect.stringContaining('"year":"2025"') as string,
    });
  }
  await writeFile(
    join(home, "data", "MLTable"),
    `paths:\n- pattern: ./2025/*.csv\ntransformations:\n- filter: Path.endswith('b.csv')\n- take: 1\n- read_delimited\n`,
  );
  const filtered = await workspace.loadMLTable("data");
  await expect(workspace.saveMLTable(filtered, "unlike", { colocated: true })).rejects.toMatchObject({
    code: "unsupported",
  });
  await expect(readdir(join(home, "unlike"))).rejects.toMatchObject({ code: "ENOENT" });
  await rm(join(home, "data", "MLTable"));
});

test("a recipe in another store cannot point at this machine, unless the data goes along", async () => {
  const target = join(home, "other-store");
  await mkdir(target);
  await workspace.datastores.register({ name: "other", type: "local", options: { path: target } });
  const uri = "azureml://datastores/other/paths/t";
  const table = workspace.tabular.fromDelimitedFiles("data/2025/a.csv");
  await expect(workspace.saveMLTable(table, uri)).rejects.toMatchObject({ code: "config_invalid" });
  expect(await readdir(target)).toEqual([]);
  await workspace.saveMLTable(table, uri, { colocated: true });
  expect(await rows(uri)).toEqual([
    { id: 1n, city: "Oslo" },
    { id: 2n, city: "Bergen" },
  ]);
});

test("a pinned version is saved as its files, so a file that comes later is not in it", async () => {
  const table = workspace.tabular.fromDelimitedFiles("data/2025/*.csv");
  await table.register("pinned");
  await writeFile(join(home, "data", "2025", "later.csv"), "id,city\n9,Oslo\n");
  await workspace.saveMLTable(await workspace.datasets.get("pinned:1"), "pinned");
  expect((await rows("pinned")).map(({ id }) => id)).toEqual([1n, 2n, 3n]);
  expect((await rows("azureml:pinned")).map(({ id }) => id)).toEqual([1n, 2n, 3n]);
  await rm(join(home, "data", "2025", "later.csv"));
});

test("an MLTable without a read step is a dataset of files", async () => {
  await mkdir(join(home, "files"));
  await writeFile(
    join(home, "files", "MLTable"),
    "paths:\n  - folder: ../data/2025\ntransformations:\n  - take: 1\n",
  );
  const dataset = await workspace.loadMLTable("files");
  expect(dataset.kind).toBe("file");
  const found: string[] = [];
  for await (const { relativePath } of dataset.files()) found.push(relativePath);
  expect(found).toEqual(["a.csv"]);
});

test.each([
  [
    "data/2025/*.csv",
    [
      { id: 1n, city: "Oslo" },
      { id: 2n, city: "Bergen" },
      { id: 3n, city: "Oslo" },
    ],
  ],
  ["data/lines.jsonl", [{ id: 4n }]],
  ["data/x.tsv.gz", [{ id: 5n, city: "Tromsø" }]],
])("the format of %s is in its name", async (source, expected) => {
  expect(await rows(source)).toEqual(expected);
});

test("what is there tells the format of a folder, and how it was found out", async () => {
  const detected = await workspace.detectSource("data/2025");
  expect(detected).toMatchObject({ kind: "delimited", by: "folder", dataset: { kind: "tabular" } });
  expect(await rows("data/2025/")).toEqual([
    { id: 1n, city: "Oslo" },
    { id: 2n, city: "Bergen" },
    { id: 3n, city: "Oslo" },
  ]);
  expect(await workspace.detectSource("data/lines.jsonl")).toMatchObject({ kind: "json_lines", by: "name" });
});

test("options of the reading step, where the source does not say itself how it is read", async () => {
  const read = { header: "no_header", inferColumnTypes: false } as const;
  const { dataset } = await workspace.detectSource("data/2025", { read });
  expect(dataset.plan.steps).toMatchObject([
    { op: "read_delimited", header: "no_header", infer_column_types: false },
  ]);
  await expect(workspace.openSource("data/2025", { read: { sep: ";" } })).rejects.toMatchObject({
    code: "plan_invalid",
    hint: expect.stringContaining("delimiter") as string,
  });
  await workspace.saveMLTable(dataset, "told", { overwrite: true });
  await expect(workspace.openSource("told", { read })).rejects.toMatchObject({ code: "config_invalid" });
});

test("editMLTable changes the file of a folder", async () => {
  await mkdir(join(home, "edited"), { recursive: true });
  await writeFile(
    join(home, "edited", "MLTable"),
    'paths: # here\n  - file: ../data/2025/a.csv\ntransformations:\n  - read_delimited:\n      # so\n      delimiter: ","\n',
  );
  await workspace.editMLTable("edited", ({ transformations }) => ({
    transformations: [...transformations, { op: "take", count: 1 }],
  }));
  expect(await recipe("edited")).toBe(
    'paths: # here\n  - file: ../data/2025/a.csv\ntransformations:\n  - read_delimited:\n      # so\n      delimiter: ","\n  - take: 1\n',
  );
  expect(await rows("edited")).toEqual([{ id: 1n, city: "Oslo" }]);
  await expect(workspace.editMLTable("nowhere", () => ({}))).rejects.toMatchObject({ code: "not_found" });
});

test.each([
  ["data/2025/*", "config_invalid", "*"],
  ["data", "config_invalid", "several formats: .csv, .jsonl, .tsv.gz"],
  ["saved/..", "config_invalid", "several formats"],
  ["nowhere", "not_found", "nothing at"],
  ["data/nowhere.csv", "not_found", "nowhere.csv"],
  ["azureml:unregistered", "not_found", "unregistered"],
  ["azureml:/subscriptions/x", "path_invalid", "azureml"],
])("the source %s is %s", async (source, code, text) => {
  await expect(rows(source)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(text),
    hint: expect.stringMatching(/\w/),
  });
});
