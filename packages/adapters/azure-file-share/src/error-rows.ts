import type { AmlErrorCode, CredentialKind } from "@aml/core/adapter";
import { grantHint } from "@aml/azure-auth";

/** What was being done, to what, by whom: for messages and hints. Holds no secret. */
export interface Attempt {
  readonly operation: "stat" | "list" | "read" | "write" | "delete" | "copy";
  /** Of the file or directory; empty for the share. */
  readonly path: string;
  readonly account: string;
  readonly share: string;
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
  readonly file: string;
  /** The service's own words, first sentence. */
  readonly said: string;
}

type Text = (failure: Failure) => string;
/** What an answer of the service means: a code, what happened, what to do next. */
export type Row = readonly [code: AmlErrorCode, what: Text, hint: Text];

const writes = ({ operation }: Attempt): boolean => ["write", "delete", "copy"].includes(operation);
const role = (attempt: Attempt): string =>
  `Storage File Data Privileged ${writes(attempt) ? "Contributor" : "Reader"}`;
const sasLetter = ({ operation }: Attempt): string =>
  ({
    stat: "read (r)",
    list: "list (l)",
    read: "read (r)",
    write: "create and write (cw)",
    delete: "delete (d)",
    copy: "create and write (cw)",
  })[operation];

const NO_FILE: Row = [
  "not_found",
  ({ file, share }) => `There is no ${file} in share '${share}'.`,
  () => "Check the path, or list the folder above.",
];
const NO_SHARE: Row = [
  "not_found",
  ({ share, account }) => `There is no file share '${share}' in storage account '${account}'.`,
  () => "Check fileShareName, or create the share.",
];
const EXISTS: Row = [
  "already_exists",
  ({ file }) => `${file} exists already.`,
  () => "Choose another path, or allow it to be overwritten.",
];
const OTHER_KIND: Row = [
  "not_found",
  ({ file, share }) =>
    `There is no ${file} in share '${share}': a folder or a file of another kind is there.`,
  () => "List the folder above to see what is there.",
];
const DENIED: Row = [
  "permission_denied",
  (f) =>
    `The credential${f.who === undefined ? "" : ` of ${f.who}`} may not ${verb(f)} in share '${f.share}' of account '${f.account}'.`,
  missingGrant,
];
const FORBIDDEN: Row = [
  "permission_denied",
  DENIED[1],
  (f) => `${missingGrant(f).replace(/\.$/, "")}, and that the account's firewall lets this network in.`,
];
export const REFUSED: Row = [
  "auth_failed",
  (f) =>
    isExpired(f)
      ? `The SAS token for share '${f.share}' expired at ${f.expiresAt?.toISOString()}.`
      : `Storage account '${f.account}' refused the ${CREDENTIAL[f.credential] ?? `token of ${f.who ?? "the identity"}`}.`,
  (f) =>
    REFUSED_HINT[f.credential] ??
    "Check that the identity is of the account's tenant (or let in there as a guest), and that this machine's clock is right.",
];
const CREDENTIAL: Partial<Record<CredentialKind, string>> = {
  account_key: "account key",
  sas: "SAS token",
};
const REFUSED_HINT: Partial<Record<CredentialKind, string>> = {
  account_key:
    "Copy key1 or key2 from 'Access keys' of this storage account (it may have been rotated), and check this machine's clock.",
  sas: "Create a new SAS token for this account and share, and update the datastore with it.",
};
const BUSY: Row = [
  "rate_limited",
  ({ account }) => `Storage account '${account}' is busy and asks to wait.`,
  () => "Wait and try again, or lower the concurrency.",
];
const BAD_SHARE = /[^a-z0-9$-]|--|^-|-$|^.{0,2}$|^.{64,}$/;
const BAD_SHARE_ROW: Row = [
  "config_invalid",
  ({ share }) => `'${share}' is not a valid name of a file share.`,
  () => "Share names have 3 to 63 lower-case letters, digits and single hyphens.",
];
const BAD_NAME: Row = [
  "path_invalid",
  ({ path }) => `Azure Files cannot hold the path '${path}'.`,
  () => 'Names have none of " \\ : | < > * ?, at most 255 characters, and are no device names such as CON.',
];
const FIREWALL: Row = [
  "permission_denied",
  ({ account }) => `The firewall of storage account '${account}' does not let this network in.`,
  () => "Add this machine's address under 'Networking' of the storage account, or use its private endpoint.",
];
const IN_USE: Row = [
  "precondition_failed",
  ({ file }) => `${file} is leased, or open in another program.`,
  () => "Close it there, or break the lease, and try again.",
];
const CHANGED: Row = [
  "precondition_failed",
  ({ file }) => `${file} is not in the state that was expected: it was changed or deleted meanwhile.`,
  () => "Look it up again and repeat.",
];
const FULL: Row = [
  "resource_exhausted",
  ({ share }) => `File share '${share}' has no room left.`,
  () => "Raise its quota, or delete files.",
];
const SERVER: Row = [
  "unavailable",
  ({ account }) => `Storage account '${account}' failed to answer the request.`,
  () => "Try again; if it stays, look at the status page of Azure Storage.",
];
const LATE: Row = ["timeout", SERVER[1], SERVER[2]];

