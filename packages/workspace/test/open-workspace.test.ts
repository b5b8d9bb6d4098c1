import { type DatastoreRecord, Secret } from "@aml/core";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  type FolderWorkspace,
  initWorkspace,
  openWorkspace,
  type OpenWorkspaceOptions,
} from "../src/index.ts";

let home: string;
const open: FolderWorkspace[] = [];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "aml-workspace-"));
});
afterEach(async () => {
  for (const workspace of open.splice(0)) await workspace[Symbol.asyncDispose]();
  await rm(home, { recursive: true, force: true });
});

async function workspaceIn(folder: string, options?: OpenWorkspaceOptions): Promise<FolderWorkspace> {
  const workspace = await openWorkspace({ folder, ...options });
  open.push(workspace);
  return workspace;
}

/** A workspace whose key is in a file, whatever keychain this machine has. */
async function initialized(folder: string): Promise<FolderWorkspace> {
  await initWorkspace(folder);
  await writeFile(join(folder, "aml.config.json"), JSON.stringify({ secrets: { key: "file" } }));
  return workspaceIn(folder);
}

const all = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
};

const names = async (workspace: FolderWorkspace): Promise<string[]> =>
  (await all<DatastoreRecord>(workspace.datastores.list())).map(({ name }) => name);

test("a folder without settings is a workspace that writes nothing until something is registered", async () => {
  await writeFile(join(home, "a.csv"), "x\n1\n");
  const workspace = await workspaceIn(home);
  expect(await names(workspace)).toEqual(["workspaceblobstore", "workspacefilestore"]);
  expect((await workspace.datastores.getDefault()).name).toBe("workspaceblobstore");
  expect((await all(workspace.files("*.csv").files())).map(({ relativePath }) => relativePath)).toEqual([
    "a.csv",
  ]);
  expect(await all(workspace.datasets.list())).toEqual([]);
  await expect(workspace.datasets.get("azureml:x")).rejects.toMatchObject({ code: "not_found" });
  expect(await readdir(home)).toEqual(["a.csv"]);
  expect(workspace.initialized).toBe(false);

  await workspace.files("a.csv").register("letters");
  expect(workspace.initialized).toBe(true);
  expect((await readdir(home)).toSorted()).toEqual([".aml", "a.csv", "aml.config.json"]);
  const again = await workspaceIn(home);
  expect((await again.datasets.get("letters")).record?.version).toBe(1);
});

test("init writes the settings, a folder that git ignores, and refuses to do it twice", async () => {
  await initWorkspace(home);
  const config = JSON.parse(await readFile(join(home, "aml.config.json"), "utf8")) as Record<string, unknown>;
  expect(config).toEqual({
    adapters: ["@aml/local", "@aml/http", "@aml/azure-blob"],
    registry: ".aml/registry.db",
    secrets: { file: ".aml/vault.json", key: "auto", keyFile: ".aml/vault.key" },
  });
  expect(await readFile(join(home, ".aml", ".gitignore"), "utf8")).toMatch(/^\*$/m);
  await expect(initWorkspace(home)).rejects.toMatchObject({ code: "already_exists" });
});

test("the workspace is found from a folder below, and relative paths start where the program is", async () => {
  await initWorkspace(home);
  const below = join(home, "a", "b");
  await mkdir(below, { recursive: true });
  const workspace = await workspaceIn(below);
  expect(workspace.folder).toBe(home);
  expect(workspace.resolve("x.csv")).toBe(`${pathToFileURL(below).href}/x.csv`);
  expect((await workspaceIn(home, { baseFolder: below })).resolve("x.csv")).toBe(
    `${pathToFileURL(below).href}/x.csv`,
  );
});

test("the default datastores move with the folder", async () => {
  const first = join(home, "first");
  await initWorkspace(first);
  await writeFile(join(first, ".aml", "data", "workspaceblobstore", "x.txt"), "hello");
  await rename(first, join(home, "second"));
  const workspace = await workspaceIn(join(home, "second"));
  const uri = "azureml://datastores/workspaceblobstore/paths/x.txt";
  const [file] = await all(workspace.files(uri).files());
  expect(file?.stat.size).toBe(5);
});

