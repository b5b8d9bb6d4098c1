import { AmlError, isAmlError } from "@aml/core/adapter";
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
  EXCEPTIONS,
  NO_STORE,
  SERVER,
  STATUSES,
  UNANSWERED,
  type Attempt,
  type Failure,
  type Row,
} from "./error-rows.ts";

/** Reads a refusal of the service and says what it means. Of a body that is none of its own nothing is kept. */
export async function refusalError(response: Response, attempt: Attempt): Promise<AmlError> {
  const { status, headers } = response;
  const body = jsonObject(await response.text().catch(() => ""));
  const { exception, message } = (body?.["RemoteException"] ?? {}) as Readonly<Record<string, unknown>>;
  const name = typeof exception === "string" ? exception : undefined;
  // An answer of 401 is in another form.
  const known = name !== undefined || status === 401 || status >= 500 || status === 429 || status === 408;
  const row = known
    ? (EXCEPTIONS[name ?? ""] ?? STATUSES[status] ?? (status >= 500 ? SERVER : UNMAPPED))
    : NO_STORE;
  const said = typeof message === "string" ? message.replace(/\s*\[[^\]]*\]/g, "") : `status ${status}`;
  return worded(row, fail(attempt, said), {
    context: {
      status,
      ...(name !== undefined && { serviceCode: name }),
      requestId: headers.get("x-ms-request-id") ?? undefined,
    },
    retryAfterMs: retryAfterMs(headers.get("retry-after")),
  });
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

export function pastEnd(path: string, offset: number, size: number): AmlError {
  return new AmlError(
    "range_not_satisfiable",
    `Offset ${offset} is past the end of file '${path}', which has ${size} bytes.`,
    { operation: "read", hint: "Look up its size first.", context: { path, offset, size } },
  );
}

export function isFolder(path: string): AmlError {
  return new AmlError("not_found", `There is no file '${path}': it is a folder.`, {
    operation: "read",
    hint: "List it, and read the files in it.",
    context: { path },
  });
}

export function alreadyThere(path: string): AmlError {
  return new AmlError("already_exists", `File or folder '${path}' exists already.`, {
    operation: "write",
    hint: "Choose another path, or allow the file to be overwritten.",
    context: { path },
  });
}

/** Without etags, nothing matches. @throws `precondition_failed`, as HTTP has it for what has none. */
export function refuseIfMatch(operation: "read" | "write", ifMatch: string | undefined): void {
  if (ifMatch === undefined) return;
  throw new AmlError(
    "precondition_failed",
    "Data Lake Storage Gen1 keeps no etags that ifMatch could match.",
    {
      operation,
      hint: "Leave ifMatch out; ifNoneMatch works for writes.",
    },
  );
}

function fail(attempt: Attempt, said: string): Failure {
  const what = attempt.path === "" ? "the root" : `file or folder '${attempt.path}'`;
  return { ...attempt, what, store: attempt.options.storeName, said: firstLine(said) };
}

type Facts = Omit<FailureFacts, "context"> & Partial<Pick<FailureFacts, "context">>;

function worded(row: Row, failure: Failure, { context, ...facts }: Facts): AmlError {
  const { store, host, path } = failure;
  return failureError(row, failure, { ...facts, context: { store, host, path, ...context } });
}
