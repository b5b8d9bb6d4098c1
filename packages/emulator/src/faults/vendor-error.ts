interface VendorError {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

type Row = readonly [code: string, message: string];

/** https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes, read 2026-11 */
const STORAGE: Readonly<Record<number, Row>> = {
  400: ["InvalidInput", "One of the request inputs is not valid."],
  401: ["NoAuthenticationInformation", "Server failed to authenticate the request."],
  403: ["AuthorizationFailure", "This request is not authorized to perform this operation."],
  404: ["ResourceNotFound", "The specified resource does not exist."],
  409: ["AccountBeingCreated", "The specified account is in the process of being created."],
  412: ["ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met."],
  429: ["TooManyRequests", "The request rate is too high."],
  500: ["InternalError", "Server encountered an internal error. Please try again after some time."],
  503: ["ServerBusy", "The server is busy."],
};

/** https://learn.microsoft.com/azure/key-vault/general/rest-error-codes, read 2026-11 */
const KEY_VAULT: Readonly<Record<number, Row>> = {
  401: ["Unauthorized", "AKV10000: Request is missing a Bearer or PoP token."],
  403: ["Forbidden", "The user, group or application does not have secrets permission on the key vault."],
  404: ["SecretNotFound", "A secret was not found in this key vault."],
  409: ["Conflict", "The operation conflicts with the state of the secret."],
  429: ["Throttled", "Request was not processed because too many requests were received."],
  500: ["InternalServerError", "The request has failed due to an internal error."],
  503: ["ServiceUnavailable", "The service is unavailable."],
};

const GEN1: Readonly<Record<number, Row>> = {
  400: ["IllegalArgumentException", "Bad request."],
  403: ["AccessControlException", "Access to the resource is forbidden."],
  404: ["FileNotFoundException", "File/Folder does not exist."],
  429: ["ThrottledException", "The request is throttled."],
  500: ["RuntimeException", "The server encountered an internal error."],
  503: ["RuntimeException", "The server is busy."],
};

const DATABRICKS: Readonly<Record<number, Row>> = {
  400: ["INVALID_PARAMETER_VALUE", "The request is not valid."],
  401: ["UNAUTHENTICATED", "The request has no valid credential."],
  403: ["PERMISSION_DENIED", "The caller may not do this."],
  404: ["RESOURCE_DOES_NOT_EXIST", "No file or directory exists on this path."],
  429: ["REQUEST_LIMIT_EXCEEDED", "The request rate is too high."],
  500: ["INTERNAL_ERROR", "The server encountered an internal error."],
  503: ["TEMPORARILY_UNAVAILABLE", "The service is temporarily unavailable."],
};

const ENTRA: Readonly<Record<number, Row>> = {
  400: ["invalid_request", "AADSTS900144: The request body is not valid."],
  401: ["invalid_client", "AADSTS7000215: Invalid client secret provided."],
  429: ["temporarily_unavailable", "AADSTS50196: The server is asked too often."],
  500: ["server_error", "AADSTS90033: A transient error has occurred. Please try again."],
  503: ["temporarily_unavailable", "AADSTS90033: A transient error has occurred. Please try again."],
};

const json = (body: unknown): VendorError => ({
  headers: { "content-type": "application/json; charset=utf-8" },
  body: JSON.stringify(body),
});

/** The error body that a service of that name gives with a status; none for a service that is not known. */
export function vendorError(service: string, status: number, code?: string): VendorError | undefined {
  const of = (rows: Readonly<Record<number, Row>>): Row => {
    const [usual, message] = rows[status] ?? [`Status${status}`, `The server answered ${status}.`];
    return [code ?? usual, message];
  };
  switch (service) {
    case "blob":
    case "files": {
      const [name, message] = of(STORAGE);
      const body = `<?xml version="1.0" encoding="utf-8"?><Error><Code>${xml(name)}</Code><Message>${message}</Message></Error>`;
      return { headers: { "content-type": "application/xml", "x-ms-error-code": name }, body };
    }
    case "dfs": {
      const [name, message] = of(STORAGE);
      const { headers, body } = json({ error: { code: name, message } });
      return { headers: { ...headers, "x-ms-error-code": name }, body };
    }
    case "key-vault": {
      const [name, message] = of(KEY_VAULT);
      return json({ error: { code: name, message } });
    }
    case "adls1": {
      const [exception, message] = of(GEN1);
      return json({
        RemoteException: { exception, message, javaClassName: `org.apache.hadoop.${exception}` },
      });
    }
    case "dbfs": {
      const [name, message] = of(DATABRICKS);
      return json({ error_code: name, message });
    }
    case "entra": {
      const [error, text] = of(ENTRA);
      return json({ error, error_description: text, error_codes: [Number(/\d+/.exec(text)?.[0])] });
    }
    default:
      return undefined;
  }
}

function xml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
