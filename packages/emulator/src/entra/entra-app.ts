/** An app registration: what it may prove itself with. One that has no proof is a public client, as the CLI is. */
export interface EntraApp {
  readonly clientId: string;
  readonly secrets?: readonly string[] | undefined;
  /** Secrets that were good once. */
  readonly expiredSecrets?: readonly string[] | undefined;
  /** PEM text. */
  readonly certificate?: string | undefined;
  /** Subject of the federated tokens that it accepts. */
  readonly federatedSubject?: string | undefined;
  /** Of its service principal: `oid` in its tokens. One is made up unless given. */
  readonly objectId?: string | undefined;
  /** Where a browser may be sent back to, besides any port of `http://localhost`. */
  readonly redirectUris?: readonly string[] | undefined;
}

/** Somebody who signs in with a browser. */
export interface EntraUser {
  readonly username: string;
  readonly objectId?: string | undefined;
}

/** A request for a token, as it came. */
export interface EntraRequest {
  readonly grant:
    | "client_secret"
    | "client_assertion"
    | "device_code"
    | "authorization_code"
    | "refresh_token"
    | "imds"
    | "app_service";
  readonly clientId: string | undefined;
  /** A scope, or a managed identity's resource. */
  readonly scope: string;
}

export interface EntraOptions {
  readonly apps?: readonly EntraApp[] | undefined;
  /** One unless given, `someone@contoso.onmicrosoft.com`. The first signs in when a browser is sent to the authority. */
  readonly users?: readonly EntraUser[] | undefined;
  readonly tenantId?: string | undefined;
  /** Seconds between two questions of a device that waits for its user; 5 unless given. */
  readonly deviceCodeInterval?: number | undefined;
  /** What time it is, in milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

/** The client ID of Azure's CLI and of the developer credentials of Microsoft's libraries: every tenant knows it. */
export const AZURE_CLI_CLIENT_ID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
