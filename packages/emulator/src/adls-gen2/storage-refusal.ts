/** A refusal in the service's own words; which surface was asked decides between JSON and XML. */
export class StorageRefusal extends Error {
  override readonly name = "StorageRefusal";
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** What this service refuses by itself; Azurite's refusals have more codes. */
export type RefusalCode =
  | "FilesystemNotFound"
  | "FilesystemAlreadyExists"
  | "PathNotFound"
  | "PathAlreadyExists"
  | "PathConflict"
  | "DirectoryNotEmpty"
  | "ConditionNotMet"
  | "SourceConditionNotMet"
  | "SourcePathNotFound"
  | "RenameDestinationParentPathNotFound"
  | "InvalidRenameSourcePath"
  | "InvalidSourceUri"
  | "InvalidFlushPosition"
  | "InvalidFlushOperation"
  | "InvalidUri"
  | "InvalidHeaderValue"
  | "InvalidQueryParameterValue"
  | "MissingRequiredQueryParameter"
  | "MissingContentLengthHeader"
  | "ContentLengthMustBeZero"
  | "InvalidRange"
  | "InvalidResourceName"
  | "LeaseIdMissing"
  | "UnsupportedHttpVerb"
  | "UnsupportedQueryParameter"
  | "AuthenticationFailed"
  | "AuthorizationPermissionMismatch"
  | "InternalError"
  | "BlobNotFound"
  | "ContainerNotFound"
  | "DirectoryIsNotEmpty"
  | "ResourceTypeMismatch";

/** https://learn.microsoft.com/rest/api/storageservices/datalakestoragegen2/path/create (update, delete …), read 2026-11 */
const ERRORS: Readonly<Record<RefusalCode, readonly [status: number, message: string]>> = {
  FilesystemNotFound: [404, "The specified filesystem does not exist."],
  FilesystemAlreadyExists: [409, "The specified filesystem already exists."],
  PathNotFound: [404, "The specified path does not exist."],
  PathAlreadyExists: [409, "The specified path already exists."],
  PathConflict: [
    409,
    "The specified path, or an element of the path, exists and its resource type is invalid for this operation.",
  ],
  DirectoryNotEmpty: [
    409,
    "The recursive query parameter value must be true to delete a non-empty directory.",
  ],
  ConditionNotMet: [412, "The condition specified using HTTP conditional header(s) is not met."],
  SourceConditionNotMet: [412, "The source condition specified using HTTP conditional header(s) is not met."],
  SourcePathNotFound: [404, "The source path for a rename operation does not exist."],
  RenameDestinationParentPathNotFound: [404, "The parent directory of the destination path does not exist."],
  InvalidRenameSourcePath: [
    409,
    "The source directory cannot be the same as the destination directory, nor can the destination be a subdirectory of the source directory.",
  ],
  InvalidSourceUri: [400, "The source URI is invalid."],
  InvalidFlushPosition: [
    400,
    "The uploaded data is not contiguous or the position query parameter value is not equal to the length of the file after appending the uploaded data.",
  ],
  InvalidFlushOperation: [
    409,
    "The resource was created or modified by the Blob Service API and cannot be written to by the Data Lake Storage Service API.",
  ],
  InvalidUri: [400, "The request URI is invalid."],
  InvalidHeaderValue: [400, "The value for one of the HTTP headers is not in the correct format."],
  InvalidQueryParameterValue: [
    400,
    "Value for one of the query parameters specified in the request URI is invalid.",
  ],
  MissingRequiredQueryParameter: [
    400,
    "A query parameter that's mandatory for this request is not specified.",
  ],
  MissingContentLengthHeader: [411, "Content-Length HTTP header is missing."],
  ContentLengthMustBeZero: [400, "The Content-Length request header must be zero."],
  InvalidRange: [416, "The range specified is invalid for the current size of the resource."],
  InvalidResourceName: [400, "The specifed resource name contains invalid characters."],
  LeaseIdMissing: [
    412,
    "There is currently a lease on the resource and no lease ID was specified in the request.",
  ],
  UnsupportedHttpVerb: [405, "The resource doesn't support the specified HTTP verb."],
  UnsupportedQueryParameter: [
    400,
    "One of the query parameters specified in the request URI is not supported.",
  ],
  AuthorizationPermissionMismatch: [
    403,
    "This request is not authorized to perform this operation using this permission.",
  ],
  AuthenticationFailed: [403, "Only authentication scheme Bearer is supported."],
  InternalError: [500, "The server encountered an internal error. Please retry the request."],
  // Of the blob surface.
  BlobNotFound: [404, "The specified blob does not exist."],
  ContainerNotFound: [404, "The specified container does not exist."],
  DirectoryIsNotEmpty: [409, "This operation is not permitted on a non-empty directory."],
  ResourceTypeMismatch: [
    409,
    "The specified resource type does not match the type of the existing resource.",
  ],
};

/** Makes the error of a code. */
export function refusal(code: RefusalCode): StorageRefusal {
  const [status, message] = ERRORS[code];
  return new StorageRefusal(status, code, message);
}
