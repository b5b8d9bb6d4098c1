import type { Credential, OnSignIn, Secret } from "@aml/core/adapter";
import type { AccessToken as SdkToken, TokenCredential } from "@azure/identity";
import { signInError, type SignInFailure } from "./errors.ts";
import { personCredential, type PersonSource } from "./person-credential.ts";
import { failures, sdkOptions, type SdkOptions } from "./sdk-options.ts";
import type { AccessToken } from "./token-cache.ts";

/** The credential kinds that end in an Entra ID access token. */
export type TokenCredentialKind = "service_principal" | "service_principal_certificate" | "identity";
export type TokenSource = Extract<Credential<Secret>, { kind: TokenCredentialKind }>;

/**
 * Asks Microsoft Entra ID, or the machine's identity, for a token. Every call asks anew: what the SDK would cache
 * is not reused, except a managed identity's token, which it keeps for the process.
 */
export async function signIn(
  source: TokenSource,
  scopes: string | string[],
  { claims, signal, onSignIn }: SignInRequest = {},
): Promise<AccessToken> {
  const failure: SignInFailure = {};
  try {
    const credential = isInteractive(source)
      ? await personCredential(source, onSignIn)
      : await createCredential(source);
    const token = await failures.run(failure, () =>
      credential.getToken(scopes, {
        ...(claims !== undefined && { claims }),
        ...(signal && { abortSignal: signal }),
      }),
    );
    if (token) return plain(token);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw signInError(error, source, failure);
  }
  throw signInError(new Error("The sign-in gave no token."), source, failure);
}

/** Whether somebody has to be there. */
export function isInteractive(source: TokenSource): source is PersonSource {
  return source.kind === "identity" && (source.source === "browser" || source.source === "device_code");
}

/** What only one request for a token needs. */
export interface SignInRequest {
  readonly claims?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onSignIn?: OnSignIn | undefined;
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
  const options = sdkOptions("authorityUrl" in source ? source.authorityUrl : undefined);
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
  { source = "default", clientId, tenantId }: Extract<TokenSource, { kind: "identity" }>,
  options: SdkOptions,
): TokenCredential {
  switch (source) {
    case "managed":
      return new identity.ManagedIdentityCredential({ ...options, ...(clientId && { clientId }) });
    case "workload":
      return new identity.WorkloadIdentityCredential({ ...options, ...(clientId && { clientId }) });
    case "cli":
      return new identity.AzureCliCredential({ ...(tenantId && { tenantId }) });
    case "environment":
      return new identity.EnvironmentCredential(options);
    default:
      return new identity.DefaultAzureCredential({
        ...options,
        ...(clientId && { managedIdentityClientId: clientId, workloadIdentityClientId: clientId }),
      });
  }
}
