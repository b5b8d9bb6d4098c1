import { randomBytes, randomUUID } from "node:crypto";
import type { BlobStore } from "./blob-store.ts";
import { newAccess, type NewAccess } from "./access-control.ts";
import {
  parentPath,
  segmentsOf,
  type DirectoryEntry,
  type Entry,
  type FileEntry,
  type Namespace,
} from "./namespace.ts";
import { refusal, StorageRefusal } from "./storage-refusal.ts";

/** Bytes that were appended and wait for their flush: a block in Azurite, and where it belongs. */
export interface Chunk {
  readonly position: number;
  readonly length: number;
  readonly block: string;
}

export interface State {
  /** As clients know it; Azurite's own has another. */
  readonly accountName: string;
  readonly store: BlobStore;
  readonly namespace: Namespace;
  /** By blob ID. */
  readonly appended: Map<string, Chunk[]>;
  /** IDs of blobs that have blocks and are not committed, by file system and path. */
  readonly uncommitted: Map<string, string>;
  /** Paths of one request at most, where the service pages (5,000). */
  readonly pageSize: number;
}

let counter = 0;

export function newEtag(): string {
  counter += 1;
  return `"0x8D${(Date.now() * 4096 + (counter % 4096)).toString(16).toUpperCase().padStart(13, "0")}"`;
}

export function newId(): string {
  return randomUUID();
}

export function newBlock(): string {
  return randomBytes(12).toString("base64");
}

export function blobPath(filesystem: string, { id }: { readonly id: string }): string {
  return `${filesystem}/${id}`;
}

/** @throws `FilesystemNotFound`. */
export function requireFilesystem({ namespace }: State, filesystem: string): void {
  if (!namespace.hasFilesystem(filesystem)) throw refusal("FilesystemNotFound");
}

/** @throws `FilesystemNotFound`, `PathNotFound`. */
export function requireEntry(state: State, filesystem: string, path: string): Entry {
  requireFilesystem(state, filesystem);
  const entry = state.namespace.get(filesystem, path);
  if (!entry) throw refusal("PathNotFound");
  return entry;
}

/** @throws `FilesystemNotFound`, `PathNotFound`, and `PathConflict` for a directory. */
export function requireFile(state: State, filesystem: string, path: string): FileEntry {
  const entry = requireEntry(state, filesystem, path);
  if (entry.kind === "directory") throw refusal("PathConflict");
  return entry;
}

/** @throws `PathConflict` when a file is where a parent would have to be. */
export function checkParents({ namespace }: State, filesystem: string, path: string): void {
  for (let parent = parentPath(path); parent !== ""; parent = parentPath(parent)) {
    if (namespace.get(filesystem, parent)?.kind === "file") throw refusal("PathConflict");
  }
}

/** Makes the directories above a path that are missing. @throws `PathConflict`. */
export function makeParents(state: State, filesystem: string, path: string, access: NewAccess = {}): void {
  checkParents(state, filesystem, path);
  const { namespace } = state;
  const { umask, owner, group } = access;
  let at = "";
  for (const name of segmentsOf(parentPath(path))) {
    const parent = namespace.get(filesystem, at);
    at = at === "" ? name : `${at}/${name}`;
    if (namespace.get(filesystem, at)) continue;
    const entry = newDirectory(newAccess("directory", parent?.access, { umask, owner, group }));
    namespace.apply(["put", filesystem, at, entry]);
  }
}

export function newDirectory(
  access: DirectoryEntry["access"],
  metadata: DirectoryEntry["metadata"] = {},
): DirectoryEntry {
  const now = Date.now();
  return { kind: "directory", etag: newEtag(), modifiedAt: now, createdAt: now, access, metadata };
}

const CONTENT = [
  "content-type",
  "content-encoding",
  "content-language",
  "content-disposition",
  "cache-control",
  "content-md5",
  "x-ms-blob-type",
  "x-ms-lease-state",
  "x-ms-lease-status",
  "x-ms-access-tier",
];

/** What a file is, from the headers of its blob. */
export function fileEntry(
  id: string,
  headers: Headers,
  access: FileEntry["access"],
  blocks: readonly string[] | undefined,
): FileEntry {
  const metadata: Record<string, string> = {};
  const content: Record<string, string> = {};
  for (const [name, value] of headers) {
    if (name.startsWith("x-ms-meta-")) metadata[name.slice("x-ms-meta-".length)] = value;
    else if (CONTENT.includes(name)) content[name] = value;
  }
  return {
    kind: "file",
    id,
    size: Number(headers.get("content-length") ?? 0),
    etag: headers.get("etag") ?? newEtag(),
    modifiedAt: Date.parse(headers.get("last-modified") ?? ""),
    createdAt: Date.parse(headers.get("x-ms-creation-time") ?? headers.get("last-modified") ?? ""),
    access,
    metadata,
    headers: content,
    ...(blocks && { blocks }),
  };
}

/** Asks Azurite what a blob is now. */
export async function lookUp(state: State, path: string): Promise<Headers> {
  return (await must(await state.store.send({ method: "HEAD", path }))).headers;
}

/** Azurite's refusals under the dfs surface's names. */
const NAMES: Readonly<Record<string, string>> = {
  ContainerNotFound: "FilesystemNotFound",
  ContainerAlreadyExists: "FilesystemAlreadyExists",
  BlobNotFound: "PathNotFound",
  BlobAlreadyExists: "PathAlreadyExists",
};

/** @throws what Azurite refused with. */
export async function must(response: Response): Promise<Response> {
  if (response.ok) return response;
  const text = await response.text();
  const code = response.headers.get("x-ms-error-code") ?? /<Code>([^<]+)/.exec(text)?.[1] ?? "InternalError";
  const said = /<Message>([^<\n]+)/.exec(text)?.[1] ?? code;
  throw new StorageRefusal(response.status, NAMES[code] ?? code, said);
}
