import type { TokenSource } from "./sign-in.ts";

/** Names an identity for a message, with what its last token tells: the object that grants are made to. */
export function whoSignsIn(source: TokenSource, token?: string): string {
  const claims = claimsOf(token);
  const object = claims.oid === undefined ? "" : ` (object ${claims.oid})`;
  if (source.kind !== "identity")
    return `application ${source.clientId} of tenant ${source.tenantId}${object}`;
  const kind = source.source ?? "default";
  const id = source.clientId ?? claims.appid;
  if (claims.upn !== undefined) return `${claims.upn}${object}, signed in with the ${kind} identity`;
  return `the ${kind} identity${id === undefined ? "" : ` ${id}`}${object}`;
}

/** As `whoSignsIn`, for a token from elsewhere. */
export function whoProvided(token?: string): string {
  const { upn, appid, oid } = claimsOf(token);
  const object = oid === undefined ? "" : ` (object ${oid})`;
  return `${upn ?? (appid === undefined ? "the identity of the given token" : `application ${appid}`)}${object}`;
}

/** The sentence that tells the smallest right that is missing, and to whom it has to be given. */
export function grantHint(role: string, on: string, who: string): string {
  return `Grant "${role}" on ${on} to ${who}.`;
}

interface Claims {
  readonly oid?: string | undefined;
  readonly appid?: string | undefined;
  readonly upn?: string | undefined;
}

/** Read, not judged: whoever signs the token in judges it. What is not a plain word is left out. */
function claimsOf(token: string | undefined): Claims {
  const payload = token?.split(".")[1];
  if (payload === undefined) return {};
  try {
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as Readonly<
      Record<string, unknown>
    > | null;
    const word = (...names: readonly string[]): string | undefined => {
      const value = names.map((name) => claims?.[name]).find((found) => typeof found === "string");
      return typeof value === "string" && /^[\w.@+#-]{1,120}$/.test(value) ? value : undefined;
    };
    return {
      oid: word("oid"),
      appid: word("appid", "azp"),
      upn: word("upn", "preferred_username", "unique_name"),
    };
  } catch {
    // Not every token is a JWT.
    return {};
  }
}
