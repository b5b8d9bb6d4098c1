import { createFileContent, type FileContent } from "./file-content.ts";
import { FileTreeError } from "./file-tree-error.ts";
import type { FileNode, FileRange, FileTree, MoveOptions } from "./file-tree.ts";
import { splitPath } from "./node-name.ts";
import { openTreeDatabase } from "./tree-database.ts";
import { createTreeNodes, existing, nodeAt, type Place, type TreeNodes } from "./tree-nodes.ts";

export interface FileTreeOptions {
  /**
   * Where it is kept, in a file `files.db`: one process at a time, and a crash leaves each transaction done or not
   * done. In memory unless given.
   */
  readonly folder?: string | undefined;
  /** Otherwise `A` and `a` are one name, spelled as it was created. `true` unless given. */
  readonly caseSensitive?: boolean | undefined;
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

interface Tree {
  readonly nodes: TreeNodes;
  readonly content: FileContent;
  /** How many streams read a file, by its number. */
  readonly readers: Map<number, number>;
  closed: boolean;
}

/** Opens a file tree, empty or as it was left in its folder. */
export function openFileTree({
  folder,
  caseSensitive = true,
  now = Date.now,
}: FileTreeOptions = {}): FileTree {
  const database = openTreeDatabase({ folder, caseSensitive, now: now() });
  const nodes = createTreeNodes(database, { caseSensitive, now });
  const content = createFileContent(database);
  const tree: Tree = { nodes, content, readers: new Map(), closed: false };
  const change = <T>(work: () => T): T => database.transaction(work);
  const close = (): void => {
    if (tree.closed) return;
    tree.closed = true;
    database.close();
  };
  return {
    transaction: change,
    stat: (path) => nodeAt(nodes.find(path)),
    list: (path, options = {}) => nodes.list(directoryAt(nodes.find(path)), options),
    createDirectory: (path, options = {}) =>
      change(() => {
        const there = nodeAt(nodes.find(path));
        if (there?.kind === "directory" && options.reuse === true) return there;
        if (there !== undefined) throw new FileTreeError("exists", path);
        const { parent, name } = roomFor(nodes, path, options.parents);
        return nodes.insert(parent, name, "directory", options.metadata ?? {});
      }),
    createFile: (path, options = {}) =>
      change(() => {
        const { parent, name } = roomFor(nodes, path, options.parents);
        makeWay(tree, path, options.replace);
        const node = nodes.insert(parent, name, "file", options.metadata ?? {});
        return options.size === undefined ? node : nodes.update(node, { size: bytes(options.size) });
      }),
    write: (path, offset, data) => change(() => write(tree, fileAt(nodes.find(path)), bytes(offset), data)),
    append: (path, data) =>
      change(() => {
        const node = fileAt(nodes.find(path));
        return write(tree, node, node.size, data);
      }),
    clear: (path, offset, length) =>
      change(() => {
        const node = fileAt(nodes.find(path));
        content.clear(node.id, bytes(offset), Math.min(node.size, offset + bytes(length)));
        return nodes.update(node, {});
      }),
    resize: (path, size) =>
      change(() => {
        const node = fileAt(nodes.find(path));
        content.clear(node.id, bytes(size), node.size);
        return nodes.update(node, { size });
      }),
    read: (path, range) => stream(tree, fileAt(nodes.find(path)), range),
    readBytes: (path, range) => readBytes(content, fileAt(nodes.find(path)), range),
    ranges(path, range) {
      const node = fileAt(nodes.find(path));
      const { start, end } = within(node, range);
      return content.extents(node.id, start, end).map((extent) => ({
        offset: extent.start,
        length: extent.end - extent.start,
      }));
    },
    update: (path, values) => change(() => nodes.update(existing(nodes.find(path)), values)),
    move: (from, to, options = {}) => change(() => move(tree, from, to, options)),
    delete: (path, { recursive = false } = {}) => change(() => remove(tree, path, recursive)),
    close,
    [Symbol.dispose]: close,
  };
}

function fileAt(place: Place): FileNode {
  const node = existing(place);
  if (node.kind !== "file") throw new FileTreeError("not_a_file", node.path);
  return node;
}

function directoryAt(place: Place): FileNode {
  const node = existing(place);
  if (node.kind !== "directory") throw new FileTreeError("not_a_directory", node.path);
  return node;
}

/** The directory that something new goes into. */
function roomFor(
  nodes: TreeNodes,
  path: string,
  parents: boolean | undefined,
): { readonly parent: FileNode; readonly name: string } {
  const { found, names } = nodes.find(path);
  const name = names.at(-1);
  if (name === undefined) throw new FileTreeError("path_invalid", path);
  const file = found.slice(0, names.length).find(({ kind }) => kind === "file");
  if (file !== undefined) throw new FileTreeError("not_a_directory", file.path);
  let parent = found.at(Math.min(found.length, names.length) - 1) as FileNode;
  const missing = names.slice(found.length - 1, -1);
  if (missing.length > 0 && parents !== true)
    throw new FileTreeError("parent_not_found", names.slice(0, -1).join("/"));
  for (const above of missing) parent = nodes.insert(parent, above, "directory", {});
  return { parent, name };
}

/** Removes a file that is in the way of another. */
function makeWay(tree: Tree, path: string, replace: boolean | undefined): void {
  const there = nodeAt(tree.nodes.find(path));
  if (there === undefined) return;
  if (replace !== true) throw new FileTreeError("exists", path);
  if (there.kind === "directory") throw new FileTreeError("not_a_file", there.path);
  drop(tree, there);
}

function write({ nodes, content }: Tree, node: FileNode, offset: number, data: Uint8Array): FileNode {
  content.write(node.id, offset, data);
  return nodes.update(node, { size: bytes(Math.max(node.size, offset + data.byteLength)) });
}

function move(tree: Tree, from: string, to: string, { replace, parents }: MoveOptions): FileNode {
  const { nodes } = tree;
  const node = existing(nodes.find(from));
  if (node.id === 1) throw new FileTreeError("path_invalid", from);
  const target = nodes.find(to);
  const there = nodeAt(target);
  if (target.found.slice(0, target.names.length).some(({ id }) => id === node.id))
    throw new FileTreeError(node.kind === "file" ? "not_a_directory" : "move_invalid", to);
  const { parent, name } = roomFor(nodes, to, parents);
  if (there !== undefined && there.id !== node.id) {
    if (there.kind === "directory") throw new FileTreeError("exists", to);
    if (replace === true && node.kind === "directory") throw new FileTreeError("not_a_file", there.path);
    makeWay(tree, to, replace);
  }
  nodes.place(node, parent, name);
  return existing(nodes.find(to));
}

function remove(tree: Tree, path: string, recursive: boolean): void {
  if (splitPath(path).length === 0) throw new FileTreeError("path_invalid", path);
  const node = existing(tree.nodes.find(path));
  if (node.kind === "directory" && !recursive && !tree.nodes.isEmpty(node))
    throw new FileTreeError("not_empty", path);
  drop(tree, node);
}

function drop({ nodes, content, readers }: Tree, node: FileNode): void {
  // What is being read goes with its last reader.
  for (const id of nodes.remove(node)) if (!readers.has(id)) content.drop(id);
}

function readBytes(
  content: FileContent,
  node: FileNode,
  range: FileRange | undefined,
): Uint8Array<ArrayBuffer> {
  const { start, end } = within(node, range);
  const all = new Uint8Array(end - start);
  for (let at = start; at < end;) {
    const part = content.read(node.id, at, end);
    all.set(part, at - start);
    at += part.byteLength;
  }
  return all;
}

function stream(
  tree: Tree,
  node: FileNode,
  range: FileRange | undefined,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { nodes, content, readers } = tree;
  const { start, end } = within(node, range);
  let at = start;
  let open = true;
  readers.set(node.id, (readers.get(node.id) ?? 0) + 1);
  const release = (): void => {
    if (!open) return;
    open = false;
    const others = (readers.get(node.id) ?? 1) - 1;
    if (others > 0) return void readers.set(node.id, others);
    readers.delete(node.id);
    if (!tree.closed && nodes.size(node.id) === undefined) content.drop(node.id);
  };
  return new ReadableStream(
    {
      pull(controller) {
        try {
          if (at < end) {
            if ((nodes.size(node.id) ?? end) < end)
              throw new Error(`${node.path} was cut while it was read.`);
            const part = content.read(node.id, at, end);
            at += part.byteLength;
            controller.enqueue(part);
          }
          if (at < end) return;
          controller.close();
          release();
        } catch (error) {
          controller.error(error);
          release();
        }
      },
      cancel: release,
    },
    { highWaterMark: 0 },
  );
}

function within(
  node: FileNode,
  range: FileRange = { offset: 0 },
): { readonly start: number; readonly end: number } {
  const start = Math.min(node.size, bytes(range.offset));
  return {
    start,
    end: Math.min(node.size, start + (range.length === undefined ? node.size : bytes(range.length))),
  };
}

function bytes(count: number): number {
  if (Number.isSafeInteger(count) && count >= 0) return count;
  throw new RangeError(`${count} is no number of bytes.`);
}
