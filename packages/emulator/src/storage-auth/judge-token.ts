import type { StorageAuthOptions } from "./create-storage-auth.ts";
import { challenge, missingHeader, notAuthenticated, notAuthorized } from "./refusals.ts";
import type { StorageAccess, StorageIdentity } from "./storage-account.ts";
import type { StorageError } from "./storage-error.ts";

/**
 * Judges a bearer token: its audience, its lifetime, its roles. Azure Files wants the request's intent besides.
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory, read 2026-11
 */
export async function judgeToken(
  { account, verifyToken, mayAccess, now = Date.now }: StorageAuthOptions,
  request: Request,
  access: StorageAccess,
  token: string,
): Promise<StorageIdentity | StorageError> {
  if (new URL(request.url).protocol !== "https:") {
    return notAuthenticated("Authentication scheme Bearer is not supported without https.");
  }
  const claims = await verifyToken?.(token);
  if (!claims) return challenge("Signature validation failed.");
  if (!isAudience(claims.aud, account.name)) {
    return challenge("Audience validation failed. Audience did not match.");
  }
  const seconds = now() / 1000;
  if (claims.exp <= seconds) return challenge("Lifetime validation failed. The token is expired.");
  if (claims.nbf !== undefined && claims.nbf > seconds + 300) {
    return challenge("Lifetime validation failed. The token is not yet valid.");
  }
  if (access.service === "file" && !hasIntent(request)) return missingHeader("x-ms-file-request-intent");
  if (mayAccess?.(claims.oid, access) === false) return notAuthorized("AuthorizationPermissionMismatch");
  return { kind: "token", objectId: claims.oid, tenantId: claims.tid };
}

/** A request for a key reaches no file. */
function hasIntent(request: Request): boolean {
  const { searchParams } = new URL(request.url);
  if (searchParams.get("comp") === "userdelegationkey") return true;
  return request.headers.get("x-ms-file-request-intent") === "backup";
}

/** The resource of all storage accounts, or that of this one. */
function isAudience(audience: string, account: string): boolean {
  const name = audience.replace(/\/$/, "");
  if (name === "https://storage.azure.com" || name === "e406a681-f3d4-42a8-90b6-c2b029497af1") return true;
  return ["blob", "dfs", "file"].some((service) => name === `https://${account}.${service}.core.windows.net`);
}
