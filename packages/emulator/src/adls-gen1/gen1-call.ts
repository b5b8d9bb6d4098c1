import type { FileNode, FileTree } from "../file-tree/file-tree.ts";
import { illegal, noFile } from "./gen1-error.ts";

/** One call: an operation on a path, signed in. */
export interface Gen1Call {
  readonly tree: FileTree;
  /** In the tree. */
  readonly path: string;
  readonly query: Query;
  readonly request: Request;
  readonly now: () => number;
  /** The object ID of the caller. */
  readonly caller: string;
}

/** Names of parameters are compared without regard to case. */
export interface Query {
  text(name: string): string | undefined;
  flag(name: string): boolean;
  /** @throws `IllegalArgumentException` for what is no whole number of at least 0. */
  count(name: string): number | undefined;
}

export function readQuery(parameters: URLSearchParams): Query {
  const values = new Map<string, string>();
  for (const [name, value] of parameters) values.set(name.toLowerCase(), value);
  const text = (name: string): string | undefined => values.get(name.toLowerCase());
  return {
    text,
    flag: (name) => text(name)?.toLowerCase() === "true",
    count(name) {
      const value = text(name);
      if (value === undefined || value === "") return undefined;
      const number = Number(value);
      if (Number.isSafeInteger(number) && number >= 0) return number;
      throw illegal(`Invalid value for query parameter ${name}: ${value}`);
    },
  };
}

/** What a file or folder keeps besides its content. */
export interface Gen1Metadata {
  readonly owner: string;
  readonly group: string;
  /** Octal, three or four digits. */
  readonly permission: string;
  /** Named entries and those of new files, as `[default:]user:ID:rwx`. */
  readonly acl: readonly string[];
  /** Milliseconds since 1970; 0 for never. */
  readonly expiresAt: number;
}

export function metadataFor({ caller }: Gen1Call, permission = "770"): Record<string, unknown> {
  return { owner: caller, group: caller, permission, acl: [], expiresAt: 0 } satisfies Gen1Metadata;
}

export function metadataOf({ metadata }: FileNode): Gen1Metadata {
  const none = "00000000-0000-0000-0000-000000000000";
  return { owner: none, group: none, permission: "770", acl: [], expiresAt: 0, ...metadata };
}

/** A file that has expired is gone. */
export function find({ tree, now }: Gen1Call, path: string): FileNode | undefined {
  const node = tree.stat(path);
  if (node === undefined || !isExpired(node, now())) return node;
  tree.delete(path);
  return undefined;
}

export function isExpired(node: FileNode, now: number): boolean {
  const { expiresAt } = metadataOf(node);
  return node.kind === "file" && expiresAt !== 0 && expiresAt <= now;
}

/** @throws `FileNotFoundException`. */
export function existing(call: Gen1Call, path: string = call.path): FileNode {
  const node = find(call, path);
  if (node === undefined) throw noFile(path);
  return node;
}

/** A path as parameters and bodies carry it: with or without a slash before. `.` is the root. */
export function treePath(path: string): string {
  return path
    .split("/")
    .filter((name) => name !== "" && name !== ".")
    .join("/");
}
