import { isAmlError } from "@aml/core";
import { expect, test } from "vitest";
import { DEFAULT_CONFIG, parseWorkspaceConfig } from "../src/index.ts";

const refused = (text: string): string => {
  try {
    parseWorkspaceConfig(text, "aml.config.json");
  } catch (error) {
    if (!isAmlError(error, "config_invalid")) throw error;
    return `${error.message} ${error.hint}`;
  }
  throw new Error(`accepted: ${text}`);
};

test("an empty object is the default", () => {
  expect(parseWorkspaceConfig("{}", "x")).toEqual(DEFAULT_CONFIG);
});

test("every key is read", () => {
  const text = JSON.stringify({
    adapters: ["@aml/azure-blob", { type: "s3", package: "aml-adapter-s3" }, "./mine.ts"],
    registry: "r.db",
    secrets: { file: "s.json", key: "file", keyFile: "k" },
    cache: { folder: "/tmp/c", maxBytes: 1e9 },
    data: "d",
  });
  expect(parseWorkspaceConfig(text, "x")).toEqual({
    adapters: [
      { package: "@aml/azure-blob" },
      { type: "s3", package: "aml-adapter-s3" },
      { package: "./mine.ts" },
    ],
    registry: "r.db",
    secrets: { file: "s.json", key: "file", keyFile: "k" },
    cache: { folder: "/tmp/c", maxBytes: 1e9 },
    data: "d",
  });
});

test.each([
  ["{", "is not JSON"],
  ["[]", "must be an object"],
  ['{"adaptors":[]}', "unknown key 'adaptors'"],
  ['{"adaptors":[]}', "Known keys are: $schema, adapters, registry, secrets, cache, data."],
  ['{"secrets":{"value":"x"}}', "unknown key 'secrets.value'"],
  ['{"secrets":{"key":"hex"}}', "'secrets.key'"],
  ['{"adapters":"x"}', "'adapters'"],
  ['{"adapters":["../evil"]}', "'adapters[0]'"],
  ['{"adapters":["file:///x"]}', "'adapters[0]'"],
  ['{"adapters":[{"type":"s3"}]}', "'adapters[0]'"],
  ['{"registry":3}', "'registry'"],
  ['{"cache":{"maxBytes":"1GB"}}', "'cache.maxBytes'"],
])("%s is refused: %s", (text, message) => {
  expect(refused(text)).toContain(message);
});
