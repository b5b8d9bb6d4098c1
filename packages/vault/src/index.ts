export { envSecrets } from "./env-secrets.ts";
export type { EnvSecretsOptions } from "./env-secrets.ts";
export { firstOf } from "./first-of.ts";
export type { Keychain } from "./keychain.ts";
export { openVault } from "./open-vault.ts";
export type { VaultOptions } from "./open-vault.ts";
export type { VaultKey } from "./vault-key.ts";
