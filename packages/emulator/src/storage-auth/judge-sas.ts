import type { StorageAuthOptions } from "./create-storage-auth.ts";
import { AUTHORIZATION_FAILURE, notAuthenticated, notAuthorized } from "./refusals.ts";
import {
  checkAccountReach,
  checkOrigin,
  checkTime,
  isGranted,
  mergeTerms,
  parseSasTime,
} from "./sas-terms.ts";
import { accountSasText, serviceSasText, userDelegationSasText, type SasKind } from "./sas-text.ts";
import { isSignedBy } from "./shared-key.ts";
import type { StorageAccess, StorageIdentity, StoredAccessPolicy } from "./storage-account.ts";
import type { StorageError } from "./storage-error.ts";
import { userDelegationKey } from "./user-delegation-key.ts";

/** Judges a SAS: its signature first, then its time, its origin, and what it grants. */
export function judgeSas(
  options: StorageAuthOptions,
  request: Request,
  access: StorageAccess,
  kind: SasKind,
  query: URLSearchParams,
): StorageIdentity | StorageError {
  const shape = checkShape(kind, access, query);
  if (shape) return shape;
  const signed = checkSignature(options, request, access, kind, query);
  if (signed) return signed;
  const policy = policyOf(options, access, kind, query);
  if (policy === "none") return notAuthenticated("The stored access policy of the signature does not exist.");
  const terms = mergeTerms(query, policy);
  if ("status" in terms) return terms;
  const { now = Date.now, clientAddress = "127.0.0.1" } = options;
  const circumstances = { now: now(), protocol: new URL(request.url).protocol, clientAddress };
  const refused = checkTime(terms, circumstances.now) ?? checkOrigin(query, circumstances);
  if (refused) return refused;
  if (kind === "account_sas") return checkAccountReach(query, access) ?? { kind };
  if (access.permissions.length === 0) return AUTHORIZATION_FAILURE;
  if (!isGranted(terms.permissions ?? "", access.permissions)) {
    return notAuthorized("AuthorizationPermissionMismatch");
  }
  if (kind === "service_sas") return { kind };
  const objectId = query.get("skoid") ?? "";
  if (options.mayAccess?.(objectId, access) === false) {
    return notAuthorized("AuthorizationPermissionMismatch");
  }
  return { kind, objectId, tenantId: query.get("sktid") ?? "" };
}

const RESOURCES = { blob: ["b", "bs", "bv", "c", "d"], dfs: ["b", "bs", "bv", "c", "d"], file: ["f", "s"] };

function checkShape(kind: SasKind, access: StorageAccess, query: URLSearchParams): StorageError | undefined {
  if (!query.get("sv")) return notAuthenticated("sv is mandatory. Cannot be empty");
  if (kind === "account_sas") return undefined;
  // A service SAS reaches no further than a container.
  if (access.container === undefined) return AUTHORIZATION_FAILURE;
  const resource = query.get("sr") ?? "";
  if (!RESOURCES[access.service].includes(resource)) {
    return notAuthenticated(resource === "" ? "sr is mandatory. Cannot be empty" : "sr is not valid.");
  }
  if (resource === "d" && !/^\d{1,4}$/.test(query.get("sdd") ?? "")) {
    return notAuthenticated("sdd is mandatory. Cannot be empty");
  }
  return undefined;
}

function checkSignature(
  options: StorageAuthOptions,
  request: Request,
  access: StorageAccess,
  kind: SasKind,
  query: URLSearchParams,
): StorageError | undefined {
  const { account } = options;
  const text =
    kind === "account_sas"
      ? accountSasText(account, query)
      : kind === "service_sas"
        ? serviceSasText(account, access, query)
        : userDelegationSasText(account, access, query, request.headers);
  const keys = kind === "user_delegation_sas" ? delegationKeys(options, access, query) : account.keys;
  if (isSignedBy(keys, text, query.get("sig") ?? "")) return undefined;
  return notAuthenticated(`Signature did not match. String to sign used was ${text}`);
}

/** The key that signs a user delegation SAS, for as long as it lasts. */
function delegationKeys(
  { account, now = Date.now }: StorageAuthOptions,
  access: StorageAccess,
  query: URLSearchParams,
): string[] {
  const service = access.service === "file" ? "f" : "b";
  const [startsOn, expiresOn] = [query.get("skt") ?? "", query.get("ske") ?? ""];
  const live = now() >= parseSasTime(startsOn) && now() < parseSasTime(expiresOn);
  if (query.get("sks") !== service || !live) return [];
  return [
    userDelegationKey(account, {
      objectId: query.get("skoid") ?? "",
      tenantId: query.get("sktid") ?? "",
      startsOn,
      expiresOn,
      service,
      version: query.get("skv") ?? "",
      delegatedTenantId: query.get("skdutid") ?? undefined,
    }),
  ];
}

function policyOf(
  { storedPolicy }: StorageAuthOptions,
  { container = "" }: StorageAccess,
  kind: SasKind,
  query: URLSearchParams,
): StoredAccessPolicy | "none" | undefined {
  const id = query.get("si");
  if (kind !== "service_sas" || !id) return undefined;
  return storedPolicy?.(container, id) ?? "none";
}
