import type { StorageIdentity, StorageAccount, StorageAuth } from "../storage-auth/index.ts";
import type { FileNode } from "../file-tree/file-tree.ts";
import { refusal } from "./file-refusal.ts";
import { storedPath } from "./file-names.ts";
import { nodeHeaders } from "./file-headers.ts";
import type { Route } from "./route.ts";
import type { Share, ShareRegistry } from "./share-registry.ts";

/** What the operations work on. */
export interface FilesState {
  readonly account: StorageAccount;
  readonly auth: StorageAuth;
  readonly shares: ShareRegistry;
  readonly now: () => number;
  /** Entries of a listing at most. */
  readonly pageSize: number;
}

/** A request that was let in. */
export interface Call {
  readonly state: FilesState;
  readonly route: Route;
  readonly request: Request;
  readonly identity: StorageIdentity;
}

/** A call below a share. */
export interface NodeCall extends Call {
  readonly share: Share;
  /** As it is stored. */
  readonly path: string;
}

export type Operation = (call: Call) => Response | Promise<Response>;
export type NodeOperation = (call: NodeCall) => Response | Promise<Response>;

export function answer(
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body: string | ReadableStream<Uint8Array> | null = null,
): Response {
  return new Response(body, { status, headers });
}

export function xmlAnswer(xml: string, headers: Readonly<Record<string, string>> = {}): Response {
  return answer(
    200,
    { "content-type": "application/xml", ...headers },
    `\uFEFF<?xml version="1.0" encoding="utf-8"?>${xml}`,
  );
}

/** Finds share and path of an operation on a file or a directory. */
export function below(operation: NodeOperation): Operation {
  return (call) => {
    const { route, request, state } = call;
    if (route.query.has("sharesnapshot")) throw refusal("UnsupportedQueryParameter");
    for (const name of request.headers.keys()) {
      if (name.startsWith("if-")) throw refusal("ConditionHeadersNotSupported");
    }
    const share = state.shares.get(route.share);
    const path = storedPath(route.path, request.headers.get("x-ms-allow-trailing-dot") === "true");
    return operation({ ...call, share, path });
  };
}

/**
 * What is at a path.
 *
 * @throws `ResourceNotFound`, `ParentNotFound`, `ResourceTypeMismatch`.
 */
export function nodeAt({ share, path }: NodeCall, kind: FileNode["kind"]): FileNode {
  const node = share.tree.stat(path);
  if (node === undefined) {
    checkParent(share, path);
    throw refusal("ResourceNotFound");
  }
  if (node.kind !== kind) throw refusal("ResourceTypeMismatch");
  return node;
}

/** @throws `ParentNotFound`. */
export function checkParent({ tree }: Share, path: string): void {
  if (tree.stat(parentPath(path))?.kind !== "directory") throw refusal("ParentNotFound");
}

export function parentPath(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

export function headersOf(share: Share, node: FileNode): Record<string, string> {
  return nodeHeaders(node, share.tree.stat(parentPath(node.path))?.id);
}
