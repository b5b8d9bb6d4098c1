import {
  aclGrant,
  EXISTS,
  grantHint,
  isStoreName,
  storageErrors,
  type StorageAttempt,
  type StorageErrorRow,
  type ToStorageError,
} from "@aml/azure-auth";

/** What was being done, to what, by whom: for messages and hints. Holds no secret. */
export interface Attempt extends StorageAttempt {
  readonly operation: "stat" | "list" | "read" | "write" | "delete" | "rename" | "copy" | "rights";
  readonly filesystem: string;
}

type Row = StorageErrorRow<Attempt>;

const CHANGING: readonly Attempt["operation"][] = ["write", "delete", "rename", "copy"];

function role({ operation }: Attempt): string {
  return CHANGING.includes(operation) ? "Storage Blob Data Contributor" : "Storage Blob Data Reader";
}

/** https://learn.microsoft.com/rest/api/storageservices/create-service-sas, read 2026-11 */
const SAS: Readonly<Record<Attempt["operation"], string>> = {
  stat: "read (r)",
  list: "list (l)",
  read: "read (r)",
  write: "create, write, delete and move (cwdm)",
  copy: "create, write, delete and move (cwdm)",
  delete: "delete (d)",
  rename: "write and move (wm)",
  rights: "execute (e)",
};

const NO_PATH: Row = [
  "not_found",
  ({ what, place }) => `There is no ${what} in ${place}.`,
  () => "Check the path: names are case-sensitive.",
];
const NO_FILESYSTEM: Row = [
  "not_found",
  ({ place, account }) => `There is no ${place} in storage account '${account}'.`,
  () => "Check filesystem, or create it.",
];
const WRONG_KIND: Row = [
  "path_invalid",
  ({ what }) => `${what}, or a part of it, is a file where a directory is needed, or the reverse.`,
  () => "Choose a path that no file or directory is in the way of.",
];
const BAD_NAME: Row = [
  "config_invalid",
  ({ filesystem, path }) =>
    path === "" || !isStoreName(filesystem)
      ? `'${filesystem}' is not a valid name of a file system.`
      : `'${path}' is not a valid path.`,
  () =>
    "File systems have 3 to 63 lower-case letters, digits and single hyphens; paths at most 1,024 characters and 63 segments.",
];
const NOT_HIERARCHICAL: Row = [
  "unsupported",
  ({ account }) => `Storage account '${account}' has no hierarchical namespace.`,
  () => "Register it as azure_blob, or enable the hierarchical namespace of the account.",
];

/**
 * Names of the dfs endpoint and of the blob endpoint, which the SDK reads through.
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/data-lake-storage-gen2 – each operation's table, read 2026-11
 */
const CODES: Readonly<Record<string, Row>> = {
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
  InvalidFlushPosition: [
    "internal",
    ({ what }) => `What was written of ${what} is not whole.`,
    () => "Write it again.",
  ],
  HierarchicalNamespaceNotEnabled: NOT_HIERARCHICAL,
  UnsupportedRestVersion: NOT_HIERARCHICAL,
  InvalidResourceName: BAD_NAME,
  InvalidUri: BAD_NAME,
  OutOfRangeInput: BAD_NAME,
};

export const toError: ToStorageError<Attempt> = storageErrors({
  what: ({ path }) => (path === "" ? "the file system's root" : `'${path}'`),
  place: ({ filesystem }) => `file system '${filesystem}'`,
  doing({ operation, what }) {
    switch (operation) {
      case "stat":
        return `look up ${what}`;
      case "rights":
        return `see the access control of ${what}`;
      default:
        return `${operation} ${what}`;
    }
  },
  role,
  sasRight: ({ operation }) => SAS[operation],
  grant(attempt) {
    const { filesystem, who = "the identity", operation, path } = attempt;
    const grant = grantHint(role(attempt), `file system '${filesystem}'`, who).replace(/\.$/, "");
    return `${grant}, or in the ACLs: ${aclGrant(operation, path)}.`;
  },
  codes: CODES,
  statuses: { 404: NO_PATH },
  names: ({ filesystem }) => ({ filesystem }),
});
