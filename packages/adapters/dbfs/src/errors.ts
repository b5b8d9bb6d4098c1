import { isAmlError, type AmlError } from "@aml/core/adapter";
import {
  describeError,
  failureError,
  firstLine,
  jsonObject,
  retryAfterMs,
  UNMAPPED,
  unansweredRow,
  type FailureFacts,
} from "@aml/azure-auth";
import {
  CODES,
  NO_WORKSPACE,
  REFUSED,
  SERVER,
  STATUSES,
  UNANSWERED,
  type Attempt,
  type Failure,
  type Row,
} from "./error-rows.ts";

/** A refusal, read: the service's code and words, if it has any. */
export interface Refusal {
  readonly status: number;
  readonly headers: Headers;
  readonly code: string | undefined;
  readonly message: string;
  /** The body is the service's own JSON, or none, as with HEAD. */
  readonly known: boolean;
  /** What the Files API adds. */
  readonly reason: string | undefined;
}

/** Reads a refusal. Of a body that is no JSON of the service nothing is kept. */
export async function readRefusal(response: Response): Promise<Refusal> {
  const { status, headers } = response;
  const text = await response.text().catch(() => "");
  const body = jsonObject(text);
  const { error_code: code, message, details } = body ?? {};
  const [detail] = Array.isArray(details) ? (details as readonly { reason?: unknown }[]) : [];
  return {
    status,
    headers,
    code: typeof code === "string" || typeof code === "number" ? String(code) : undefined,
    message: typeof message === "string" ? message : "",
    known: body !== undefined || (text === "" && status >= 400),
    reason: typeof detail?.reason === "string" ? detail.reason : undefined,
  };
}

/** Whether another token may help: it is not known, or no longer. */
export function isTokenRefused({ status, code, message }: Refusal): boolean {
  return status === 401 || (status === 403 && code !== "PERMISSION_DENIED" && /\btoken\b/i.test(message));
}

/** Whether the reason is not told, as with HEAD: another token may help. */
export function isSilentRefusal({ status, code, message }: Refusal): boolean {
  return status === 403 && code === undefined && message === "";
}

/** Turns a refusal of the service into an `AmlError`. */
export function refusalError(refusal: Refusal, attempt: Attempt): AmlError {
  const { status, code, headers, message, reason } = refusal;
  const failure = fail(attempt, message || `status ${status}`);
  const row = find(refusal);
  return worded(row ?? UNMAPPED, failure, {
    context: {
      status,
      ...(code !== undefined && { serviceCode: code }),
      ...(reason !== undefined && { reason }),
      requestId: headers.get("x-databricks-request-id") ?? headers.get("x-request-id") ?? undefined,
    },
    retryAfterMs: retryAfterMs(headers.get("retry-after")),
  });
}

function find(refusal: Refusal): Row | undefined {
  const { status, code, reason, known } = refusal;
  if (isTokenRefused(refusal)) return REFUSED;
  if (reason === "FILES_API_DIRECTORY_IS_NOT_EMPTY") return CODES["IO_ERROR"];
  // A page for people, or a way to a sign-in page.
  if (!known && status < 500 && status !== 429 && status !== 408)
    return status === 403 ? STATUSES[403] : NO_WORKSPACE;
  return CODES[code ?? ""] ?? STATUSES[status] ?? (status >= 500 ? SERVER : undefined);
}

/**
 * Turns what `fetch` or a body threw into an `AmlError`. An abort is given back as the reason of `signal`, an
 * `AmlError` (of a sign-in) as it is.
 */
export function networkError(error: unknown, attempt: Attempt, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  if (isAmlError(error)) return error;
  const said = describeError(error);
  return worded(unansweredRow(said, UNANSWERED), fail(attempt, said), { cause: error });
}

/** An error by its row, where no answer of the service stands behind it. */
export function rowError(
  row: Row,
  attempt: Attempt,
  context: Readonly<Record<string, unknown>> = {},
): AmlError {
  return worded(row, fail(attempt, ""), { context });
}

function fail(attempt: Attempt, said: string): Failure {
  const what = attempt.path === "" ? "the root" : `file or folder '${attempt.path}'`;
  return { ...attempt, what, said: firstLine(said) };
}

type Facts = Omit<FailureFacts, "context"> & Partial<Pick<FailureFacts, "context">>;

function worded(row: Row, failure: Failure, { context, ...facts }: Facts): AmlError {
  const { host, root, path } = failure;
  return failureError(row, failure, { ...facts, context: { host, root, path, ...context } });
}
