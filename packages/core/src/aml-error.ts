/** What went wrong, by reason. Stable: match on these, not on messages. */
export type AmlErrorCode =
  // Fix the call.
  | "config_invalid"
  | "path_invalid"
  | "plan_invalid"
  | "unsupported"
  // Fix the rights.
  | "auth_failed"
  | "permission_denied"
  // Look at the data.
  | "not_found"
  | "already_exists"
  | "precondition_failed"
  | "range_not_satisfiable"
  | "parse_failed"
  | "schema_mismatch"
  | "query_failed"
  | "mount_failed"
  /** The disk or a memory limit is full. */
  | "resource_exhausted"
  // Try again.
  | "rate_limited"
  | "unavailable"
  | "timeout"
  // A bug, ours or a service's.
  | "internal";

const RETRYABLE: ReadonlySet<AmlErrorCode> = new Set(["rate_limited", "unavailable", "timeout"]);

export interface AmlErrorOptions {
  /** The next thing to do, as one sentence. */
  readonly hint?: string | undefined;
  /** What was being done, e.g. `read`. */
  readonly operation?: string | undefined;
  /** Small facts for machines: status, path, column. Never a secret. */
  readonly context?: Readonly<Record<string, unknown>> | undefined;
  /** Milliseconds that the service asked to wait. */
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** The one error class: a code (the reason), a message (what happened, to what) and a hint (what to do next). */
export class AmlError extends Error {
  override readonly name = "AmlError";
  readonly code: AmlErrorCode;
  readonly hint: string | undefined;
  readonly operation: string | undefined;
  readonly context: Readonly<Record<string, unknown>>;
  readonly retryAfterMs: number | undefined;

  constructor(code: AmlErrorCode, message: string, options: AmlErrorOptions = {}) {
    super(redact(message), options.cause === undefined ? undefined : { cause: copyCause(options.cause) });
    this.code = code;
    this.hint = options.hint === undefined ? undefined : redact(options.hint);
    this.operation = options.operation;
    this.context = redactValues(options.context ?? {});
    this.retryAfterMs = options.retryAfterMs;
  }

  /** True when the same call may succeed later. */
  get retryable(): boolean {
    return RETRYABLE.has(this.code);
  }

  toJSON(): Record<string, unknown> {
    const { name, code, message, hint, operation, context, retryAfterMs } = this;
    return { name, code, message, hint, operation, context, retryAfterMs };
  }
}

/** Tells whether a value is an `AmlError`, also one of another copy of this package, and of `code` if given. */
export function isAmlError(error: unknown, code?: AmlErrorCode): error is AmlError {
  return (
    error instanceof Error &&
    error.name === "AmlError" &&
    (code === undefined || (error as AmlError).code === code)
  );
}

const SECRETS: readonly (readonly [RegExp, string])[] = [
  // SAS signatures and tokens in URLs, connection strings, headers and JSON bodies.
  [/\b(sig|signature|access_token|refresh_token|client_secret|code|assertion)=[^&\s"'<>]+/gi, "$1=***"],
  [/\b(AccountKey|SharedAccessKey|SharedAccessSignature|Password|Pwd)\s*=\s*[^;\s"']+/gi, "$1=***"],
  [/\b(Bearer|Basic|SharedKey|SharedKeyLite)\s+[\w.~+/=:-]{8,}/g, "$1 ***"],
  [
    /("(?:accountKey|sasToken|clientSecret|password|token|access_token|certificate)"\s*:\s*)"[^"]*"/gi,
    '$1"***"',
  ],
  // The scheme is bounded: unbounded, a long word would take quadratic time.
  [/(\w[\w+.-]{0,30}:\/\/[^\s/:@]+):[^\s/@]+@/g, "$1:***@"],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, "***"],
];

/** Masks what looks like a secret in a text: signatures, keys, tokens, passwords in URLs. */
export function redact(text: string): string {
  let out = text;
  for (const [pattern, mask] of SECRETS) out = out.replace(pattern, mask);
  return out;
}

function redactValues(values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, typeof value === "string" ? redact(value) : value]),
  );
}

/** Drivers hang requests with headers on their errors, so only name, message and stack are kept. */
function copyCause(cause: unknown): unknown {
  if (isAmlError(cause)) return cause;
  if (!(cause instanceof Error)) return redact(String(cause));
  const copy = new Error(redact(cause.message));
  copy.name = cause.name;
  if (cause.stack !== undefined) copy.stack = redact(cause.stack);
  return copy;
}
