import {
  EXISTS,
  grantHint,
  isStoreName,
  SERVER,
  storageErrors,
  type StorageAttempt,
  type StorageErrorRow,
  type ToStorageError,
} from "@aml/azure-auth";

/** What was being done, to what, by whom: for messages and hints. Holds no secret. */
export interface Attempt extends StorageAttempt {
  readonly operation: "stat" | "list" | "read" | "write" | "delete" | "copy";
  readonly share: string;
}

type Row = StorageErrorRow<Attempt>;

function role({ operation }: Attempt): string {
  const writes = ["write", "delete", "copy"].includes(operation);
  return `Storage File Data Privileged ${writes ? "Contributor" : "Reader"}`;
}

/** https://learn.microsoft.com/rest/api/storageservices/create-service-sas, read 2026-11 */
const SAS: Readonly<Record<Attempt["operation"], string>> = {
  stat: "read (r)",
  list: "list (l)",
  read: "read (r)",
  write: "create and write (cw)",
  delete: "delete (d)",
  copy: "create and write (cw)",
};

const NO_FILE: Row = [
  "not_found",
  ({ what, place }) => `There is no ${what} in ${place}.`,
  () => "Check the path, or list the folder above.",
];
const NO_SHARE: Row = [
  "not_found",
  ({ share, account }) => `There is no file share '${share}' in storage account '${account}'.`,
  () => "Check fileShareName, or create the share.",
];
const OTHER_KIND: Row = [
  "not_found",
  ({ what, place }) => `There is no ${what} in ${place}: a folder or a file of another kind is there.`,
  () => "List the folder above to see what is there.",
];
const BAD_SHARE: Row = [
  "config_invalid",
  ({ share }) => `'${share}' is not a valid name of a file share.`,
  () => "Share names have 3 to 63 lower-case letters, digits and single hyphens.",
];
const BAD_NAME: Row = [
  "path_invalid",
  ({ path }) => `Azure Files cannot hold the path '${path}'.`,
  () => 'Names have none of " \\ : | < > * ?, at most 255 characters, and are no device names such as CON.',
];
const IN_USE: Row = [
  "precondition_failed",
  ({ what }) => `${what} is leased, or open in another program.`,
  () => "Close it there, or break the lease, and try again.",
];
/** Files have no conditions: nothing here is about an etag. */
const CHANGED: Row = [
  "precondition_failed",
  ({ what }) => `${what} is not in the state that was expected: it was changed or deleted meanwhile.`,
  () => "Look it up again and repeat.",
];
const FULL: Row = [
  "resource_exhausted",
  ({ share }) => `File share '${share}' has no room left.`,
  () => "Raise its quota, or delete files.",
];

/** https://learn.microsoft.com/rest/api/storageservices/file-service-error-codes, read 2026-11 */
export const CODES: Readonly<Record<string, Row>> = {
  ResourceNotFound: NO_FILE,
  ParentNotFound: NO_FILE,
  ShareNotFound: NO_SHARE,
  ShareBeingDeleted: NO_SHARE,
  ShareDisabled: NO_SHARE,
  CannotVerifyCopySource: [
    "not_found",
    ({ what }) => `There is no file to copy to ${what}, or the service may not read it.`,
    () => "Check the source and its credential.",
  ],
  ResourceTypeMismatch: OTHER_KIND,
  ResourceAlreadyExists: EXISTS,
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
    ({ what }) => `${what} is marked as read-only.`,
    () => "Take the attribute away, or write to another path.",
  ],
  ShareSizeLimitReached: FULL,
  InsufficientStorage: FULL,
  InvalidResourceName: BAD_NAME,
  InvalidFileOrDirectoryPathName: BAD_NAME,
  InvalidUri: BAD_NAME,
  OutOfRangeInput: BAD_NAME,
  ClientCacheFlushDelay: SERVER,
};

const errorsWith = (codes: Readonly<Record<string, Row>>): ToStorageError<Attempt> =>
  storageErrors({
    what: ({ path }) => (path === "" ? "the share" : `file '${path}'`),
    place: ({ share }) => `share '${share}'`,
    doing({ operation, what }) {
      switch (operation) {
        case "stat":
          return `look up ${what}`;
        case "list":
          return "list files";
        case "copy":
          return `copy to or from ${what}`;
        default:
          return `${operation} ${what}`;
      }
    },
    role,
    sasRight: ({ operation }) => SAS[operation],
    grant: (attempt) => {
      const { share, account, who = "the identity" } = attempt;
      return grantHint(role(attempt), `share '${share}' of account '${account}'`, who);
    },
    codes,
    statuses: { 404: NO_FILE, 409: CHANGED, 412: CHANGED },
    names: ({ share }) => ({ share }),
  });

const inShare = errorsWith(CODES);
/** The service's word for a bad path is that for a bad share, too. */
const inBadShare = errorsWith(
  Object.fromEntries(Object.entries(CODES).map(([code, row]) => [code, row === BAD_NAME ? BAD_SHARE : row])),
);

export const toError: ToStorageError<Attempt> = (error, attempt, signal) =>
  (isStoreName(attempt.share) ? inShare : inBadShare)(error, attempt, signal);
