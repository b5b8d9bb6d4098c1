import type { AmlErrorCode } from "@aml/core/adapter";
import { retryAfterMs } from "./retry-after.ts";

/** What a storage SDK threw: the service's answer, or that there was none. */
export interface StorageFailure {
  /** The service's own code, e.g. `AuthenticationFailed`; without an answer, the network's, e.g. `ENOTFOUND`. */
  readonly code: string | undefined;
  /** Absent without an answer. */
  readonly status: number | undefined;
  /** The first line of its message, without the full stop. */
  readonly said: string;
  readonly requestId: string | undefined;
  /** How long the service asks to wait. */
  readonly retryAfterMs: number | undefined;
}

interface RestFailure {
  readonly message?: string;
  readonly code?: unknown;
  readonly statusCode?: unknown;
  readonly response?: { readonly headers?: { get(name: string): string | undefined } };
}

/** Reads what `@azure/storage-*` threw. */
export function readStorageFailure(error: unknown): StorageFailure {
  const { message = String(error), code, statusCode, response } = (error ?? {}) as RestFailure;
  return {
    // The answer to a HEAD request has no body, and names its reason in a header.
    code: typeof code === "string" ? code : response?.headers?.get("x-ms-error-code"),
    status: typeof statusCode === "number" ? statusCode : undefined,
    said: (message.split("\n")[0] ?? "").replace(/\.$/, ""),
    requestId: response?.headers?.get("x-ms-request-id"),
    retryAfterMs: retryAfterMs(response?.headers?.get("retry-after")),
  };
}

/** An account, as messages about its network name it. */
export interface StorageHost {
  readonly account: string;
  readonly host: string;
}

/** What a failure without an answer means: a code, what happened, what to do next. */
export interface NetworkFailure {
  readonly code: AmlErrorCode;
  readonly what: string;
  readonly hint: string;
}

/** Why no answer came, or none that can be read; `undefined` when it was no matter of the network. */
export function networkFailure(
  { code = "", status, said }: StorageFailure,
  { account, host }: StorageHost,
): NetworkFailure | undefined {
  if (code === "PARSE_ERROR" && status !== undefined && status < 300) {
    return {
      code: "unavailable",
      what: `The answer of ${host} broke off, or was changed on its way.`,
      hint: "Try again; check the network and any proxy if it stays.",
    };
  }
  if (status !== undefined) return undefined;
  if (/not permitted for non-TLS/.test(said)) {
    return {
      code: "config_invalid",
      what: `An access token is not sent to ${host} without TLS.`,
      hint: "Use an endpoint with https, or another kind of credential.",
    };
  }
  if (/^(ENOTFOUND|EAI_NONAME)$/.test(code)) {
    return {
      code: "unavailable",
      what: `There is no host ${host}.`,
      hint: `Check the account name '${account}' and the endpoint, and that this machine resolves names.`,
    };
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|EPROTO/.test(code)) {
    return {
      code: "unavailable",
      what: `No trusted TLS connection to ${host} was possible: ${said}.`,
      hint: "Add the issuer of the host's certificate with NODE_EXTRA_CA_CERTS; check any proxy that replaces it.",
    };
  }
  if (code === "ECONNREFUSED") {
    return {
      code: "unavailable",
      what: `Nothing listens at ${host}.`,
      hint: "Check the endpoint; for an emulator, that it runs.",
    };
  }
  if (/^(ETIMEDOUT|ESOCKETTIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/.test(code)) {
    return {
      code: "timeout",
      what: `${host} did not answer in time.`,
      hint: "Check the network and any firewall.",
    };
  }
  if (!/^E[A-Z]+|REQUEST_SEND_ERROR|UND_ERR/.test(code)) return undefined;
  return {
    code: "unavailable",
    what: `The connection to ${host} failed: ${said}.`,
    hint: "Try again; check the network if it stays.",
  };
}
