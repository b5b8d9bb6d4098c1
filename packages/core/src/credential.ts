import type { SecretRef } from "./secret.ts";

/**
 * How to sign in: exactly one kind, never a precedence among optional strings.
 *
 * `S` is what stands for a secret: a `SecretRef` where it is stored, a `Secret` where it is used.
 */
export type Credential<S = SecretRef> =
  | { readonly kind: "anonymous" }
  | {
      readonly kind: "account_key";
      readonly accountKey: S;
      /** The account's other key: used when the first is refused, so that either can be regenerated while reading. */
      readonly secondaryKey?: S | undefined;
    }
  | {
      readonly kind: "sas";
      readonly sasToken: S;
      /** ISO 8601, UTC. Noted when the token is stored, so that it shows without the token; never given. */
      readonly expiresAt?: string | undefined;
    }
  | (ServicePrincipal & { readonly kind: "service_principal"; readonly clientSecret: S })
  | (ServicePrincipal & {
      readonly kind: "service_principal_certificate";
      /** PEM text: the certificate and its private key. */
      readonly certificate: S;
    })
  | (TokenResource & {
      readonly kind: "identity";
      /** Of a user-assigned managed identity or a workload identity; of the app that a person signs in through. */
      readonly clientId?: string | undefined;
      /** Of a person who signs in and is in several tenants. */
      readonly tenantId?: string | undefined;
      /** Which identity; `default` tries environment, workload, managed, then developer tools. */
      readonly source?: IdentitySource | undefined;
    })
  | { readonly kind: "access_token"; readonly token: S }
  /** A client of the store's own token server, e.g. a service principal of a Databricks workspace. */
  | { readonly kind: "oauth_client"; readonly clientId: string; readonly clientSecret: S }
  | { readonly kind: "password"; readonly username: string; readonly password: S };

/**
 * `default` tries environment, workload, managed, then developer tools. `browser` and `device_code` need somebody there,
 * once for each process.
 */
export const IDENTITY_SOURCES = [
  "default",
  "managed",
  "workload",
  "cli",
  "environment",
  "browser",
  "device_code",
] as const;

export type IdentitySource = (typeof IDENTITY_SOURCES)[number];

export interface TokenResource {
  /** What the token is for, where the store's own default is wrong, as it can be in a sovereign cloud. */
  readonly resourceUrl?: string | undefined;
}

export interface ServicePrincipal extends TokenResource {
  readonly tenantId: string;
  readonly clientId: string;
  /** Defaults to `https://login.microsoftonline.com`. */
  readonly authorityUrl?: string | undefined;
}

export type CredentialKind = Credential["kind"];

/** The fields of each credential kind that hold a secret. */
export const SECRET_FIELDS: { readonly [K in CredentialKind]: readonly string[] } = {
  anonymous: [],
  account_key: ["accountKey", "secondaryKey"],
  sas: ["sasToken"],
  service_principal: ["clientSecret"],
  service_principal_certificate: ["certificate"],
  identity: [],
  access_token: ["token"],
  oauth_client: ["clientSecret"],
  password: ["password"],
};

/** Those among `SECRET_FIELDS` that may be left out. */
export const OPTIONAL_SECRET_FIELDS: readonly string[] = ["secondaryKey"];

export const CREDENTIAL_KINDS: readonly CredentialKind[] = Object.keys(SECRET_FIELDS) as CredentialKind[];

/** Gives access tokens. Structural: every `@azure/identity` credential is one already. */
export interface TokenProvider {
  getToken(
    scopes: string | string[],
    options?: { readonly abortSignal?: AbortSignal },
  ): Promise<{ token: string; expiresOnTimestamp: number } | null>;
}
