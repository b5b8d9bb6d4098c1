import { randomUUID } from "node:crypto";
import { FileRefusal, refusal } from "./file-refusal.ts";
import { factsOf, hasMetadata, metadataOf, smbOf, toNodeMetadata } from "./file-headers.ts";
import { moveLease } from "./file-operations.ts";
import { storedPath } from "./file-names.ts";
import { checkLease } from "./leases.ts";
import { answer, checkParent, headersOf, type NodeCall, type NodeOperation } from "./operation.ts";
import { parseAddress } from "./route.ts";
import type { Share } from "./share-registry.ts";

const PIECE = 4 * 1024 * 1024;

/**
 * `PUT /SHARE/PATH` with `x-ms-copy-source`, a file of this account: answered as `pending`, and `success` at a later
 * look.
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/copy-file, read 2026-11
 */
export const copyFile: NodeOperation = async (call) => {
  const { share, path, request, state } = call;
  const { headers } = request;
  const text = headers.get("x-ms-copy-source") ?? "";
  const source = await sourceOf(call, text);
  const from = source.share.tree.stat(source.path);
  if (from?.kind !== "file") throw refusal("CannotVerifyCopySource");
  const there = share.tree.stat(path);
  if (there?.kind === "directory") throw refusal("ResourceTypeMismatch");
  checkParent(share, path);
  checkLease(share, there, headers.get("x-ms-lease-id"));
  const facts = factsOf(from);
  const copy = {
    id: randomUUID(),
    source: text.replace(/\?.*$/, ""),
    status: "pending",
    completedAt: new Date(state.now()).toUTCString(),
  } as const;
  const metadata = toNodeMetadata({
    http: facts.http,
    metadata: hasMetadata(headers) ? metadataOf(headers) : facts.metadata,
    smb: smbOf(headers, "file", state.now()),
    copy,
  });
  if (there?.id === from.id && source.share.name === share.name) {
    return answer(202, { ...headersOf(share, from), "x-ms-copy-id": copy.id, "x-ms-copy-status": "success" });
  }
  const node = share.tree.transaction(() => {
    share.tree.createFile(path, { size: from.size, metadata, replace: true });
    for (const { offset, length = 0 } of source.share.tree.ranges(source.path)) {
      for (let at = offset; at < offset + length; at += PIECE) {
        const range = { offset: at, length: Math.min(PIECE, offset + length - at) };
        share.tree.write(path, at, source.share.tree.readBytes(source.path, range));
      }
    }
    return share.tree.update(path, {});
  });
  moveLease(share, there, node);
  return answer(202, { ...headersOf(share, node), "x-ms-copy-id": copy.id, "x-ms-copy-status": copy.status });
};

async function sourceOf(
  { state, request, identity }: NodeCall,
  text: string,
): Promise<{ readonly share: Share; readonly path: string }> {
  if (!URL.canParse(text)) throw refusal("InvalidHeaderValue", { HeaderName: "x-ms-copy-source" });
  const url = new URL(text);
  const { share: name, path } = parseAddress(url, state.account.name);
  const share = state.shares.find(name);
  // With the account's key or a role, the source is the same sender's; a SAS opens the destination only.
  if (identity.kind.endsWith("sas")) {
    const access = {
      service: "file",
      container: name,
      path,
      resourceType: "object",
      permissions: ["r"],
    } as const;
    const verdict = await state.auth.judge(new Request(url), access);
    if (!verdict.allowed) throw new FileRefusal({ ...verdict.error, code: "CannotVerifyCopySource" });
  }
  if (!share || path === "") throw refusal("CannotVerifyCopySource");
  return { share, path: storedPath(path, request.headers.get("x-ms-source-allow-trailing-dot") === "true") };
}

/** `PUT /SHARE/PATH?comp=copy&copyid=ID`: too late, always. */
export const abortCopy: NodeOperation = () => {
  throw refusal("NoPendingCopyOperation");
};
