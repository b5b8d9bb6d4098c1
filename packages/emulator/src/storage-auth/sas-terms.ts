import { invalidSasField, notAuthenticated, notAuthorized, sourceIpMismatch } from "./refusals.ts";
import type { StorageAccess, StoredAccessPolicy } from "./storage-account.ts";
import type { StorageError } from "./storage-error.ts";

/** What a SAS grants, and when, from where and how it may be used. */
export interface SasTerms {
  readonly startsOn: string | undefined;
  readonly expiresOn: string | undefined;
  readonly permissions: string | undefined;
}

/** The circumstances of a request. */
export interface Circumstances {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly protocol: string;
  readonly clientAddress: string;
}

/** The terms of a SAS together with those of its stored policy; a field may stand in one of them only. */
export function mergeTerms(
  query: URLSearchParams,
  policy: StoredAccessPolicy | undefined,
): SasTerms | StorageError {
  const own = { st: query.get("st"), se: query.get("se"), sp: query.get("sp") };
  const stored = { st: policy?.startsOn, se: policy?.expiresOn, sp: policy?.permissions };
  for (const name of ["st", "se", "sp"] as const) {
    if (own[name] && stored[name]) return invalidSasField(name);
  }
  const terms = {
    startsOn: own.st || stored.st || undefined,
    expiresOn: own.se || stored.se || undefined,
    permissions: own.sp || stored.sp || undefined,
  };
  if (terms.expiresOn === undefined) return notAuthenticated("se is mandatory. Cannot be empty");
  if (terms.permissions === undefined) return notAuthenticated("sp is mandatory. Cannot be empty");
  return terms;
}

/** Start and expiry. */
export function checkTime({ startsOn, expiresOn }: SasTerms, now: number): StorageError | undefined {
  const start = startsOn === undefined ? -Infinity : parseSasTime(startsOn);
  const end = parseSasTime(expiresOn ?? "");
  if (Number.isNaN(start)) return notAuthenticated(`Signed start time [${startsOn}] is not valid.`);
  if (Number.isNaN(end)) return notAuthenticated(`Signed expiry time [${expiresOn}] is not valid.`);
  if (start >= end) {
    return notAuthenticated(
      `Signed expiry time [${utc(end)}] must be after signed start time [${utc(start)}]`,
    );
  }
  if (now >= start && now < end) return undefined;
  const from = startsOn === undefined ? "" : `Start [${utc(start)}] - `;
  return notAuthenticated(
    `Signature not valid in the specified time frame: ${from}Expiry [${utc(end)}] - Current [${utc(now)}]`,
  );
}

/** Milliseconds since 1970 of the forms that a SAS may have; `NaN` for any other text. */
export function parseSasTime(text: string): number {
  return /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,7})?)?Z)?$/.test(text) ? Date.parse(text) : Number.NaN;
}

function utc(time: number): string {
  return Number.isFinite(time) ? new Date(time).toUTCString() : "";
}

/** `spr` and `sip`. */
export function checkOrigin(
  query: URLSearchParams,
  { protocol, clientAddress }: Circumstances,
): StorageError | undefined {
  if (query.get("spr") === "https" && protocol !== "https:") {
    return notAuthorized("AuthorizationProtocolMismatch");
  }
  const range = query.get("sip");
  if (range && !isWithin(clientAddress, range)) return sourceIpMismatch(clientAddress);
  return undefined;
}

function isWithin(address: string, range: string): boolean {
  const [first = "", last = first] = range.split("-");
  const [value, low, high] = [ipv4(address), ipv4(first), ipv4(last)];
  return value >= low && value <= high;
}

function ipv4(text: string): number {
  const parts = text.trim().split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) {
    return Number.NaN;
  }
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** Whether the letters of a SAS allow what is asked for. */
export function isGranted(granted: string, needed: readonly string[]): boolean {
  return needed.some((letters) => [...letters].every((letter) => granted.includes(letter)));
}

/** `ss`, `srt` and `sp` of an account SAS. */
export function checkAccountReach(query: URLSearchParams, access: StorageAccess): StorageError | undefined {
  const service = access.service === "file" ? "f" : "b";
  if (!query.get("ss")?.includes(service)) return notAuthorized("AuthorizationServiceMismatch");
  const type = { service: "s", container: "c", object: "o" }[access.resourceType];
  if (!query.get("srt")?.includes(type)) return notAuthorized("AuthorizationResourceTypeMismatch");
  if (isGranted(query.get("sp") ?? "", access.accountPermissions ?? access.permissions)) return undefined;
  return notAuthorized("AuthorizationPermissionMismatch");
}
