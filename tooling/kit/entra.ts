import { constants, createHash, createPublicKey, verify, X509Certificate } from "node:crypto";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { OAuth2Issuer } from "oauth2-mock-server";
import { createCertificate } from "./certificate.ts";

/** An app registration: what it may prove itself with. */
export interface EntraApp {
  readonly clientId: string;
  readonly secrets?: readonly string[];
  /** Secrets that were good once. */
  readonly expiredSecrets?: readonly string[];
  /** PEM text. */
  readonly certificate?: string;
  /** Subject of the federated tokens that it accepts. */
  readonly federatedSubject?: string;
}

export interface EntraRequest {
  readonly grant: "client_secret" | "client_assertion" | "imds" | "app_service";
  readonly clientId: string | undefined;
  /** A scope, or a managed identity's resource. */
  readonly scope: string;
}

export interface Entra extends AsyncDisposable {
  readonly tenantId: string;
  /** `https://localhost:PORT` */
  readonly authorityUrl: string;
  readonly certificatePem: string;
  /** `http://127.0.0.1:PORT`: for AZURE_POD_IDENTITY_AUTHORITY_HOST. */
  readonly imdsUrl: string;
  /** For IDENTITY_ENDPOINT and IDENTITY_HEADER. */
  readonly appService: { readonly endpoint: string; readonly header: string };
  /** Every token request so far, refused ones too. */
  readonly requests: EntraRequest[];
  /** Of the tokens to come, in seconds. */
  tokenLifetime: number;
  /** Answers every token request with this status until it is set back to `undefined`. */
  failWith: number | undefined;
  /** A token of the kind that Kubernetes mounts, for workload identity. */
  federatedToken(subject: string): Promise<string>;
  close(): Promise<void>;
}

const TENANT = "ab1f708d-50f6-404c-a006-d71b2ac7a606";
const OBJECT = "11059fcc-5514-4800-b5f8-49808b9cfab6";
const EXCHANGE = "api://AzureADTokenExchange";
const HEADER = "identity-header";

type Reply = readonly [status: number, body: Readonly<Record<string, unknown>>];

interface State {
  readonly issuer: OAuth2Issuer;
  readonly apps: ReadonlyMap<string, EntraApp>;
  readonly requests: EntraRequest[];
  readonly urls: { authority: string; managed: string };
  tokenLifetime: number;
  failWith: number | undefined;
}

/**
 * Starts a token server with Microsoft Entra ID's paths, errors and token claims on https, and the managed identity
 * endpoints of a virtual machine and of App Service on http. Tokens are signed by oauth2-mock-server.
 */
