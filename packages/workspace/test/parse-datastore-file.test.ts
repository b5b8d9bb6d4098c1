import { type DatastoreInput, isAmlError, Secret } from "@aml/core";
import { expect, test } from "vitest";
import { parseDatastoreFile as parseDatastores } from "../src/parse-datastore-file.ts";

function parseDatastoreFile(text: string, path: string): DatastoreInput {
  const [first, ...more] = parseDatastores(text, path);
  if (first === undefined || more.length > 0) throw new Error("expected one datastore");
  return first;
}

const blob = `$schema: https://azuremlschemas.azureedge.net/latest/azureBlob.schema.json
name: 0123
type: azure_blob
description: yes
tags:
  year: 2025
account_name: 1e5
container_name: "007"
`;

const refused = (text: string): { code: string; text: string } => {
  try {
    parseDatastoreFile(text, "datastore.yml");
  } catch (error) {
    if (!isAmlError(error)) throw error;
    return { code: error.code, text: `${error.message} ${error.hint}` };
  }
  throw new Error(`accepted: ${text}`);
};

test("reads Azure ML's v2 form; what looks like a number stays the text that it is", () => {
  expect(parseDatastoreFile(blob, "datastore.yml")).toEqual({
    name: "0123",
    type: "azure_blob",
    description: "yes",
    tags: { year: "2025" },
    options: { accountName: "1e5", containerName: "007" },
    credential: { kind: "identity" },
  });
});

test("an account key, and a SAS with or without its question mark", () => {
  const key = parseDatastoreFile(`${blob}credentials:\n  account_key: 00000\n`, "x").credential;
  expect(key?.kind === "account_key" && key.accountKey instanceof Secret && key.accountKey.reveal()).toBe(
    "00000",
  );
  for (const mark of ["", "?"]) {
    const sas = parseDatastoreFile(
      `${blob}credentials: { sas_token: "${mark}sv=1&sig=x" }\n`,
      "x",
    ).credential;
    expect(sas?.kind === "sas" && sas.sasToken instanceof Secret && sas.sasToken.reveal()).toBe("sv=1&sig=x");
  }
});

test.each([
  ["name: [a\n", "parse_failed", "datastore.yml:"],
  ["name: a\nname: b\n", "parse_failed", "datastore.yml:2:1"],
  ["just text", "config_invalid", "holds no keys"],
  ["name: x\n", "config_invalid", "'type' is missing"],
  ["type: azure_blob\nname: x\naccount_name: a\n", "config_invalid", "'container_name' is missing"],
  [`${blob}containr: x\n`, "config_invalid", "datastore.yml:9:1: unknown key 'containr'"],
  [
    `${blob}credentials:\n  account_keys: x\n`,
    "config_invalid",
    "datastore.yml:10:3: unknown key 'account_keys'",
  ],
  [`${blob}credentials:\n  account_key: x\n  sas_token: y\n`, "config_invalid", "exactly one"],
  [`${blob}endpoint:\n  a: b\n`, "config_invalid", "'endpoint' must be a text"],
  ["type: azure_file\nname: x\n", "config_invalid", "datastore.yml:1:1: the key 'account_name' is missing"],
  ["type: one_lake\nname: x\n", "unsupported", "azure_data_lake_gen2 with account_name: onelake"],
  ["type: sk_canary_value~\nname: x\n", "config_invalid", "this is not a datastore type"],
  [`${blob}credentials: &a { account_key: x }\ntags2: *a\n`, "config_invalid", "references are not read"],
  [`${blob}credentials:\n`, "config_invalid", "'credentials' must hold keys"],
  [`${blob}credentials: {}\n`, "config_invalid", "'credentials' is empty"],
  [`${blob}credentials: { kind: password }\n`, "config_invalid", "this kind is not one"],
  [`${blob}credentials: { tenant_id: t, client_id: c }\n`, "config_invalid", "lacks client_secret"],
  [
    `${blob}credentials: { tenant_id: t, client_secret: hunter2 }\n`,
    "config_invalid",
    "datastore.yml:9:14: 'credentials' lacks client_id",
  ],
  [
    `${blob}credentials: { tenant_id: t, client_id: c, client_secret: "" }\n`,
    "config_invalid",
    "'client_secret' is empty",
  ],
  [`${blob}credentials: { tenant_id: t, account_key: x }\n`, "config_invalid", "not of one credential"],
  ["type: __proto__\nname: x\n", "config_invalid", "not a datastore type"],
])("%j is %s: %s", (text, code, message) => {
  const found = refused(text);
  expect(found.code).toBe(code);
  expect(found.text).toContain(message);
});

const PRINCIPAL = "tenant_id: 0123\n  client_id: 1e3\n  client_secret: 007\n";

