import type { AccessControl } from "./access-control.ts";
import { formatPermissions } from "./access-control.ts";
import type { Entry } from "./namespace.ts";
import { refusal } from "./storage-refusal.ts";

/** Reads `x-ms-properties`: `name=BASE64,name=BASE64`. @throws `InvalidHeaderValue`. */
export function parseProperties(header: string | null): Record<string, string> {
  const metadata: Record<string, string> = {};
  for (const pair of (header ?? "").split(",")) {
    if (pair.trim() === "") continue;
    const [, name, value] = /^\s*([^=\s]+)=(.*)$/.exec(pair) ?? [];
    if (name === undefined || value === undefined) throw refusal("InvalidHeaderValue");
    metadata[name] = Buffer.from(value, "base64").toString("latin1");
  }
  return metadata;
}

export function formatProperties(metadata: Readonly<Record<string, string>>): string {
  return Object.entries(metadata)
    .map(([name, value]) => `${name}=${Buffer.from(value, "latin1").toString("base64")}`)
    .join(",");
}

const CONTENT = ["type", "encoding", "language", "disposition", "md5"].map((name) => `content-${name}`);

/** The content headers that a request sets (`x-ms-content-type` …), as the blob surface spells them. */
export function blobHeaders(headers: Headers): Record<string, string> {
  const out: Record<string, string> = {};
  for (const name of [...CONTENT, "cache-control"]) {
    const value = headers.get(`x-ms-${name}`);
    if (value !== null && value !== "") out[`x-ms-blob-${name}`] = value;
  }
  return out;
}

/** The headers and metadata that a file has, so that a commit keeps them. */
export function keptHeaders(entry: Extract<Entry, { kind: "file" }>): Record<string, string> {
  const out: Record<string, string> = {};
  for (const name of [...CONTENT.filter((header) => header !== "content-md5"), "cache-control"]) {
    const value = entry.headers[name];
    if (value !== undefined) out[`x-ms-blob-${name}`] = value;
  }
  return { ...out, ...metadataHeaders(entry.metadata) };
}

export function metadataHeaders(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).map(([name, value]) => [`x-ms-meta-${name}`, value]));
}

/** ETag and Last-Modified, which most answers have. */
export function versionHeaders({ etag, modifiedAt }: Entry): Record<string, string> {
  return { etag, "last-modified": new Date(modifiedAt).toUTCString() };
}

export function accessHeaders(access: AccessControl): Record<string, string> {
  return {
    "x-ms-owner": access.owner,
    "x-ms-group": access.group,
    "x-ms-permissions": formatPermissions(access),
  };
}

/** What the dfs surface tells of a path. */
export function pathHeaders(entry: Entry): Record<string, string> {
  const properties = formatProperties(entry.metadata);
  return {
    ...(entry.kind === "file" && contentHeaders(entry.headers)),
    ...versionHeaders(entry),
    "content-length": entry.kind === "file" ? String(entry.size) : "0",
    "x-ms-resource-type": entry.kind,
    "x-ms-creation-time": new Date(entry.createdAt).toUTCString(),
    ...(properties !== "" && { "x-ms-properties": properties }),
    ...accessHeaders(entry.access),
    ...(entry.kind === "file" && {
      "accept-ranges": "bytes",
      "x-ms-lease-state": entry.headers["x-ms-lease-state"] ?? "available",
      "x-ms-lease-status": entry.headers["x-ms-lease-status"] ?? "unlocked",
    }),
  };
}

function contentHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith("x-ms-")));
}
