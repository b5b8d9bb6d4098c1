import type { FileNode } from "../file-tree/file-tree.ts";
import { existing, find, isExpired, metadataOf, type Gen1Call } from "./gen1-call.ts";
import { Gen1Error, noFile, noFolder } from "./gen1-error.ts";

const PAGE = 4000;
/** The first version whose listings say how to go on. */
const WITH_CONTINUATION = "2018-09-01";

export function getFileStatus(call: Gen1Call): Response {
  return Response.json({ FileStatus: statusOf(existing(call), "") });
}

function statusOf(node: FileNode, pathSuffix: string): Readonly<Record<string, unknown>> {
  const { owner, group, permission, acl, expiresAt } = metadataOf(node);
  const file = node.kind === "file";
  return {
    length: node.size,
    pathSuffix,
    type: file ? "FILE" : "DIRECTORY",
    blockSize: file ? 268_435_456 : 0,
    accessTime: node.modifiedAt.getTime(),
    modificationTime: node.modifiedAt.getTime(),
    replication: file ? 1 : 0,
    permission,
    owner,
    group,
    ...(file && { msExpirationTime: expiresAt }),
    aclBit: acl.length > 0,
  };
}

/** A file lists itself, without a name. */
export function listStatus(call: Gen1Call): Response {
  const { tree, path, query, now } = call;
  const folder = find(call, path);
  if (folder === undefined) throw noFolder(path);
  const version = query.text("api-version") ?? "";
  const tell = (statuses: readonly unknown[], next: string): Response =>
    Response.json({
      FileStatuses: {
        FileStatus: statuses,
        ...(version >= WITH_CONTINUATION && { continuationToken: next }),
      },
    });
  if (folder.kind === "file") return tell([statusOf(folder, "")], "");
  const { nodes, next } = tree.list(path, {
    limit: Math.min(query.count("listSize") ?? PAGE, PAGE),
    after: query.text("listAfter"),
  });
  const living = nodes.filter((node) => !isExpired(node, now()));
  return tell(
    living.map((node) => statusOf(node, node.name)),
    next ?? "",
  );
}

/** Chunked, without a length. */
export function open(call: Gen1Call): Response {
  const { tree, path, query } = call;
  const node = existing(call);
  if (node.kind === "directory") throw noFile(path);
  const offset = query.count("offset") ?? 0;
  if (offset > node.size) {
    throw new Gen1Error(
      400,
      "BadOffsetException",
      `Invalid offset ${offset} for a file of length ${node.size}: /${path}`,
      "com.microsoft.azure.datalake.store",
    );
  }
  return new Response(tree.read(path, { offset, length: query.count("length") }), {
    headers: { "content-type": "application/octet-stream" },
  });
}

export function getContentSummary(call: Gen1Call): Response {
  const totals = { directoryCount: 0, fileCount: 0, length: 0 };
  const count = (node: FileNode): void => {
    totals.length += node.size;
    if (node.kind === "file") totals.fileCount += 1;
    else totals.directoryCount += 1;
    if (node.kind === "directory") for (const child of call.tree.list(node.path).nodes) count(child);
  };
  count(existing(call));
  return Response.json({
    ContentSummary: { ...totals, quota: -1, spaceConsumed: totals.length, spaceQuota: -1 },
  });
}

export function checkAccess(call: Gen1Call): Response {
  existing(call);
  return new Response(null);
}
