import type { AmlErrorCode, CredentialKind } from "@aml/core/adapter";
import { grantHint } from "@aml/azure-auth";

/** What was being done, to what, by whom: for messages and hints. Holds no secret. */
export interface Attempt {
  readonly operation: "stat" | "list" | "read" | "write" | "delete" | "copy";
  /** Of the blob or folder; empty for the container. */
  readonly path: string;
  readonly account: string;
  readonly container: string;
  readonly host: string;
  readonly credential: CredentialKind;
  /** Names the identity, of a credential that ends in a token. */
  readonly who?: string | undefined;
  /** Of a SAS token. */
  readonly expiresAt?: Date | undefined;
  readonly permissions?: string | undefined;
}

/** An attempt that failed, ready to be worded. */
export interface Failure extends Attempt {
  readonly blob: string;
  /** The service's own words, first sentence. */
  readonly said: string;
}

type Text = (failure: Failure) => string;
/** What an answer of the service means: a code, what happened, what to do next. */
export type Row = readonly [code: AmlErrorCode, what: Text, hint: Text];

const writes = ({ operation }: Attempt): boolean =>
  operation === "write" || operation === "delete" || operation === "copy";
const role = (attempt: Attempt): string =>
  writes(attempt) ? "Storage Blob Data Contributor" : "Storage Blob Data Reader";
const sasLetter = ({ operation }: Attempt): string =>
  ({
    stat: "read (r)",
    list: "list (l)",
    read: "read (r)",
    write: "write (w)",
    delete: "delete (d)",
    copy: "write (w)",
  })[operation];

const CHANGED: Row = [
  "precondition_failed",
  ({ blob }) => `${blob} is not the version that was expected: it was changed or deleted meanwhile.`,
  () => "Look it up again and repeat with its new etag.",
];
export const EXISTS: Row = [
  "already_exists",
  ({ blob }) => `${blob} exists already.`,
  () => "Choose another path, or allow it to be overwritten.",
];
const NO_BLOB: Row = [
  "not_found",
  ({ blob, container }) => `There is no ${blob} in container '${container}'.`,
  () => "Check the path: names are case-sensitive.",
];
const NO_CONTAINER: Row = [
  "not_found",
  ({ container, account }) => `There is no container '${container}' in storage account '${account}'.`,
  () => "Check containerName, or create the container.",
];
const DENIED: Row = [
  "permission_denied",
  (f) =>
    `The credential${f.who === undefined ? "" : ` of ${f.who}`} may not ${verb(f)} in container '${f.container}' of account '${f.account}'.`,
  (f) =>
    f.credential === "sas"
      ? `Use a SAS token that grants ${sasLetter(f)}${f.permissions === undefined ? "" : `; this one grants '${f.permissions}'`}.`
      : f.credential === "anonymous"
        ? "The container is not public: use a credential."
        : grantHint(role(f), `container '${f.container}' of account '${f.account}'`, f.who ?? "the identity"),
];
const FORBIDDEN: Row = [
  "permission_denied",
  DENIED[1],
  (f) =>
    `${f.credential === "account_key" ? "Check that the key belongs to this account" : DENIED[2](f).replace(/\.$/, "")}, and that the account's firewall lets this network in.`,
];
export const REFUSED: Row = [
  "auth_failed",
  (f) =>
    isExpired(f)
      ? `The SAS token for container '${f.container}' expired at ${f.expiresAt?.toISOString()}.`
      : `Storage account '${f.account}' refused the ${CREDENTIAL[f.credential] ?? `token of ${f.who ?? "the identity"}`}.`,
  (f) =>
    REFUSED_HINT[f.credential] ??
    "Check that the identity is of the account's tenant (or let in there as a guest), and that this machine's clock is right.",
];
const CREDENTIAL: Partial<Record<CredentialKind, string>> = {
  account_key: "account key",
  sas: "SAS token",
  anonymous: "anonymous access",
};
const REFUSED_HINT: Partial<Record<CredentialKind, string>> = {
  account_key:
    "Copy key1 or key2 from 'Access keys' of this storage account (it may have been rotated), and check this machine's clock.",
  sas: "Create a new SAS token for this account and container, and update the datastore with it.",
  anonymous: "Give the datastore a credential: the account allows no public access.",
};
const BUSY: Row = [
  "rate_limited",
  ({ account }) => `Storage account '${account}' is busy and asks to wait.`,
  () => "Wait and try again, or lower the concurrency.",
];
const BAD_NAME: Row = [
  "config_invalid",
  ({ container, path }) =>
    path === "" || BAD_CONTAINER.test(container)
      ? `'${container}' is not a valid container name.`
      : `'${path}' is not a valid blob name.`,
  () =>
    "Container names have 3 to 63 lower-case letters, digits and single hyphens; blob names at most 1,024 characters.",
];
const BAD_CONTAINER = /[^a-z0-9$-]|--|^-|-$|^.{0,2}$|^.{64,}$/;
const FIREWALL: Row = [
  "permission_denied",
  ({ account }) => `The firewall of storage account '${account}' does not let this network in.`,
  () => "Add this machine's address under 'Networking' of the storage account, or use its private endpoint.",
];
const ARCHIVED: Row = [
  "unsupported",
  ({ blob }) => `${blob} is in the archive tier and cannot be read.`,
  () => "Rehydrate it to the hot or cool tier first; that takes hours.",
];
const LEASED: Row = [
  "precondition_failed",
  ({ blob }) => `${blob} is leased by another client.`,
  () => "Break the lease or wait until it ends.",
];
export const SERVER: Row = [
  "unavailable",
  ({ account }) => `Storage account '${account}' failed to answer the request.`,
  () => "Try again; if it stays, look at the status page of Azure Storage.",
];

/** https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes, read 2026-11 */
export const CODES: Readonly<Record<string, Row>> = {
  BlobNotFound: NO_BLOB,
  ResourceNotFound: NO_BLOB,
  CannotVerifyCopySource: NO_BLOB,
  ContainerNotFound: NO_CONTAINER,
  ContainerBeingDeleted: NO_CONTAINER,
  ContainerDisabled: NO_CONTAINER,
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
  BlobAlreadyExists: EXISTS,
  ConditionNotMet: CHANGED,
  TargetConditionNotMet: CHANGED,
  SourceConditionNotMet: CHANGED,
  LeaseIdMissing: LEASED,
  LeaseAlreadyPresent: LEASED,
  BlobArchived: ARCHIVED,
  BlobBeingRehydrated: ARCHIVED,
  SnapshotsPresent: [
    "precondition_failed",
    ({ blob }) => `${blob} has snapshots and was not deleted.`,
    () => "Delete its snapshots too.",
  ],
  BlobImmutableDueToPolicy: [
    "permission_denied",
    ({ blob }) => `${blob} is protected by an immutability policy.`,
    () => "Wait until the policy's retention ends, or write to another path.",
  ],
  DirectoryIsNotEmpty: [
    "precondition_failed",
    ({ blob }) => `${blob} is a directory that is not empty.`,
    () => "Delete it recursively.",
  ],
  InvalidRange: [
    "range_not_satisfiable",
    ({ blob }) => `The range starts past the end of ${blob}.`,
    () => "Look up its size first.",
  ],
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
  404: NO_BLOB,
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

function verb({ operation, blob }: Failure): string {
  return operation === "stat"
    ? `look up ${blob}`
    : operation === "list"
      ? "list blobs"
      : `${operation} ${blob}`;
}