/** https://learn.microsoft.com/rest/api/storageservices/file-service-error-codes, read 2026-11 */
export const CODES: Readonly<Record<string, Row>> = {
  ResourceNotFound: NO_FILE,
  ParentNotFound: NO_FILE,
  ShareNotFound: NO_SHARE,
  ShareBeingDeleted: NO_SHARE,
  ShareDisabled: NO_SHARE,
  CannotVerifyCopySource: [
    "not_found",
    ({ file }) => `There is no file to copy to ${file}, or the service may not read it.`,
    () => "Check the source and its credential.",
  ],
  ResourceTypeMismatch: OTHER_KIND,
  ResourceAlreadyExists: EXISTS,
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
  DirectoryNotEmpty: [
    "precondition_failed",
    ({ path }) => `'${path}' is a folder that is not empty.`,
    () => "Delete it recursively.",
  ],
  CannotDeleteFileOrDirectory: IN_USE,
  DeletePending: IN_USE,
  FileLockConflict: IN_USE,
  FileOpenBySmbClient: IN_USE,
  SharingViolation: IN_USE,
  LeaseIdMissing: IN_USE,
  LeaseAlreadyPresent: IN_USE,
  ReadOnlyAttribute: [
    "permission_denied",
    ({ file }) => `${file} is marked as read-only.`,
    () => "Take the attribute away, or write to another path.",
  ],
  ShareSizeLimitReached: FULL,
  InsufficientStorage: FULL,
  InvalidRange: [
    "range_not_satisfiable",
    ({ file }) => `The range starts past the end of ${file}.`,
    () => "Look up its size first.",
  ],
  InvalidResourceName: BAD_NAME,
  InvalidFileOrDirectoryPathName: BAD_NAME,
  InvalidUri: BAD_NAME,
  OutOfRangeInput: BAD_NAME,
  ServerBusy: BUSY,
  ClientCacheFlushDelay: SERVER,
  OperationTimedOut: LATE,
  InternalError: SERVER,
};

const STATUSES: Readonly<Record<number, Row>> = {
  401: REFUSED,
  403: FORBIDDEN,
  404: NO_FILE,
  408: LATE,
  409: CHANGED,
  412: CHANGED,
  416: CODES["InvalidRange"] as Row,
  429: BUSY,
  503: BUSY,
  504: LATE,
};

/** What an answer means; `undefined` for one that the service should not give. */
export function findRow(code: string, status: number, failure: Failure): Row | undefined {
  // Whatever the service calls it.
  if ((status === 401 || status === 403) && isExpired(failure)) return REFUSED;
  const row = CODES[code] ?? STATUSES[status] ?? (status >= 500 ? SERVER : undefined);
  return row === BAD_NAME && BAD_SHARE.test(failure.share) ? BAD_SHARE_ROW : row;
}

/** Whether a SAS token has run out by now. */
function isExpired({ credential, expiresAt }: Attempt): boolean {
  return credential === "sas" && expiresAt !== undefined && expiresAt.getTime() < Date.now();
}

/** The smallest right that an attempt lacks, as one sentence. */
function missingGrant(attempt: Attempt): string {
  const { credential, permissions, share, account, who = "the identity" } = attempt;
  if (credential === "account_key") return "Check that the key belongs to this account.";
  if (credential !== "sas") return grantHint(role(attempt), `share '${share}' of account '${account}'`, who);
  const has = permissions === undefined ? "" : `; this one grants '${permissions}'`;
  return `Use a SAS token that grants ${sasLetter(attempt)}${has}.`;
}

function verb({ operation, file }: Failure): string {
  return operation === "stat"
    ? `look up ${file}`
    : operation === "list"
      ? "list files"
      : operation === "copy"
        ? `copy to or from ${file}`
        : `${operation} ${file}`;
}
