export { aclGrant, type AclOperation } from "./acl-grant.ts";
export {
  fetchHttpClient,
  storageHttpClient,
  type AzureHttpClient,
  type StorageHttpClient,
} from "./http-client.ts";
export { pauseBeneathTls } from "./pause-beneath-tls.ts";
export {
  describeError,
  DISCONNECTED,
  failureError,
  firstLine,
  jsonObject,
  UNMAPPED,
  unansweredRow,
  type FailureFacts,
  type FailureRow,
  type UnansweredHints,
} from "./rest-failure.ts";
export { retryAfterMs } from "./retry-after.ts";
export { bareSas, parseSas, type SasInfo } from "./sas.ts";
export {
  EXISTS,
  isStoreName,
  SERVER,
  storageErrors,
  type FailedAttempt,
  type StorageAttempt,
  type StorageErrorRow,
  type StorageService,
  type ToStorageError,
} from "./storage-errors.ts";
export {
  networkFailure,
  readStorageFailure,
  type NetworkFailure,
  type StorageFailure,
  type StorageHost,
} from "./storage-failure.ts";
export {
  DEFAULT_ENDPOINT,
  invalidOption,
  isServiceUrl,
  readStoreOptions,
  serviceUrl,
  type AccountStore,
} from "./store-options.ts";
export { sharedKeyCredential } from "./shared-key.ts";
export { signedIn, tokenCredentialOf, type SignedInOptions } from "./signed-in.ts";
export { grantHint } from "./who-signs-in.ts";
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
