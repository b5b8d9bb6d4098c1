import { AmlError, type AmlErrorCode } from "@aml/core/adapter";

/** What an answer of a service means: a code, what happened, what to do next. */
export type FailureRow<Failure> = readonly [
  code: AmlErrorCode,
  what: (failure: Failure) => string,
  hint: (failure: Failure) => string,
];

export interface FailureFacts {
  readonly context: Readonly<Record<string, unknown>>;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** The error that a row of a table says. */
export function failureError<Failure extends { readonly operation: string }>(
  [code, what, hint]: FailureRow<Failure>,
  failure: Failure,
  { context, retryAfterMs, cause }: FailureFacts,
): AmlError {
  const text = what(failure);
  // A row may begin with what it is about.
  return new AmlError(code, text.charAt(0).toUpperCase() + text.slice(1), {
    operation: failure.operation,
    hint: hint(failure),
    context,
    retryAfterMs,
    cause,
  });
}

/** A service's words for an error: their first line, without the full stop, at most 500 characters. */
export function firstLine(said: string): string {
  return (said.split("\n")[0] ?? "").replace(/\.$/, "").slice(0, 500);
}

/** What `fetch` threw, in all words of its causes: runtimes hide the reason at different depths. */
export function describeError(error: unknown): string {
  const words: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) {
    if ("code" in at && typeof at.code === "string") words.push(at.code);
    words.push(at.message);
  }
  return words.join(" ");
}

/** The object or list that a body is as JSON; `undefined` for any other body. */
export function jsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
