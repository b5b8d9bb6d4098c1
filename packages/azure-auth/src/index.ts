export {
  fetchHttpClient,
  storageHttpClient,
  type AzureHttpClient,
  type StorageHttpClient,
} from "./http-client.ts";
export { bareSas, parseSas, type SasInfo } from "./sas.ts";
export type { TokenCredentialKind, TokenSource } from "./sign-in.ts";
export {
  createTokenCache,
  type AccessToken,
  type GetTokenOptions,
  type TokenCache,
  type TokenCacheOptions,
} from "./token-cache.ts";
export {
  tokenCredential,
  type AzureTokenCredential,
  type TokenCredentialOptions,
} from "./token-credential.ts";
