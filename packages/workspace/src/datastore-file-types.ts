import { STORE_CREDENTIALS, type CredentialKind, type StoreType } from "@aml/core/adapter";

/** A datastore type as files write it. */
export interface FileType {
  readonly type: StoreType;
  /** Keys of the file, and the option that each becomes. */
  readonly options: Readonly<Record<string, string>>;
  readonly required: readonly string[];
  readonly credentialKinds: readonly CredentialKind[];
}

const ACCOUNT = { account_name: "accountName", endpoint: "endpoint", protocol: "protocol" };
const DATABASE = { server: "server", database: "database", port: "port", endpoint: "endpoint", ca: "ca" };
const OPEN_DATABASE = { ...DATABASE, user: "user", tls: "tls" };

/** Azure ML's v2 types and, in the same form, ours. */
export const FILE_TYPES: Readonly<Record<string, FileType>> = Object.fromEntries(
  [
    fileType("azure_blob", { ...ACCOUNT, container_name: "containerName" }, [
      "account_name",
      "container_name",
    ]),
    fileType("azure_file", { ...ACCOUNT, file_share_name: "fileShareName" }, [
      "account_name",
      "file_share_name",
    ]),
    fileType("azure_data_lake_gen1", { store_name: "storeName", endpoint: "endpoint" }, ["store_name"]),
    fileType("azure_data_lake_gen2", { ...ACCOUNT, filesystem: "filesystem" }, [
      "account_name",
      "filesystem",
    ]),
    fileType(
      "azure_sql",
      {
        ...DATABASE,
        encrypt: "encrypt",
        trust_server_certificate: "trustServerCertificate",
        application_intent: "applicationIntent",
      },
      ["server", "database"],
    ),
    fileType("postgresql", { ...OPEN_DATABASE, schema: "schema" }, ["server", "database"]),
    fileType("mysql", { ...OPEN_DATABASE, zero_dates: "zeroDates" }, ["server", "database"]),
    fileType("dbfs", { host: "host", path: "path" }, ["host"]),
  ].map((known) => [known.type, known]),
);

function fileType(
  type: StoreType,
  options: Readonly<Record<string, string>>,
  required: readonly string[],
): FileType {
  return { type, options, required, credentialKinds: STORE_CREDENTIALS[type] };
}

/** What to do instead of a OneLake datastore; not tried on the service itself. */
export const ONE_LAKE_HINT =
  "OneLake answers the requests of Data Lake Storage Gen2: register type azure_data_lake_gen2 with account_name: onelake, endpoint: fabric.microsoft.com and filesystem: WORKSPACE-GUID, and start paths with ARTIFACT-GUID/Files/.";
