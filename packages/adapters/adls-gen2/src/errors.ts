import { AmlError, isAmlError } from "@aml/core/adapter";
import { networkFailure, readStorageFailure } from "@aml/azure-auth";
import {
  CODES,
  EXISTS,
  isExpired,
  REFUSED,
  SERVER,
  STATUSES,
  type Attempt,
  type Failure,
  type Row,
} from "./error-rows.ts";

/**
 * Turns a failure of the store into an `AmlError`. An abort is given back as the reason of `signal`, an `AmlError`
 * (of a sign-in) as it is.
 */
export function toError(error: unknown, attempt: Attempt, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  if (isAmlError(error)) return error;
  const answer = readStorageFailure(error);
  const { code, status, said } = answer;
  const failure: Failure = {
    ...attempt,
    what: attempt.path === "" ? "the file system's root" : `'${attempt.path}'`,
    said,
  };
  const network = networkFailure(answer, attempt);
  const row: Row | undefined = network
    ? [network.code, () => network.what, () => network.hint]
    : status === undefined
      ? undefined
      : findRow(code, status, failure);
  return new AmlError(row?.[0] ?? "internal", sentence(row?.[1](failure) ?? unknown(failure)), {
    operation: attempt.operation,
    hint: row?.[2](failure),
    context: {
      account: attempt.account,
      filesystem: attempt.filesystem,
      path: attempt.path,
      ...(status !== undefined && { status }),
      ...(code !== undefined && { serviceCode: code }),
      requestId: answer.requestId,
    },
    retryAfterMs: answer.retryAfterMs,
    cause: error,
  });
}

function findRow(code: string | undefined, status: number, failure: Failure): Row | undefined {
  // Whatever the service calls it.
  if ((status === 401 || status === 403) && isExpired(failure)) return REFUSED;
  // One word for both conditions that a write may carry, told apart by the status.
  if (code === "ConditionNotMet" && status === 409) return EXISTS;
  return CODES[code ?? ""] ?? (status >= 500 ? (STATUSES[status] ?? SERVER) : STATUSES[status]);
}

function unknown({ operation, what, said }: Failure): string {
  return `To ${operation} ${what} failed: ${said}.`;
}

/** Starts with a capital: a row may begin with what it is about. */
function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
