import { FileTreeError } from "../file-tree/file-tree-error.ts";
import type { StorageError } from "../storage-auth/index.ts";

/** Ends an operation with one of the service's errors. */
export class FileRefusal extends Error {
  override readonly name = "FileRefusal";
  readonly error: StorageError;

  constructor(error: StorageError) {
    super(error.code);
    this.error = error;
  }
}

type Row = readonly [status: number, message: string];

export type FileErrorCode =
  | "ShareNotFound"
  | "ShareAlreadyExists"
  | "ResourceNotFound"
  | "ParentNotFound"
  | "ResourceAlreadyExists"
  | "ResourceTypeMismatch"
  | "DirectoryNotEmpty"
  | "CannotDeleteFileOrDirectory"
  | "InvalidResourceName"
  | "InvalidFileOrDirectoryPathName"
  | "InvalidUri"
  | "InvalidRange"
  | "InvalidHeaderValue"
  | "MissingRequiredHeader"
  | "InvalidInput"
  | "InvalidXmlDocument"
  | "InvalidQueryParameterValue"
  | "OutOfRangeQueryParameterValue"
  | "OutOfRangeInput"
  | "UnsupportedQueryParameter"
  | "UnsupportedHttpVerb"
  | "UnsupportedHeader"
  | "ConditionHeadersNotSupported"
  | "RequestBodyTooLarge"
  | "Md5Mismatch"
  | "InvalidMd5"
  | "CannotVerifyCopySource"
  | "NoPendingCopyOperation"
  | "InvalidMetadata"
  | "LeaseIdMissing"
  | "LeaseIdMismatchWithFileOperation"
  | "LeaseNotPresentWithFileOperation"
  | "LeaseAlreadyPresent"
  | "LeaseIdMismatchWithLeaseOperation"
  | "LeaseNotPresentWithLeaseOperation";

/**
 * @see https://learn.microsoft.com/rest/api/storageservices/file-service-error-codes, read 2026-11
 * @see https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes, read 2026-11
 */
const ROWS: Readonly<Record<FileErrorCode, Row>> = {
  ShareNotFound: [404, "The specified share does not exist."],
  ShareAlreadyExists: [409, "The specified share already exists."],
  ResourceNotFound: [404, "The specified resource does not exist."],
  ParentNotFound: [404, "The specified parent path does not exist."],
  ResourceAlreadyExists: [409, "The specified resource already exists."],
  ResourceTypeMismatch: [
    409,
    "The specified resource type does not match the type of the existing resource.",
  ],
  DirectoryNotEmpty: [409, "The specified directory is not empty."],
  CannotDeleteFileOrDirectory: [409, "The file or directory could not be deleted."],
  InvalidResourceName: [400, "The specified resource name contains invalid characters."],
  InvalidFileOrDirectoryPathName: [400, "File or directory path is too long."],
  InvalidUri: [400, "The requested URI does not represent any resource on the server."],
  InvalidRange: [416, "The range specified is invalid for the current size of the resource."],
  InvalidHeaderValue: [400, "The value for one of the HTTP headers is not in the correct format."],
  MissingRequiredHeader: [400, "An HTTP header that's mandatory for this request is not specified."],
  InvalidInput: [400, "One of the request inputs is not valid."],
  InvalidXmlDocument: [400, "XML specified is not syntactically valid."],
  InvalidQueryParameterValue: [
    400,
    "Value for one of the query parameters specified in the request URI is invalid.",
  ],
  OutOfRangeQueryParameterValue: [
    400,
    "One of the query parameters specified in the request URI is outside the permissible range.",
  ],
  OutOfRangeInput: [400, "One of the request inputs is out of range."],
  UnsupportedQueryParameter: [
    400,
    "One of the query parameters specified in the request URI is not supported.",
  ],
  UnsupportedHttpVerb: [405, "The resource doesn't support the specified HTTP verb."],
  UnsupportedHeader: [400, "One of the HTTP headers specified in the request is not supported."],
  ConditionHeadersNotSupported: [400, "Condition headers are not supported."],
  RequestBodyTooLarge: [413, "The request body is too large and exceeds the maximum permissible limit."],
  Md5Mismatch: [
    400,
    "The MD5 value specified in the request did not match with the MD5 value calculated by the server.",
  ],
  InvalidMd5: [400, "The MD5 value specified in the request is invalid."],
  CannotVerifyCopySource: [404, "The specified resource does not exist."],
  NoPendingCopyOperation: [409, "There is currently no pending copy operation."],
  InvalidMetadata: [400, "The metadata specified is invalid. It has characters that are not permitted."],
  LeaseIdMissing: [
    412,
    "There is currently a lease on the file and no lease ID was specified in the request.",
  ],
  LeaseIdMismatchWithFileOperation: [412, "The lease ID specified did not match the lease ID for the file."],
  LeaseNotPresentWithFileOperation: [412, "There is currently no lease on the file."],
  LeaseAlreadyPresent: [409, "There is already a lease present."],
  LeaseIdMismatchWithLeaseOperation: [409, "The lease ID specified did not match the lease ID for the file."],
  LeaseNotPresentWithLeaseOperation: [409, "There is currently no lease on the file."],
};

export function refusal(code: FileErrorCode, details?: Readonly<Record<string, string>>): FileRefusal {
  const [status, message] = ROWS[code];
  return new FileRefusal({ status, code, message, ...(details && { details }) });
}

const TREE = {
  not_found: "ResourceNotFound",
  parent_not_found: "ParentNotFound",
  // What a path leads through, or what an operation for directories meets.
  not_a_directory: "ResourceTypeMismatch",
  not_a_file: "ResourceTypeMismatch",
  exists: "ResourceAlreadyExists",
  not_empty: "DirectoryNotEmpty",
  path_invalid: "InvalidResourceName",
  move_invalid: "InvalidInput",
} as const;

/** What the tree refused, in the service's words. */
export function toRefusal(error: unknown): FileRefusal {
  if (error instanceof FileRefusal) return error;
  if (error instanceof FileTreeError) return refusal(TREE[error.code]);
  throw error;
}
