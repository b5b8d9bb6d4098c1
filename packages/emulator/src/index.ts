export { startAdlsGen2, type AdlsGen2, type AdlsGen2Options } from "./adls-gen2/adls-gen2.ts";
export {
  createAzureFiles,
  type AzureFiles,
  type AzureFilesOptions,
} from "./azure-files/create-azure-files.ts";
export { startAzurite, type Azurite, type AzuriteOptions } from "./azurite.ts";
export {
  createCertificate,
  trustCertificate,
  type CertificateOptions,
  type LocalCertificate,
} from "./certificate.ts";
export { createEntra, type EntraDirectory } from "./entra/create-entra.ts";
export {
  AZURE_CLI_CLIENT_ID,
  type EntraApp,
  type EntraOptions,
  type EntraRequest,
  type EntraUser,
} from "./entra/entra-app.ts";
export { startEntra, type Entra, type StartEntraOptions } from "./entra/start-entra.ts";
export type { EntraClaims, TokenVerdict, TokenVerifier } from "./entra/token-signer.ts";
export { EmulatorError } from "./emulator-error.ts";
export type { Fault, FaultMatch } from "./faults/fault.ts";
export { createFaultScript, type FaultScript } from "./faults/fault-script.ts";
export { parseFaults } from "./faults/parse-faults.ts";
export { withFaults } from "./faults/with-faults.ts";
export { createKeyVault, type KeyVaultAction, type KeyVaultOptions } from "./key-vault/create-key-vault.ts";
export { startKeyVault, type StartKeyVaultOptions } from "./key-vault/start-key-vault.ts";
export { datastoreYaml } from "./product/datastore-yaml.ts";
export { EMULATED_SERVICES, type EmulatedService } from "./product/emulated-service.ts";
export type {
  RunningDbfs,
  RunningEntra,
  RunningServices,
  RunningSql,
  RunningStorage,
} from "./product/running-service.ts";
export { startEmulator, type Emulator, type EmulatorOptions } from "./product/start-emulator.ts";
export { serve, type RunningServer, type ServeOptions } from "./serve.ts";
export type { Service } from "./service.ts";
export type { StorageAccess, StorageAuthOptions } from "./storage-auth/index.ts";
export { createDbfs, type Dbfs, type DbfsAccess, type DbfsOptions } from "./dbfs/create-dbfs.ts";
export type { DatabricksClient } from "./dbfs/databricks-auth.ts";
export { startAzureSql, type AzureSql, type AzureSqlOptions } from "./tds/start-azure-sql.ts";
export type { VerifyToken } from "./tds/sign-in.ts";
export type { SqlServerError } from "./tds/sql-error.ts";
export type { TdsFault } from "./tds/tds-faults.ts";
export {
  createAdlsGen1,
  type AdlsGen1,
  type AdlsGen1Options,
  type Gen1Access,
} from "./adls-gen1/create-adls-gen1.ts";
