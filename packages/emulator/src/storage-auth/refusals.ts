import type { StorageError } from "./storage-error.ts";

// Codes and texts: https://learn.microsoft.com/rest/api/storageservices/sas-error-codes and …/common-rest-api-error-codes,
// read 2026-11. The details are worded as the service words them in its answers.

const FORMED =
  "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.";

/** 403: a signature, a date or a time that is not good. */
export function notAuthenticated(detail: string): StorageError {
  return {
    status: 403,
    code: "AuthenticationFailed",
    message: FORMED,
    details: { AuthenticationErrorDetail: detail },
  };
}

const MISMATCH = {
  AuthorizationPermissionMismatch: "permission",
  AuthorizationServiceMismatch: "service",
  AuthorizationResourceTypeMismatch: "resource type",
  AuthorizationProtocolMismatch: "protocol",
} as const;

/** 403: a good credential that does not reach so far. */
export function notAuthorized(code: keyof typeof MISMATCH): StorageError {
  const message = `This request is not authorized to perform this operation using this ${MISMATCH[code]}.`;
  return { status: 403, code, message };
}

export function sourceIpMismatch(address: string): StorageError {
  return {
    status: 403,
    code: "AuthorizationSourceIPMismatch",
    message: `This request is not authorized to perform this operation using this source IP ${address}.`,
  };
}

/** 403: an operation that this kind of signature cannot do at all. */
export const AUTHORIZATION_FAILURE: StorageError = {
  status: 403,
  code: "AuthorizationFailure",
  message: "This request is not authorized to perform this operation.",
};

/** 400: an Authorization header that cannot be read. */
export const INVALID_AUTHENTICATION_INFO: StorageError = {
  status: 400,
  code: "InvalidAuthenticationInfo",
  message:
    "Authentication information is not given in the correct format. Check the value of Authorization header.",
};

/** 400: a header that the operation demands. */
export function missingHeader(name: string): StorageError {
  return {
    status: 400,
    code: "MissingRequiredHeader",
    message: "An HTTP header that's mandatory for this request is not specified.",
    details: { HeaderName: name },
  };
}

/** 400: a field that both the SAS and its stored policy have, or neither. */
export function invalidSasField(name: string): StorageError {
  return {
    status: 400,
    code: "InvalidQueryParameterValue",
    message: "Value for one of the query parameters specified in the request URI is invalid.",
    details: { QueryParameterName: name },
  };
}

/** 401: no credential at all, or a token that is not good. */
export function challenge(detail?: string): StorageError {
  const headers = {
    "www-authenticate":
      "Bearer authorization_uri=https://login.microsoftonline.com/common/oauth2/authorize resource_id=https://storage.azure.com",
  };
  if (detail === undefined) {
    return {
      status: 401,
      code: "NoAuthenticationInformation",
      message:
        "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
      headers,
    };
  }
  return {
    status: 401,
    code: "InvalidAuthenticationInfo",
    message:
      "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
    headers,
    details: { AuthenticationErrorDetail: detail },
  };
}
