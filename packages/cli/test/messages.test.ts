import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commandWords } from "../src/command-words.ts";
import { countText } from "../src/count-text.ts";
import { shownPath } from "../src/shown-path.ts";
import { withoutValues } from "../src/without-values.ts";
import { type Lake, openLake } from "./lake.ts";

const SUB = "my data ü";

let lake: Lake;
let cwd: string;
beforeAll(async () => {
  lake = await openLake();
  cwd = join(lake.folder, SUB);
  await mkdir(cwd);
  await writeFile(join(cwd, "d.csv"), "id,v\n1,a\n2,b\n");
  await writeFile(join(cwd, "empty.csv"), "");
  const env = { KEY: lake.azurite.accountKey };
  await lake.aml(["datastore", "create", "lake", ...lake.flags, "--account-key-env", "KEY"], { env });
  await lake.aml(["dataset", "register", "trips", join(cwd, "d.csv")]);
});
afterAll(async () => {
  await lake[Symbol.asyncDispose]();
});

/** What a command says in the folder `SUB`, and how it ends. */
async function said(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await lake.aml(args, { cwd });
  return `${stdout}${stderr}[${code}]`;
}

test("paths are shown as they were typed", async () => {
  expect(await said("ls", ".")).toMatch(/ d\.csv\n.* empty\.csv\n\[0\]$/);
  expect(await said("ls", "..")).toContain(` ../aml.config.json\n`);
  expect(await said("ls", cwd)).toContain(` ${join(cwd, "d.csv")}\n`);
  expect(await said("table", "export", "d.csv", "--format", "csv", "-o", "o/x.csv")).toBe(
    "o/x.csv is written: 13 B.\n[0]",
  );
  expect(await said("dataset", "download", "trips:1", "-o", "copy")).toBe("1 file, 13 B, is in copy.\n[0]");
  expect(await said("table", "show", "nope.csv")).toContain(
    `${JSON.stringify(join(cwd, "nope.csv"))} does not`,
  );
  expect(shownPath("file:///a/b%20c/", "../b c", "/a/d")).toBe("../b c/");
  expect(shownPath("azureml://datastores/lake/paths/a", "azureml://datastores/lake", "/")).toBe(
    "azureml://datastores/lake/paths/a",
  );
});

test("a slip in a name is answered with the nearest one", async () => {
  expect(await said("datastore", "show", "lkae")).toContain("hint: Did you mean 'lake'?");
  expect(await said("ls", "azureml://datastores/lakes/paths/")).toContain("hint: Did you mean 'lake'?");
  expect(await said("table", "show", "azureml:trip")).toContain("hint: Did you mean 'trips'?");
  expect(await said("datastore", "show", "warehouse")).toContain(
    "hint: See their names with 'aml datastore list'.",
  );
  expect(await said("datastore", "create", "x", "--type", "azure_blub")).toContain(
    "Did you mean 'azure_blob'?",
  );
  expect(await said("datastore", "create", "x", "--type", "s3")).toContain(
    "Types here: local, azure_blob, azure_file,",
  );
  expect(await said("dataset", "show", "trips:7")).toContain("hint: Its only version is 1.");
});

test("hints speak of flags and commands", async () => {
  expect(await said("table", "export", "d.csv", "--format", "csv", "-o", "d.csv")).toContain(
    "add --overwrite",
  );
  const blob = "azureml://datastores/lake/paths/2025/a.csv";
  expect(await said("table", "export", "d.csv", "--format", "csv", "-o", blob)).toContain("add --overwrite");
  expect(await said("table", "show", "d.csv", "--limit", "-1")).toContain("See 'aml table show --help'.");
  expect(await said("ls", "azureml:trips:1")).toContain("aml dataset show trips:1");
  expect(commandWords("Choose another name, or pass overwrite to replace it.")).toBe(
    "Choose another name, or add --overwrite to replace it.",
  );
});

test("the target of an export is one file", async () => {
  for (const output of ["new/", "2025/*.csv", "azureml://datastores/lake/paths/2025/", ""]) {
    const text = await said("table", "export", "d.csv", "--format", "csv", "-o", output);
    expect(text).toMatch(/names a (folder|pattern), not a file\.\n.*\ncode: path_invalid\n\[2\]$/);
  }
  expect(await readdir(cwd)).not.toContain("new");
});

test("--url is the root of a web store", async () => {
  const args = ["datastore", "create", "web", "--type", "http", "--url", "https://example.org/data"];
  expect(await said(...args, "--skip-validation", "--json")).toContain(
    `"baseUrl":"https://example.org/data"`,
  );
});

