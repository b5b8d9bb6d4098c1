import { refusal } from "./file-refusal.ts";
import { factsOf, metadataHeaders, metadataOf, smbOf, toNodeMetadata } from "./file-headers.ts";
import { answer, checkParent, headersOf, nodeAt, type NodeOperation } from "./operation.ts";

/** `PUT /SHARE/PATH?restype=directory` */
export const createDirectory: NodeOperation = ({ share, path, request, state }) => {
  const there = share.tree.stat(path);
  if (there) throw refusal(there.kind === "directory" ? "ResourceAlreadyExists" : "ResourceTypeMismatch");
  checkParent(share, path);
  const metadata = toNodeMetadata({
    http: {},
    metadata: metadataOf(request.headers),
    smb: smbOf(request.headers, "directory", state.now()),
  });
  return answer(201, headersOf(share, share.tree.createDirectory(path, { metadata })));
};

/** `GET /SHARE/PATH?restype=directory`; the root has no SMB properties of its own here. */
export const directoryProperties: NodeOperation = (call) => {
  const node = nodeAt(call, "directory");
  const { metadata } = factsOf(node);
  return answer(200, { ...headersOf(call.share, node), ...metadataHeaders(metadata) });
};

/** `PUT /SHARE/PATH?restype=directory&comp=properties` and `comp=metadata` */
export const setDirectory: NodeOperation = (call) => {
  const { share, path, request, route, state } = call;
  const node = nodeAt(call, "directory");
  const facts = factsOf(node);
  const changed =
    route.comp === "metadata"
      ? { ...facts, metadata: metadataOf(request.headers) }
      : { ...facts, smb: smbOf(request.headers, "directory", state.now(), facts.smb) };
  return answer(200, headersOf(share, share.tree.update(path, { metadata: toNodeMetadata(changed) })));
};

/** `DELETE /SHARE/PATH?restype=directory`: only an empty one. */
export const deleteDirectory: NodeOperation = (call) => {
  const { share, path } = call;
  nodeAt(call, "directory");
  if (path === "") throw refusal("CannotDeleteFileOrDirectory");
  share.tree.delete(path);
  return answer(202);
};
