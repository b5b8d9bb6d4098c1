import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ContainerSASPermissions } from "@azure/storage-blob";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Lake, openLake, TRIPS } from "./lake.ts";

let lake: Lake;
const WRONG_KEY = randomBytes(64).toString("base64");
let expiredSas: string;

beforeAll(async () => {
  lake = await openLake();
  const url = await lake.container.generateSasUrl({
    permissions: ContainerSASPermissions.parse("rl"),
    startsOn: new Date(Date.now() - 7_200_000),
    expiresOn: new Date(Date.now() - 3_600_000),
  });
  expiredSas = new URL(url).search;
  const made = await lake.aml(["datastore", "create", "lake", ...lake.flags, "--account-key-stdin"], {
    stdin: lake.azurite.accountKey,
  });
  expect(made).toMatchObject({ code: 0, stderr: "" });
  await lake.put("bad/row.csv", `a,b\n${"1,2\n".repeat(50)}"3,x"y,4\n1,2,3,4\n`);
  await lake.put("bad/cut.parquet", Buffer.concat([Buffer.from("PAR1"), randomBytes(500)]));
  await lake.put("bad/lines.jsonl", '{"a":1}\n{"a":\n');
  for (const [name, text] of Object.entries(MLTABLES)) {
    await mkdir(join(lake.folder, name));
    await writeFile(join(lake.folder, name, "MLTable"), text);
  }
  await writeFile(join(lake.folder, "broken.yml"), "type: azure_blob\nname: [x\n");
  await writeFile(join(lake.folder, "t.csv"), TRIPS);
  await writeFile(join(lake.folder, "t.dat"), TRIPS);
});
afterAll(async () => {
  await lake[Symbol.asyncDispose]();
});

const MLTABLES = {
  brokenyaml: "paths:\n  - file: [x\n",
  unknownstep: "paths:\n  - file: ./t.csv\ntransformations:\n  - read_delimited\n  - filtr: a > 1\n",
  twofaults: "path: x\npaths:\n  - file: ./t.csv\ntransformations:\n  - take: many\n",
};

interface BadInput {
  readonly what: string;
  readonly args: () => readonly string[];
  readonly stdin?: () => string;
  readonly code: string;
  readonly exitCode: number;
  /** What the message is about. */
  readonly names: string | RegExp;
}

const create =
  (name: string, ...flags: string[]) =>
  () => ["datastore", "create", name, ...lake.flags, ...flags];
const BLOB = "azureml://datastores/lake/paths";

// To a wrong key Azurite answers AuthorizationFailure where Azure Storage says AuthenticationFailed.
const CASES: readonly BadInput[] = [
  {
    what: "a wrong key",
    args: create("x", "--account-key-stdin"),
    stdin: () => WRONG_KEY,
    code: "permission_denied",
    exitCode: 3,
    names: "trips",
  },
  {
    what: "an expired SAS",
    args: create("x", "--sas-token-stdin"),
    stdin: () => expiredSas,
    code: "auth_failed",
    exitCode: 3,
    names: "trips",
  },
  {
    what: "a missing container",
    args: create("x", "--container-name", "nowhere", "--account-key-stdin"),
    stdin: () => lake.azurite.accountKey,
    code: "not_found",
    exitCode: 4,
    names: "nowhere",
  },
  {
    what: "a name that no datastore can have",
    args: create("My-Lake", "--account-key-stdin"),
    stdin: () => lake.azurite.accountKey,
    code: "config_invalid",
    exitCode: 2,
    names: "My-Lake",
  },
  {
    what: "a container name with capitals",
    args: create("x", "--container-name", "Trips", "--account-key-stdin"),
    stdin: () => lake.azurite.accountKey,
    code: "config_invalid",
    exitCode: 2,
    names: "Trips",
  },
  {
    what: "a name that is taken",
    args: create("LAKE", "--account-key-stdin"),
    stdin: () => lake.azurite.accountKey,
    code: "already_exists",
    exitCode: 4,
    names: "lake",
  },
  {
    what: "an unknown type of store",
    args: () => ["datastore", "create", "x", "--type", "floppy"],
    code: "config_invalid",
    exitCode: 2,
    names: "floppy",
  },
  {
    what: "an unknown datastore",
    args: () => ["ls", "azureml://datastores/nope/paths/"],
    code: "not_found",
    exitCode: 4,
    names: "nope",
  },
  {
    what: "an unknown dataset",
    args: () => ["table", "show", "azureml:nope:3"],
    code: "not_found",
    exitCode: 4,
    names: "nope",
  },
  {
    what: "a glob without a match, listed",
    args: () => ["ls", `${BLOB}/2024/*.csv`],
    code: "not_found",
    exitCode: 4,
    names: `${BLOB}/2024/*.csv`,
  },
  {
    what: "a glob without a match, read",
    args: () => ["table", "show", `${BLOB}/2024/*.csv`],
    code: "not_found",
    exitCode: 4,
    names: `${BLOB}/2024/*.csv`,
  },
  {
    what: "a glob without a match, registered",
    args: () => ["dataset", "register", "x", `${BLOB}/2024/*.csv`],
    code: "not_found",
    exitCode: 4,
    names: `${BLOB}/2024/*.csv`,
  },
  {
    what: "a glob without a match, downloaded",
    args: () => ["dataset", "download", `${BLOB}/2024/*.csv`, "-o", "never"],
    code: "not_found",
    exitCode: 4,
    names: `${BLOB}/2024/*.csv`,
  },
  {
    what: "a file that is not there, exported to a file",
    args: () => ["table", "export", `${BLOB}/none.csv`, "--format", "csv", "-o", "never.csv"],
    code: "not_found",
    exitCode: 4,
    names: "none.csv",
  },
  {
    what: "a name that does not tell the format",
    args: () => ["table", "show", "t.dat"],
    code: "config_invalid",
    exitCode: 2,
    names: "t.dat",
  },
  {
    what: "broken YAML of a datastore",
    args: () => ["datastore", "create", "-f", "broken.yml"],
    code: "parse_failed",
    exitCode: 5,
    names: /broken\.yml:\d+:\d+/,
  },
  {
    what: "broken YAML of an MLTable",
    args: () => ["table", "show", "brokenyaml"],
    code: "parse_failed",
    exitCode: 5,
    names: /MLTable:\d+:\d+/,
  },
  {
    what: "an unknown step",
    args: () => ["table", "show", "unknownstep"],
    code: "plan_invalid",
    exitCode: 2,
    names: /MLTable:5:\d+.*filtr/,
  },
  {
    what: "a filter that is no expression",
    args: () => ["table", "show", "t.csv", "--filter", "fare >"],
    code: "plan_invalid",
    exitCode: 2,
    names: /filter/i,
  },
  {
    what: "a filter with an unknown column",
    args: () => ["table", "show", "t.csv", "--filter", "fair > 1"],
    code: "plan_invalid",
    exitCode: 2,
    names: "fair",
  },
  {
    what: "an unknown column to keep",
    args: () => ["table", "export", "t.csv", "--keep", "fair", "--format", "csv", "-o", "never.csv"],
    code: "plan_invalid",
    exitCode: 2,
    names: "fair",
  },
  {
    what: "a CSV with a broken row",
    args: () => ["table", "export", `${BLOB}/bad/row.csv`, "--format", "jsonl", "-o", "never.jsonl"],
    code: "parse_failed",
    exitCode: 5,
    names: "bad/row.csv",
  },
  {
    what: "a broken JSON line",
    args: () => ["table", "export", `${BLOB}/bad/lines.jsonl`, "--format", "csv", "-o", "never.csv"],
    code: "parse_failed",
    exitCode: 5,
    names: "bad/lines.jsonl",
  },
  {
    what: "a truncated Parquet file",
    args: () => ["table", "export", `${BLOB}/bad/cut.parquet`, "--format", "parquet", "-o", "never.parquet"],
    code: "parse_failed",
    exitCode: 5,
    names: "bad/cut.parquet",
  },
  {
    what: "Parquet on a terminal's way out: an unknown format",
    args: () => ["table", "export", "t.csv", "--format", "xml"],
    code: "config_invalid",
    exitCode: 2,
    names: "xml",
  },
];

