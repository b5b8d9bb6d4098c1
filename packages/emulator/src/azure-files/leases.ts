import { randomUUID } from "node:crypto";
import type { FileNode } from "../file-tree/file-tree.ts";
import { refusal } from "./file-refusal.ts";
import { answer, headersOf, nodeAt, type NodeOperation } from "./operation.ts";
import type { Share } from "./share-registry.ts";

/** Whether a request may change a file that may be leased. @throws `LeaseIdMissing` and its like. */
export function checkLease(share: Share, node: FileNode | undefined, id: string | null): void {
  const held = node && share.leases.get(node.id);
  if (held === undefined) {
    if (id !== null && node !== undefined) throw refusal("LeaseNotPresentWithFileOperation");
    return;
  }
  if (id === null) throw refusal("LeaseIdMissing");
  if (id !== held) throw refusal("LeaseIdMismatchWithFileOperation");
}

/** As `checkLease`, for reading: any client may, but one that names a lease must name the right one. */
export function checkLeaseToRead(share: Share, node: FileNode, id: string | null): void {
  if (id !== null) checkLease(share, node, id);
}

/**
 * Acquire, change, release and break. Leases of files have no end of their own.
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/lease-file, read 2026-11
 */
export const leaseFile: NodeOperation = (call) => {
  const { share, request } = call;
  const { headers } = request;
  const node = nodeAt(call, "file");
  const held = share.leases.get(node.id);
  const given = headers.get("x-ms-lease-id");
  const proposed = headers.get("x-ms-proposed-lease-id") ?? randomUUID();
  const told = (status: number, more: Record<string, string> = {}): Response => {
    const { etag = "", "last-modified": modified = "" } = headersOf(share, node);
    return answer(status, { etag, "last-modified": modified, ...more });
  };
  switch (headers.get("x-ms-lease-action")) {
    case "acquire":
      if (held !== undefined && held !== proposed) throw refusal("LeaseAlreadyPresent");
      if ((headers.get("x-ms-lease-duration") ?? "-1") !== "-1") throw refusal("InvalidHeaderValue");
      share.leases.set(node.id, proposed);
      return told(201, { "x-ms-lease-id": proposed });
    case "change":
      checkHeld(held, given);
      share.leases.set(node.id, proposed);
      return told(200, { "x-ms-lease-id": proposed });
    case "release":
      checkHeld(held, given);
      share.leases.delete(node.id);
      return told(200);
    case "break":
      if (held === undefined) throw refusal("LeaseNotPresentWithLeaseOperation");
      share.leases.delete(node.id);
      return told(202, { "x-ms-lease-time": "0" });
    default:
      throw refusal("InvalidHeaderValue");
  }
};

function checkHeld(held: string | undefined, given: string | null): void {
  if (held === undefined) throw refusal("LeaseNotPresentWithLeaseOperation");
  if (held !== given) throw refusal("LeaseIdMismatchWithLeaseOperation");
}
