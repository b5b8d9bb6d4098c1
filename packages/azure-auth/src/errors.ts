import { AmlError, isAmlError, type AmlErrorCode } from "@aml/core/adapter";
import { firstLine } from "./rest-failure.ts";
import { retryAfterMs } from "./retry-after.ts";
import type { TokenSource } from "./sign-in.ts";
import { whoSignsIn } from "./who-signs-in.ts";

/** What the wire said before the SDK gave up. */
export interface SignInFailure {
  status?: number;
  /** Entra's error number, e.g. `7000215`. */
  aadsts?: string | undefined;
  retryAfter?: string | undefined;
  /** Node's code of a failed connection, e.g. `ECONNREFUSED`. */
  network?: string;
  host?: string;
}

type Row = readonly [code: AmlErrorCode, what: string, hint: string];

/** https://learn.microsoft.com/entra/identity-platform/reference-error-codes, read 2026-11 */
const AADSTS: Readonly<Record<string, Row>> = {
  "7000215": [
    "auth_failed",
    "the client secret is wrong",
    "Store the secret's value (not its ID) from 'Certificates & secrets' of the app registration.",
  ],
  "7000222": [
    "auth_failed",
    "the client secret has expired",
    "Create a new secret for the app registration and update the datastore with it.",
  ],
  "700016": [
    "auth_failed",
    "the tenant has no application of this client ID",
    "Check clientId, and that tenantId is the tenant that the application is registered in.",
  ],
  "90002": [
    "auth_failed",
    "there is no such tenant",
    "Check tenantId (and authorityUrl, for a sovereign cloud).",
  ],
  "900023": ["auth_failed", "the tenant ID is not valid", "Give tenantId as a GUID or a domain name."],
  "700027": [
    "auth_failed",
    "the certificate is not registered with the application",
    "Upload the certificate (its public part) to 'Certificates & secrets' of the app registration.",
  ],
  "700024": [
    "auth_failed",
    "the signed proof is not valid at this time",
    "Check this machine's clock; for workload identity, that the mounted token is being renewed.",
  ],
  "700213": [
    "auth_failed",
    "no federated credential matches the workload's token",
    "Compare issuer, subject and audience of the app's federated credential with the token's.",
  ],
  "70021": [
    "auth_failed",
    "no federated credential matches the workload's token",
    "Compare issuer, subject and audience of the app's federated credential with the token's.",
  ],
  "500011": [
    "auth_failed",
    "the tenant does not know the resource that a token is wanted for",
    "Check that the store belongs to this tenant and cloud.",
  ],
  "70020": [
    "auth_failed",
    "nobody signed in in time",
    "Run it again and sign in within a quarter of an hour.",
  ],
  "53003": [
    "auth_failed",
    "a conditional access policy refuses it",
    "Ask the tenant's administrator which policy applies to this identity.",
  ],
};

/** What a person did, or did not. */
const PERSON: readonly (readonly [RegExp, ...Row])[] = [
  [
    /authorization_declined|access_denied/,
    "auth_failed",
    "the person declined",
    "Run it again and accept, or sign in as somebody else.",
  ],
  [
    /expired_token|code_expired|device_code.*expired/i,
    "auth_failed",
    "nobody signed in in time",
    "Run it again and sign in within a quarter of an hour.",
  ],
];

/** By what the SDK's message says, for sources that have no error numbers. */
const MESSAGES: readonly (readonly [RegExp, ...Row])[] = [
  [
    /Azure CLI could not be found/,
    "auth_failed",
    "the Azure CLI is not installed",
    "Install it (https://aka.ms/azure-cli) and run: az login",
  ],
  [/Please run 'az login'|az login/, "auth_failed", "the Azure CLI is not signed in", "Run: az login"],
  [
    /WorkloadIdentityCredential: is unavailable/,
    "auth_failed",
    "this process has no workload identity",
    "Set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_FEDERATED_TOKEN_FILE, as Azure's webhook for Kubernetes does.",
  ],
  [
    /ENOENT.*|no such file/,
    "auth_failed",
    "the file with the workload's token is not there",
    "Check AZURE_FEDERATED_TOKEN_FILE.",
  ],
  [
    /^EnvironmentCredential is unavailable/,
    "auth_failed",
    "the environment holds no credential",
    "Set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET (or AZURE_CLIENT_CERTIFICATE_PATH).",
  ],
  [
    /Identity not found/,
    "auth_failed",
    "this machine has no such managed identity",
    "Assign the user-assigned identity of this clientId to the machine, or leave clientId out.",
  ],
  [
    /Network unreachable|IMDS endpoint|not available/,
    "auth_failed",
    "this machine has no managed identity endpoint",
    "Run on an Azure service that has a managed identity, or use another source: cli, workload, environment.",
  ],
  [
    /[Ii]nvalid tenant id/,
    "auth_failed",
    "the tenant ID is not valid",
    "Give tenantId as a GUID or a domain name.",
  ],
];

