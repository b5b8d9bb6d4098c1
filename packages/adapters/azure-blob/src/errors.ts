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
  const { code: name, status, said } = answer;
  const failure: Failure = {
    ...attempt,
    blob: attempt.path === "" ? "the container" : `blob '${attempt.path}'`,
    said,
  };
  const network = networkFailure(answer, attempt);
  const row: Row | undefined = network
    ? [network.code, () => network.what, () => network.hint]
    : find(name, status, failure);
  return new AmlError(row?.[0] ?? "internal", sentence(row?.[1](failure) ?? unknown(failure)), {
    operation: attempt.operation,
    hint: row?.[2](failure),
    context: {
      account: attempt.account,
      container: attempt.container,
      path: attempt.path,
      ...(status !== undefined && { status }),
      ...(name !== undefined && { serviceCode: name }),
      requestId: answer.requestId,
    },
    retryAfterMs: answer.retryAfterMs,
    cause: error,
  });
}

function find(name: string | undefined, status: number | undefined, failure: Failure): Row | undefined {
  if (status === undefined) return undefined;
  // Whatever the service calls it.
  if ((status === 401 || status === 403) && isExpired(failure)) return REFUSED;
  if (failure.operation === "write" && name === "ConditionNotMet" && status === 409) return EXISTS;
  return CODES[name ?? ""] ?? (status >= 500 ? (STATUSES[status] ?? SERVER) : STATUSES[status]);
}

function unknown({ operation, blob, said }: Failure): string {
  return `To ${operation} ${blob} failed: ${said}.`;
}

/** Starts with a capital: a row may begin with what it is about. */
function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
