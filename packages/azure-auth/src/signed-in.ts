import {
  Secret,
  type Credential,
  type SignedIn,
  type SignInOptions,
  type TokenProvider,
} from "@aml/core/adapter";
import type { TokenSource } from "./sign-in.ts";
import {
  tokenCredential,
  type AzureTokenCredential,
  type TokenCredentialOptions,
} from "./token-credential.ts";

export interface SignedInOptions extends SignInOptions {
  readonly tokenProvider?: TokenProvider | undefined;
}

/**
 * Signs in with a credential that ends in an Entra ID token, through the same cache as the verbs: what an adapter's
 * `signIn` is made of.
 *
 * @returns `undefined` for every other kind of credential.
 * @throws as `tokenCredential`.
 */
export async function signedIn(
  credential: Credential<Secret>,
  scope: string,
  { tokenProvider, signal, onSignIn }: SignedInOptions = {},
): Promise<SignedIn | undefined> {
  if (!isTokenSource(credential)) return undefined;
  const { token, expiresOnTimestamp } = await tokenCredential(credential, {
    tokenProvider,
    onSignIn,
  }).getToken(scope, signal === undefined ? {} : { abortSignal: signal });
  return { token: new Secret(token), expiresAtMs: expiresOnTimestamp, scope };
}

/**
 * As `tokenCredential`, for whichever credential a store has.
 *
 * @returns `undefined` for one that needs no token.
 */
export function tokenCredentialOf(
  credential: Credential<Secret>,
  options?: TokenCredentialOptions,
): AzureTokenCredential | undefined {
  return isTokenSource(credential) ? tokenCredential(credential, options) : undefined;
}

function isTokenSource(credential: Credential<Secret>): credential is TokenSource {
  const { kind } = credential;
  return kind === "identity" || kind === "service_principal" || kind === "service_principal_certificate";
}
