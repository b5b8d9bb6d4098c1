import { AmlError, isAmlError } from "@aml/core";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createAdapterFinder } from "../src/adapter-finder.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aml-finder-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const adapter = (type: string, scheme: string): object => ({
  kind: "storage",
  type,
  credentialKinds: ["anonymous"],
  parseOptions: (input: unknown) => input,
  locate: (uri: string) => (uri.startsWith(scheme) ? { options: {}, path: "" } : undefined),
  open: () => {
    throw new AmlError("unsupported", "never opened here");
  },
});

const packages: Readonly<Record<string, object>> = {
  "@aml/local": { local: adapter("local", "file:") },
  "@aml/http": { http: adapter("http", "http") },
  "@aml/azure-blob": { azureBlob: adapter("azure_blob", "https://acct.blob.") },
  "aml-adapter-s3": { s3: adapter("s3", "s3:") },
  "aml-adapter-gs": { gs: adapter("gs", "https://storage.googleapis.com/") },
  "not-an-adapter": { helper: () => 1 },
};

const finder = (entries: readonly { type?: string; package: string }[]) => {
  const imported: string[] = [];
  const find = createAdapterFinder({
    entries,
    folder,
    importPackage: async (name) => {
      imported.push(name);
      return packages[name] as Record<string, unknown>;
    },
  });
  return { find, imported };
};

test.each([
  [{ type: "local" }, "local", ["@aml/local"]],
  [{ type: "azure_blob" }, "azure_blob", ["@aml/azure-blob"]],
  [{ type: "s3" }, "s3", ["aml-adapter-s3"]],
  [{ type: "gs" }, "gs", ["aml-adapter-gs"]],
  [{ uri: "file:///x" }, "local", ["@aml/local"]],
  [{ uri: "https://acct.blob.core.windows.net/c/x" }, "azure_blob", ["@aml/azure-blob"]],
  [{ uri: "s3://bucket/x" }, "s3", ["aml-adapter-s3"]],
  [{ uri: "https://storage.googleapis.com/x" }, "gs", ["aml-adapter-s3", "aml-adapter-gs"]],
  [{ uri: "https://example.com/x" }, "http", ["aml-adapter-s3", "aml-adapter-gs", "@aml/http"]],
  [{ uri: "ftp://example.com/x" }, undefined, ["aml-adapter-s3", "aml-adapter-gs"]],
])("%j is %s, importing only %j", async (wanted, type, expected) => {
  const { find, imported } = finder([
    { type: "s3", package: "aml-adapter-s3" },
    { package: "aml-adapter-gs" },
  ]);
  expect((await find(wanted))?.type).toBe(type);
  await find(wanted);
  expect(imported).toEqual(expected);
});

test("a package without an adapter is named", async () => {
  await expect(finder([{ package: "not-an-adapter" }]).find({ type: "x" })).rejects.toMatchObject({
    code: "config_invalid",
    message: expect.stringContaining("not-an-adapter"),
  });
});

test("a package that is not installed is an error with the command that installs it", async () => {
  const find = createAdapterFinder({ entries: [{ type: "x", package: "aml-adapter-nowhere" }], folder });
  const error: unknown = await find({ type: "x" }).catch((reason: unknown) => reason);
  if (!isAmlError(error, "config_invalid")) throw error;
  expect(error.hint).toBe("Install it: npm install aml-adapter-nowhere");
});

test("packages of the workspace folder and files beside aml.config.json are imported from there", async () => {
  const source = `export const mine = { kind: "storage", type: "mine", parseOptions() {}, open() {} };`;
  const home = join(folder, "node_modules", "aml-adapter-mine");
  await mkdir(home, { recursive: true });
  await writeFile(join(home, "package.json"), JSON.stringify({ type: "module", exports: "./index.js" }));
  await writeFile(join(home, "index.js"), source);
  await writeFile(join(folder, "own.mjs"), source.replace('"mine"', '"own"'));
  const entries = [
    { type: "mine", package: "aml-adapter-mine" },
    { type: "own", package: "./own.mjs" },
  ];
  const find = createAdapterFinder({ entries, folder });
  expect((await find({ type: "mine" }))?.type).toBe("mine");
  expect((await find({ type: "own" }))?.type).toBe("own");
});

test("a package that fails while it loads is not called missing", async () => {
  await writeFile(join(folder, "broken.mjs"), "throw new Error('boom');");
  const find = createAdapterFinder({ entries: [{ type: "x", package: "./broken.mjs" }], folder });
  await expect(find({ type: "x" })).rejects.toMatchObject({
    code: "config_invalid",
    message: "The package ./broken.mjs could not be loaded.",
    cause: { message: "boom" },
  });
});
