import { escapeXml } from "../storage-auth/index.ts";
import { refusal } from "./file-refusal.ts";

const MOST = 5000;

/** `maxresults`, but no more than a page may have. @throws `OutOfRangeQueryParameterValue`. */
export function pageLimit(query: URLSearchParams, pageSize: number): number {
  const text = query.get("maxresults");
  if (text === null) return Math.min(MOST, pageSize);
  const limit = Number(text);
  if (!Number.isInteger(limit))
    throw refusal("InvalidQueryParameterValue", { QueryParameterName: "maxresults" });
  if (limit < 1) throw refusal("OutOfRangeQueryParameterValue", { QueryParameterName: "maxresults" });
  return Math.min(MOST, pageSize, limit);
}

/** As listings name the account's service. */
export function serviceEndpoint(account: string): string {
  return `https://${account}.file.core.windows.net/`;
}

/** Marker and page size, each only when the request named it. */
export function askedXml(query: URLSearchParams): string {
  const [marker, most] = [query.get("marker"), query.get("maxresults")];
  return `${marker ? `<Marker>${escapeXml(marker)}</Marker>` : ""}${most ? `<MaxResults>${most}</MaxResults>` : ""}`;
}
