import type { Credential } from "./credential.ts";
import type { Secret } from "./secret.ts";

/** When a credential ends, as far as it tells by itself: a SAS token, and an access token that is a JWT. */
export function credentialExpiry(credential: Credential<Secret>): Date | undefined {
  if (credential.kind === "sas") return sasExpiry(credential.sasToken);
  if (credential.kind === "access_token") return jwtExpiry(credential.token);
  return undefined;
}

/** `undefined` where a stored access policy decides, or the token is none. */
export function sasExpiry(token: Secret): Date | undefined {
  return dateOf(
    new URLSearchParams(
      token
        .reveal()
        .trim()
        .replace(/^[?&]+/, ""),
    ).get("se"),
  );
}

function jwtExpiry(token: Secret): Date | undefined {
  const payload = token.reveal().split(".")[1];
  if (payload === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    const seconds = (claims as { readonly exp?: unknown } | null)?.exp;
    return typeof seconds === "number" ? dateOf(seconds * 1000) : undefined;
  } catch {
    // Not every token is a JWT.
    return undefined;
  }
}

function dateOf(value: string | number | null): Date | undefined {
  if (value === null) return undefined;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
