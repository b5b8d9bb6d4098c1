import { AmlError, isAmlError } from "@aml/core/adapter";
import {
  CODES,
  DISCONNECTED,
  EXISTS,
  INSECURE,
  isExpired,
  NETWORK,
  REFUSED,
  SERVER,
  STATUSES,
  type Attempt,
  type Failure,
  type Row,
} from "./error-rows.ts";

/** As `@azure/storage-blob` throws it. */
interface RestFailure {
  readonly name?: string;
  readonly message?: string;
  readonly code?: unknown;
  readonly statusCode?: unknown;
  readonly response?: { readonly headers?: { get(name: string): string | undefined } };
}

/**
 * Turns a failure of the store into an `AmlError`. An abort is given back as the reason of `signal`, an `AmlError`
 * (of a sign-in) as it is.
 */
export function toError(error: unknown, attempt: Attempt, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  if (isAmlError(error)) return error;
  const { message = String(error), code, statusCode, response } = (error ?? {}) as RestFailure;
  // The answer to a HEAD request has no body, and names its reason in a header.
  const name = typeof code === "string" ? code : response?.headers?.get("x-ms-error-code");
  const status = typeof statusCode === "number" ? statusCode : undefined;
  const failure: Failure = {
    ...attempt,
    blob: attempt.path === "" ? "the container" : `blob '${attempt.path}'`,
    said: (message.split("\n")[0] ?? "").replace(/\.$/, ""),
  };
  const row = find(name, status, failure);
  return new AmlError(row?.[0] ?? "internal", sentence(row?.[1](failure) ?? unknown(failure)), {
    operation: attempt.operation,
    hint: row?.[2](failure),
    context: {
      account: attempt.account,
      container: attempt.container,
      path: attempt.path,
      ...(status !== undefined && { status }),
      ...(name !== undefined && { serviceCode: name }),
      requestId: response?.headers?.get("x-ms-request-id"),
    },
    retryAfterMs: retryAfterMs(response?.headers?.get("retry-after")),
    cause: error,
  });
}

function find(name: string | undefined, status: number | undefined, failure: Failure): Row | undefined {
  if (status === undefined) {
    if (/not permitted for non-TLS/.test(failure.said)) return INSECURE;
    const network = NETWORK.find(([pattern]) => pattern.test(name ?? ""));
    if (network) return network[1];
    return name !== undefined && /^E[A-Z]+|REQUEST_SEND_ERROR|UND_ERR/.test(name) ? DISCONNECTED : undefined;
  }
  // Whatever the service calls it.
  if ((status === 401 || status === 403) && isExpired(failure)) return REFUSED;
  if (failure.operation === "write" && name === "ConditionNotMet" && status === 409) return EXISTS;
  return CODES[name ?? ""] ?? (status >= 500 ? (STATUSES[status] ?? SERVER) : STATUSES[status]);
}

function unknown({ operation, blob, said }: Failure): string {
  return `To ${operation} ${blob} failed: ${said}.`;
}

function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return seconds * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/** Starts with a capital: a row may begin with what it is about. */
function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
