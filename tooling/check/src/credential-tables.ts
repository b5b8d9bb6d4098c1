import { STORE_CREDENTIALS } from "@aml/core/adapter";

interface KindText {
  readonly kinds: readonly string[];
  readonly title: string;
}

const KINDS: readonly KindText[] = [
  { kinds: ["account_key"], title: "account key" },
  { kinds: ["sas"], title: "SAS" },
  { kinds: ["service_principal", "service_principal_certificate"], title: "service principal" },
  { kinds: ["password"], title: "user and password" },
  { kinds: ["access_token"], title: "access token" },
  { kinds: ["oauth_client"], title: "client of the store" },
  { kinds: ["identity"], title: "identity" },
  { kinds: ["anonymous"], title: "none" },
];

const STORES: Readonly<Record<keyof typeof STORE_CREDENTIALS, string>> = {
  azure_blob: "Azure Blob Storage",
  azure_file: "Azure Files",
  azure_data_lake_gen1: "Data Lake Storage Gen1",
  azure_data_lake_gen2: "Data Lake Storage Gen2",
  azure_sql: "Azure SQL Database",
  postgresql: "Azure Database for PostgreSQL",
  mysql: "Azure Database for MySQL",
  dbfs: "Databricks File System",
  local: "a folder",
  http: "a web server",
};

/**
 * What Azure ML's own datastores can be registered with; OneLake is the one kind of its datastores without a type here.
 * https://learn.microsoft.com/azure/machine-learning/how-to-access-data and concept pages, read 2026-11
 */
const AZURE_ML: Readonly<Record<string, readonly string[]>> = {
  "Azure Blob Storage": ["account_key", "sas", "identity"],
  "Azure Files": ["account_key", "sas"],
  "Data Lake Storage Gen1": ["service_principal", "identity"],
  "Data Lake Storage Gen2": ["service_principal", "identity"],
  "Azure SQL Database": ["password", "service_principal", "identity"],
  "Azure Database for PostgreSQL": ["password"],
  "Azure Database for MySQL": ["password"],
  "Databricks File System": ["anonymous"],
  OneLake: ["service_principal", "identity"],
};

/** What each store here takes, as the code has it. */
export function credentialTable(): string {
  return table(
    ["type", "store"],
    KINDS,
    Object.entries(STORE_CREDENTIALS).map(([type, kinds]) => ({
      first: [`\`${type}\``, STORES[type as keyof typeof STORES]],
      kinds,
    })),
  );
}

/** What Azure ML's own datastores take. */
export function azureMLCredentialTable(): string {
  const used = KINDS.filter((kind) => Object.values(AZURE_ML).some((taken) => takes(taken, kind)));
  return table(
    ["store"],
    used,
    Object.entries(AZURE_ML).map(([store, kinds]) => ({ first: [store], kinds })),
  );
}

function table(
  heads: readonly string[],
  columns: readonly KindText[],
  rows: readonly { readonly first: readonly string[]; readonly kinds: readonly string[] }[],
): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [
    line([...heads, ...columns.map(({ title }) => title)]),
    line([...heads.map(() => "---"), ...columns.map(() => ":-:")]),
    ...rows.map(({ first, kinds }) =>
      line([...first, ...columns.map((column) => (takes(kinds, column) ? "✓" : ""))]),
    ),
  ].join("\n");
}

function takes(kinds: readonly string[], column: KindText): boolean {
  return column.kinds.some((kind) => kinds.includes(kind));
}
