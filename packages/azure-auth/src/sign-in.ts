import { AsyncLocalStorage } from "node:async_hooks";
import process from "node:process";
import type { Credential, Secret } from "@aml/core/adapter";
import { createDefaultHttpClient, type HttpClient } from "@azure/core-rest-pipeline";
import type { AccessToken as SdkToken, TokenCredential } from "@azure/identity";
import { signInError, type SignInFailure } from "./errors.ts";
import type { AccessToken } from "./token-cache.ts";

/** The credential kinds that end in an Entra ID access token. */
export type TokenCredentialKind = "service_principal" | "service_principal_certificate" | "identity";
export type TokenSource = Extract<Credential<Secret>, { kind: TokenCredentialKind }>;

const PUBLIC_AUTHORITIES: ReadonlySet<string> = new Set([
  "login.microsoftonline.com",
  "login.microsoftonline.us",
  "login.partner.microsoftonline.cn",
]);

/**
 * Asks Microsoft Entra ID, or the machine's identity, for a token. Every call asks anew: what the SDK would cache
 * is not reused, except a managed identity's token, which it keeps for the process.
 */
export async function signIn(
  source: TokenSource,
  scopes: string | string[],
  claims?: string,
): Promise<AccessToken> {
  const failure: SignInFailure = {};
  try {
    const credential = await createCredential(source);
    const token = await failures.run(failure, () =>
      credential.getToken(scopes, claims === undefined ? {} : { claims }),
    );
    if (token) return plain(token);
  } catch (error) {
    throw signInError(error, source, failure);
  }
  throw signInError(new Error("The sign-in gave no token."), source, failure);
}

function plain({ token, expiresOnTimestamp, refreshAfterTimestamp }: SdkToken): AccessToken {
  return {
    token,
    expiresOnTimestamp,
    ...(refreshAfterTimestamp !== undefined && { refreshAfterTimestamp }),
  };
}

async function createCredential(source: TokenSource): Promise<TokenCredential> {
  // Loading it takes a while, so only those who need a token do.
  const identity = await import("@azure/identity");
  const options = {
    ...authority("authorityUrl" in source ? source.authorityUrl : process.env["AZURE_AUTHORITY_HOST"]),
    httpClient: watched,
    // Core's withRetry is the one layer that repeats.
    retryOptions: { maxRetries: 0 },
  };
  switch (source.kind) {
    case "service_principal":
      return new identity.ClientSecretCredential(
        source.tenantId,
        source.clientId,
        source.clientSecret.reveal(),
        options,
      );
    case "service_principal_certificate":
      return new identity.ClientCertificateCredential(
        source.tenantId,
        source.clientId,
        { certificate: source.certificate.reveal() },
        options,
      );
    default:
      return createIdentity(identity, source, options);
  }
}

function createIdentity(
  identity: typeof import("@azure/identity"),
  { source = "default", clientId }: Extract<TokenSource, { kind: "identity" }>,
  options: object,
): TokenCredential {
  switch (source) {
    case "managed":
      return new identity.ManagedIdentityCredential({ ...options, ...(clientId && { clientId }) });
    case "workload":
      return new identity.WorkloadIdentityCredential({ ...options, ...(clientId && { clientId }) });
    case "cli":
      return new identity.AzureCliCredential();
    case "environment":
      return new identity.EnvironmentCredential(options);
    default:
      return new identity.DefaultAzureCredential({
        ...options,
        ...(clientId && { managedIdentityClientId: clientId, workloadIdentityClientId: clientId }),
      });
  }
}

/** Only Microsoft's own authorities know themselves; any other is taken at its word. */
function authority(url: string | undefined): { authorityHost?: string; disableInstanceDiscovery?: boolean } {
  if (!url) return {};
  const authorityHost = url.replace(/\/+$/, "");
  const host = URL.canParse(authorityHost) ? new URL(authorityHost).host : "";
  return { authorityHost, ...(!PUBLIC_AUTHORITIES.has(host) && { disableInstanceDiscovery: true }) };
}

// The SDK keeps the first managed identity's client for the process, so what a request met is filed by call.
const failures = new AsyncLocalStorage<SignInFailure>();
const transport = createDefaultHttpClient();

/** Notes what the wire said: the SDK's own errors leave the status and the network's reason out. */
const watched: HttpClient = {
  async sendRequest(request) {
    const failure = failures.getStore() ?? {};
    // A machine without a metadata endpoint often drops the packets.
    request.timeout ||= request.url.startsWith("https:") ? 30_000 : 10_000;
    try {
      const response = await transport.sendRequest(request);
      if (response.status >= 400) {
        failure.status = response.status;
        failure.aadsts = /AADSTS(\d+)/.exec(response.bodyAsText ?? "")?.[1];
        failure.retryAfter = response.headers.get("retry-after");
      }
      return response;
    } catch (error) {
      failure.network = error instanceof Error && "code" in error ? String(error.code) : "no answer";
      failure.host = new URL(request.url).host;
      throw error;
    }
  },
};
