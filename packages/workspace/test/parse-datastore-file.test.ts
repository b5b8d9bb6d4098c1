import { isAmlError, Secret } from "@aml/core";
import { expect, test } from "vitest";
import { parseDatastoreFile } from "../src/parse-datastore-file.ts";

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
  ["type: azure_file\nname: x\n", "unsupported", "azure_file"],
  ["type: __proto__\nname: x\n", "config_invalid", "not a datastore type"],
])("%j is %s: %s", (text, code, message) => {
  const found = refused(text);
  expect(found.code).toBe(code);
  expect(found.text).toContain(message);
});

test("an error never repeats a secret", () => {
  const found = refused(`${blob}credentials:\n  account_key: hunter2hunter2\n  sas_token: hunter2hunter2\n`);
  expect(found.text).not.toContain("hunter2");
});
