import { adlsGen1 } from "@aml/adls-gen1";
import { adlsGen2 } from "@aml/adls-gen2";
import { azureBlob } from "@aml/azure-blob";
import { azureFileShare } from "@aml/azure-file-share";
import { azureSql } from "@aml/azure-sql";
import type { AnyAdapterDefinition } from "@aml/core";
import { STORE_CREDENTIALS, type StoreType } from "@aml/core/adapter";
import { dbfs } from "@aml/dbfs";
import { http } from "@aml/http";
import { local } from "@aml/local";
import { mysql } from "@aml/mysql";
import { postgresql } from "@aml/postgresql";
import { readDatastoreFile } from "@aml/workspace";
import { expect, test } from "vitest";
import type { DatastoreFlags } from "../src/datastore-flags.ts";
import type { Session } from "../src/session.ts";
import { storeOptions } from "../src/store-flags.ts";

const ADAPTERS: readonly AnyAdapterDefinition[] = [
  azureBlob,
  azureFileShare,
  adlsGen1,
  adlsGen2,
  azureSql,
  postgresql,
  mysql,
  dbfs,
  local,
  http,
];

/** Of each type: every flag that it has, and the same in a file where the type has that form. */
const TYPES: { readonly [T in StoreType]: readonly [flags: DatastoreFlags, yaml?: string] } = {
  azure_blob: [
    { accountName: "contoso", containerName: "trips", endpoint: "core.windows.net", protocol: "https" },
    "account_name: contoso\ncontainer_name: trips\nendpoint: core.windows.net\nprotocol: https\n",
  ],
  azure_file: [
    { accountName: "contoso", fileShareName: "share", endpoint: "core.windows.net", protocol: "https" },
    "account_name: contoso\nfile_share_name: share\nendpoint: core.windows.net\nprotocol: https\n",
  ],
  azure_data_lake_gen1: [{ storeName: "contoso" }, "store_name: contoso\n"],
  azure_data_lake_gen2: [
    { accountName: "contoso", filesystem: "fs", endpoint: "core.windows.net", protocol: "abfss" },
    "account_name: contoso\nfilesystem: fs\nendpoint: core.windows.net\nprotocol: abfss\n",
  ],
  azure_sql: [
    { server: "contoso", database: "sales", port: "1433", endpoint: "database.windows.net" },
    "server: contoso\ndatabase: sales\nport: 1433\nendpoint: database.windows.net\n",
  ],
  postgresql: [
    { server: "contoso", database: "sales", port: "5432", user: "ada", tls: "require" },
    "server: contoso\ndatabase: sales\nport: 5432\nuser: ada\ntls: require\n",
  ],
  mysql: [
    { server: "contoso", database: "sales", port: "3306", user: "ada", tls: "require" },
    "server: contoso\ndatabase: sales\nport: 3306\nuser: ada\ntls: require\n",
  ],
  dbfs: [
    { host: "adb-1.2.azuredatabricks.net", path: "/Volumes/a/b/c" },
    "host: adb-1.2.azuredatabricks.net\npath: /Volumes/a/b/c\n",
  ],
  local: [{ path: "data" }],
  http: [{ url: "https://example.com/data/" }],
};

test.each(ADAPTERS.map((adapter) => [adapter.type, adapter] as const))(
  "%s takes what its flags and files say, and the credentials of the table",
  async (type, adapter) => {
    const [flags, yaml] = TYPES[type as StoreType];
    const session = { terminal: { cwd: "/project" } } as unknown as Session;
    const options = adapter.parseOptions(storeOptions(session, flags, type));
    expect(Object.keys(options as object).length).toBeGreaterThanOrEqual(Object.keys(flags).length);
    if (yaml !== undefined) {
      const [input] = await readDatastoreFile(`name: x\ntype: ${type}\n${yaml}`, "x.yml");
      expect(adapter.parseOptions(input?.options)).toEqual(options);
    }
    expect(adapter.credentialKinds).toEqual(STORE_CREDENTIALS[type as StoreType]);
  },
);

test("no type is left out", () => {
  expect(ADAPTERS.map(({ type }) => type).toSorted()).toEqual(Object.keys(STORE_CREDENTIALS).toSorted());
});
