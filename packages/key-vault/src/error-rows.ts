import type { AmlErrorCode } from "@aml/core/adapter";
import { grantHint } from "@aml/azure-auth";

/** What was being done, for messages and hints. Holds no secret value. */
export interface Attempt {
  readonly operation: "get" | "set" | "delete";
  /** Of the secret, as the caller says it. */
  readonly secret: string;
  /** Of the secret, as Key Vault has it. */
  readonly vaultName: string;
  /** Of the vault: the first part of its host. */
  readonly vault: string;
  readonly host: string;
  /** Who signs in, as far as it is known. */
  readonly who: string;
  /** When the secret was deleted, if it was and can be recovered. */
  readonly deletedAt?: Date | undefined;
}

export interface Failure extends Attempt {
  /** The service's own words, first sentence. */
  readonly said: string;
}

type Text = (failure: Failure) => string;
/** What an answer of the service means: a code, what happened, what to do next. */
export type Row = readonly [code: AmlErrorCode, what: Text, hint: Text];

const REFUSED: Row = [
  "auth_failed",
  ({ vault, who }) => `Key vault '${vault}' refused the access token of ${who}.`,
  () => "Check that the identity is of the vault's tenant, and this machine's clock.",
];
const DENIED: Row = [
  "permission_denied",
  ({ vault, operation, secret, who }) =>
    `The credential of ${who} may not ${operation} secret '${secret}' in key vault '${vault}'.`,
  ({ operation, vault, who }) => {
    const role = operation === "get" ? "Key Vault Secrets User" : "Key Vault Secrets Officer";
    const grant = grantHint(role, `vault '${vault}'`, who).replace(/\.$/, "");
    return `${grant} (or, where the vault has access policies, the secret permission ${operation}).`;
  },
];
const FIREWALL: Row = [
  "permission_denied",
  ({ vault }) => `The firewall of key vault '${vault}' does not let this network in.`,
  () => "Add this machine's address under 'Networking' of the vault, or use its private endpoint.",
];
const DISABLED: Row = [
  "permission_denied",
  ({ vault, secret }) => `Secret '${secret}' in key vault '${vault}' is disabled.`,
  ({ vault, vaultName }) =>
    `Enable it: az keyvault secret set-attributes --vault-name ${vault} --name ${vaultName} --enabled true`,
];
export const NO_SECRET: Row = [
  "not_found",
  ({ vault, secret, deletedAt }) =>
    deletedAt === undefined
      ? `There is no secret '${secret}' in key vault '${vault}'.`
      : `Secret '${secret}' in key vault '${vault}' was deleted at ${deletedAt.toISOString()}.`,
  ({ vault, vaultName, deletedAt }) =>
    deletedAt === undefined
      ? `Its name there would be '${vaultName}': az keyvault secret set --vault-name ${vault} --name ${vaultName}`
      : `Bring it back: az keyvault secret recover --vault-name ${vault} --name ${vaultName}`,
];
const IN_TRANSITION: Row = [
  "unavailable",
  ({ vault, secret }) => `Secret '${secret}' in key vault '${vault}' is being deleted or recovered.`,
  () => "Try again in a few seconds.",
];
const BUSY: Row = [
  "rate_limited",
  ({ vault }) => `Key vault '${vault}' is asked too often.`,
  () => "Wait and try again.",
];
const SERVER: Row = [
  "unavailable",
  ({ vault }) => `Key vault '${vault}' failed to answer the request.`,
  () => "Try again; if it stays, look at the status page of Azure Key Vault.",
];
const INVALID: Row = [
  "config_invalid",
  ({ vault, secret, said }) => `Key vault '${vault}' does not take secret '${secret}': ${said}.`,
  () => "A value has at most 25 kB.",
];

/** By `innererror.code`, which tells more than `code`. */
export const INNER_CODES: Readonly<Record<string, Row>> = {
  SecretDisabled: DISABLED,
  ForbiddenByFirewall: FIREWALL,
  ForbiddenByConnection: FIREWALL,
  ForbiddenByRbac: DENIED,
  ForbiddenByPolicy: DENIED,
  AccessDenied: DENIED,
  ObjectIsBeingDeleted: IN_TRANSITION,
  ObjectIsBeingRecovered: IN_TRANSITION,
};

/** https://learn.microsoft.com/azure/key-vault/general/rest-error-codes, read 2026-11 */
export const STATUSES: Readonly<Record<number, Row>> = {
  400: INVALID,
  401: REFUSED,
  403: DENIED,
  404: NO_SECRET,
  408: ["timeout", SERVER[1], SERVER[2]],
  409: IN_TRANSITION,
  429: BUSY,
  500: SERVER,
  502: SERVER,
  503: SERVER,
  504: ["timeout", SERVER[1], SERVER[2]],
};

export const NETWORK: readonly (readonly [RegExp, Row])[] = [
  [
    /^(ENOTFOUND|EAI_NONAME|EAI_AGAIN)$/,
    [
      "unavailable",
      ({ host }) => `There is no host ${host}.`,
      ({ vault }) => `Check the vault's name '${vault}', and that this machine resolves names.`,
    ],
  ],
  [
    /CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|EPROTO/,
    [
      "unavailable",
      ({ host, said }) => `No trusted TLS connection to ${host} was possible: ${said}.`,
      () =>
        "Add the issuer of the host's certificate with NODE_EXTRA_CA_CERTS; check any proxy that replaces it.",
    ],
  ],
  [
    /^ECONNREFUSED$/,
    ["unavailable", ({ host }) => `Nothing listens at ${host}.`, () => "Check the URL of the vault."],
  ],
];
export const DISCONNECTED: Row = [
  "unavailable",
  ({ host, said }) => `The connection to ${host} failed: ${said}.`,
  () => "Try again; check the network if it stays.",
];
export const SLOW: Row = [
  "timeout",
  ({ host }) => `${host} did not answer in time.`,
  () => "Check the network and any firewall; or set a longer timeoutMs.",
];
/** The client checks that it is about to give its token to a vault of the cloud that the token is for. */
export const FOREIGN_HOST: Row = [
  "config_invalid",
  ({ host }) => `${host} asks for a token that is not meant for it.`,
  () => "Check the URL of the vault; for a cloud of your own, set the credential's resourceUrl.",
];