export async function startEntra(apps: readonly EntraApp[]): Promise<Entra> {
  const { certificate, privateKey } = await createCertificate();
  const issuer = new OAuth2Issuer();
  await issuer.keys.generate("RS256");
  const state: State = {
    issuer,
    apps: new Map(apps.map((app) => [app.clientId, app])),
    requests: [],
    urls: { authority: "", managed: "" },
    tokenLifetime: 3600,
    failWith: undefined,
  };
  const login = https.createServer({ cert: certificate, key: privateKey }, listener(state, answerLogin));
  const managed = http.createServer(listener(state, answerManaged));
  state.urls.authority = `https://localhost:${await listen(login)}`;
  state.urls.managed = `http://127.0.0.1:${await listen(managed)}`;
  const close = async (): Promise<void> => {
    for (const server of [login, managed]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  };
  return Object.assign(state, {
    tenantId: TENANT,
    authorityUrl: state.urls.authority,
    certificatePem: certificate,
    imdsUrl: state.urls.managed,
    appService: { endpoint: `${state.urls.managed}/msi/token`, header: HEADER },
    federatedToken: (subject: string) => sign(state, { aud: EXCHANGE, sub: subject }),
    close,
    [Symbol.asyncDispose]: close,
  });
}

function listen(server: http.Server | https.Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

type Answer = (state: State, request: http.IncomingMessage, body: URLSearchParams) => Promise<Reply>;

function listener(state: State, answer: Answer): http.RequestListener {
  return (request, response) => {
    void (async () => {
      let body = "";
      for await (const chunk of request) body += String(chunk);
      const [status, reply] = await answer(state, request, new URLSearchParams(body));
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(reply));
    })().catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  };
}

async function answerLogin(
  state: State,
  request: http.IncomingMessage,
  body: URLSearchParams,
): Promise<Reply> {
  const [, tenant = "", ...rest] = new URL(request.url ?? "/", state.urls.authority).pathname.split("/");
  const path = rest.join("/");
  if (path === "discovery/v2.0/keys") return [200, { keys: state.issuer.keys.toJSON() }];
  if (path !== "v2.0/.well-known/openid-configuration" && path !== "oauth2/v2.0/token") return [404, {}];
  if (tenant !== TENANT) return refuse(400, "invalid_tenant", 90002, `Tenant '${tenant}' not found.`);
  if (path === "oauth2/v2.0/token") return answerToken(state, body);
  const base = `${state.urls.authority}/${tenant}`;
  return [
    200,
    {
      issuer: `https://sts.windows.net/${tenant}/`,
      token_endpoint: `${base}/oauth2/v2.0/token`,
      authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
      jwks_uri: `${base}/discovery/v2.0/keys`,
      response_types_supported: ["code"],
      subject_types_supported: ["pairwise"],
      id_token_signing_alg_values_supported: ["RS256"],
    },
  ];
}

async function answerToken(state: State, body: URLSearchParams): Promise<Reply> {
  const clientId = body.get("client_id") ?? "";
  const scope = body.get("scope") ?? "";
  const assertion = body.get("client_assertion");
  state.requests.push({ grant: assertion ? "client_assertion" : "client_secret", clientId, scope });
  if (state.failWith !== undefined) return [state.failWith, { error: "temporarily_unavailable" }];
  const app = state.apps.get(clientId);
  if (!app) {
    return refuse(
      400,
      "unauthorized_client",
      700016,
      `Application '${clientId}' was not found in the directory.`,
    );
  }
  const refusal = assertion
    ? checkAssertion(state, app, assertion)
    : checkSecret(app, body.get("client_secret") ?? "");
  if (refusal) return refusal;
  const audience = (scope.split(" ")[0] ?? "").replace(/\/\.default$/, "");
  return [
    200,
    {
      token_type: "Bearer",
      expires_in: state.tokenLifetime,
      ext_expires_in: state.tokenLifetime,
      access_token: await accessToken(state, audience, clientId),
    },
  ];
}

function checkSecret(app: EntraApp, secret: string): Reply | undefined {
  if (app.secrets?.includes(secret)) return undefined;
  if (app.expiredSecrets?.includes(secret)) {
    return refuse(
      401,
      "invalid_client",
      7000222,
      `The provided client secret keys for app '${app.clientId}' are expired.`,
    );
  }
  return refuse(401, "invalid_client", 7000215, "Invalid client secret provided.");
}

/** Checks signature, thumbprint, issuer, audience and lifetime of a signed proof, as Entra does. */
function checkAssertion(state: State, app: EntraApp, assertion: string): Reply | undefined {
  const [head = "", payload = "", signature = ""] = assertion.split(".");
  const header = decode(head);
  const claims = decode(payload);
  if (typeof claims["exp"] !== "number" || claims["exp"] * 1000 < Date.now()) {
    return refuse(401, "invalid_client", 700024, "Client assertion is not within its valid time range.");
  }
  const signed = Buffer.from(`${head}.${payload}`);
  const bytes = Buffer.from(signature, "base64url");
  if (claims["aud"] === EXCHANGE) {
    const [jwk] = state.issuer.keys.toJSON();
    const ours = jwk && verify("sha256", signed, createPublicKey({ key: { ...jwk }, format: "jwk" }), bytes);
    if (ours && app.federatedSubject === claims["sub"]) return undefined;
    return refuse(
      401,
      "invalid_client",
      700213,
      "No matching federated identity record found for the assertion.",
    );
  }
  const certificate = app.certificate && new X509Certificate(app.certificate);
  const endpoint = `${state.urls.authority}/${TENANT}/oauth2/v2.0/token`;
  const good =
    certificate &&
    matchesThumbprint(header, certificate) &&
    claims["iss"] === app.clientId &&
    claims["sub"] === app.clientId &&
    claims["aud"] === endpoint &&
    verify(
      "sha256",
      signed,
      header["alg"] === "PS256"
        ? { key: certificate.publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
        : certificate.publicKey,
      bytes,
    );
  if (good) return undefined;
  return refuse(
    401,
    "invalid_client",
    700027,
    "The certificate with identifier used to sign the client assertion is not registered on application.",
  );
}

function matchesThumbprint(header: Record<string, unknown>, certificate: X509Certificate): boolean {
  const digest = (algorithm: string): string =>
    createHash(algorithm).update(certificate.raw).digest("base64url");
  if (header["x5t#S256"] !== undefined) return header["x5t#S256"] === digest("sha256");
  return header["x5t"] === digest("sha1");
}

function decode(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, "base64url").toString()) as Record<string, unknown>;
}

function refuse(status: number, error: string, code: number, text: string): Reply {
  return [
    status,
    { error, error_description: `AADSTS${code}: ${text}`, error_codes: [code], correlation_id: OBJECT },
  ];
}

async function answerManaged(state: State, request: http.IncomingMessage): Promise<Reply> {
  const url = new URL(request.url ?? "/", state.urls.managed);
  const path = url.pathname.replace(/\/$/, "");
  const appService = path === "/msi/token";
  if (!appService && path !== "/metadata/identity/oauth2/token") return [404, {}];
  const allowed = appService
    ? request.headers["x-identity-header"] === HEADER
    : request.headers["metadata"] === "true";
  if (!allowed)
    return [400, { error: "invalid_request", error_description: "Required header not specified" }];
  const clientId = url.searchParams.get("client_id") ?? undefined;
  const scope = url.searchParams.get("resource") ?? "";
  state.requests.push({ grant: appService ? "app_service" : "imds", clientId, scope });
  if (state.failWith !== undefined) return [state.failWith, { error: "server_error" }];
  if (clientId !== undefined && !state.apps.has(clientId)) {
    return [400, { error: "invalid_request", error_description: "Identity not found" }];
  }
  return [
    200,
    {
      access_token: await accessToken(state, scope, clientId ?? OBJECT),
      client_id: clientId ?? OBJECT,
      expires_in: String(state.tokenLifetime),
      expires_on: String(Math.floor(Date.now() / 1000) + state.tokenLifetime),
      resource: scope,
      token_type: "Bearer",
    },
  ];
}

function accessToken(state: State, audience: string, clientId: string): Promise<string> {
  return sign(state, { aud: audience, appid: clientId, oid: OBJECT, sub: OBJECT, tid: TENANT, ver: "1.0" });
}

function sign(state: State, claims: Readonly<Record<string, unknown>>): Promise<string> {
  const issuer = `https://sts.windows.net/${TENANT}/`;
  state.issuer.url = issuer;
  return state.issuer.buildToken({
    expiresIn: state.tokenLifetime,
    scopesOrTransform: (_header, payload) => Object.assign(payload, claims),
  });
}
