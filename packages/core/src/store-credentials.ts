/**
 * Who may sign in how: for each type of datastore of ours, the kinds of credential that the service itself accepts
 * today. Azure ML's own table is smaller; `docs/credentials.md` shows both, printed from here.
 */
export const STORE_CREDENTIALS = {
  azure_blob: [
    "account_key",
    "sas",
    "service_principal",
    "service_principal_certificate",
    "identity",
    "anonymous",
  ],
  azure_file: ["account_key", "sas", "service_principal", "service_principal_certificate", "identity"],
  azure_data_lake_gen1: ["service_principal", "service_principal_certificate", "identity"],
  azure_data_lake_gen2: [
    "account_key",
    "sas",
    "service_principal",
    "service_principal_certificate",
    "identity",
  ],
  azure_sql: ["password", "service_principal", "service_principal_certificate", "identity"],
  postgresql: ["password", "service_principal", "service_principal_certificate", "identity"],
  mysql: ["password", "service_principal", "service_principal_certificate", "identity"],
  dbfs: ["access_token", "oauth_client", "service_principal", "service_principal_certificate", "identity"],
  local: ["anonymous"],
  http: ["anonymous"],
} as const;

/** The types of datastore that have a package here. */
export type StoreType = keyof typeof STORE_CREDENTIALS;

/** The kinds of credential that a type of datastore takes. */
export type CredentialKindOf<T extends StoreType> = (typeof STORE_CREDENTIALS)[T][number];
