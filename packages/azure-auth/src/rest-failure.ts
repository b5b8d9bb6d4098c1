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

/** What to do about a host that is not there, does not listen, or does not answer: it differs from service to service. */
export interface UnansweredHints<Failure> {
  readonly noHost: (failure: Failure) => string;
  readonly notListening: (failure: Failure) => string;
  readonly late: (failure: Failure) => string;
}

/** A connection that was there. */
export const DISCONNECTED: FailureRow<{ readonly host: string }> = [
  "unavailable",
  ({ host }) => `The connection to ${host} failed or broke off.`,
  () => "Try again; check the network if it stays.",
];

/** An answer that no table knows. */
export const UNMAPPED: FailureRow<{
  readonly operation: string;
  readonly what: string;
  readonly said: string;
}> = [
  "internal",
  ({ operation, what, said }) => `To ${operation} ${what} failed: ${said}.`,
  () => "Try again; report it if it stays.",
];

/** Why `fetch` got no answer, by the words of `describeError`: those of Node, of Bun and of Deno. */
export function unansweredRow<Failure extends { readonly host: string }>(
  said: string,
  { noHost, notListening, late }: UnansweredHints<Failure>,
): FailureRow<Failure> {
  if (/ENOTFOUND|EAI_|dns error|Name or service not known|failed to lookup/i.test(said))
    return ["unavailable", ({ host }) => `There is no host ${host}.`, noHost];
  if (/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|certificate has expired|certificate: Expired/i.test(said)) {
    return [
      "unavailable",
      ({ host }) => `The certificate of ${host} is not valid at this time.`,
      () => "Check this machine's clock; if it is right, whoever runs the host has to renew the certificate.",
    ];
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|EPROTO|certificate/i.test(said)) {
    return [
      "unavailable",
      ({ host }) => `No trusted TLS connection to ${host} was possible.`,
      () =>
        "Add the issuer of the host's certificate with NODE_EXTRA_CA_CERTS; check any proxy that replaces it.",
    ];
  }
  if (/ECONNREFUSED|ConnectionRefused|connection refused/i.test(said))
    return ["unavailable", ({ host }) => `Nothing listens at ${host}.`, notListening];
  if (/ETIMEDOUT|CONNECT_TIMEOUT|timed out/i.test(said))
    return ["timeout", ({ host }) => `${host} did not answer in time.`, late];
  return DISCONNECTED;
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
