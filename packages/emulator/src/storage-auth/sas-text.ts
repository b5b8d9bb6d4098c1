import type { StorageAccess, StorageAccount } from "./storage-account.ts";

export type SasKind = "account_sas" | "service_sas" | "user_delegation_sas";

/** Which kind of SAS a query holds; `undefined` when it has no signature. */
export function sasKind(query: URLSearchParams): SasKind | undefined {
  if (!query.has("sig")) return undefined;
  if (query.has("ss") || query.has("srt")) return "account_sas";
  return query.has("skoid") ? "user_delegation_sas" : "service_sas";
}

/**
 * What the signature of an account SAS signs.
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/create-account-sas, read 2026-11
 */
export function accountSasText(account: StorageAccount, query: URLSearchParams): string {
  const fields = ["sp", "ss", "srt", "st", "se", "sip", "spr", "sv"];
  if (versionOf(query) >= "2020-12-06") fields.push("ses");
  return `${[account.name, ...fields.map((name) => query.get(name) ?? "")].join("\n")}\n`;
}

/**
 * What the signature of a service SAS signs.
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/create-service-sas, read 2026-11
 */
export function serviceSasText(
  account: StorageAccount,
  access: StorageAccess,
  query: URLSearchParams,
): string {
  const version = versionOf(query);
  const blob = access.service !== "file";
  return fill(query, [
    ...["sp", "st", "se"].map(named),
    { text: signedResource(account, access, query) },
    ...["si", "sip", "spr", "sv"].map(named),
    ...(blob && version >= "2018-11-09" ? [{ name: "sr" }, { text: timeOf(query) }] : []),
    ...(blob && version >= "2020-12-06" ? [{ name: "ses" }] : []),
    ...RESPONSE_HEADERS.map(named),
  ]);
}

/**
 * What the signature of a user delegation SAS signs.
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas, read 2026-11
 */
export function userDelegationSasText(
  account: StorageAccount,
  access: StorageAccess,
  query: URLSearchParams,
  headers: Headers,
): string {
  const version = versionOf(query);
  const blob = access.service !== "file";
  return fill(query, [
    ...["sp", "st", "se"].map(named),
    { text: signedResource(account, access, query) },
    ...["skoid", "sktid", "skt", "ske", "sks", "skv"].map(named),
    ...(blob && version >= "2020-02-10" ? ["saoid", "suoid", "scid"].map(named) : []),
    ...(version >= "2025-07-05" ? ["skdutid", "sduoid"].map(named) : []),
    ...["sip", "spr", "sv"].map(named),
    ...(blob ? [{ name: "sr" }, { text: timeOf(query) }] : []),
    ...(blob && version >= "2020-12-06" ? [{ name: "ses" }] : []),
    ...(blob && version >= "2026-04-06"
      ? [{ text: boundHeaders(query, headers) }, { text: boundQuery(query) }]
      : []),
    ...RESPONSE_HEADERS.map(named),
  ]);
}

const RESPONSE_HEADERS = ["rscc", "rscd", "rsce", "rscl", "rsct"];

type Line = { readonly name: string } | { readonly text: string };

function named(name: string): Line {
  return { name };
}

function fill(query: URLSearchParams, lines: readonly Line[]): string {
  return lines.map((line) => ("name" in line ? (query.get(line.name) ?? "") : line.text)).join("\n");
}

function versionOf(query: URLSearchParams): string {
  return query.get("sv") ?? "";
}

/** `/blob/ACCOUNT/CONTAINER/PATH`: what the SAS was made for, had it been made for this request. */
function signedResource(account: StorageAccount, access: StorageAccess, query: URLSearchParams): string {
  const service = access.service === "file" ? "file" : "blob";
  const root = `/${service}/${account.name}/${access.container ?? ""}`;
  const path = signedPath(access.path ?? "", query);
  return path === "" ? root : `${root}/${path}`;
}

function signedPath(path: string, query: URLSearchParams): string {
  switch (query.get("sr")) {
    case "c":
    case "s":
      return "";
    case "d":
      return path.split("/").slice(0, depthOf(query)).join("/");
    default:
      return path;
  }
}

function depthOf(query: URLSearchParams): number {
  const depth = query.get("sdd") ?? "";
  return /^\d{1,4}$/.test(depth) ? Number(depth) : 0;
}

function timeOf(query: URLSearchParams): string {
  if (query.get("sr") === "bs") return query.get("snapshot") ?? "";
  return query.get("sr") === "bv" ? (query.get("versionid") ?? "") : "";
}

function boundHeaders(query: URLSearchParams, headers: Headers): string {
  return listOf(query, "srh")
    .map((name) => `${name}:${headers.get(name) ?? ""}\n`)
    .join("");
}

function boundQuery(query: URLSearchParams): string {
  return listOf(query, "srq")
    .map((name) => `\n${name}:${query.get(name) ?? ""}`)
    .join("");
}

function listOf(query: URLSearchParams, name: string): string[] {
  return (query.get(name) ?? "").split(",").filter((entry) => /^[\w-]+$/.test(entry));
}
