import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tableFromIPC } from "apache-arrow";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Outcome, spawnAml } from "./aml.ts";
import { type Lake, openLake, TRIPS } from "./lake.ts";

let lake: Lake;
beforeAll(async () => {
  lake = await openLake();
});
afterAll(async () => {
  await lake[Symbol.asyncDispose]();
});

const TABLE = "azureml://datastores/lake/paths/2025/*.csv";

/** Must succeed. Each call opens the workspace anew, as a process of its own would. */
async function ok(...args: string[]): Promise<string> {
  return succeeded(await lake.aml(args));
}

/** In a process of its own, which must succeed. */
async function spawned(...args: string[]): Promise<string> {
  return succeeded(await spawnAml(args, { cwd: lake.folder, env: { LAKE_KEY: lake.azurite.accountKey } }));
}

function succeeded({ code, stdout, stderr }: Outcome): string {
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

const parsed = async (...args: string[]): Promise<unknown> => JSON.parse(await ok(...args, "--json"));

describe("the whole journey", () => {
  test("create, test and list a datastore with a key", async () => {
    expect(await spawned("datastore", "create", "lake", ...lake.flags, "--account-key-env", "LAKE_KEY")).toBe(
      "Datastore 'lake' is registered.\n",
    );
    await ok("datastore", "test", "lake");
    expect(await ok("datastore", "list")).toContain("workspaceblobstore *");
    expect(await parsed("datastore", "show", "lake")).toMatchObject({
      name: "lake",
      options: { containerName: "trips" },
      credential: {
        kind: "account_key",
        accountKey: { secret: expect.stringMatching(/^datastores\/lake\//) },
      },
    });
  });

  test("list files", async () => {
    expect(await parsed("ls", "azureml://datastores/lake")).toEqual([
      expect.objectContaining({ uri: "azureml://datastores/lake/paths/2025/", kind: "directory" }),
    ]);
    expect(await parsed("ls", "azureml://datastores/lake/paths/**/*.csv")).toEqual([
      expect.objectContaining({ uri: "azureml://datastores/lake/paths/2025/a.csv", size: TRIPS.length }),
    ]);
  });

  test("show, export and describe a table", async () => {
    const shown = (await ok("table", "show", TABLE, "--limit", "2")).split("\n");
    expect(shown[0]?.trim().split(/ {2,}/)).toEqual(["id", "city", "fare", "at"]);
    expect(shown[1]?.trim().split(/ {2,}/)).toEqual(["int64", "string", "float64", "timestamp"]);
    expect(shown[2]).toMatch(/1 {2}Oslo {4,}12\.5 {2}2025-01-31T10:00:00\.000Z/);
    expect(shown[3]).toMatch(/2 {2}Bergen {2,}null/);
    expect(shown.slice(4)).toEqual([""]);
    expect(
      (await spawned("table", "export", TABLE, "--format", "jsonl"))
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { id: 1, city: "Oslo", fare: 12.5, at: expect.stringMatching(/^2025-01-31T10:00:00(\.0+)?Z$/) },
      { id: 2, city: "Bergen", fare: null, at: expect.stringMatching(/^2025-02-01T00:00:00(\.0+)?Z$/) },
      { id: 3, city: "Oslo", fare: 7, at: null },
    ]);
    expect(await parsed("table", "schema", TABLE)).toMatchObject({
      columns: [
        { name: "id", type: "int64" },
        { name: "city", type: "string" },
        { name: "fare", type: "float64" },
        { name: "at", type: "timestamp" },
      ],
    });
  });

  test("register, change the data, register again: both versions are what they were", async () => {
    expect(await ok("dataset", "register", "trips", TABLE)).toMatch(
      /^azureml:trips:1 is registered: 1 file,/,
    );
    expect(await ok("dataset", "register", "trips", TABLE)).toMatch(/^azureml:trips:1 /);
    await lake.put("2025/b.csv", "id,city,fare,at\n4,Tromsø,1,\n");
    expect(await ok("dataset", "register", "trips", TABLE)).toMatch(
      /^azureml:trips:2 is registered: 2 files/,
    );
    const cities = async (reference: string): Promise<unknown> =>
      ((await parsed("table", "show", reference, "--keep", "id")) as { rows: unknown }).rows;
    expect(await cities("azureml:trips:1")).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
    expect(await cities("azureml:trips")).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }, { id: 4 }]);
    expect(await parsed("dataset", "list", "trips")).toMatchObject([{ version: 2 }, { version: 1 }]);
  });

  test("download a version, and delete the datastore", async () => {
    await ok("dataset", "download", "trips:1", "--output", "copy");
    expect(await readdir(join(lake.folder, "copy"))).toEqual(["a.csv"]);
    expect(await readFile(join(lake.folder, "copy", "a.csv"), "utf8")).toBe(TRIPS);
    await ok("datastore", "set-default", "lake");
    expect((await lake.aml(["datastore", "delete", "lake"])).code).toBe(2);
    await ok("datastore", "set-default", "workspaceblobstore");
    await ok("datastore", "delete", "lake");
    expect((await lake.aml(["datastore", "show", "lake"])).code).toBe(4);
  });
});

