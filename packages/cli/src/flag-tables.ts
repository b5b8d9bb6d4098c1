import type { CredentialKind, IdentitySource } from "@aml/core";
import type { DatastoreFlags } from "./datastore-flags.ts";

// Data alone: `--help` shows it, and loads nothing for it.

/** A flag that becomes an option of a store. */
export interface StoreFlag {
  /** As commander names it. */
  readonly name: StoreFlagName;
  readonly argument: string;
  readonly option: string;
  /** The types that have it. */
  readonly types: readonly string[];
  readonly help: string;
}

type StoreFlagName = keyof DatastoreFlags &
  (
    | "accountName"
    | "containerName"
    | "fileShareName"
    | "filesystem"
    | "storeName"
    | "endpoint"
    | "protocol"
    | "server"
    | "database"
    | "port"
    | "user"
    | "tls"
    | "host"
    | "path"
    | "url"
  );

const BLOB = "azure_blob";
const FILE = "azure_file";
const GEN1 = "azure_data_lake_gen1";
const GEN2 = "azure_data_lake_gen2";
const DATABASES = ["azure_sql", "postgresql", "mysql"];

export const STORE_FLAGS: readonly StoreFlag[] = [
  flag("accountName", "name", [BLOB, FILE, GEN2], "storage account"),
  flag("containerName", "name", [BLOB], "container"),
  flag("fileShareName", "name", [FILE], "file share"),
  flag("filesystem", "name", [GEN2], "file system (container)"),
  flag("storeName", "name", [GEN1], "account, the first part of NAME.azuredatalakestore.net"),
  flag(
    "endpoint",
    "endpoint",
    [BLOB, FILE, GEN1, GEN2, ...DATABASES],
    "suffix or URL of the service, for other clouds and emulators",
  ),
  flag("protocol", "protocol", [BLOB, FILE, GEN2], "how the store's own URIs are spelled, e.g. https"),
  flag("server", "name", DATABASES, "server: its first name or its whole host name"),
  flag("database", "name", DATABASES, "database"),
  flag("port", "number", DATABASES, "port, where it is not the usual one"),
  flag("user", "name", DATABASES, "user: of --password…, or the database user of an identity"),
  flag("tls", "mode", ["postgresql", "mysql"], "how the server proves itself"),
  flag("host", "host", ["dbfs"], "host of the Databricks workspace"),
  flag("path", "folder", ["local", "dbfs"], "folder that is the root"),
  { ...flag("url", "url", ["http"], "root address"), option: "baseUrl" },
];

function flag(name: StoreFlagName, argument: string, types: readonly string[], help: string): StoreFlag {
  return { name, argument, option: name, types, help };
}

/** `--account-name` of `accountName`. */
export function dashed(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** A secret that flags give: the field it becomes, what people call it, its flags, the kinds that have it. */
export interface SecretFlag {
  readonly field: "accountKey" | "sasToken" | "clientSecret" | "password" | "token";
  readonly what: string;
  readonly flag: string;
  readonly kinds: readonly CredentialKind[];
}

export const SECRET_FLAGS: readonly SecretFlag[] = [
  { field: "accountKey", what: "account key", flag: "account-key", kinds: ["account_key"] },
  { field: "sasToken", what: "SAS token", flag: "sas-token", kinds: ["sas"] },
  {
    field: "clientSecret",
    what: "client secret",
    flag: "client-secret",
    kinds: ["service_principal", "oauth_client"],
  },
  { field: "password", what: "password", flag: "password", kinds: ["password"] },
  { field: "token", what: "access token", flag: "token", kinds: ["access_token"] },
];

/** The kinds of credential, in the order of their help. */
export const KIND_NAMES: readonly string[] = names<CredentialKind>({
  account_key: true,
  sas: true,
  service_principal: true,
  service_principal_certificate: true,
  identity: true,
  password: true,
  access_token: true,
  oauth_client: true,
  anonymous: true,
});

/** Where an identity can come from. */
export const SOURCE_NAMES: readonly string[] = names<IdentitySource>({
  default: true,
  managed: true,
  workload: true,
  cli: true,
  environment: true,
  browser: true,
  device_code: true,
});

/** One that is missing is a compile error. */
function names<K extends string>(all: Readonly<Record<K, true>>): readonly string[] {
  return Object.keys(all);
}
