import type { SecretRef } from "./secret.ts";

/**
 * How to sign in: exactly one kind, never a precedence among optional strings.
 *
 * `S` is what stands for a secret: a `SecretRef` where it is stored, a `Secret` where it is used.
 */
export type Credential<S = SecretRef> =
  | { readonly kind: "anonymous" }
  | { readonly kind: "account_key"; readonly accountKey: S }
  | { readonly kind: "sas"; readonly sasToken: S }
  | (ServicePrincipal & { readonly kind: "service_principal"; readonly clientSecret: S })
  | (ServicePrincipal & {
      readonly kind: "service_principal_certificate";
      /** PEM text: the certificate and its private key. */
      readonly certificate: S;
    })
  | {
      readonly kind: "identity";
      /** Of a user-assigned managed identity or a workload identity. */
      readonly clientId?: string | undefined;
      /** Which identity; `default` tries environment, workload, managed, then developer tools. */
      readonly source?: IdentitySource | undefined;
    }
  | { readonly kind: "access_token"; readonly token: S }
  | { readonly kind: "password"; readonly username: string; readonly password: S };

export type IdentitySource = "default" | "managed" | "workload" | "cli" | "environment";

export interface ServicePrincipal {
  readonly tenantId: string;
  readonly clientId: string;
  /** Defaults to `https://login.microsoftonline.com`. */
  readonly authorityUrl?: string | undefined;
}

export type CredentialKind = Credential["kind"];

/** The fields of each credential kind that hold a secret. */
export const SECRET_FIELDS: { readonly [K in CredentialKind]: readonly string[] } = {
  anonymous: [],
  account_key: ["accountKey"],
  sas: ["sasToken"],
  service_principal: ["clientSecret"],
  service_principal_certificate: ["certificate"],
  identity: [],
  access_token: ["token"],
  password: ["password"],
};

/** Gives access tokens. Structural: every `@azure/identity` credential is one already. */
export interface TokenProvider {
  getToken(
    scopes: string | string[],
    options?: { readonly abortSignal?: AbortSignal },
  ): Promise<{ token: string; expiresOnTimestamp: number } | null>;
}