const CERTIFICATE: Row = [
  "auth_failed",
  "the certificate cannot be read",
  "Store PEM text that holds both the certificate and its unencrypted private key.",
];

const CHAIN: Row = [
  "auth_failed",
  "none of the usual identities is there",
  "On your own machine run: az login. Elsewhere give the process a managed or workload identity, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET.",
];

/**
 * Turns a failed sign-in into one error: `auth_failed`, or `unavailable`, `rate_limited` when it may work later.
 * It names who tried to sign in, never with what.
 */
export function signInError(error: unknown, source: TokenSource, failure: SignInFailure): AmlError {
  // What the sign-in itself had to say already.
  if (isAmlError(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  const [code, what, hint] = classify(error, message, source, failure);
  return new AmlError(code, `Signing in as ${whoSignsIn(source)} failed: ${what}.`, {
    hint,
    operation: "sign_in",
    context: {
      kind: source.kind,
      ...("tenantId" in source && { tenantId: source.tenantId }),
      ...(source.clientId !== undefined && { clientId: source.clientId }),
      ...(failure.status !== undefined && { status: failure.status }),
      ...(failure.aadsts !== undefined && { aadsts: failure.aadsts }),
    },
    retryAfterMs: retryAfterMs(failure.retryAfter),
    cause: error,
  });
}

function classify(error: unknown, message: string, source: TokenSource, failure: SignInFailure): Row {
  const aadsts = failure.aadsts ?? /AADSTS(\d+)/.exec(message)?.[1];
  const known = aadsts === undefined ? undefined : AADSTS[aadsts];
  if (known !== undefined) return known;
  const later = laterRow(failure.status);
  // What a person did has a word of its own; the number may be of the answer before.
  if (isInteractiveKind(source)) {
    const person = PERSON.find(([pattern]) => pattern.test(message));
    if (person) return [person[1], person[2], person[3]];
  }
  // An authority that is busy gives an error number too.
  if (aadsts !== undefined) {
    return (
      later ?? [
        "auth_failed",
        `Microsoft Entra ID answered AADSTS${aadsts}`,
        // Not as a link: what follows `code=` in a link is masked like a secret.
        `Look up AADSTS${aadsts} at https://login.microsoftonline.com/error`,
      ]
    );
  }
  if (error instanceof Error && error.name === "AggregateAuthenticationError") return CHAIN;
  const managed = source.kind === "identity" && source.source === "managed";
  if (failure.network !== undefined && !managed) return networkRow(failure);
  if (later) return later;
  const row = MESSAGES.find(([pattern]) => pattern.test(message));
  if (row) return [row[1], row[2], row[3]];
  // Nothing was sent, so the proof could not even be made.
  if (source.kind === "service_principal_certificate" && failure.status === undefined) return CERTIFICATE;
  return ["auth_failed", firstLine(message), "Check the credential of the datastore."];
}

function isInteractiveKind(source: TokenSource): boolean {
  return source.kind === "identity" && (source.source === "browser" || source.source === "device_code");
}

function laterRow(status: number | undefined): Row | undefined {
  if (status === 429) {
    return ["rate_limited", "the sign-in endpoint asks to wait", "Wait and try again."];
  }
  // A virtual machine's endpoint says 404 and 410 while its identity is being set up.
  if (status !== undefined && (status >= 500 || status === 404 || status === 410)) {
    return ["unavailable", `the sign-in endpoint answered ${status}`, "Try again later."];
  }
  return undefined;
}

function networkRow({ network, host }: SignInFailure): Row {
  const tls = /CERT|SSL|TLS|SELF_SIGNED|UNABLE_TO/.test(network ?? "");
  return tls
    ? [
        "unavailable",
        `the certificate of ${host} is not trusted (${network})`,
        "Add its issuer with NODE_EXTRA_CA_CERTS.",
      ]
    : [
        "unavailable",
        `${host} cannot be reached (${network})`,
        "Check the network, authorityUrl and any proxy.",
      ];
}