test.each([
  [
    "type: azure_file\naccount_name: a\nfile_share_name: s\nprotocol: https\nendpoint: e.example",
    { accountName: "a", fileShareName: "s", protocol: "https", endpoint: "e.example" },
  ],
  ["type: azure_data_lake_gen1\nstore_name: 08", { storeName: "08" }],
  [
    "type: azure_data_lake_gen2\naccount_name: a\nfilesystem: 1_0\nprotocol: abfss",
    { accountName: "a", filesystem: "1_0", protocol: "abfss" },
  ],
  ["type: azure_sql\nserver: s\ndatabase: d\nport: 1433", { server: "s", database: "d", port: "1433" }],
  [
    "type: azure_sql\nserver: s\ndatabase: d\nencrypt: strict\ntrust_server_certificate: true\napplication_intent: ReadOnly",
    {
      server: "s",
      database: "d",
      encrypt: "strict",
      trustServerCertificate: "true",
      applicationIntent: "ReadOnly",
    },
  ],
  [
    "type: postgresql\nserver: s\ndatabase: d\nschema: sales\nca: pem",
    { server: "s", database: "d", schema: "sales", ca: "pem" },
  ],
  [
    "type: mysql\nserver: s\ndatabase: d\nzero_dates: 'null'",
    { server: "s", database: "d", zeroDates: "null" },
  ],
  ["type: postgresql\nserver: s\ndatabase: d\ntls: require", { server: "s", database: "d", tls: "require" }],
  ["type: mysql\nserver: s\ndatabase: d\nuser: u", { server: "s", database: "d", user: "u" }],
  [
    "type: dbfs\nhost: adb-1.azuredatabricks.net\npath: /Volumes/a/b/c",
    {
      host: "adb-1.azuredatabricks.net",
      path: "/Volumes/a/b/c",
    },
  ],
])("%j gives %j, by identity and by service principal", (text, options) => {
  expect(parseDatastoreFile(`name: x\n${text}\n`, "x")).toMatchObject({
    name: "x",
    options,
    credential: { kind: "identity" },
  });
  const extra = "  resource_url: https://r.example/\n  authority_url: https://login.example\n";
  const { credential } = parseDatastoreFile(`name: x\n${text}\ncredentials:\n  ${PRINCIPAL}${extra}`, "x");
  expect(credential).toMatchObject({
    kind: "service_principal",
    tenantId: "0123",
    clientId: "1e3",
    resourceUrl: "https://r.example/",
    authorityUrl: "https://login.example",
  });
  const { clientSecret } = credential as { clientSecret: Secret };
  expect(clientSecret.reveal()).toBe("007");
});

test.each([
  ["mysql", "server: s\ndatabase: d", "username: u\n  password: 0123", "password", "password"],
  ["dbfs", "host: h", "token: 0123", "access_token", "token"],
  ["dbfs", "host: h", "client_id: c\n  client_secret: 0123", "oauth_client", "clientSecret"],
  [
    "dbfs",
    "host: h",
    "tenant_id: t\n  client_id: c\n  client_secret: 0123",
    "service_principal",
    "clientSecret",
  ],
  [
    "azure_sql",
    "server: s\ndatabase: d",
    "tenant_id: t\n  client_id: c\n  certificate: 0123",
    "service_principal_certificate",
    "certificate",
  ],
])("%s: the one secret tells the kind", (type, keys, credentials, kind, field) => {
  const { credential } = parseDatastoreFile(
    `name: x\ntype: ${type}\n${keys}\ncredentials:\n  ${credentials}\n`,
    "x",
  );
  expect(credential?.kind).toBe(kind);
  expect((credential as unknown as Record<string, Secret>)[field]?.reveal()).toBe("0123");
});

test("kind names what has no secret", () => {
  expect(parseDatastoreFile(`${blob}credentials: { kind: anonymous }\n`, "x").credential).toEqual({
    kind: "anonymous",
  });
  const identity = "{ kind: identity, source: managed, client_id: 0123, resource_url: https://r.example }";
  expect(parseDatastoreFile(`${blob}credentials: ${identity}\n`, "x").credential).toEqual({
    kind: "identity",
    source: "managed",
    clientId: "0123",
    resourceUrl: "https://r.example",
  });
});

test("several documents are several datastores; JSON has the same keys", () => {
  const two = parseDatastores(
    `${blob}---\nname: disk\ntype: azure_file\naccount_name: a\nfile_share_name: s\n`,
    "x",
  );
  expect(two.map(({ name }) => name)).toEqual(["0123", "disk"]);
  const json = `{ // as text
\t"type": "azure_blob", "name": "j", "account_name": "a", "container_name": "c", "description": null,
}`;
  expect(parseDatastores(json, "x.json")).toEqual([
    {
      name: "j",
      type: "azure_blob",
      options: { accountName: "a", containerName: "c" },
      credential: { kind: "identity" },
    },
  ]);
  for (const broken of ['{"a": hunter2}', '{"a": "x", "a": "y"}', '{"a": "hunter2']) {
    expect(() => parseDatastores(broken, "x.json")).toThrow(
      expect.objectContaining({ code: "parse_failed", message: expect.stringMatching(/^x\.json:1:\d+: /) }),
    );
    expect(() => parseDatastores(broken, "x.json")).not.toThrow(/hunter2/);
  }
});

test("an error never repeats a secret", () => {
  const found = refused(`${blob}credentials:\n  account_key: hunter2hunter2\n  sas_token: hunter2hunter2\n`);
  expect(found.text).not.toContain("hunter2");
});