test("a default datastore can be pointed elsewhere and chosen as the default, and not deleted", async () => {
  const elsewhere = join(home, "elsewhere");
  await mkdir(elsewhere);
  const workspace = await initialized(home);
  const { datastores } = workspace;
  const input = { name: "workspacefilestore", type: "local", options: { path: elsewhere } };
  await expect(datastores.register(input)).rejects.toMatchObject({ code: "already_exists" });
  await datastores.register(input, { overwrite: true });
  expect((await datastores.get("WorkspaceFileStore")).options).toEqual({ path: elsewhere });
  expect(await names(workspace)).toEqual(["workspaceblobstore", "workspacefilestore"]);
  await datastores.setDefault("workspacefilestore");
  expect((await (await workspaceIn(home)).datastores.getDefault()).name).toBe("workspacefilestore");
  for (const name of ["workspaceblobstore", "workspacefilestore"]) {
    await expect(datastores.delete(name)).rejects.toMatchObject({ code: "config_invalid" });
  }
});

test("secrets live in the vault; registry, settings, records and inspect() have their names only", async () => {
  const canary = `canary-${crypto.randomUUID()}`;
  const workspace = await initialized(home);
  const adapter = {
    kind: "storage" as const,
    type: "locked",
    credentialKinds: ["account_key" as const],
    parseOptions: (input: unknown) => input as never,
    open: () => {
      throw new Error("not opened without validation");
    },
  };
  const locked = await workspaceIn(home, { adapters: [adapter] });
  const record = await locked.datastores.register(
    {
      name: "lake",
      type: "locked",
      options: { a: "b" },
      credential: { kind: "account_key", accountKey: canary },
    },
    { skipValidation: true },
  );
  const everything = [inspect(record, { depth: 9 }), inspect(locked, { depth: 9 }), JSON.stringify(record)];
  for (const name of await readdir(join(home, ".aml"))) {
    const path = join(home, ".aml", name);
    if ((await stat(path)).isFile()) everything.push(await readFile(path, "latin1"));
  }
  everything.push(await readFile(join(home, "aml.config.json"), "utf8"));
  expect(everything.join("\n")).not.toContain(canary);
  expect((await stat(join(home, ".aml", "vault.key"))).mode & 0o777).toBe(0o600);
  expect((await workspace.datastores.get("lake")).credential).toEqual({
    kind: "account_key",
    accountKey: { secret: expect.stringMatching(/^datastores\/lake\/accountKey\//) },
  });
});

test("a secret may come from the environment by its name", async () => {
  process.env["AML_SECRET_LAKE_KEY"] = "from-the-environment";
  try {
    const seen: unknown[] = [];
    const adapter = {
      kind: "storage" as const,
      type: "locked",
      credentialKinds: ["account_key" as const],
      parseOptions: (input: unknown) => input as never,
      open: ({ credential }: { credential: { accountKey: Secret } }) => {
        seen.push(credential.accountKey.reveal());
        throw new Error("seen enough");
      },
    };
    await initialized(home);
    const workspace = await workspaceIn(home, { adapters: [adapter] });
    await workspace.datastores.register(
      {
        name: "lake",
        type: "locked",
        options: {},
        credential: { kind: "account_key", accountKey: { secret: "LAKE_KEY" } },
      },
      { skipValidation: true },
    );
    await expect(workspace.datastores.test("lake")).rejects.toThrow("seen enough");
    expect(seen).toEqual(["from-the-environment"]);
  } finally {
    delete process.env["AML_SECRET_LAKE_KEY"];
  }
});

test("an adapter that is not installed is an error with the command that installs it", async () => {
  const workspace = await workspaceIn(home, {
    importPackage: async (name) =>
      (await import("../src/load-package.ts")).loadPackage(`${name}-nowhere`, home),
  });
  await expect(
    workspace.datastores.register({ name: "x", type: "azure_blob", options: {} }),
  ).rejects.toMatchObject({
    code: "config_invalid",
    hint: "Install it: npm install @aml/azure-blob-nowhere",
  });
  expect(await readdir(home)).toEqual([]);
});

test("broken settings are an error that names the file", async () => {
  await writeFile(join(home, "aml.config.json"), '{"adaptors":[]}');
  await expect(openWorkspace({ folder: home })).rejects.toMatchObject({
    code: "config_invalid",
    message: expect.stringContaining(join(home, "aml.config.json")),
  });
});
