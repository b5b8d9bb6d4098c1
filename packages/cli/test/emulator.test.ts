import { datastoreYaml, startEmulator, trustCertificate, type Emulator } from "@aml/emulator";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aml, type Outcome } from "./aml.ts";

let emulator: Emulator;
let folder: string;
const cleanUp: (() => unknown)[] = [];
const run = (...args: readonly string[]): Promise<Outcome> => aml(args, { cwd: folder });

describe.each([false, true])("the datastores that the emulator prints, with https: %s", (https) => {
  beforeAll(async () => {
    emulator = await startEmulator({ services: ["blob", "dfs", "files", "adls1", "dbfs", "sql"], https });
    folder = await mkdtemp(join(tmpdir(), "aml-cli-"));
    cleanUp.push(
      trustCertificate(emulator.certificatePem),
      () => emulator.close(),
      () => rm(folder, { recursive: true }),
    );
    await run("init");
    await writeFile(join(folder, "aml.config.json"), JSON.stringify({ secrets: { key: "file" } }));
    await writeFile(join(folder, "emulated.yaml"), datastoreYaml(emulator));
    await writeFile(join(folder, "a.csv"), "x\n1\n");
    expect(await run("datastore", "create", "-f", "emulated.yaml")).toMatchObject({ code: 0 });
  });
  afterAll(async () => {
    for (const step of cleanUp.splice(0)) await step();
  });

  test.each(["blob", "lake", "files", "lake_gen1", "dbfs"])("emulated_%s keeps a file", async (name) => {
    const uri = `azureml://datastores/emulated_${name}/paths/folder/a.csv`;
    expect(await run("cp", "a.csv", uri)).toMatchObject({ code: 0 });
    const listed = await run("ls", "--recursive", `azureml://datastores/emulated_${name}`);
    expect(listed.stdout).toContain("folder/a.csv");
    expect(await run("cp", uri, `${name}.csv`)).toMatchObject({ code: 0 });
    expect(await readFile(join(folder, `${name}.csv`), "utf8")).toBe("x\n1\n");
  });

  test("emulated_sql answers", async () => {
    const asked = await run("query", "emulated_sql", "SELECT 1 AS n", "--format", "jsonl");
    expect(asked).toMatchObject({ code: 0, stdout: '{"n":1}\n' });
  });
});
