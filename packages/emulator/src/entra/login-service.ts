import type { Service } from "../service.ts";
import { answerAuthorize } from "./authorize.ts";
import { devicePage, startDeviceFlow } from "./device-flow.ts";
import type { Directory } from "./directory.ts";
import { json, refuse } from "./reply.ts";
import { answerToken } from "./token-endpoint.ts";

/** Names that stand for the tenant of whoever signs in. */
const ANY_TENANT: readonly string[] = ["common", "organizations"];

/** The authority: what stands at `https://login.microsoftonline.com`. */
export function loginService(directory: Directory): Service {
  return async (request) => {
    const url = new URL(request.url);
    const [, tenant = "", ...rest] = url.pathname.split("/");
    const path = `${request.method} ${rest.join("/")}`;
    const form = async (): Promise<URLSearchParams> => new URLSearchParams(await request.text());
    if (tenant !== directory.tenantId && !ANY_TENANT.includes(tenant)) {
      return isKnown(path)
        ? refuse(400, "invalid_tenant", 90002, `Tenant '${tenant}' not found.`)
        : json(404, {});
    }
    const base = `${url.origin}/${directory.tenantId}`;
    switch (path) {
      case "GET v2.0/.well-known/openid-configuration":
        return json(200, metadata(url.origin, tenant, directory.tenantId));
      case "GET discovery/v2.0/keys":
        return json(200, { keys: directory.signer.keys });
      case "POST oauth2/v2.0/token":
        return answerToken(directory, await form(), base);
      case "POST oauth2/v2.0/devicecode":
        return startDeviceFlow(directory, await form(), url.origin);
      case "GET oauth2/v2.0/authorize":
        return answerAuthorize(directory, url.searchParams);
      case "GET oauth2/deviceauth":
        return devicePage(directory, undefined);
      case "POST oauth2/deviceauth":
        return devicePage(directory, await form());
      default:
        return json(404, {});
    }
  };
}

function isKnown(path: string): boolean {
  return path.includes("oauth2/v2.0/") || path.endsWith("/openid-configuration");
}

function metadata(origin: string, tenant: string, tenantId: string): Readonly<Record<string, unknown>> {
  const base = `${origin}/${tenant}`;
  return {
    issuer: `${origin}/${tenantId}/v2.0`,
    token_endpoint: `${base}/oauth2/v2.0/token`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    device_authorization_endpoint: `${base}/oauth2/v2.0/devicecode`,
    jwks_uri: `${base}/discovery/v2.0/keys`,
    token_endpoint_auth_methods_supported: ["client_secret_post", "private_key_jwt"],
    response_modes_supported: ["query", "fragment", "form_post"],
    response_types_supported: ["code"],
    scopes_supported: ["openid", "profile", "email", "offline_access"],
    subject_types_supported: ["pairwise"],
    id_token_signing_alg_values_supported: ["RS256"],
  };
}
