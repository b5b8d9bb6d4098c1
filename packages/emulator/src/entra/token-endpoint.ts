import { createHash, randomUUID } from "node:crypto";
import { checkClient, isPublic } from "./client-proof.ts";
import { appToken, remember, userObjectId, userToken, type Directory, type Grant } from "./directory.ts";
import type { EntraApp, EntraRequest } from "./entra-app.ts";
import { json, refuse } from "./reply.ts";

const DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code";

/** A request to the token endpoint, with the app that it names. */
interface TokenRequest {
  readonly directory: Directory;
  readonly app: EntraApp;
  readonly body: URLSearchParams;
  /** `https://HOST/TENANT` */
  readonly base: string;
}

/** Answers `POST /TENANT/oauth2/v2.0/token`. */
export async function answerToken(
  directory: Directory,
  body: URLSearchParams,
  base: string,
): Promise<Response> {
  const clientId = body.get("client_id") ?? "";
  remember(directory, { grant: grantOf(body), clientId, scope: body.get("scope") ?? "" });
  if (directory.failWith !== undefined) {
    return refuse(directory.failWith, "temporarily_unavailable", 90033, "A transient error has occurred.");
  }
  const app = directory.apps.get(clientId);
  if (!app) return unknownApp(directory, clientId);
  const request: TokenRequest = { directory, app, body, base };
  switch (body.get("grant_type")) {
    case "client_credentials":
      return clientCredentials(request);
    case "device_code":
    case DEVICE_CODE:
      return deviceCode(request);
    case "authorization_code":
      return authorizationCode(request);
    case "refresh_token":
      return refreshToken(request);
    default:
      return refuse(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.");
  }
}

export function unknownApp(directory: Directory, clientId: string): Response {
  return refuse(
    400,
    "unauthorized_client",
    700016,
    `Application with identifier '${clientId}' was not found in the directory '${directory.tenantId}'.`,
  );
}

function grantOf(body: URLSearchParams): EntraRequest["grant"] {
  const grant = body.get("grant_type") ?? "";
  if (grant === DEVICE_CODE || grant === "device_code") return "device_code";
  if (grant === "authorization_code" || grant === "refresh_token") return grant;
  return body.has("client_assertion") ? "client_assertion" : "client_secret";
}

async function clientCredentials({ directory, app, body, base }: TokenRequest): Promise<Response> {
  const refusal = await checkClient(directory, app, body, `${base}/oauth2/v2.0/token`);
  if (refusal) return refusal;
  const scope = body.get("scope")?.split(" ")[0] ?? "";
  if (!scope.endsWith("/.default")) {
    return refuse(
      400,
      "invalid_scope",
      1002012,
      `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
    );
  }
  return json(200, {
    token_type: "Bearer",
    expires_in: directory.tokenLifetime,
    ext_expires_in: directory.tokenLifetime,
    access_token: await appToken(directory, scope.slice(0, -"/.default".length), app.clientId),
  });
}

async function deviceCode(request: TokenRequest): Promise<Response> {
  const { directory, app, body } = request;
  const code = body.get("device_code") ?? "";
  const device = directory.devices.get(code);
  if (device === undefined || device.clientId !== app.clientId) {
    return refuse(400, "bad_verification_code", 70000, "The provided device code is not known.");
  }
  if (device.answer === undefined) {
    if (device.expiresAt > directory.now()) {
      return refuse(
        400,
        "authorization_pending",
        70016,
        "OAuth 2.0 device flow error. Authorization is pending.",
      );
    }
    directory.devices.delete(code);
    return refuse(
      400,
      "expired_token",
      70020,
      "The provided value for the input parameter 'device_code' is expired.",
    );
  }
  directory.devices.delete(code);
  if (device.answer === "declined") {
    return refuse(400, "authorization_declined", 70017, "The user declined the sign-in.");
  }
  return userReply(request, { clientId: app.clientId, user: device.answer }, device.scope);
}

async function authorizationCode(request: TokenRequest): Promise<Response> {
  const { directory, app, body, base } = request;
  const text = body.get("code") ?? "";
  const code = directory.codes.get(text);
  directory.codes.delete(text);
  if (code === undefined || code.clientId !== app.clientId) {
    return refuse(400, "invalid_grant", 54005, "OAuth2 Authorization code was already redeemed, or is none.");
  }
  if (code.expiresAt < directory.now()) {
    return refuse(400, "invalid_grant", 70008, "The provided authorization code has expired.");
  }
  if (code.redirectUri !== body.get("redirect_uri")) {
    return refuse(
      400,
      "invalid_grant",
      500112,
      "The reply address does not match the one of the authorization.",
    );
  }
  const verifier = createHash("sha256")
    .update(body.get("code_verifier") ?? "")
    .digest("base64url");
  if (code.challenge !== undefined && code.challenge !== verifier) {
    return refuse(
      400,
      "invalid_grant",
      501481,
      "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
    );
  }
  const refusal = isPublic(app)
    ? undefined
    : await checkClient(directory, app, body, `${base}/oauth2/v2.0/token`);
  return refusal ?? userReply(request, { clientId: app.clientId, user: code.user }, code.scope, code.nonce);
}

async function refreshToken(request: TokenRequest): Promise<Response> {
  const { directory, app, body } = request;
  const grant = directory.grants.get(body.get("refresh_token") ?? "");
  if (grant === undefined || grant.clientId !== app.clientId) {
    return refuse(400, "invalid_grant", 70000, "The provided refresh token is not valid.");
  }
  return userReply(request, grant, body.get("scope") ?? "");
}

async function userReply(
  { directory, base }: TokenRequest,
  grant: Grant,
  scope: string,
  nonce?: string,
): Promise<Response> {
  const { tenantId, tokenLifetime, signer } = directory;
  const oid = userObjectId(grant.user);
  const { username } = grant.user;
  const refresh = randomUUID();
  directory.grants.set(refresh, grant);
  const idClaims = {
    iss: `${base}/v2.0`,
    aud: grant.clientId,
    oid,
    sub: oid,
    tid: tenantId,
    preferred_username: username,
    name: username,
    ver: "2.0",
    ...(nonce !== undefined && { nonce }),
  };
  return json(200, {
    token_type: "Bearer",
    scope,
    expires_in: tokenLifetime,
    ext_expires_in: tokenLifetime,
    access_token: await userToken(directory, audienceOf(scope), grant),
    refresh_token: refresh,
    id_token: await signer.sign(idClaims, tokenLifetime),
    client_info: Buffer.from(JSON.stringify({ uid: oid, utid: tenantId })).toString("base64url"),
  });
}

/** The resource that scopes are of; Microsoft Graph when none names one. */
function audienceOf(scopes: string): string {
  const scope = scopes.split(" ").find((one) => one.includes("/"));
  return scope?.replace(/\/[^/]*$/, "") ?? "https://graph.microsoft.com";
}
