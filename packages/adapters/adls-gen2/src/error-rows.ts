import type { AmlErrorCode, CredentialKind } from "@aml/core/adapter";
import { missingGrant, role } from "./missing-grant.ts";

/** What was being done, to what, by whom: for messages and hints. Holds no secret. */
export interface Attempt {
  readonly operation: "stat" | "list" | "read" | "write" | "delete" | "rename" | "copy" | "rights";
  /** Of the file or directory; empty for the root. */
  readonly path: string;
  readonly account: string;
  readonly filesystem: string;
  readonly host: string;
  readonly credential: CredentialKind;
  /** Who signs in with a token, as far as it is known. */
  readonly who?: string | undefined;
  /** Of a SAS token. */
  readonly expiresAt?: Date | undefined;
  readonly permissions?: string | undefined;
}

/** An attempt that failed, ready to be worded. */
export interface Failure extends Attempt {
  /** The path in quotes, or the root. */
  readonly what: string;
  /** The service's own words, first sentence. */
  readonly said: string;
}

type Text = (failure: Failure) => string;
/** What an answer of the service means: a code, what happened, what to do next. */
export type Row = readonly [code: AmlErrorCode, what: Text, hint: Text];

const CHANGED: Row = [
  "precondition_failed",
  ({ what }) => `${what} is not the version that was expected: it was changed or deleted meanwhile.`,
  () => "Look it up again and repeat with its new etag.",
];
export const EXISTS: Row = [
  "already_exists",
  ({ what }) => `${what} exists already.`,
  () => "Choose another path, or allow it to be overwritten.",
];
const NO_PATH: Row = [
  "not_found",
  ({ what, filesystem }) => `There is no ${what} in file system '${filesystem}'.`,
  () => "Check the path: names are case-sensitive.",
];
const NO_FILESYSTEM: Row = [
  "not_found",
  ({ filesystem, account }) => `There is no file system '${filesystem}' in storage account '${account}'.`,
  () => "Check filesystem, or create it.",
];
const WRONG_KIND: Row = [
  "path_invalid",
  ({ what }) => `${what}, or a part of it, is a file where a directory is needed, or the reverse.`,
  () => "Choose a path that no file or directory is in the way of.",
];
const DENIED: Row = [
  "permission_denied",
  (f) => `The credential may not ${verb(f)} in file system '${f.filesystem}' of account '${f.account}'.`,
  missingGrant,
];
const FORBIDDEN: Row = [
  "permission_denied",
  DENIED[1],
  (f) => `${missingGrant(f).replace(/\.$/, "")}; check too that the account's firewall lets this network in.`,
];
export const REFUSED: Row = [
  "auth_failed",
  (f) =>
    isExpired(f)
      ? `The SAS token for file system '${f.filesystem}' expired at ${f.expiresAt?.toISOString()}.`
      : `Storage account '${f.account}' refused the ${CREDENTIAL[f.credential] ?? "credential"}.`,
  (f) => REFUSED_HINT[f.credential] ?? "Check the credential, and that this machine's clock is right.",
];
const CREDENTIAL: Partial<Record<CredentialKind, string>> = {
  account_key: "account key",
  sas: "SAS token",
};
const REFUSED_HINT: Partial<Record<CredentialKind, string>> = {
  account_key:
    "Copy key1 or key2 from 'Access keys' of this storage account (it may have been rotated), and check this machine's clock.",
  sas: "Create a new SAS token for this account and path, and update the datastore with it.",
};
const BUSY: Row = [
  "rate_limited",
  ({ account }) => `Storage account '${account}' is busy and asks to wait.`,
  () => "Wait and try again, or lower the concurrency.",
];
const BAD_FILESYSTEM = /[^a-z0-9$-]|--|^-|-$|^.{0,2}$|^.{64,}$/;
const BAD_NAME: Row = [
  "config_invalid",
  ({ filesystem, path }) =>
    path === "" || BAD_FILESYSTEM.test(filesystem)
      ? `'${filesystem}' is not a valid name of a file system.`
      : `'${path}' is not a valid path.`,
  () =>
    "File systems have 3 to 63 lower-case letters, digits and single hyphens; paths at most 1,024 characters and 63 segments.",
];
const FIREWALL: Row = [
  "permission_denied",
  ({ account }) => `The firewall of storage account '${account}' does not let this network in.`,
  () => "Add this machine's address under 'Networking' of the storage account, or use its private endpoint.",
];
const LEASED: Row = [
  "precondition_failed",
  ({ what }) => `${what} is leased by another client.`,
  () => "Break the lease or wait until it ends.",
];
const NOT_HIERARCHICAL: Row = [
  "unsupported",
  ({ account }) => `Storage account '${account}' has no hierarchical namespace.`,
  () => "Register it as azure_blob, or enable the hierarchical namespace of the account.",
];
export const SERVER: Row = [
  "unavailable",
  ({ account }) => `Storage account '${account}' failed to answer the request.`,
  () => "Try again; if it stays, look at the status page of Azure Storage.",
];

