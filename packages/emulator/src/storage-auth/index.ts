export {
  createStorageAuth,
  type StorageAuth,
  type StorageAuthOptions,
  type StorageVerdict,
} from "./create-storage-auth.ts";
export type {
  StorageAccess,
  StorageAccount,
  StorageIdentity,
  StoredAccessPolicy,
  TokenClaims,
} from "./storage-account.ts";
export { escapeXml, storageErrorResponse, type StorageError } from "./storage-error.ts";
export { userDelegationKey, userDelegationKeyXml } from "./user-delegation-key.ts";