test("--json prints nothing on stdout before a listing that fails, and [] for an empty one", async () => {
  expect(await lake.aml(["ls", "nope/*", "--json"])).toMatchObject({ code: 4, stdout: "" });
  await mkdir(join(cwd, "none"));
  expect(await lake.aml(["ls", "none", "--json"], { cwd })).toMatchObject({ code: 0, stdout: "[]\n" });
});

test("--keep takes spaces after commas; a table without rows or columns says so", async () => {
  expect(await said("table", "show", "d.csv", "--keep", "id, v", "--limit", "0")).toBe(
    "   id  v\nint64  string\n(no rows)\n[0]",
  );
  expect(await said("table", "show", "empty.csv")).toBe("(no columns)\n[0]");
});

test("a filter's fault is pointed at on a line of its own", async () => {
  const text = await said("table", "show", "d.csv", "--filter", "id >");
  expect(text).toMatch(/^error: Filter, column 5: .*\n {2}id >\n {6}\^\nhint: /);
});

test("--workspace needs a folder that exists", async () => {
  expect(await said("datastore", "list", "--workspace", "nowhere")).toMatch(
    /There is no folder nowhere\..*\[4\]$/s,
  );
});

test("init says what is in its way, and comes back from a place that takes no folder", async () => {
  expect(await said("init", "..")).toContain("is a workspace already.\nhint: Use it as it is");
  expect(await said("init", "d.csv")).toContain("cannot be a folder: a file is in its place.");
  expect(await said("init", "d.csv/below")).toContain("cannot be a folder: a file is in its place.");
  if (process.platform === "linux")
    expect(await said("init", "/proc/aml")).toMatch(/permission_denied\n\[3\]$/);
  expect(await said("init", "deep/er/still")).toMatch(/deep\/er\/still is a workspace now/);
  expect(await readFile(join(cwd, "deep/er/still/aml.config.json"), "utf8")).toContain("@aml/local");
});

test("an adapter of one's own that is missing or broken is told by its file", async () => {
  const folder = join(cwd, "own");
  await mkdir(folder);
  await writeFile(join(folder, "aml.config.json"), `{"adapters":["./mine.js"]}`);
  const create = ["datastore", "create", "x", "--type", "mine", "--workspace", "own"];
  expect(await said(...create)).toContain(`The adapter ./mine.js is not there.`);
  await writeFile(join(folder, "mine.js"), "nonsense(");
  expect(await said(...create)).toMatch(/\.\/mine\.js could not be loaded\.\nhint: Correct the file: /);
});

test("wrong arguments are named without their values", () => {
  expect(withoutValues("error: unknown option '--acount-key=a=b'\n")).toBe(
    "error: unknown option '--acount-key=…'\n",
  );
  expect(withoutValues("error: unknown option '--bogus'\n")).toBe("error: unknown option '--bogus'\n");
  expect(
    withoutValues("error: too many arguments for 'create'. Expected 1 argument but got 2: a, b.\n"),
  ).toBe("error: too many arguments for 'create'. Expected 1 argument but got 2.\n");
});

test("one and many", () => {
  expect([0, 1, 2, 20_000].map((count) => countText(count, "file"))).toEqual([
    "0 files",
    "1 file",
    "2 files",
    "20,000 files",
  ]);
});

test("a value that cannot be converted names the option that takes it, and files that cannot be are told", async () => {
  const folder = join(cwd, "strict");
  await mkdir(folder);
  await writeFile(join(folder, "v.csv"), "n\n1\nx\n");
  const steps =
    "transformations:\n- read_delimited: {infer_column_types: false}\n- convert_column_types: [{columns: n, column_type: int}]\n";
  await writeFile(join(folder, "MLTable"), `paths:\n- file: ./v.csv\n${steps}`);
  const strict = await said("table", "show", "strict", "--on-error", "fail");
  expect(strict).toContain("add --on-error null");
  expect(strict).not.toContain("--read 'onError");
  for (const [name, text] of [
    ["no-trait", `paths:\n- file: ./v.csv\n${steps}traits: {timestamp_column: ''}\n`],
    ["no-name", `paths:\n- file: 'azureml:'\n${steps}`],
    [
      "no-format",
      "paths:\n- file: ./v.csv\ntransformations:\n- read_delimited\n- convert_column_types: [{columns: n, column_type: {datetime: {formats: ['%Q']}}}]\n",
    ],
  ] as const) {
    await mkdir(join(cwd, name));
    await writeFile(join(cwd, name, "MLTable"), text);
    const told = await said("mltable", "validate", name);
    expect(told).toMatch(/\[[1-9]\d*\]$/);
    expect(told).not.toContain("internal");
  }
});