/**
 * Names of the dfs endpoint and of the blob endpoint, which the SDK reads through.
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/data-lake-storage-gen2 – each operation's table, read 2026-11
 */
export const CODES: Readonly<Record<string, Row>> = {
  PathNotFound: NO_PATH,
  BlobNotFound: NO_PATH,
  ResourceNotFound: NO_PATH,
  SourcePathNotFound: NO_PATH,
  RenameDestinationParentPathNotFound: [
    "not_found",
    ({ what }) => `The directory that ${what} is to be moved to does not exist.`,
    () => "Create it first.",
  ],
  FilesystemNotFound: NO_FILESYSTEM,
  ContainerNotFound: NO_FILESYSTEM,
  FilesystemBeingDeleted: NO_FILESYSTEM,
  ContainerBeingDeleted: NO_FILESYSTEM,
  PathAlreadyExists: EXISTS,
  BlobAlreadyExists: EXISTS,
  PathConflict: WRONG_KIND,
  ResourceTypeMismatch: WRONG_KIND,
  InvalidSourceOrDestinationResourceType: WRONG_KIND,
  InvalidRenameSourcePath: [
    "path_invalid",
    ({ what }) => `${what} cannot be moved into itself.`,
    () => "Choose a new place outside of it.",
  ],
  InvalidDestinationPath: WRONG_KIND,
  DirectoryNotEmpty: [
    "precondition_failed",
    ({ what, operation }) =>
      operation === "rename"
        ? `${what} cannot replace a directory that is not empty.`
        : `${what} is a directory that is not empty.`,
    ({ operation }) => (operation === "rename" ? "Delete that directory first." : "Delete it recursively."),
  ],
  ConditionNotMet: CHANGED,
  TargetConditionNotMet: CHANGED,
  SourceConditionNotMet: CHANGED,
  InvalidFlushPosition: [
    "internal",
    ({ what }) => `What was written of ${what} is not whole.`,
    () => "Write it again.",
  ],
  AuthenticationFailed: REFUSED,
  InvalidAuthenticationInfo: REFUSED,
  NoAuthenticationInformation: REFUSED,
  AccountIsDisabled: REFUSED,
  KeyBasedAuthenticationNotPermitted: [
    "auth_failed",
    ({ account }) =>
      `Storage account '${account}' does not allow account keys or SAS tokens signed with them.`,
    (f) => `Use an identity with the role "${role(f)}", or allow key access in the account's configuration.`,
  ],
  AuthorizationPermissionMismatch: DENIED,
  AuthorizationFailure: FORBIDDEN,
  InsufficientAccountPermissions: DENIED,
  AuthorizationProtocolMismatch: DENIED,
  AuthorizationResourceTypeMismatch: DENIED,
  AuthorizationServiceMismatch: DENIED,
  AuthorizationSourceIPMismatch: FIREWALL,
  PublicAccessNotPermitted: REFUSED,
  LeaseIdMissing: LEASED,
  LeaseAlreadyPresent: LEASED,
  LeaseIsAlreadyBroken: LEASED,
  BlobImmutableDueToPolicy: [
    "permission_denied",
    ({ what }) => `${what} is protected by an immutability policy.`,
    () => "Wait until the policy's retention ends, or write to another path.",
  ],
  InvalidRange: [
    "range_not_satisfiable",
    ({ what }) => `The range starts past the end of ${what}.`,
    () => "Look up its size first.",
  ],
  HierarchicalNamespaceNotEnabled: NOT_HIERARCHICAL,
  UnsupportedRestVersion: NOT_HIERARCHICAL,
  InvalidResourceName: BAD_NAME,
  InvalidUri: BAD_NAME,
  OutOfRangeInput: BAD_NAME,
  ServerBusy: BUSY,
  OperationTimedOut: ["timeout", SERVER[1], SERVER[2]],
  InternalError: SERVER,
};

export const STATUSES: Readonly<Record<number, Row>> = {
  401: REFUSED,
  403: FORBIDDEN,
  404: NO_PATH,
  408: ["timeout", SERVER[1], SERVER[2]],
  409: CHANGED,
  412: CHANGED,
  416: CODES["InvalidRange"] as Row,
  429: BUSY,
  500: SERVER,
  502: SERVER,
  503: BUSY,
  504: ["timeout", SERVER[1], SERVER[2]],
};

/** Whether a SAS token has run out by now. */
export function isExpired({ credential, expiresAt }: Attempt): boolean {
  return credential === "sas" && expiresAt !== undefined && expiresAt.getTime() < Date.now();
}

function verb({ operation, what }: Failure): string {
  switch (operation) {
    case "stat":
      return `look up ${what}`;
    case "rights":
      return `see the access control of ${what}`;
    default:
      return `${operation} ${what}`;
  }
}
