import { createHmac, createSecretKey, timingSafeEqual, type KeyObject } from "node:crypto";

/** HMAC-SHA256 of a text under a base64 key, in base64. */
export function signText(key: string, text: string): string {
  return createHmac("sha256", keyOf(key)).update(text, "utf8").digest("base64");
}

// To make one ready takes several times as long as to sign with it. An emulator has a few, which are no secrets.
const ready = new Map<string, KeyObject>();

function keyOf(key: string): KeyObject {
  const found = ready.get(key) ?? createSecretKey(Buffer.from(key, "base64"));
  if (ready.size < 100) ready.set(key, found);
  return found;
}

/** Whether `signature` is what one of the keys makes of the text. */
export function isSignedBy(keys: readonly string[], text: string, signature: string): boolean {
  const given = Buffer.from(signature);
  return keys.some((key) => {
    const expected = Buffer.from(signText(key, text));
    return expected.length === given.length && timingSafeEqual(expected, given);
  });
}

const SIGNED_HEADERS = [
  "content-encoding",
  "content-language",
  "content-length",
  "content-md5",
  "content-type",
  "date",
  "if-modified-since",
  "if-match",
  "if-none-match",
  "if-unmodified-since",
  "range",
] as const;

/**
 * What `Authorization: SharedKey` signs, for blob, file and dfs alike.
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key, read 2026-11
 */
export function sharedKeyText(request: Request, account: string): string {
  const { headers } = request;
  const values = SIGNED_HEADERS.map((name) => {
    const value = headers.get(name) ?? "";
    if (name === "date" && headers.has("x-ms-date")) return "";
    if (name === "content-length" && value === "0" && version(request) >= "2015-02-21") return "";
    return value;
  });
  return `${[request.method, ...values].join("\n")}\n${canonicalHeaders(headers)}${canonicalResource(request, account)}`;
}

/** What `Authorization: SharedKeyLite` signs. Of the query only `comp` counts. */
export function sharedKeyLiteText(request: Request, account: string): string {
  const { headers } = request;
  const date = headers.has("x-ms-date") ? "" : (headers.get("date") ?? "");
  const lines = [request.method, headers.get("content-md5") ?? "", headers.get("content-type") ?? "", date];
  const { pathname, searchParams } = new URL(request.url);
  const comp = searchParams.get("comp");
  const resource = `/${account}${pathname}${comp === null ? "" : `?comp=${comp}`}`;
  return `${lines.join("\n")}\n${canonicalHeaders(headers)}${resource}`;
}

function version(request: Request): string {
  return request.headers.get("x-ms-version") ?? "";
}

function canonicalHeaders(headers: Headers): string {
  return [...headers]
    .filter(([name]) => name.startsWith("x-ms-"))
    .sort(([a], [b]) => compareHeaderNames(a, b))
    .map(([name, value]) => `${name}:${value}\n`)
    .join("");
}

function canonicalResource(request: Request, account: string): string {
  const { pathname, searchParams } = new URL(request.url);
  const values = new Map<string, string[]>();
  for (const [name, value] of searchParams) {
    const key = name.toLowerCase();
    values.set(key, [...(values.get(key) ?? []), value]);
  }
  const lines = [...values]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, list]) => `\n${name}:${list.sort().join(",")}`);
  return `/${account}${pathname}${lines.join("")}`;
}

/**
 * The service sorts names by the rules of a language, where hyphens count last and an underscore comes before digits;
 * the official clients do the same.
 */
export function compareHeaderNames(a: string, b: string): number {
  const [first, second] = [sortKey(a), sortKey(b)];
  return first < second ? -1 : first > second ? 1 : 0;
}

function sortKey(name: string): string {
  return `${name.replaceAll("-", "").replaceAll("_", " ")}\0${name.replaceAll("-", "\uFFFF")}`;
}
