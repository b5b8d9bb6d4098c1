import type { Entry } from "./namespace.ts";
import { refusal } from "./storage-refusal.ts";

/**
 * Judges `If-Match`, `If-None-Match`, `If-Modified-Since` and `If-Unmodified-Since`, or with `source` their
 * `x-ms-source-…` kind.
 *
 * @throws `ConditionNotMet`, `SourceConditionNotMet`; `PathAlreadyExists` for `If-None-Match: *` on what is there.
 * @see https://learn.microsoft.com/rest/api/storageservices/specifying-conditional-headers-for-blob-service-operations
 */
export function checkConditions(headers: Headers, entry: Entry | undefined, source = false): void {
  const of = (name: string): string | undefined =>
    headers.get(source ? `x-ms-source-${name}` : name) ?? undefined;
  const failed = refusal(source ? "SourceConditionNotMet" : "ConditionNotMet");
  const match = of("if-match");
  if (match !== undefined && (entry === undefined || (match !== "*" && !sameEtag(match, entry.etag))))
    throw failed;
  const none = of("if-none-match");
  if (none !== undefined && entry !== undefined) {
    if (none === "*") throw source ? failed : refusal("PathAlreadyExists");
    if (sameEtag(none, entry.etag)) throw failed;
  }
  if (entry === undefined) return;
  const seconds = Math.floor(entry.modifiedAt / 1000);
  const since = Date.parse(of("if-modified-since") ?? "") / 1000;
  if (seconds <= since) throw failed;
  const unmodified = Date.parse(of("if-unmodified-since") ?? "") / 1000;
  if (seconds > unmodified) throw failed;
}

function sameEtag(a: string, b: string): boolean {
  return a.replaceAll('"', "") === b.replaceAll('"', "");
}
