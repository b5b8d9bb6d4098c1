import { createHmac, randomBytes } from "node:crypto";
import process from "node:process";
import { AmlError, type OnSignIn, type TokenProvider } from "@aml/core/adapter";
import { isInteractive, signIn, type TokenSource } from "./sign-in.ts";
import { createTokenCache, type AccessToken, type TokenCache } from "./token-cache.ts";
import { whoProvided, whoSignsIn } from "./who-signs-in.ts";

/** What the clients of Azure's SDKs take as a credential. */
export interface AzureTokenCredential extends TokenProvider {
  getToken(
    scopes: string | string[],
    options?: { readonly abortSignal?: AbortSignal | AbortSignalShape; readonly claims?: string },
  ): Promise<AccessToken>;
  /**
   * Who signs in, for messages: client ID or source, and of the last token the object it is for and the user's name. Never
   * asks for a token.
   */
  who(): string;
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
  /** Shows a person what to do, for identities of source `device_code`. */
  readonly onSignIn?: OnSignIn | undefined;
}

// One per process: stores that share an identity share its token, and its one request.
const PROCESS_CACHE = createTokenCache();
// A device code is good for a quarter of an hour.
const PEOPLE_CACHE = createTokenCache({ timeoutMs: 16 * 60_000 });
const PROCESS_KEY = randomBytes(32);

/**
 * Turns a credential into what Azure's SDKs sign requests with. Signing in happens with the first token; tokens are
 * kept in memory only, shared by everyone in this process with the same identity and scope. A `resourceUrl` of the
 * credential takes the place of the scopes that are asked for.
 *
 * `getToken` throws `auth_failed` (who tried, what is wrong, what to do), `unavailable`, `rate_limited`, `timeout`.
 */
export function tokenCredential(
  source: TokenSource,
  options: TokenCredentialOptions = {},
): AzureTokenCredential {
  const { tokenProvider, onSignIn } = options;
  const ofProcess = isInteractive(source) ? PEOPLE_CACHE : PROCESS_CACHE;
  const cache = options.cache ?? (tokenProvider ? createTokenCache() : ofProcess);
  const identity = identityKey(source);
  let last: AccessToken | undefined;
  return Object.freeze<AzureTokenCredential>({
    async getToken(wanted, { abortSignal, claims } = {}) {
      const scopes = source.resourceUrl === undefined ? wanted : scopeOf(source.resourceUrl);
      const acquire = (): Promise<AccessToken> =>
        tokenProvider
          ? provided(tokenProvider, scopes)
          : signIn(source, scopes, { claims, onSignIn, ...(isInteractive(source) && { signal }) });
      const signal = abortSignal instanceof AbortSignal ? abortSignal : undefined;
      const key = `${identity} ${[scopes].flat().join(" ")}`;
      last = await cache.get(key, acquire, {
        signal,
        // Claims come with a challenge: the token at hand was refused.
        force: claims !== undefined,
      });
      return last;
    },
    who: () => (tokenProvider ? whoProvided(last?.token) : whoSignsIn(source, last?.token)),
  });
}

/** A resource with or without its slash is the same one. */
function scopeOf(resourceUrl: string): string {
  return `${resourceUrl.replace(/\/+$/, "")}/.default`;
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
      ? [source.source ?? "default", source.clientId, source.tenantId, process.env["AZURE_AUTHORITY_HOST"]]
      : [source.authorityUrl, source.tenantId, source.clientId];
  const digest = createHmac("sha256", PROCESS_KEY).update(secret).digest("base64url");
  return JSON.stringify([source.kind, ...parts, digest]);
}