describe("in one process", () => {
  const run = async (...args: string[]): Promise<string> => succeeded(await lake.aml(args));

  test("a datastore from Azure ML's v2 YAML, whose key is then rotated from stdin", async () => {
    const { accountName, accountKey, endpoint } = lake.azurite;
    await writeFile(
      join(lake.folder, "datastore.yml"),
      `$schema: https://azuremlschemas.azureedge.net/latest/azureBlob.schema.json\n` +
        `name: fromyaml\ntype: azure_blob\naccount_name: ${accountName}\ncontainer_name: trips\n` +
        `endpoint: ${endpoint}\ncredentials:\n  account_key: ${accountKey}\n`,
    );
    await run("datastore", "create", "-f", "datastore.yml");
    await run("datastore", "test", "fromyaml");
    const outcome = await lake.aml(["datastore", "update", "fromyaml", "--account-key-stdin"], {
      stdin: "d3Jvbmc=\n",
    });
    expect(outcome.code).toBe(3);
    // The check failed, so the old key is still there.
    await run("datastore", "test", "fromyaml");
    succeeded(
      await lake.aml(["datastore", "update", "fromyaml", "--account-key-stdin", "--tag", "a=b"], {
        stdin: `${accountKey}\n`,
      }),
    );
    expect(JSON.parse(await run("datastore", "show", "fromyaml", "--json"))).toMatchObject({
      tags: { a: "b" },
    });
  });

  test("integers are exact, and null is null", async () => {
    await writeFile(join(lake.folder, "big.jsonl"), '{"n":9007199254740993,"x":null}\n{"n":-1,"x":"a"}\n');
    expect(await run("table", "export", "big.jsonl", "--format", "jsonl")).toBe(
      '{"n":9007199254740993,"x":null}\n{"n":-1,"x":"a"}\n',
    );
    expect(await run("table", "show", "big.jsonl", "--json")).toContain(
      '"rows":[{"n":9007199254740993,"x":null}',
    );
  });

  test("export as Arrow: a stream and a file of IPC, of the same rows", async () => {
    await writeFile(join(lake.folder, "a.csv"), "id,name\n9007199254740993,Å\n,b\n");
    for (const format of ["arrow", "feather"]) {
      await run("table", "export", "a.csv", "--format", format, "-o", `a.${format}`);
      const table = tableFromIPC(await readFile(join(lake.folder, `a.${format}`)));
      expect(table.toArray().map((row) => ({ ...row }))).toEqual([
        { id: 9007199254740993n, name: "Å" },
        { id: null, name: "b" },
      ]);
    }
  });

  test("export to a file is whole, refuses to replace, and leaves nothing else", async () => {
    const out = join(lake.folder, "out");
    await mkdir(out);
    await writeFile(join(lake.folder, "t.csv"), TRIPS);
    await run(
      "table",
      "export",
      "t.csv",
      "--format",
      "parquet",
      "--output",
      "out/t.parquet",
      "--filter",
      "fare > 7",
    );
    const refused = await lake.aml(["table", "export", "t.csv", "--format", "csv", "-o", "out/t.parquet"]);
    expect(refused.code).toBe(4);
    expect(await readdir(out)).toEqual(["t.parquet"]);
    expect(await run("table", "export", "out/t.parquet", "--format", "csv", "--keep", "id,fare")).toBe(
      "id,fare\n1,12.5\n",
    );
    await run(
      "table",
      "export",
      "t.csv",
      "--format",
      "csv",
      "-o",
      "out/t.parquet",
      "--overwrite",
      "--limit",
      "1",
      "--keep",
      "id",
    );
    expect(await readFile(join(out, "t.parquet"), "utf8")).toBe("id\n1\n");
  });

  test("an MLTable becomes a definition of v1, and comes back", async () => {
    const folder = join(lake.folder, "v1");
    await mkdir(folder);
    await writeFile(
      join(folder, "MLTable"),
      "paths:\n  - file: /data/t.csv\ntransformations:\n  - read_delimited: { infer_column_types: false }\n  - take: 2\n",
    );
    const definition = await run("mltable", "convert", "v1", "--strict");
    expect(JSON.parse(definition)).toMatchObject({
      blocks: [
        { type: "Microsoft.DPrep.GetFilesBlock" },
        { type: "Microsoft.DPrep.ParseDelimitedBlock" },
        { type: "Microsoft.DPrep.DropColumnsBlock" },
        { type: "Microsoft.DPrep.TakeBlock", arguments: { count: 2 } },
      ],
    });
    const sorted = definition.replace("TakeBlock", "SortBlock");
    await writeFile(join(lake.folder, "v1.json"), sorted);
    const back = await lake.aml(["mltable", "convert", "v1.json"]);
    expect(back.stdout).toMatch(/^paths:\n {2}- file: \/data\/t\.csv\n/);
    expect(back.stderr).toContain("lost (rows): blocks[3]: Microsoft.DPrep.SortBlock has no counterpart");
    const strict = await lake.aml(["mltable", "convert", "v1.json", "--strict"]);
    expect(strict).toMatchObject({ stdout: "", stderr: expect.stringContaining("code: unsupported") });
    expect(strict.code).not.toBe(0);
    const json = JSON.parse(await run("mltable", "convert", "v1.json", "--json")) as { lost: unknown[] };
    expect(json.lost).toContainEqual(expect.objectContaining({ path: "blocks[3]", changes: "rows" }));
  });

  test("an MLTable is shown, validated, registered and downloaded", async () => {
    const folder = join(lake.folder, "table");
    await mkdir(folder);
    await writeFile(join(folder, "t.csv"), TRIPS);
    await writeFile(
      join(folder, "MLTable"),
      "paths:\n  - file: ./t.csv\ntransformations:\n  - read_delimited\n  - filter: col('city') == 'Oslo'\n",
    );
    expect(await run("mltable", "validate", "table")).toMatch(/is valid\.\n$/);
    expect(JSON.parse(await run("table", "show", "table", "--keep", "id", "--json"))).toMatchObject({
      rows: [{ id: 1 }, { id: 3 }],
    });
    await run("dataset", "register", "oslo", "table", "--description", "In Oslo", "--tag", "k=v", "--no-pin");
    expect(JSON.parse(await run("dataset", "show", "oslo", "--json"))).toMatchObject({
      description: "In Oslo",
      tags: { k: "v" },
      plan: { source: expect.not.objectContaining({ pinned: expect.anything() }) },
    });
    await run("dataset", "register", "raw", "table/", "--file");
    await run("dataset", "download", "azureml:oslo@latest", "-o", "table-copy");
    await run("dataset", "download", "table/*.csv", "-o", "table-glob");
    expect(await readdir(join(lake.folder, "table-copy"))).toEqual(["t.csv"]);
    expect(await readdir(join(lake.folder, "table-glob"))).toEqual(["t.csv"]);
    const refused = await lake.aml(["dataset", "download", "azureml:oslo", "-o", "table-copy"]);
    expect(refused.code).toBe(4);
  });
});
