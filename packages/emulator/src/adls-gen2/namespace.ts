import type { AccessControl } from "./access-control.ts";

interface Common {
  /** Quoted, as a header has it. */
  readonly etag: string;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
  readonly createdAt: number;
  readonly access: AccessControl;
  /** Without prefix, names in lower case. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface FileEntry extends Common {
  readonly kind: "file";
  /** Of the blob in Azurite. A rename leaves it, and with it the etag, as it is. */
  readonly id: string;
  readonly size: number;
  /** Content headers of the blob: `content-type`, `content-md5` …, lease and type. */
  readonly headers: Readonly<Record<string, string>>;
  /** IDs of the blocks that were flushed; absent for what the blob endpoint wrote. */
  readonly blocks?: readonly string[] | undefined;
}

export interface DirectoryEntry extends Common {
  readonly kind: "directory";
}

export type Entry = FileEntry | DirectoryEntry;

interface Node {
  entry: Entry;
  children: Map<string, Node>;
  /** Names in order, while they are known. */
  sorted: readonly string[] | undefined;
}

/** One change, as it is written down. */
export type Change =
  | readonly ["filesystem", name: string, root: Entry]
  | readonly ["drop", name: string]
  | readonly ["put", filesystem: string, path: string, entry: Entry]
  | readonly ["remove", filesystem: string, path: string]
  | readonly ["move", filesystem: string, from: string, to: string];

/** The trees of all file systems. Changes are synchronous, so each is atomic. */
export interface Namespace {
  hasFilesystem(name: string): boolean;
  filesystems(): readonly string[];
  /** `""` is the root. */
  get(filesystem: string, path: string): Entry | undefined;
  isEmpty(filesystem: string, path: string): boolean;
  /** What lies in or below a directory in the order of a tree: names by code unit, what is in a directory behind it. */
  walk(
    filesystem: string,
    path: string,
    options?: WalkOptions,
  ): Generator<readonly [path: string, entry: Entry]>;
  apply(change: Change): void;
  /** All there is, as changes from nothing. */
  changes(): Generator<Change>;
}

export interface WalkOptions {
  readonly recursive?: boolean | undefined;
  /** A path to go on behind. */
  readonly after?: string | undefined;
}

export function createNamespace(record: (change: Change) => void = () => undefined): Namespace {
  const trees = new Map<string, Node>();
  const find = (filesystem: string, path: string): Node | undefined => {
    let node = trees.get(filesystem);
    for (const name of segmentsOf(path)) node = node?.children.get(name);
    return node;
  };
  const parentOf = (filesystem: string, path: string): Node => {
    const parent = find(filesystem, parentPath(path));
    if (!parent) throw new Error(`no parent of ${path}`);
    return parent;
  };
  return {
    hasFilesystem: (name) => trees.has(name),
    filesystems: () => [...trees.keys()].sort(),
    get: (filesystem, path) => find(filesystem, path)?.entry,
    isEmpty: (filesystem, path) => (find(filesystem, path)?.children.size ?? 0) === 0,
    *walk(filesystem, path, { recursive = false, after } = {}) {
      const node = find(filesystem, path);
      const base = path === "" ? "" : `${path}/`;
      const rest = after?.startsWith(base) === true ? segmentsOf(after.slice(base.length)) : undefined;
      if (node) yield* below(node, base, recursive, rest);
    },
    apply(change) {
      switch (change[0]) {
        case "filesystem":
          trees.set(change[1], leaf(change[2]));
          break;
        case "drop":
          trees.delete(change[1]);
          break;
        case "put": {
          const [, filesystem, path, entry] = change;
          const there = find(filesystem, path);
          if (there) there.entry = entry;
          else attach(parentOf(filesystem, path), nameOf(path), leaf(entry));
          break;
        }
        case "remove":
          detach(parentOf(change[1], change[2]), nameOf(change[2]));
          break;
        case "move": {
          const [, filesystem, from, to] = change;
          const node = find(filesystem, from);
          if (!node) throw new Error(`nothing at ${from}`);
          detach(parentOf(filesystem, from), nameOf(from));
          attach(parentOf(filesystem, to), nameOf(to), node);
          break;
        }
      }
      record(change);
    },
    *changes() {
      for (const [name, root] of trees) {
        yield ["filesystem", name, root.entry];
        for (const [path, entry] of below(root, "", true, undefined)) yield ["put", name, path, entry];
      }
    },
  };
}

function leaf(entry: Entry): Node {
  return { entry, children: new Map(), sorted: undefined };
}

function attach(parent: Node, name: string, node: Node): void {
  if (!parent.children.has(name)) parent.sorted = undefined;
  parent.children.set(name, node);
}

function detach(parent: Node, name: string): void {
  parent.children.delete(name);
  parent.sorted = undefined;
}

function* below(
  node: Node,
  base: string,
  recursive: boolean,
  after: readonly string[] | undefined,
): Generator<readonly [string, Entry]> {
  const [first] = after ?? [];
  node.sorted ??= [...node.children.keys()].sort();
  for (const name of node.sorted) {
    if (first !== undefined && name < first) continue;
    const child = node.children.get(name);
    if (!child) continue;
    const path = base + name;
    if (name !== first) yield [path, child.entry];
    const rest = name === first ? after?.slice(1) : undefined;
    if (recursive) yield* below(child, `${path}/`, true, rest?.length ? rest : undefined);
  }
}

export function segmentsOf(path: string): string[] {
  return path === "" ? [] : path.split("/");
}

export function parentPath(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
