import { randomBytes } from "node:crypto";
import { DatabricksError } from "./databricks-error.ts";

/** A service principal with OAuth secrets. */
export interface DatabricksClient {
  readonly clientId: string;
  readonly secrets: readonly string[];
}

interface AuthOptions {
  readonly tokens?: readonly string[] | undefined;
  readonly clients?: readonly DatabricksClient[] | undefined;
  readonly verifyToken?: ((token: string) => boolean | Promise<boolean>) | undefined;
  readonly tokenLifetimeSeconds?: number | undefined;
  readonly now: () => number;
}

export interface DatabricksAuth {
  /** @throws 401 without a token, 403 with one that is not good. */
  check(request: Request): Promise<void>;
  /** The OAuth endpoints below `/oidc/`. */
  answer(request: Request): Promise<Response>;
  revoke(): void;
}

/** @see https://docs.databricks.com/dev-tools/auth/oauth-m2m – read 2026-11 */
export function createDatabricksAuth(options: AuthOptions): DatabricksAuth {
  const { tokens = [], clients = [], verifyToken, tokenLifetimeSeconds = 3600, now } = options;
  const issued = new Map<string, number>();
  return {
    async check(request) {
      const token = /^Bearer (.+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
      if (token === undefined) {
        throw new DatabricksError(
          401,
          "401",
          "Credential was not sent or was of an unsupported type for this API.",
        );
      }
      const expires = issued.get(token);
      if (expires !== undefined && expires <= now())
        throw new DatabricksError(403, "403", "Token is expired");
      if (expires !== undefined || tokens.includes(token) || (await verifyToken?.(token)) === true) return;
      throw new DatabricksError(403, "403", "Invalid access token.");
    },
    async answer(request) {
      const { origin, pathname } = new URL(request.url);
      if (pathname.startsWith("/oidc/.well-known/")) return Response.json(metadata(origin));
      if (pathname !== "/oidc/v1/token" || request.method !== "POST")
        throw new DatabricksError(404, "ENDPOINT_NOT_FOUND", `No API found for '${pathname}'`);
      const refused = await refuse(request, clients);
      if (refused !== undefined) return refused;
      const token = `eyJ.${randomBytes(24).toString("base64url")}`;
      issued.set(token, now() + tokenLifetimeSeconds * 1000);
      return Response.json({
        access_token: token,
        scope: "all-apis",
        token_type: "Bearer",
        expires_in: tokenLifetimeSeconds,
      });
    },
    revoke: () => issued.clear(),
  };
}

function metadata(origin: string): Readonly<Record<string, unknown>> {
  return {
    issuer: `${origin}/oidc`,
    authorization_endpoint: `${origin}/oidc/v1/authorize`,
    token_endpoint: `${origin}/oidc/v1/token`,
    jwks_uri: `${origin}/oidc/jwks.json`,
    grant_types_supported: ["client_credentials", "authorization_code", "refresh_token"],
    response_types_supported: ["code"],
    token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
    scopes_supported: ["all-apis", "offline_access"],
  };
}

async function refuse(request: Request, clients: readonly DatabricksClient[]): Promise<Response | undefined> {
  const form = new URLSearchParams(await request.text());
  const [id, secret] = basic(request) ?? [form.get("client_id"), form.get("client_secret")];
  const client = clients.find(({ clientId }) => clientId === id);
  if (client === undefined || secret === null || !client.secrets.includes(secret)) {
    return oauthError(401, "invalid_client", "Client authentication failed");
  }
  if (form.get("grant_type") !== "client_credentials")
    return oauthError(400, "unsupported_grant_type", "The grant type is not supported");
  if (!(form.get("scope") ?? "").split(" ").includes("all-apis"))
    return oauthError(400, "invalid_scope", "The scope is not valid");
  return undefined;
}

function oauthError(status: number, error: string, description: string): Response {
  return Response.json({ error, error_description: description }, { status });
}

/** Both halves are form-encoded first, RFC 6749, 2.3.1. */
function basic(request: Request): readonly [string, string] | undefined {
  const value = /^Basic (.+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  if (value === undefined) return undefined;
  const pair = Buffer.from(value, "base64").toString();
  const colon = pair.indexOf(":");
  const decode = (text: string): string => new URLSearchParams(`x=${text}`).get("x") ?? "";
  return [decode(pair.slice(0, colon)), decode(pair.slice(colon + 1))];
}
