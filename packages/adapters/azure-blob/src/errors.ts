import {
  grantHint,
  isStoreName,
  storageErrors,
  type StorageAttempt,
  type StorageErrorRow,
  type ToStorageError,
} from "@aml/azure-auth";

/** What was being done, to what, by whom: for messages and hints. Holds no secret. */
export interface Attempt extends StorageAttempt {
  readonly operation: "stat" | "list" | "read" | "write" | "delete" | "copy";
  readonly container: string;
}

type Row = StorageErrorRow<Attempt>;

function role({ operation }: Attempt): string {
  const writes = operation === "write" || operation === "delete" || operation === "copy";
  return writes ? "Storage Blob Data Contributor" : "Storage Blob Data Reader";
}

/** https://learn.microsoft.com/rest/api/storageservices/create-service-sas, read 2026-11 */
const SAS: Readonly<Record<Attempt["operation"], string>> = {
  stat: "read (r)",
  list: "list (l)",
  read: "read (r)",
  write: "write (w)",
  delete: "delete (d)",
  copy: "write (w)",
};

const NO_BLOB: Row = [
  "not_found",
  ({ what, place }) => `There is no ${what} in ${place}.`,
  () => "Check the path: names are case-sensitive.",
];
const NO_CONTAINER: Row = [
  "not_found",
  ({ place, account }) => `There is no ${place} in storage account '${account}'.`,
  () => "Check containerName, or create the container.",
];
const BAD_NAME: Row = [
  "config_invalid",
  ({ container, path }) =>
    path === "" || !isStoreName(container)
      ? `'${container}' is not a valid container name.`
      : `'${path}' is not a valid blob name.`,
  () =>
    "Container names have 3 to 63 lower-case letters, digits and single hyphens; blob names at most 1,024 characters.",
];
const ARCHIVED: Row = [
  "unsupported",
  ({ what }) => `${what} is in the archive tier and cannot be read.`,
  () => "Rehydrate it to the hot or cool tier first; that takes hours.",
];

/** https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes, read 2026-11 */
export const CODES: Readonly<Record<string, Row>> = {
  BlobNotFound: NO_BLOB,
  ResourceNotFound: NO_BLOB,
  CannotVerifyCopySource: NO_BLOB,
  ContainerNotFound: NO_CONTAINER,
  ContainerBeingDeleted: NO_CONTAINER,
  ContainerDisabled: NO_CONTAINER,
  BlobArchived: ARCHIVED,
  BlobBeingRehydrated: ARCHIVED,
  SnapshotsPresent: [
    "precondition_failed",
    ({ what }) => `${what} has snapshots and was not deleted.`,
    () => "Delete its snapshots too.",
  ],
  DirectoryIsNotEmpty: [
    "precondition_failed",
    ({ what }) => `${what} is a directory that is not empty.`,
    () => "Delete it recursively.",
  ],
  InvalidResourceName: BAD_NAME,
  InvalidUri: BAD_NAME,
  OutOfRangeInput: BAD_NAME,
};

export const toError: ToStorageError<Attempt> = storageErrors({
  what: ({ path }) => (path === "" ? "the container" : `blob '${path}'`),
  place: ({ container }) => `container '${container}'`,
  doing: ({ operation, what }) =>
    operation === "stat" ? `look up ${what}` : operation === "list" ? "list blobs" : `${operation} ${what}`,
  role,
  sasRight: ({ operation }) => SAS[operation],
  grant: (attempt) => {
    const { container, account, who = "the identity" } = attempt;
    return grantHint(role(attempt), `container '${container}' of account '${account}'`, who);
  },
  codes: CODES,
  statuses: { 404: NO_BLOB },
  names: ({ container }) => ({ container }),
});
