import { AmlError, isAmlError, type AmlErrorCode } from "@aml/core/adapter";

/** What a status means, and what to do about it. Any other is `internal`. */
export const STATUSES: Readonly<Record<number, readonly [AmlErrorCode, string?]>> = Object.freeze({
  401: [
    "auth_failed",
    "Web stores are read without signing in; download the file, or register its real store.",
  ],
  403: ["permission_denied", "Ask the server's owner for access, or renew the link."],
  404: ["not_found"],
  405: ["unsupported", "The server offers this address for something else than reading."],
  408: ["timeout"],
  410: ["not_found"],
  412: ["precondition_failed", "The file has changed: read its stat again."],
  414: ["path_invalid", "Shorten the path or the query."],
  416: ["range_not_satisfiable"],
  423: ["unavailable"],
  425: ["unavailable"],
  429: ["rate_limited", "Read fewer files at once."],
  451: ["permission_denied", "The server's owner may not show this file here."],
  500: ["unavailable"],
  501: ["unsupported"],
  502: ["unavailable"],
  503: ["unavailable"],
  504: ["timeout"],
  507: ["resource_exhausted"],
});

/** A refusal as an `AmlError`, with the wait that the server asks for. */
export function statusError(response: Response, operation: string, path: string): AmlError {
  const { status } = response;
  const [code, hint] = STATUSES[status] ?? [
    "internal",
    "Open the address in a browser to see what it serves.",
  ];
  return new AmlError(code, `The server answered ${status} for ${JSON.stringify(path)}.`, {
    operation,
    hint,
    context: { path, status },
    retryAfterMs: retryAfterMs(response.headers),
  });
}

/**
 * `Retry-After` in milliseconds, from seconds or a date. A date is compared with the server's own `Date`, so that a
 * wrong clock on either side does not matter.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#field.retry-after – read 2026-11
 */
export function retryAfterMs(headers: Headers, now: () => number = Date.now): number | undefined {
  const value = headers.get("retry-after")?.trim();
  if (value === undefined || value === "") return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  const served = Date.parse(headers.get("date") ?? "");
  return Number.isNaN(at) ? undefined : Math.max(0, at - (Number.isNaN(served) ? now() : served));
}

/** A connection that could not be made or broke. */
export function networkError(error: unknown, operation: string, path: string): AmlError {
  if (isAmlError(error)) return error;
  const reason = reasonOf(error);
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME/.test(reason ?? "")) {
    return new AmlError("auth_failed", `The server's certificate is not trusted (${reason}).`, {
      operation,
      hint: "Check the address, or add the certificate's authority to the ones this runtime trusts.",
      context: { path, reason },
      cause: error,
    });
  }
  return new AmlError("unavailable", `The connection for ${JSON.stringify(path)} failed or broke off.`, {
    operation,
    hint: "Check the address and the network.",
    context: { path, reason },
    cause: error,
  });
}

function reasonOf(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ("code" in at && typeof at.code === "string") return at.code;
  }
  return undefined;
}
