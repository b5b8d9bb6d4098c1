import type { StorageAuthOptions } from "./create-storage-auth.ts";
import { INVALID_AUTHENTICATION_INFO, notAuthenticated } from "./refusals.ts";
import { isSignedBy, sharedKeyLiteText, sharedKeyText } from "./shared-key.ts";
import type { StorageIdentity } from "./storage-account.ts";
import type { StorageError } from "./storage-error.ts";

const SKEW_MS = 15 * 60_000;

/** Judges `Authorization: SharedKey ACCOUNT:SIGNATURE`, which allows everything. */
export function judgeSharedKey(
  { account, now = Date.now }: StorageAuthOptions,
  request: Request,
  scheme: "SharedKey" | "SharedKeyLite",
  value: string,
): StorageIdentity | StorageError {
  const colon = value.indexOf(":");
  if (colon < 1) return INVALID_AUTHENTICATION_INFO;
  const date = request.headers.get("x-ms-date") ?? request.headers.get("date") ?? "";
  const time = Date.parse(date);
  if (Number.isNaN(time)) return notAuthenticated(`The Date header in the request is incorrect: '${date}'`);
  if (Math.abs(now() - time) > SKEW_MS) {
    return notAuthenticated(
      `Request date header too ${time < now() ? "old" : "far in the future"}: '${date}'`,
    );
  }
  const signature = value.slice(colon + 1);
  if (value.slice(0, colon) !== account.name) {
    return notAuthenticated("The account in the Authorization header is not the account of the request.");
  }
  const text = (scheme === "SharedKey" ? sharedKeyText : sharedKeyLiteText)(request, account.name);
  if (isSignedBy(account.keys, text, signature)) return { kind: "account_key" };
  return notAuthenticated(
    `The MAC signature found in the HTTP request '${signature}' is not the same as any computed signature. Server used following string to sign: '${text}'.`,
  );
}
