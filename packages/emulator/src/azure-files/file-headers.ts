import { createHash } from "node:crypto";
import type { FileNode, NodeMetadata } from "../file-tree/file-tree.ts";
import { refusal } from "./file-refusal.ts";

/** What is kept with a file or a directory beside its content. */
export interface FileFacts {
  /** `Content-Type` and its like, by lower-case name. */
  readonly http: Readonly<Record<string, string>>;
  /** User-defined, by name. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Attributes, times and permission key of SMB, by header name. */
  readonly smb: Readonly<Record<string, string>>;
  readonly copy?: CopyFacts | undefined;
}

/** The last copy that made this file. */
export interface CopyFacts {
  readonly id: string;
  readonly source: string;
  readonly status: "pending" | "success";
  readonly completedAt: string;
}

export function factsOf(node: FileNode): FileFacts {
  const { http = {}, metadata = {}, smb = {}, copy } = node.metadata as Partial<FileFacts>;
  return { http, metadata, smb, copy };
}

export function toNodeMetadata(facts: FileFacts): NodeMetadata {
  return { ...facts };
}

const HTTP = [
  "content-type",
  "content-encoding",
  "content-language",
  "content-md5",
  "cache-control",
  "content-disposition",
];

/** `x-ms-content-type` and its like, of a request. */
export function httpOf(headers: Headers): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of HTTP) {
    const value = headers.get(name === "cache-control" ? "x-ms-cache-control" : `x-ms-${name}`);
    if (value !== null && value !== "") found[name] = value;
  }
  return found;
}

/** `x-ms-meta-*` of a request. @throws `InvalidMetadata`. */
export function metadataOf(headers: Headers): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of headers) {
    if (!name.startsWith("x-ms-meta-")) continue;
    const key = name.slice("x-ms-meta-".length);
    if (!/^[a-z_][a-z0-9_]*$/i.test(key)) throw refusal("InvalidMetadata");
    found[key] = value;
  }
  return found;
}

export function hasMetadata(headers: Headers): boolean {
  return [...headers.keys()].some((name) => name.startsWith("x-ms-meta-"));
}

const TIMES = ["x-ms-file-creation-time", "x-ms-file-last-write-time", "x-ms-file-change-time"];

/** SMB's properties of a request, on top of those that were there. */
export function smbOf(
  headers: Headers,
  kind: FileNode["kind"],
  now: number,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const smb: Record<string, string> = { ...before };
  const attributes = headers.get("x-ms-file-attributes");
  if (attributes !== null && attributes !== "preserve") smb["x-ms-file-attributes"] = attributes;
  smb["x-ms-file-attributes"] ??= kind === "directory" ? "Directory" : "Archive";
  for (const name of TIMES) {
    const value = headers.get(name);
    if (value !== null && value !== "preserve") smb[name] = value === "now" ? fileTime(now) : value;
    smb[name] ??= fileTime(now);
  }
  smb["x-ms-file-change-time"] = headers.get("x-ms-file-change-time") ?? fileTime(now);
  const key = headers.get("x-ms-file-permission-key");
  const descriptor = headers.get("x-ms-file-permission");
  if (key) smb["x-ms-file-permission-key"] = key;
  else if (descriptor && descriptor !== "inherit" && descriptor !== "preserve") {
    smb["x-ms-file-permission-key"] = permissionKey(descriptor);
  }
  smb["x-ms-file-permission-key"] ??= permissionKey("");
  return smb;
}

/** A key like the service's, which follows from the descriptor here. */
export function permissionKey(descriptor: string): string {
  const digest = createHash("sha256").update(descriptor).digest();
  const high = digest.readBigUInt64BE(0).toString();
  return `${high}*${digest.readBigUInt64BE(8).toString()}`;
}

/** ISO 8601 with seven decimals, as the service writes it. */
export function fileTime(time: number): string {
  return new Date(time).toISOString().replace("Z", "0000Z");
}

/** What every answer about a file or directory tells. */
export function nodeHeaders(node: FileNode, parentId: number | undefined): Record<string, string> {
  return {
    etag: `"${node.etag}"`,
    "last-modified": node.modifiedAt.toUTCString(),
    "x-ms-server-encrypted": "true",
    "x-ms-file-id": String(node.id),
    "x-ms-file-parent-id": String(parentId ?? 0),
    ...factsOf(node).smb,
  };
}

export function metadataHeaders(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).map(([name, value]) => [`x-ms-meta-${name}`, value]));
}
