import { refusal } from "./file-refusal.ts";
import { factsOf, hasMetadata, httpOf, metadataOf, smbOf, toNodeMetadata } from "./file-headers.ts";
import { storedPath } from "./file-names.ts";
import { checkLease } from "./leases.ts";
import { answer, checkParent, headersOf, type NodeCall, type NodeOperation } from "./operation.ts";
import { parseAddress } from "./route.ts";
import type { FileNode } from "../file-tree/file-tree.ts";

/**
 * `PUT /SHARE/PATH?comp=rename`, also with `restype=directory`: moves what `x-ms-file-rename-source` names here.
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/rename-file, read 2026-11
 */
export const rename: NodeOperation = (call) => {
  const { share, path, request, route } = call;
  const { headers } = request;
  const kind = route.resource === "directory" ? "directory" : "file";
  const from = sourceOf(call);
  const source = share.tree.stat(from);
  if (source === undefined) throw refusal("ResourceNotFound");
  if (source.kind !== kind) throw refusal("ResourceTypeMismatch");
  const replace = headers.get("x-ms-file-rename-replace-if-exists") === "true";
  const there = share.tree.stat(path);
  const other = there && there.id !== source.id ? there : undefined;
  if (other?.kind === "directory") {
    throw refusal(kind === "directory" ? "ResourceAlreadyExists" : "ResourceTypeMismatch");
  }
  if (other && !replace) throw refusal("ResourceAlreadyExists");
  checkParent(share, path);
  checkLease(share, source, headers.get("x-ms-source-lease-id"));
  checkLease(share, other, headers.get("x-ms-destination-lease-id"));
  if (other) share.leases.delete(other.id);
  const moved = share.tree.transaction(() => {
    const node = share.tree.move(from, path, { replace });
    const changed = changesOf(call, node);
    return changed ? share.tree.update(path, { metadata: changed, modifiedAt: node.modifiedAt }) : node;
  });
  return answer(200, headersOf(share, moved));
};

/** Headers of a rename that set properties on its way. */
function changesOf(
  { request: { headers }, state }: NodeCall,
  node: FileNode,
): FileNode["metadata"] | undefined {
  const facts = factsOf(node);
  const type = headers.get("x-ms-content-type");
  const smb = [...headers.keys()].some((name) => /^x-ms-file-(attributes|.*-time|permission)/.test(name));
  if (type === null && !hasMetadata(headers) && !smb) return undefined;
  return toNodeMetadata({
    ...facts,
    ...(type !== null && { http: { ...facts.http, ...httpOf(headers) } }),
    ...(hasMetadata(headers) && { metadata: metadataOf(headers) }),
    ...(smb && { smb: smbOf(headers, node.kind, state.now(), facts.smb) }),
  });
}

/** A path of the same share, from a whole URL or from one that begins at the account. */
function sourceOf({ request, state, share }: NodeCall): string {
  const text = request.headers.get("x-ms-file-rename-source");
  if (text === null) throw refusal("MissingRequiredHeader", { HeaderName: "x-ms-file-rename-source" });
  if (!URL.canParse(text, request.url)) throw refusal("InvalidHeaderValue");
  const source = parseAddress(new URL(text, request.url), state.account.name);
  if (source.share !== share.name || source.path === "") throw refusal("InvalidHeaderValue");
  return storedPath(source.path, request.headers.get("x-ms-source-allow-trailing-dot") === "true");
}
