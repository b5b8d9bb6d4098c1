import { AmlError, isAmlError } from "@aml/core/adapter";
import { retryAfterMs } from "@aml/azure-auth";
import {
  DISCONNECTED,
  FOREIGN_HOST,
  INNER_CODES,
  NETWORK,
  SLOW,
  STATUSES,
  type Attempt,
  type Failure,
  type Row,
} from "./error-rows.ts";

/** As `@azure/keyvault-secrets` throws it. */
interface RestFailure {
  readonly message?: string;
  readonly code?: unknown;
  readonly statusCode?: unknown;
  readonly details?: unknown;
  readonly response?: { readonly headers?: { get(name: string): string | undefined } };
}

/** Whether the service answered this status, and for this reason if one is given. */
export function isStatus(error: unknown, status: number, innerCode?: string): boolean {
  const failure = (error ?? {}) as RestFailure;
  return failure.statusCode === status && (innerCode === undefined || innerCodeOf(failure) === innerCode);
}

/**
 * Turns a failure into an `AmlError`. An abort is given back as the reason of `signal`, an `AmlError` (of a sign-in)
 * as it is.
 */
export function toError(
  error: unknown,
  attempt: Attempt,
  {
    signal,
    late,
  }: { readonly signal?: AbortSignal | undefined; readonly late?: AbortSignal | undefined } = {},
): unknown {
  if (signal?.aborted) return signal.reason;
  if (isAmlError(error)) return error;
  const failed = (error ?? {}) as RestFailure;
  const { message = String(error), code, statusCode, response } = failed;
  const status = typeof statusCode === "number" ? statusCode : undefined;
  const serviceCode = innerCodeOf(failed) ?? (typeof code === "string" ? code : undefined);
  const failure: Failure = { ...attempt, said: (message.split("\n")[0] ?? "").trim().replace(/\.$/, "") };
  const row = late?.aborted ? SLOW : find(serviceCode, status, failure);
  const { operation, secret, vault, host, said } = failure;
  return new AmlError(
    row?.[0] ?? "internal",
    row?.[1](failure) ?? `To ${operation} a secret failed: ${said}.`,
    {
      operation,
      hint: row?.[2](failure),
      context: {
        secret,
        vault,
        host,
        ...(status !== undefined && { status }),
        ...(serviceCode !== undefined && { serviceCode }),
        requestId: response?.headers?.get("x-ms-request-id"),
      },
      retryAfterMs: retryAfterMs(response?.headers?.get("retry-after")),
      cause: error,
    },
  );
}

function find(code: string | undefined, status: number | undefined, { said }: Failure): Row | undefined {
  if (status !== undefined) {
    return INNER_CODES[code ?? ""] ?? STATUSES[status] ?? (status > 500 ? STATUSES[500] : undefined);
  }
  if (/challenge resource .* does not match/i.test(said)) return FOREIGN_HOST;
  const network = NETWORK.find(([pattern]) => pattern.test(code ?? ""));
  if (network) return network[1];
  return code !== undefined && /^E[A-Z]+|REQUEST_SEND_ERROR|UND_ERR/.test(code) ? DISCONNECTED : undefined;
}

function innerCodeOf({ details }: RestFailure): string | undefined {
  const { error } = (details ?? {}) as {
    readonly error?: { readonly innerError?: { readonly code?: unknown } };
  };
  const code = error?.innerError?.code;
  return typeof code === "string" ? code : undefined;
}
