/** An account of the emulator. Keys may be exchanged while it runs: each request is judged by those of its moment. */
export interface StorageAccount {
  readonly name: string;
  /** key1 and key2, in base64. */
  readonly keys: readonly string[];
}

/** What a request wants to do, as the service that knows the operation understands it. */
export interface StorageAccess {
  readonly service: "blob" | "dfs" | "file";
  /** Container, share or file system; absent for the account itself. */
  readonly container?: string | undefined;
  /** Decoded, below the container, without a slash at either end; absent or empty for the container itself. */
  readonly path?: string | undefined;
  /** Of an account SAS: the account, containers, or what is in them. */
  readonly resourceType: "service" | "container" | "object";
  /**
   * SAS letters that allow it: one of these sets has to be granted whole. `["c", "w"]` is either letter, `["rl"]`
   * both, and an empty list what no SAS of a container can do.
   */
  readonly permissions: readonly string[];
  /** Letters of an account SAS, where they differ. */
  readonly accountPermissions?: readonly string[] | undefined;
}

/** Terms that a container or share keeps under a name, for the SAS tokens that refer to it. */
export interface StoredAccessPolicy {
  readonly startsOn?: string | undefined;
  readonly expiresOn?: string | undefined;
  readonly permissions?: string | undefined;
}

/** Who sent a request that was let in. */
export type StorageIdentity =
  | { readonly kind: "account_key" | "account_sas" | "service_sas" | "anonymous" }
  | { readonly kind: "user_delegation_sas" | "token"; readonly objectId: string; readonly tenantId: string };

/** What a bearer token says, after its signature was found good. */
export interface TokenClaims {
  readonly aud: string;
  readonly oid: string;
  readonly tid: string;
  /** Seconds since 1970. */
  readonly exp: number;
  readonly nbf?: number | undefined;
}
