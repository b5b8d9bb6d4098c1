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

test("a cache of none keeps nothing", () => {
  const { cache } = parseWorkspaceConfig('{"cache":"none"}', "x");
  expect(cache).toEqual({ folder: DEFAULT_CONFIG.cache.folder, keep: false });
});

test("a key vault takes the place of the file", () => {
  const vaultUrl = "https://contoso.vault.azure.net";
  const { secrets } = parseWorkspaceConfig(JSON.stringify({ secrets: { keyVault: vaultUrl } }), "x");
  expect(secrets).toEqual({ ...DEFAULT_CONFIG.secrets, keyVault: vaultUrl });
});

test.each([
  ["{", "is not JSON"],
  ["[]", "must be an object"],
  ['{"adaptors":[]}', "unknown key 'adaptors'"],
  ['{"adaptors":[]}', "Known keys are: $schema, adapters, registry, secrets, cache, data."],
  ['{"secrets":{"value":"x"}}', "unknown key 'secrets.value'"],
  ['{"secrets":{"key":"hex"}}', "'secrets.key'"],
  ['{"secrets":{"keyVault":"contoso"}}', "'secrets.keyVault'"],
  ['{"secrets":{"keyVault":"http://contoso.vault.azure.net"}}', "'secrets.keyVault'"],
  [
    '{"secrets":{"keyVault":"https://contoso.vault.azure.net","file":"f"}}',
    "'secrets.file' in aml.config.json must be left out",
  ],
  ['{"adapters":"x"}', "'adapters'"],
  ['{"cache":"never"}', "'cache' in aml.config.json must be \"none\""],
  ['{"adapters":["../evil"]}', "'adapters[0]'"],
  ['{"adapters":["file:///x"]}', "'adapters[0]'"],
  ['{"adapters":[{"type":"s3"}]}', "'adapters[0]'"],
  ['{"registry":3}', "'registry'"],
  ['{"cache":{"maxBytes":"1GB"}}', "'cache.maxBytes'"],
])("%s is refused: %s", (text, message) => {
  expect(refused(text)).toContain(message);
});
