/** What a shared access signature says about itself. Its signature is not kept. */
export interface SasInfo {
  readonly startsAt?: Date | undefined;
  /** Absent when a stored access policy decides. */
  readonly expiresAt?: Date | undefined;
  /** Letters such as `r` (read), `l` (list), `w` (write), `d` (delete); absent when a stored policy decides. */
  readonly permissions?: string | undefined;
  /** `account`, `service` or `user_delegation`. */
  readonly scope: "account" | "service" | "user_delegation";
  /** Of a stored access policy. */
  readonly policy?: string | undefined;
}

/**
 * Reads what a SAS token allows, without judging its signature. A leading `?` is fine.
 *
 * @returns `undefined` for a text that is no SAS token.
 * @see https://learn.microsoft.com/rest/api/storageservices/create-account-sas – field names, read 2026-11
 */
export function parseSas(token: string): SasInfo | undefined {
  const query = new URLSearchParams(bareSas(token));
  if (!query.get("sig") || !query.get("sv")) return undefined;
  return {
    startsAt: dateOf(query.get("st")),
    expiresAt: dateOf(query.get("se")),
    permissions: query.get("sp") ?? undefined,
    scope: query.has("skoid") ? "user_delegation" : query.has("ss") ? "account" : "service",
    policy: query.get("si") ?? undefined,
  };
}

/** A SAS token without surrounding blanks and leading `?` or `&`, ready to be appended to `URL?`. */
export function bareSas(token: string): string {
  return token.trim().replace(/^[?&]+/, "");
}

function dateOf(text: string | null): Date | undefined {
  if (text === null) return undefined;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
