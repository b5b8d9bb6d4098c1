export { keyVault, type KeyVault, type KeyVaultOptions } from "./key-vault.ts";
export { fromVaultName, toVaultName, type VaultSecretName } from "./secret-name.ts";
