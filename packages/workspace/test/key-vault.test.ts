import { azureBlob } from "@aml/azure-blob";
import { createEntra, createKeyVault, serve } from "@aml/emulator";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { initWorkspace, openWorkspace, type OpenWorkspaceOptions } from "../src/index.ts";

const VAULT = "https://contoso.vault.azure.net";
let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "aml-workspace-"));
  await initWorkspace(home);
  await writeFile(join(home, "aml.config.json"), JSON.stringify({ secrets: { keyVault: VAULT } }));
});
afterEach(() => rm(home, { recursive: true }));

test("a workspace keeps its secrets in a key vault", async () => {
  const entra = await createEntra();
  const service = await createKeyVault({
    entra: {
      authorityUrl: "https://login.microsoftonline.com",
      tenantId: entra.tenantId,
      verify: entra.verify,
    },
  });
  await using server = await serve(service);
  const names: string[] = [];
  const options: OpenWorkspaceOptions = {
    folder: home,
    tokenProvider: {
      getToken: async () => ({
        token: await entra.accessToken("https://vault.azure.net", "app"),
        expiresOnTimestamp: Date.now() + 3_600_000,
      }),
    },
    fetch: (url, init) => {
      const { pathname, search } = new URL(url instanceof Request ? url.url : url);
      names.push(`${init?.method} ${pathname}`);
      return fetch(`${server.url}${pathname}${search}`, init);
    },
  };
  await using workspace = await openWorkspace(options);
  const lake = {
    name: "lake",
    type: "azure_blob",
    options: { accountName: "contoso", containerName: "trips" },
  };
  await workspace.datastores.register(
    { ...lake, credential: { kind: "account_key", accountKey: "a2V5LWNhbmFyeQ==" } },
    { skipValidation: true },
  );
  expect(names.at(-1)).toMatch(/^PUT \/secrets\/aml--datastores--lake--account-key--[0-9a-f]{8}$/);
  await workspace.datastores.open("lake");
  expect(names.at(-1)).toMatch(/^GET \/secrets\/aml--datastores--lake--account-key--/);
  await workspace.datastores.update(
    "lake",
    { credential: { kind: "account_key", accountKey: "bmV3" } },
    { skipValidation: true },
  );
  expect(names.filter((name) => name.startsWith("DELETE"))).toHaveLength(1);
  expect(await readdir(join(home, ".aml"))).not.toContain("vault.json");
  expect(await readFile(join(home, ".aml/registry.db"), "latin1")).not.toContain("a2V5LWNhbmFyeQ");
});

test("the package is looked for when a secret is needed; what is none is named", async () => {
  const imported: string[] = [];
  await using workspace = await openWorkspace({
    folder: home,
    adapters: [azureBlob],
    importPackage: async (name) => {
      imported.push(name);
      return {};
    },
  });
  expect(imported).toEqual([]);
  await expect(
    workspace.datastores.register(
      {
        name: "lake",
        type: "azure_blob",
        options: { accountName: "contoso", containerName: "trips" },
        credential: { kind: "account_key", accountKey: "a2V5" },
      },
      { skipValidation: true },
    ),
  ).rejects.toMatchObject({
    code: "config_invalid",
    message: "The package @aml/key-vault exports no key vault.",
    hint: "Install it again: npm install @aml/key-vault",
  });
  expect(imported).toEqual(["@aml/key-vault"]);
});