test.each(CASES)("$what is $code", async ({ args, stdin, code, exitCode, names }) => {
  const before = await everyFile(lake.folder);
  const outcome = await lake.aml([...args(), "--json"], { stdin: stdin?.() ?? "" });
  const lines = outcome.stderr.trimEnd().split("\n");
  expect(lines).toHaveLength(1);
  const { error } = JSON.parse(lines[0] ?? "") as { error: { code: string; message: string; hint?: string } };
  expect({ code: error.code, exitCode: outcome.code }).toEqual({ code, exitCode });
  expect(error.message).toMatch(
    typeof names === "string" ? new RegExp(names.replace(/[*.?]/g, "\\$&")) : names,
  );
  expect(error.hint).toMatch(/\w/);
  expect(await everyFile(lake.folder)).toEqual(before);
});

test("people get the message, the hint and the code, and the causes when they ask", async () => {
  const outcome = await lake.aml(["ls", "azureml://datastores/nope/paths/"]);
  expect(outcome.stdout).toBe("");
  expect(outcome.stderr).toMatch(/^error: .*nope.*\nhint: .+\ncode: not_found\n$/);
  const verbose = await lake.aml(["table", "show", "missing", "--verbose"]);
  expect(verbose.stderr).toMatch(/^caused by: AmlError: .*missing/m);
});

test("every fault of an MLTable is told with line and column", async () => {
  const outcome = await lake.aml(["mltable", "validate", "twofaults"]);
  expect(outcome.code).toBe(2);
  expect(outcome.stdout.trimEnd().split("\n")).toEqual([
    expect.stringMatching(/^MLTable:1:1 /),
    expect.stringMatching(/^MLTable:5:\d+ /),
  ]);
  const json = await lake.aml(["mltable", "validate", "twofaults", "--json"]);
  expect(JSON.parse(json.stdout)).toMatchObject({
    valid: false,
    faults: [{ line: 1, column: 1 }, { line: 5 }],
  });
});

test("a datastore name with capitals is lower-cased, and that is said", async () => {
  const outcome = await lake.aml(["datastore", "create", "Disk", "--type", "local", "--path", "."]);
  expect(outcome).toMatchObject({ code: 0, stderr: expect.stringContaining("'disk'") });
});

test("Parquet is not written to a terminal", async () => {
  const outcome = await lake.aml(["table", "export", "t.csv", "--format", "parquet"], { tty: true });
  expect(outcome.code).toBe(2);
  expect(outcome.stderr).toContain("--output");
});

/** Files with their sizes, less SQLite's own and the cache's complete copies. */
async function everyFile(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of await readdir(folder, { recursive: true })) {
    const path = join(folder, name);
    const { size } = await stat(path);
    if (/registry\.db|cache(\/(objects(\/\w{64})?|sessions))?$/.test(name)) continue;
    found.push(name.endsWith("vault.json") ? `${name} ${await readFile(path, "base64")}` : `${name} ${size}`);
  }
  return found.toSorted();
}
