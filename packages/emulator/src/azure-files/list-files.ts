import { escapeXml } from "../storage-auth/index.ts";
import type { FileNode } from "../file-tree/file-tree.ts";
import { refusal } from "./file-refusal.ts";
import { factsOf } from "./file-headers.ts";
import { fitsXml } from "./file-names.ts";
import { nodeAt, xmlAnswer, type NodeOperation } from "./operation.ts";
import { askedXml, pageLimit, serviceEndpoint } from "./list-xml.ts";

/**
 * `GET /SHARE/PATH?restype=directory&comp=list`
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/list-directories-and-files, read 2026-11
 */
export const listFiles: NodeOperation = (call) => {
  const { state, share, path, request } = call;
  const { query } = call.route;
  const directory = nodeAt(call, "directory");
  const limit = pageLimit(query, state.pageSize);
  const prefix = query.get("prefix") ?? "";
  const marker = query.get("marker") ?? "";
  const include = new Set((query.get("include") ?? "").toLowerCase().split(","));
  const extended = request.headers.get("x-ms-file-extended-info") === "true" || include.has("timestamps");
  const { nodes, next } = share.tree.list(path, {
    limit,
    prefix,
    ...(marker !== "" && { after: readMarker(marker) }),
  });
  const entries = nodes.map((node) => entryXml(node, include, extended));
  const attributes = [
    `ServiceEndpoint="${escapeXml(serviceEndpoint(state.account.name))}"`,
    `ShareName="${share.name}"`,
    nameAttribute("DirectoryPath", directory.path),
  ];
  return xmlAnswer(
    `<EnumerationResults ${attributes.join(" ")}>${prefix === "" ? "" : nameXml("Prefix", prefix)}${askedXml(query)}<Entries>${entries.join("")}</Entries><NextMarker>${next === undefined ? "" : writeMarker(next)}</NextMarker><DirectoryId>${directory.id}</DirectoryId></EnumerationResults>`,
  );
};

function writeMarker(name: string): string {
  return Buffer.from(name).toString("base64url");
}

function readMarker(marker: string): string {
  if (!/^[\w-]+$/.test(marker)) throw refusal("InvalidQueryParameterValue", { QueryParameterName: "marker" });
  return Buffer.from(marker, "base64url").toString();
}

function nameXml(element: string, name: string): string {
  return fitsXml(name)
    ? `<${element}>${escapeXml(name)}</${element}>`
    : `<${element} Encoded="true">${encodeURIComponent(name)}</${element}>`;
}

function nameAttribute(attribute: string, name: string): string {
  return fitsXml(name)
    ? `${attribute}="${escapeXml(name)}"`
    : `${attribute}="${encodeURIComponent(name)}" Encoded="true"`;
}

function entryXml(node: FileNode, include: ReadonlySet<string>, extended: boolean): string {
  const { smb } = factsOf(node);
  const of = (name: string): string => escapeXml(smb[`x-ms-file-${name}`] ?? "");
  const properties = [
    ...(node.kind === "file" ? [`<Content-Length>${node.size}</Content-Length>`] : []),
    ...(include.has("timestamps")
      ? [
          `<CreationTime>${of("creation-time")}</CreationTime>`,
          `<LastAccessTime>${of("last-write-time")}</LastAccessTime>`,
          `<LastWriteTime>${of("last-write-time")}</LastWriteTime>`,
          `<ChangeTime>${of("change-time")}</ChangeTime>`,
          `<Last-Modified>${node.modifiedAt.toUTCString()}</Last-Modified>`,
        ]
      : []),
    ...(include.has("etag") ? [`<Etag>${escapeXml(`"${node.etag}"`)}</Etag>`] : []),
  ];
  const more = [
    ...(include.has("attributes") ? [`<Attributes>${of("attributes")}</Attributes>`] : []),
    ...(include.has("permissionkey") ? [`<PermissionKey>${of("permission-key")}</PermissionKey>`] : []),
  ];
  const id = extended || include.size > 0 ? `<FileId>${node.id}</FileId>` : "";
  const element = node.kind === "file" ? "File" : "Directory";
  return `<${element}>${nameXml("Name", node.name)}${id}<Properties>${properties.join("")}</Properties>${more.join("")}</${element}>`;
}
