import type { Entry } from "./namespace.ts";
import { decodeContinuation, positive } from "./list-paths.ts";
import type { Route } from "./route.ts";
import type { State } from "./state.ts";
import { escapeXml } from "../storage-auth/index.ts";
import { refusal } from "./storage-refusal.ts";

/**
 * List Blobs as an account with a hierarchical namespace answers it: in the order of a tree, directories among the
 * blobs, marked as such.
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/list-blobs, read 2026-11
 */
export function listBlobs(state: State, { filesystem, query }: Route): Response {
  const { namespace, pageSize } = state;
  if (!namespace.hasFilesystem(filesystem)) throw refusal("ContainerNotFound");
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  if (delimiter !== "" && delimiter !== "/") throw refusal("InvalidQueryParameterValue");
  const most = Math.min(positive(query.get("maxresults")) ?? pageSize, pageSize);
  const after = decodeContinuation(query.get("marker"));
  const include = (query.get("include") ?? "").split(",");
  const folder = prefix.slice(0, Math.max(0, prefix.lastIndexOf("/")));
  const items: string[] = [];
  let last: string | undefined;
  let more = false;
  for (const [path, entry] of namespace.walk(filesystem, folder, { recursive: delimiter === "", after })) {
    if (!path.startsWith(prefix)) continue;
    more = items.length === most;
    if (more) break;
    items.push(
      delimiter !== "" && entry.kind === "directory" ? prefixXml(path) : blobXml(path, entry, include),
    );
    last = path;
  }
  const marker = more && last !== undefined ? Buffer.from(last).toString("base64") : "";
  const body =
    `\uFEFF<?xml version="1.0" encoding="utf-8"?>` +
    `<EnumerationResults ServiceEndpoint="${escapeXml(state.store.endpoint)}/" ContainerName="${escapeXml(filesystem)}">` +
    `<Prefix>${escapeXml(prefix)}</Prefix><Marker>${escapeXml(query.get("marker") ?? "")}</Marker>` +
    `<MaxResults>${most}</MaxResults><Delimiter>${delimiter}</Delimiter>` +
    `<Blobs>${items.join("")}</Blobs><NextMarker>${marker}</NextMarker></EnumerationResults>`;
  return new Response(body, { status: 200, headers: { "content-type": "application/xml" } });
}

function prefixXml(path: string): string {
  return `<BlobPrefix>${nameXml(`${path}/`)}</BlobPrefix>`;
}

/** A name that XML cannot hold is percent-encoded, and says so. */
function nameXml(name: string): string {
  // eslint-disable-next-line no-control-regex -- those are the ones
  return /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/.test(name)
    ? `<Name Encoded="true">${encodeURIComponent(name)}</Name>`
    : `<Name>${escapeXml(name)}</Name>`;
}

const ELEMENTS: Readonly<Record<string, string>> = {
  "content-type": "Content-Type",
  "content-encoding": "Content-Encoding",
  "content-language": "Content-Language",
  "content-md5": "Content-MD5",
  "content-disposition": "Content-Disposition",
  "cache-control": "Cache-Control",
  "x-ms-access-tier": "AccessTier",
  "x-ms-lease-status": "LeaseStatus",
  "x-ms-lease-state": "LeaseState",
};

function blobXml(path: string, entry: Entry, include: readonly string[]): string {
  const content = entry.kind === "file" ? entry.headers : {};
  const properties = [
    element("Creation-Time", new Date(entry.createdAt).toUTCString()),
    element("Last-Modified", new Date(entry.modifiedAt).toUTCString()),
    element("Etag", entry.etag.replaceAll('"', "")),
    element("ResourceType", entry.kind),
    element("Content-Length", entry.kind === "file" ? String(entry.size) : "0"),
    element("BlobType", content["x-ms-blob-type"] ?? "BlockBlob"),
    ...Object.entries(ELEMENTS).flatMap(([name, tag]) => {
      const value = content[name];
      return value === undefined ? [] : [element(tag, value)];
    }),
    element("ServerEncrypted", "true"),
  ];
  const metadata = {
    ...entry.metadata,
    ...(entry.kind === "directory" && { hdi_isfolder: "true" }),
  };
  const told = include.includes("metadata")
    ? `<Metadata>${Object.entries(metadata)
        .map(([name, value]) => element(name, value))
        .join("")}</Metadata>`
    : "";
  return `<Blob>${nameXml(path)}<Properties>${properties.join("")}</Properties>${told}</Blob>`;
}

function element(name: string, value: string): string {
  return `<${name}>${escapeXml(value)}</${name}>`;
}
