import { createHmac, randomBytes } from "node:crypto";
import { AmlError, type TokenProvider } from "@aml/core/adapter";
import { signIn, type TokenSource } from "./sign-in.ts";
import { createTokenCache, type AccessToken, type TokenCache } from "./token-cache.ts";

/** What the clients of Azure's SDKs take as a credential. */
export interface AzureTokenCredential extends TokenProvider {
  getToken(
    scopes: string | string[],
    options?: { readonly abortSignal?: AbortSignal | AbortSignalShape; readonly claims?: string },
  ): Promise<AccessToken>;
}

/** As the SDKs declare it. */
interface AbortSignalShape {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: (this: AbortSignalShape, event: unknown) => unknown): void;
  removeEventListener(type: "abort", listener: (this: AbortSignalShape, event: unknown) => unknown): void;
}

export interface TokenCredentialOptions {
  /** Signs in instead: a broker, a test. Its tokens are kept apart from everyone else's. */
  readonly tokenProvider?: TokenProvider | undefined;
  /** Instead of the one of the process. */
  readonly cache?: TokenCache | undefined;
}

// One per process: stores that share an identity share its token, and its one request.
const PROCESS_CACHE = createTokenCache();
const PROCESS_KEY = randomBytes(32);

/**
 * Turns a credential into what Azure's SDKs sign requests with. Signing in happens with the first token; tokens are
 * kept in memory only, shared by everyone in this process with the same identity and scope.
 *
 * `getToken` throws `auth_failed` (who tried, what is wrong, what to do), `unavailable`, `rate_limited`, `timeout`.
 */
export function tokenCredential(
  source: TokenSource,
  options: TokenCredentialOptions = {},
): AzureTokenCredential {
  const { tokenProvider } = options;
  const cache = options.cache ?? (tokenProvider ? createTokenCache() : PROCESS_CACHE);
  const identity = identityKey(source);
  return Object.freeze<AzureTokenCredential>({
    getToken(scopes, { abortSignal, claims } = {}) {
      const acquire = (): Promise<AccessToken> =>
        tokenProvider ? provided(tokenProvider, scopes) : signIn(source, scopes, claims);
      const key = `${identity} ${[scopes].flat().join(" ")}`;
      return cache.get(key, acquire, {
        ...(abortSignal instanceof AbortSignal && { signal: abortSignal }),
        // Claims come with a challenge: the token at hand was refused.
        force: claims !== undefined,
      });
    },
  });
}

async function provided(provider: TokenProvider, scopes: string | string[]): Promise<AccessToken> {
  const token = await provider.getToken(scopes);
  if (token) return token;
  throw new AmlError("auth_failed", "The given token provider gave no token.", {
    hint: "Sign its user in, or use another credential.",
  });
}

/** Tells identities apart. Secrets enter as a keyed digest, worthless outside this process. */
function identityKey(source: TokenSource): string {
  const secret =
    source.kind === "service_principal"
      ? source.clientSecret.reveal()
      : source.kind === "service_principal_certificate"
        ? source.certificate.reveal()
        : "";
  const parts =
    source.kind === "identity"
      ? [source.source ?? "default", source.clientId]
      : [source.authorityUrl, source.tenantId, source.clientId];
  const digest = createHmac("sha256", PROCESS_KEY).update(secret).digest("base64url");
  return JSON.stringify([source.kind, ...parts, digest]);
}
