import { isAmlError, Secret } from "@aml/core";
import { expect, test } from "vitest";
import { parseDatastoreFile } from "../src/parse-datastore-file.ts";
import { templateText } from "../src/template-expression.ts";

const TYPE = "Microsoft.MachineLearningServices/workspaces/datastores";

interface Parts {
  readonly resources?: unknown;
  readonly parameters?: unknown;
  readonly variables?: unknown;
}

function read(parts: Parts, values?: Readonly<Record<string, unknown>>) {
  const template = {
    $schema: "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    contentVersion: "1.0.0.0",
    ...parts,
  };
  const parameters = values && { text: JSON.stringify({ parameters: values }), path: "parameters.json" };
  return parseDatastoreFile(JSON.stringify(template, undefined, 2), "template.json", parameters);
}

function resource(properties: Readonly<Record<string, unknown>>, more: object = {}): object {
  return { type: TYPE, apiVersion: "2025-06-01", name: "ws/lake", properties, ...more };
}

const blob = { datastoreType: "AzureBlob", accountName: "contoso", containerName: "trips" };

function refusal(run: () => unknown): { code: string; text: string } {
  try {
    run();
  } catch (error) {
    if (!isAmlError(error)) throw error;
    return { code: error.code, text: `${error.message} ${error.hint}` };
  }
  throw new Error("accepted");
}

test("each type and each kind of credentials", () => {
  const principal = {
    tenantId: "t",
    clientId: "c",
    authorityUrl: "https://login.example",
    resourceUrl: "https://r",
  };
  const found = read({
    resources: [
      { type: "Microsoft.Storage/storageAccounts", name: "[uniqueString(resourceGroup().id)]" },
      resource({
        ...blob,
        endpoint: "core.windows.net",
        protocol: "https",
        description: "Trips",
        tags: { year: "2025" },
        properties: {},
        serviceDataAccessAuthIdentity: "None",
        subscriptionId: "[subscription().subscriptionId]",
        credentials: { credentialsType: "AccountKey", secrets: { secretsType: "AccountKey", key: "k==" } },
      }),
      resource(
        {
          datastoreType: "AzureFile",
          accountName: "contoso",
          fileShareName: "share",
          credentials: { credentialsType: "Sas", secrets: { secretsType: "Sas", sasToken: "?sv=1&sig=x" } },
        },
        { name: "ws/files" },
      ),
      resource(
        {
          datastoreType: "AzureDataLakeGen1",
          storeName: "old",
          credentials: {
            credentialsType: "ServicePrincipal",
            ...principal,
            secrets: { secretsType: "ServicePrincipal", clientSecret: "s" },
          },
        },
        { name: "ws/gen1" },
      ),
      resource(
        {
          datastoreType: "AzureDataLakeGen2",
          accountName: "contoso",
          filesystem: "fs",
          credentials: {
            credentialsType: "Certificate",
            ...principal,
            thumbprint: "AB",
            secrets: { secretsType: "Certificate", certificate: "pem" },
          },
        },
        { name: "ws/gen2" },
      ),
      {
        type: "Microsoft.MachineLearningServices/workspaces",
        name: "ws",
        resources: [
          {
            type: "datastores",
            name: "inner",
            properties: { ...blob, credentials: { credentialsType: "None" } },
          },
        ],
      },
    ],
  });
  expect(found.map(({ name, type }) => [name, type])).toEqual([
    ["lake", "azure_blob"],
    ["files", "azure_file"],
    ["gen1", "azure_data_lake_gen1"],
    ["gen2", "azure_data_lake_gen2"],
    ["inner", "azure_blob"],
  ]);
  expect(found[0]).toMatchObject({
    description: "Trips",
    tags: { year: "2025" },
    options: {
      accountName: "contoso",
      containerName: "trips",
      endpoint: "core.windows.net",
      protocol: "https",
    },
  });
  const secrets = found.map(({ credential }) =>
    Object.values(credential ?? {}).map((value) =>
      value instanceof Secret ? value.reveal() : String(value),
    ),
  );
  expect(secrets).toEqual([
    ["account_key", "k=="],
    ["sas", "sv=1&sig=x"],
    ["service_principal", "t", "c", "https://login.example", "https://r", "s"],
    ["service_principal_certificate", "t", "c", "https://login.example", "https://r", "pem"],
    ["identity"],
  ]);
});

