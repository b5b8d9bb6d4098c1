import { refusal } from "./file-refusal.ts";
import {
  factsOf,
  httpOf,
  metadataHeaders,
  metadataOf,
  smbOf,
  toNodeMetadata,
  type FileFacts,
} from "./file-headers.ts";
import { checkLease, checkLeaseToRead } from "./leases.ts";
import { answer, checkParent, headersOf, nodeAt, type NodeOperation } from "./operation.ts";
import { md5Of, parseRange } from "./byte-range.ts";
import type { FileNode } from "../file-tree/file-tree.ts";
import type { Share } from "./share-registry.ts";

const LARGEST = 4 * 1024 ** 4;
const LARGEST_BODY = 4 * 1024 * 1024;
const MD5_RANGE = 4 * 1024 * 1024;

/** `PUT /SHARE/PATH`, with `x-ms-type: file`: a file of zeros behind what the body has, in place of what was there. */
export const createFile: NodeOperation = async ({ share, path, request, state }) => {
  const { headers } = request;
  if (headers.get("x-ms-type")?.toLowerCase() !== "file") {
    throw refusal("MissingRequiredHeader", { HeaderName: "x-ms-type" });
  }
  const size = sizeOf(headers);
  const body = new Uint8Array(await request.arrayBuffer());
  if (body.byteLength > size) throw refusal("InvalidHeaderValue", { HeaderName: "x-ms-content-length" });
  if (body.byteLength > LARGEST_BODY) throw refusal("RequestBodyTooLarge");
  const there = share.tree.stat(path);
  if (there?.kind === "directory") throw refusal("ResourceTypeMismatch");
  checkParent(share, path);
  checkLease(share, there, headers.get("x-ms-lease-id"));
  const metadata = toNodeMetadata({
    http: httpOf(headers),
    metadata: metadataOf(headers),
    smb: smbOf(headers, "file", state.now()),
  });
  const node = share.tree.transaction(() => {
    const created = share.tree.createFile(path, { size, metadata, replace: true });
    return body.byteLength === 0 ? created : share.tree.write(path, 0, body);
  });
  moveLease(share, there, node);
  return answer(201, headersOf(share, node));
};

/** A lease is a file's, also when its content is replaced. */
export function moveLease(share: Share, from: FileNode | undefined, to: FileNode): void {
  const held = from && share.leases.get(from.id);
  if (!from || held === undefined || from.id === to.id) return;
  share.leases.delete(from.id);
  share.leases.set(to.id, held);
}

function sizeOf(headers: Headers): number {
  const text = headers.get("x-ms-content-length");
  if (text === null) throw refusal("MissingRequiredHeader", { HeaderName: "x-ms-content-length" });
  if (!/^\d{1,15}$/.test(text)) throw refusal("InvalidHeaderValue", { HeaderName: "x-ms-content-length" });
  const size = Number(text);
  if (size > LARGEST) throw refusal("OutOfRangeInput");
  return size;
}

/** `HEAD /SHARE/PATH` */
export const fileProperties: NodeOperation = (call) => {
  const { share, request } = call;
  const node = nodeAt(call, "file");
  checkLeaseToRead(share, node, request.headers.get("x-ms-lease-id"));
  const told = { ...fileHeaders(share, node), "content-length": String(node.size) };
  finishCopy(share, node);
  return answer(200, told);
};

/** What a client has seen pending is done when it looks again. */
function finishCopy({ tree }: Share, node: FileNode): void {
  const { copy, ...facts } = factsOf(node);
  if (copy?.status !== "pending") return;
  const metadata = toNodeMetadata({ ...facts, copy: { ...copy, status: "success" } });
  tree.update(node.path, { metadata, modifiedAt: node.modifiedAt });
}

function fileHeaders(share: Share, node: FileNode): Record<string, string> {
  const facts = factsOf(node);
  const { "content-type": type = "application/octet-stream", ...http } = facts.http;
  const leased = share.leases.has(node.id);
  return {
    ...headersOf(share, node),
    ...http,
    ...metadataHeaders(facts.metadata),
    ...copyHeaders(facts, node.size),
    "content-type": type,
    "accept-ranges": "bytes",
    "x-ms-type": "File",
    "x-ms-lease-status": leased ? "locked" : "unlocked",
    "x-ms-lease-state": leased ? "leased" : "available",
    ...(leased && { "x-ms-lease-duration": "infinite" }),
  };
}

function copyHeaders({ copy }: FileFacts, size: number): Record<string, string> {
  if (!copy) return {};
  return {
    "x-ms-copy-id": copy.id,
    "x-ms-copy-source": copy.source,
    "x-ms-copy-status": copy.status,
    "x-ms-copy-progress": `${copy.status === "pending" ? 0 : size}/${size}`,
    ...(copy.status === "success" && { "x-ms-copy-completion-time": copy.completedAt }),
  };
}

/** `GET /SHARE/PATH`, or a range of it. */
export const readFile: NodeOperation = (call) => {
  const { share, path, request } = call;
  const { headers } = request;
  const node = nodeAt(call, "file");
  checkLeaseToRead(share, node, headers.get("x-ms-lease-id"));
  const told = fileHeaders(share, node);
  const text = headers.get("x-ms-range") ?? headers.get("range");
  if (text === null) {
    return answer(200, { ...told, "content-length": String(node.size) }, share.tree.read(path));
  }
  const { start, end } = parseRange(text, node.size);
  const length = end - start;
  const { "content-md5": whole, ...rest } = told;
  const wanted = headers.get("x-ms-range-get-content-md5") === "true";
  if (wanted && length > MD5_RANGE) throw refusal("OutOfRangeInput");
  const range = { offset: start, length };
  return answer(
    206,
    {
      ...rest,
      "content-length": String(length),
      "content-range": `bytes ${start}-${end - 1}/${node.size}`,
      ...(whole !== undefined && { "x-ms-content-md5": whole }),
      ...(wanted && { "content-md5": md5Of(share.tree.readBytes(path, range)) }),
    },
    share.tree.read(path, range),
  );
};

/** `PUT /SHARE/PATH?comp=properties` and `comp=metadata`: headers, and the size with them. */
export const setFile: NodeOperation = (call) => {
  const { share, path, request, route, state } = call;
  const { headers } = request;
  const node = nodeAt(call, "file");
  checkLease(share, node, headers.get("x-ms-lease-id"));
  const facts = factsOf(node);
  const changed =
    route.comp === "metadata"
      ? { ...facts, metadata: metadataOf(headers) }
      : { ...facts, http: httpOf(headers), smb: smbOf(headers, "file", state.now(), facts.smb) };
  const resized = route.comp === "properties" && headers.has("x-ms-content-length");
  const updated = share.tree.transaction(() => {
    if (resized) share.tree.resize(path, sizeOf(headers));
    return share.tree.update(path, { metadata: toNodeMetadata(changed) });
  });
  return answer(200, headersOf(share, updated));
};

/** `DELETE /SHARE/PATH` */
export const deleteFile: NodeOperation = (call) => {
  const { share, path, request } = call;
  const node = nodeAt(call, "file");
  checkLease(share, node, request.headers.get("x-ms-lease-id"));
  share.leases.delete(node.id);
  share.tree.delete(path);
  return answer(202);
};
