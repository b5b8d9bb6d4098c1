import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Lake, openLake } from "./lake.ts";

let lake: Lake;
beforeAll(async () => {
  lake = await openLake();
});
afterAll(async () => {
  await lake[Symbol.asyncDispose]();
});

function template(containers: readonly string[]): string {
  const { accountName, endpoint } = lake.azurite;
  return JSON.stringify({
    $schema: "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    contentVersion: "1.0.0.0",
    parameters: { key: { type: "securestring" }, workspace: { type: "string", defaultValue: "ws" } },
    resources: containers.map((containerName, index) => ({
      type: "Microsoft.MachineLearningServices/workspaces/datastores",
      apiVersion: "2025-06-01",
      name: `[format('{0}/t${index}', parameters('workspace'))]`,
      properties: {
        datastoreType: "AzureBlob",
        accountName,
        containerName,
        endpoint,
        credentials: {
          credentialsType: "AccountKey",
          secrets: { secretsType: "AccountKey", key: "[parameters('key')]" },
        },
      },
    })),
  });
}

const create = (...args: readonly string[]) => lake.aml(["datastore", "create", ...args]);
const names = async (): Promise<readonly string[]> => {
  const { stdout } = await lake.aml(["datastore", "list", "--json"]);
  return (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name);
};

test("a template's datastores are registered all or not at all", async () => {
  const file = join(lake.folder, "template.json");
  await writeFile(
    join(lake.folder, "values.json"),
    JSON.stringify({ parameters: { key: { value: lake.azurite.accountKey } } }),
  );
  await writeFile(file, template(["trips", "not-there"]));
  expect(await create("-f", "template.json", "--parameters", "values.json")).toMatchObject({
    code: 4,
    stderr: expect.stringContaining("no container 'not-there'"),
  });
  expect(await names()).toEqual(["workspaceblobstore", "workspacefilestore"]);

  await writeFile(file, template(["trips", "trips"]));
  expect(await create("-f", "template.json")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("--parameters"),
  });
  expect(await create("other", "-f", "template.json", "--parameters", "values.json")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("2 datastores"),
  });
  expect(await create("-f", "template.json", "--parameters", "values.json")).toMatchObject({
    code: 0,
    stdout: "Datastore 't0' is registered.\nDatastore 't1' is registered.\n",
  });
  expect((await lake.aml(["ls", "azureml://datastores/t1/paths/2025"])).stdout).toContain("a.csv");
});

test("YAML as Azure ML writes it", async () => {
  const { accountName, accountKey, endpoint } = lake.azurite;
  const yaml = (name: string): string =>
    `$schema: https://azuremlschemas.azureedge.net/latest/azureBlob.schema.json\nname: ${name}\ntype: azure_blob\n` +
    `account_name: ${accountName}\ncontainer_name: trips\nendpoint: ${endpoint}\ncredentials:\n  account_key: ${accountKey}\n`;
  await writeFile(join(lake.folder, "two.yml"), `${yaml("yaml_a")}---\n${yaml("Yaml_B")}`);
  const outcome = await create("-f", "two.yml");
  expect(outcome).toMatchObject({ code: 0, stderr: expect.stringContaining("it is called 'yaml_b'") });
  expect(await names()).toEqual(expect.arrayContaining(["yaml_a", "yaml_b"]));
});