test("parameters, variables, concat and format; a file's values come before defaults", () => {
  const parts = {
    parameters: {
      workspace: { type: "string", defaultValue: "ws" },
      account: { type: "string", defaultValue: "[format('{0}store', parameters('workspace'))]" },
      key: { type: "securestring" },
    },
    variables: { container: "[concat(parameters('Account'), '-', 'it''s', 7)]" },
    // By name, as Bicep writes them.
    resources: {
      lake: resource(
        {
          datastoreType: "AzureBlob",
          accountName: "[parameters('account')]",
          containerName: "[variables('container')]",
          description: "[[not an expression]",
          credentials: {
            credentialsType: "AccountKey",
            secrets: { secretsType: "AccountKey", key: "[parameters('key')]" },
          },
        },
        {
          name: "[format('{0}/{1}', parameters('workspace'), 'lake')]",
          dependsOn: ["[resourceId('x', 'y')]"],
        },
      ),
    },
  };
  const [lake] = read(parts, { key: { value: "canary" }, workspace: { value: "other" } });
  expect(lake).toMatchObject({
    name: "lake",
    description: "[not an expression]",
    options: { accountName: "otherstore", containerName: "otherstore-it's7" },
  });
  expect(lake?.credential?.kind === "account_key" && lake.credential.accountKey).toEqual(
    new Secret("canary"),
  );
  expect(refusal(() => read(parts))).toMatchObject({
    code: "config_invalid",
    text: expect.stringMatching(/template\.json:\d+:\d+: the parameter 'key' has no value\. .*--parameters/),
  });
});

const withName = (expression: string): Parts => ({
  resources: [resource({ ...blob, accountName: expression })],
});

test.each([
  [withName("[reference('x').key]"), "unsupported", "function 'reference'"],
  [withName("[listKeys(resourceId('a'), '2021').keys[0].value]"), "unsupported", "function 'listKeys'"],
  [withName("[parameters('nope')]"), "config_invalid", "no parameter 'nope'"],
  [withName("[variables('nope')]"), "config_invalid", "no text variable 'nope'"],
  [withName("[concat('a'"), "config_invalid", "accountName"],
  [withName("[concat('a' 'b')]"), "config_invalid", "cannot be read"],
  [withName("[format('{1}', 'b')]"), "config_invalid", "cannot be read"],
  [withName("[process.exit(1)]"), "unsupported", "function 'process.exit'"],
  [
    { variables: { a: "[variables('b')]", b: "[variables('a')]" }, ...withName("[variables('a')]") },
    "config_invalid",
    "defined by itself",
  ],
  [{ resources: [] }, "config_invalid", "no datastore"],
  [{ resources: [resource(blob, { copy: { name: "x", count: 3 } })] }, "unsupported", "'copy'"],
  [{ resources: [resource(blob, { condition: true })] }, "unsupported", "'condition'"],
  [{ resources: [resource({ datastoreType: "OneLake" })] }, "unsupported", "azure_data_lake_gen2"],
  [{ resources: [resource({ datastoreType: "Hdfs" })] }, "config_invalid", "'Hdfs' is not a type"],
  [{ resources: [resource({ ...blob, containerNam: "x" })] }, "config_invalid", "unknown key 'containerNam'"],
  [
    { resources: [resource({ ...blob, credentials: { credentialsType: "AccountKey" } })] },
    "config_invalid",
    "no 'secrets'",
  ],
  [
    {
      resources: [
        resource({
          ...blob,
          credentials: {
            credentialsType: "ServicePrincipal",
            clientId: "c",
            secrets: { clientSecret: "canary" },
          },
        }),
      ],
    },
    "config_invalid",
    "'tenantId' is missing",
  ],
])("%j is %s: %s", (parts, code, message) => {
  if (message === "accountName") {
    // What does not end in a bracket is a plain text.
    expect(read(parts)[0]?.options["accountName"]).toBe("[concat('a'");
    return;
  }
  const found = refusal(() => read(parts));
  expect(found.code).toBe(code);
  expect(found.text).toContain(message);
  expect(found.text).toMatch(/^template\.json:\d+:\d+: /);
  expect(found.text).not.toContain("canary");
});

test("a parameter that refers to a key vault, and parameters without a template", () => {
  const parts = { parameters: { account: { type: "string" } }, ...withName("[parameters('account')]") };
  expect(refusal(() => read(parts, { account: { reference: { secretName: "x" } } }))).toMatchObject({
    code: "unsupported",
    text: expect.stringContaining("refers to a key vault"),
  });
  const parameters = { text: "{}", path: "p.json" };
  expect(
    refusal(() => parseDatastoreFile("name: x\ntype: dbfs\nhost: h\n", "x.yml", parameters)),
  ).toMatchObject({ code: "config_invalid", text: expect.stringContaining("no template") });
});

test("an expression that would fill stack or memory is refused", () => {
  const scope = { parameter: () => "p", variable: () => "v" };
  const nested = (depth: number): string => `[${"concat(".repeat(depth)}'x'${")".repeat(depth)}]`;
  expect(templateText(nested(50), scope)).toBe("x");
  expect(() => templateText(nested(100_000), scope)).toThrow("too deep");
  const doubling = (start: string): Readonly<Record<string, string>> =>
    Object.fromEntries([
      ["v0", start],
      ...Array.from({ length: 40 }, (_, i) => [
        `v${i + 1}`,
        `[concat(variables('v${i}'), variables('v${i}'))]`,
      ]),
    ]) as Readonly<Record<string, string>>;
  const parts = (start: string): Parts => ({ variables: doubling(start), ...withName("[variables('v40')]") });
  expect(refusal(() => read(parts("x"))).text).toContain("too long");
  expect(refusal(() => read(parts(""))).text).toContain("'accountName' is empty");
});
