import { FileTreeError } from "./file-tree-error.ts";
import type { FileNode, ListNodesOptions, NodeMetadata, NodePage, NodeValues } from "./file-tree.ts";
import { afterPrefix, foldCase, splitPath } from "./node-name.ts";
import type { TreeDatabase, TreeRow } from "./tree-database.ts";

/** Where a path leads: as far as it goes. */
export interface Place {
  /** From the root down, the root first. One more than names when the path exists. */
  readonly found: readonly FileNode[];
  readonly names: readonly string[];
}

/** The nodes of a tree, without what files hold. */
export interface TreeNodes {
  find(path: string): Place;
  list(directory: FileNode, options: ListNodesOptions): NodePage;
  insert(parent: FileNode, name: string, kind: FileNode["kind"], metadata: NodeMetadata): FileNode;
  /** Sets what is given and renews etag and modification time. */
  update(node: FileNode, values: NodeValues & { readonly size?: number | undefined }): FileNode;
  place(node: FileNode, parent: FileNode, name: string): void;
  isEmpty(directory: FileNode): boolean;
  /** Removes a node and all below it. @returns the numbers of the files among them. */
  remove(node: FileNode): readonly number[];
  size(id: number): number | undefined;
}

const BELOW =
  "WITH RECURSIVE below (id) AS (VALUES (?) UNION ALL SELECT node.id FROM node JOIN below ON node.parent = below.id)";

export function createTreeNodes(
  database: TreeDatabase,
  { caseSensitive, now }: { readonly caseSensitive: boolean; readonly now: () => number },
): TreeNodes {
  const keyOf = caseSensitive ? (name: string): string => name : foldCase;
  const revision = (): number => {
    const row = database.get("UPDATE tree SET revision = revision + 1 RETURNING revision");
    return Number(row?.["revision"]);
  };
  const child = (parent: FileNode, name: string): FileNode | undefined => {
    const row = database.get("SELECT * FROM node WHERE parent = ? AND key = ?", parent.id, keyOf(name));
    return row && toNode(row, parent.path);
  };
  const root = (): FileNode => toNode(database.get("SELECT * FROM node WHERE id = 1") ?? {}, "");
  return {
    find(path) {
      const names = splitPath(path);
      const found = [root()];
      for (const name of names) {
        const next = child(found.at(-1) as FileNode, name);
        if (next === undefined) break;
        found.push(next);
      }
      return { found, names };
    },
    list: (directory, options) => listNodes(database, keyOf, directory, options),
    insert(parent, name, kind, metadata) {
      const time = now();
      database.run(
        "INSERT INTO node (parent, key, name, directory, size, revision, created, modified, metadata) VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?)",
        parent.id,
        keyOf(name),
        name,
        Number(kind === "directory"),
        revision(),
        time,
        time,
        JSON.stringify(metadata),
      );
      return child(parent, name) as FileNode;
    },
    update(node, { metadata, createdAt, modifiedAt, size }) {
      const row = database.get(
        "UPDATE node SET metadata = ?, created = ?, modified = ?, size = ?, revision = ? WHERE id = ? RETURNING *",
        JSON.stringify(metadata ?? node.metadata),
        (createdAt ?? node.createdAt).getTime(),
        modifiedAt?.getTime() ?? now(),
        size ?? node.size,
        revision(),
        node.id,
      );
      return { ...toNode(row ?? {}, ""), path: node.path };
    },
    place(node, parent, name) {
      database.run(
        "UPDATE node SET parent = ?, key = ?, name = ? WHERE id = ?",
        parent.id,
        keyOf(name),
        name,
        node.id,
      );
    },
    isEmpty: (directory) =>
      database.get("SELECT id FROM node WHERE parent = ? LIMIT 1", directory.id) === undefined,
    remove(node) {
      const files = database.all(
        `${BELOW} SELECT id FROM node WHERE directory = 0 AND id IN (SELECT id FROM below)`,
        node.id,
      );
      database.run(`${BELOW} DELETE FROM node WHERE id IN (SELECT id FROM below)`, node.id);
      return files.map((row) => Number(row["id"]));
    },
    size(id) {
      const row = database.get("SELECT size FROM node WHERE id = ?", id);
      return row && Number(row["size"]);
    },
  };
}

function listNodes(
  database: TreeDatabase,
  keyOf: (name: string) => string,
  directory: FileNode,
  { after, limit = Infinity, prefix = "" }: ListNodesOptions,
): NodePage {
  const from = keyOf(prefix);
  // One more tells whether there are more.
  const most = Number.isFinite(limit) ? limit + 1 : -1;
  const rows = database.all(
    `SELECT * FROM node WHERE parent = ? AND key >= ? AND (? IS NULL OR key < ?) AND (? IS NULL OR key > ?)
     ORDER BY key LIMIT ?`,
    directory.id,
    from,
    ...twice(afterPrefix(from)),
    ...twice(after === undefined ? undefined : keyOf(after)),
    most,
  );
  const nodes = rows.slice(0, limit).map((row) => toNode(row, directory.path));
  return { nodes, next: rows.length > nodes.length ? (nodes.at(-1)?.name ?? after ?? "") : undefined };
}

function twice(value: string | undefined): [string | null, string | null] {
  return [value ?? null, value ?? null];
}

function toNode(row: TreeRow, parent: string): FileNode {
  const name = String(row["name"]);
  return {
    id: Number(row["id"]),
    path: parent === "" ? name : `${parent}/${name}`,
    name,
    kind: row["directory"] === 1 ? "directory" : "file",
    size: Number(row["size"]),
    etag: `0x8D${Number(row["revision"]).toString(16).toUpperCase().padStart(13, "0")}`,
    createdAt: new Date(Number(row["created"])),
    modifiedAt: new Date(Number(row["modified"])),
    metadata: JSON.parse(String(row["metadata"])) as NodeMetadata,
  };
}

/** What is at the end of a path. */
export function nodeAt({ found, names }: Place): FileNode | undefined {
  return found[names.length];
}

/** @throws `not_found`. */
export function existing(place: Place): FileNode {
  const node = nodeAt(place);
  if (node === undefined) throw new FileTreeError("not_found", place.names.join("/"));
  return node;
}
