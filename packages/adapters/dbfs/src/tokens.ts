import {
  AmlError,
  Secret,
  type OperationOptions,
  type SignInOptions,
  type SignedIn,
} from "@aml/core/adapter";
import {
  createTokenCache,
  signedIn,
  tokenCredential,
  type AccessToken,
  type TokenCache,
} from "@aml/azure-auth";
import { networkError, readRefusal, refusalError } from "./errors.ts";
import { REFUSED, type Attempt } from "./error-rows.ts";
import { originOf } from "./options.ts";
import type { DbfsInput } from "./workspace.ts";

/** Azure Databricks, for every workspace: https://learn.microsoft.com/azure/databricks/dev-tools/azure-ad-token, read 2026-11 */
export const ENTRA_SCOPE = "2ff814a6-3304-4ab8-86cd-c9a1d6b6ddd4/.default";

/** Gives the token to send. */
export interface Tokens {
  /** A refused token may be renewed: it was fetched, not given. */
  readonly renewable: boolean;
  /** Whose token it is, for messages. */
  who(): string;
  /** @param options.force - the service has refused the one that is there. */
  get(attempt: Attempt, options: OperationOptions & { readonly force?: boolean }): Promise<string>;
}

export function createTokens(input: DbfsInput): Tokens {
  const { credential, tokenProvider } = input;
  switch (credential.kind) {
    case "access_token":
      return {
        renewable: false,
        who: () => "the owner of the personal access token",
        get: () => Promise.resolve(credential.token.reveal().trim()),
      };
    case "oauth_client": {
      const cache = createTokenCache({ issuer: "Databricks" });
      return {
        renewable: true,
        who: () => principal(credential.clientId),
        get: async (attempt, options) => (await clientToken(input, cache, attempt, options)).token,
      };
    }
    default: {
      const entra = tokenCredential(credential, { tokenProvider });
      return {
        renewable: false,
        who: () => entra.who(),
        async get(_attempt, { signal }) {
          const { token } = await entra.getToken(
            ENTRA_SCOPE,
            signal === undefined ? {} : { abortSignal: signal },
          );
          return token;
        },
      };
    }
  }
}

function principal(clientId: string): string {
  return `service principal ${clientId}`;
}

/** Signs in for a look, as the verbs would. */
export async function signIn(input: DbfsInput, options: SignInOptions = {}): Promise<SignedIn | undefined> {
  const { credential, tokenProvider } = input;
  if (credential.kind !== "oauth_client")
    return signedIn(credential, ENTRA_SCOPE, { ...options, tokenProvider });
  const attempt: Attempt = {
    operation: "stat",
    path: "",
    root: "the workspace",
    kind: "dbfs",
    host: new URL(originOf(input.options)).host,
    credential: credential.kind,
    who: principal(credential.clientId),
  };
  const cache = createTokenCache({ issuer: "Databricks" });
  const { token, expiresOnTimestamp } = await clientToken(input, cache, attempt, options);
  return { token: new Secret(token), expiresAtMs: expiresOnTimestamp, scope: "all-apis" };
}

function clientToken(
  input: DbfsInput,
  cache: TokenCache,
  attempt: Attempt,
  options: OperationOptions & { readonly force?: boolean },
): Promise<AccessToken> {
  return cache.get("client", () => fetchToken(input, attempt), options);
}

/** OAuth 2.0 client credentials of a Databricks service principal. @see https://docs.databricks.com/dev-tools/auth/oauth-m2m – read 2026-11 */
async function fetchToken(
  { options, credential, fetch = globalThis.fetch }: DbfsInput,
  attempt: Attempt,
): Promise<AccessToken> {
  if (credential.kind !== "oauth_client") throw new TypeError("No credential of a client.");
  const encode = (text: string): string => new URLSearchParams({ x: text }).toString().slice(2);
  const pair = `${encode(credential.clientId)}:${encode(credential.clientSecret.reveal().trim())}`;
  let response: Response;
  try {
    response = await fetch(`${originOf(options)}/oidc/v1/token`, {
      method: "POST",
      redirect: "manual",
      headers: { authorization: `Basic ${btoa(pair)}`, "content-type": "application/x-www-form-urlencoded" },
      body: "grant_type=client_credentials&scope=all-apis",
    });
  } catch (error) {
    throw networkError(error, attempt);
  }
  if (!response.ok) throw refusedSignIn(await readRefusal(response), attempt);
  const { access_token: token, expires_in: seconds } = ((await response.json().catch(() => ({}))) ??
    {}) as Readonly<Record<string, unknown>>;
  if (typeof token === "string" && typeof seconds === "number")
    return { token, expiresOnTimestamp: Date.now() + seconds * 1000 };
  throw new AmlError("auth_failed", `The token server of ${attempt.host} gave no token.`, {
    operation: attempt.operation,
    hint: "Check the option host.",
    context: { host: attempt.host },
  });
}

function refusedSignIn(refusal: Awaited<ReturnType<typeof readRefusal>>, attempt: Attempt): AmlError {
  const { status } = refusal;
  if (status >= 500 || status === 429 || !refusal.known) return refusalError(refusal, attempt);
  const failure = { ...attempt, what: "", said: "" };
  return new AmlError("auth_failed", REFUSED[1](failure), {
    operation: attempt.operation,
    hint: REFUSED[2](failure),
    context: { host: attempt.host, status },
  });
}
