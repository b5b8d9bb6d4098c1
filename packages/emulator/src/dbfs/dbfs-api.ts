import { randomInt } from "node:crypto";
import { FileTreeError } from "../file-tree/file-tree-error.ts";
import type { FileNode, FileTree } from "../file-tree/file-tree.ts";
import { DatabricksError, invalidParameter } from "./databricks-error.ts";
import { readParameters, type Parameters } from "./dbfs-parameters.ts";

interface Handle {
  /** The number of the file, which may be replaced meanwhile. */
  readonly node: number;
  readonly path: string;
  usedAt: number;
}

interface Api {
  readonly tree: FileTree;
  readonly handles: Map<number, Handle>;
  readonly now: () => number;
  readonly deleteLimit: number;
}

/** @throws where the caller may not. */
export type CheckAccess = (request: Request, api: string, path: string) => void;
type Result = Readonly<Record<string, unknown>>;
type Operation = readonly [
  method: "GET" | "POST",
  run: (api: Api, parameters: Parameters) => Result | DatabricksError,
];

const MiB = 1024 * 1024;
const HANDLE_MS = 10 * 60_000;

const OPERATIONS: Readonly<Record<string, Operation>> = {
  "get-status": ["GET", ({ tree }, input) => toInfo(existing(tree, input.path("path")))],
  list: ["GET", list],
  read: ["GET", read],
  put: ["POST", put],
  create: ["POST", create],
  "add-block": ["POST", addBlock],
  close: ["POST", close],
  delete: ["POST", remove],
  mkdirs: ["POST", mkdirs],
  move: ["POST", move],
};

/** DBFS API 2.0. A file is visible as soon as it is created, and grows with each block. */
export function createDbfsApi(
  tree: FileTree,
  { now, deleteLimit, check }: Pick<Api, "now" | "deleteLimit"> & { readonly check: CheckAccess },
): (request: Request) => Promise<Response> {
  const api: Api = { tree, handles: new Map(), now, deleteLimit };
  return async (request) => {
    const name = new URL(request.url).pathname.slice("/api/2.0/dbfs/".length);
    const [method, run] = OPERATIONS[name] ?? [];
    if (run === undefined || method !== request.method) {
      throw new DatabricksError(
        404,
        "ENDPOINT_NOT_FOUND",
        `No API found for '${request.method} /dbfs/${name}'`,
      );
    }
    const parameters = await readParameters(request);
    for (const path of parameters.paths()) check(request, `dbfs/${name}`, shown(path));
    const result = tree.transaction(() => run(api, parameters));
    if (result instanceof DatabricksError) throw result;
    return Response.json(result);
  };
}

function absent(path: string): DatabricksError {
  return new DatabricksError(
    404,
    "RESOURCE_DOES_NOT_EXIST",
    `No file or directory exists on path ${shown(path)}.`,
  );
}

function taken(path: string): DatabricksError {
  return new DatabricksError(
    400,
    "RESOURCE_ALREADY_EXISTS",
    `A file or directory already exists at the input path ${shown(path)}.`,
  );
}

function shown(path: string): string {
  return path.slice("dbfs".length) || "/";
}

function existing(tree: FileTree, path: string): FileNode {
  const node = tree.stat(path);
  if (node === undefined) throw absent(path);
  return node;
}

/** The service's words for what the tree refuses. */
function attempt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof FileTreeError)) throw error;
    if (error.code === "not_found" || error.code === "parent_not_found") throw absent(error.path);
    if (error.code === "exists" || error.code === "not_a_file") throw taken(path);
    if (error.code === "not_a_directory")
      throw new DatabricksError(400, "IO_ERROR", `Parent path is not a directory: ${shown(error.path)}`);
    throw error;
  }
}

function toInfo({ path, kind, size, modifiedAt }: FileNode): Result {
  return {
    path: shown(path),
    is_dir: kind === "directory",
    file_size: size,
    modification_time: modifiedAt.getTime(),
  };
}

function list({ tree }: Api, input: Parameters): Result {
  const node = existing(tree, input.path("path"));
  const nodes = node.kind === "file" ? [node] : tree.list(node.path).nodes;
  return nodes.length === 0 ? {} : { files: nodes.map(toInfo) };
}

function read({ tree }: Api, input: Parameters): Result {
  const node = existing(tree, input.path("path"));
  const offset = input.number("offset") ?? 0;
  const length = input.number("length") ?? MiB / 2;
  if (node.kind === "directory") throw invalidParameter("cannot open directory for reading");
  if (offset < 0) throw invalidParameter("offset should be a positive number");
  if (length < 0) throw invalidParameter("length should be a positive number");
  if (length > MiB) {
    throw new DatabricksError(400, "MAX_READ_SIZE_EXCEEDED", `The maximum read size is ${MiB} bytes.`);
  }
  const bytes = tree.readBytes(node.path, { offset, length });
  return { bytes_read: bytes.byteLength, data: Buffer.from(bytes).toString("base64") };
}

function makeFile(tree: FileTree, path: string, replace: boolean): FileNode {
  return attempt(path, () => tree.createFile(path, { parents: true, replace }));
}

function tooLarge(): DatabricksError {
  return new DatabricksError(400, "MAX_BLOCK_SIZE_EXCEEDED", `The maximum block size is ${MiB} bytes.`);
}

function put({ tree }: Api, input: Parameters): Result {
  const bytes = input.bytes("contents") ?? new Uint8Array();
  // What comes as a form may be larger.
  if (bytes.byteLength > MiB && !input.multipart) throw tooLarge();
  const path = input.path("path");
  makeFile(tree, path, input.flag("overwrite"));
  tree.append(path, bytes);
  return {};
}

function create({ tree, handles, now }: Api, input: Parameters): Result {
  const path = input.path("path");
  const node = makeFile(tree, path, input.flag("overwrite"));
  let handle: number;
  do handle = randomInt(2 ** 47) * 64;
  while (handles.has(handle));
  handles.set(handle, { node: node.id, path, usedAt: now() });
  return { handle };
}

function opened({ handles, now }: Api, input: Parameters): { readonly id: number; readonly handle: Handle } {
  const id = input.number("handle") ?? NaN;
  const handle = handles.get(id);
  if (handle === undefined || handle.usedAt + HANDLE_MS < now()) {
    handles.delete(id);
    throw new DatabricksError(404, "RESOURCE_DOES_NOT_EXIST", `No open stream for handle ${id}.`);
  }
  handle.usedAt = now();
  return { id, handle };
}

function addBlock(api: Api, input: Parameters): Result {
  const { handle } = opened(api, input);
  const bytes = input.bytes("data") ?? new Uint8Array();
  if (bytes.byteLength > MiB) throw tooLarge();
  if (api.tree.stat(handle.path)?.id !== handle.node)
    throw new DatabricksError(400, "IO_ERROR", `The file ${shown(handle.path)} was deleted or replaced.`);
  api.tree.append(handle.path, bytes);
  return {};
}

function close(api: Api, input: Parameters): Result {
  api.handles.delete(opened(api, input).id);
  return {};
}

function remove({ tree, deleteLimit }: Api, input: Parameters): Result | DatabricksError {
  const path = input.path("path");
  const node = tree.stat(path);
  if (node === undefined) return {};
  if (path === "dbfs") throw new DatabricksError(400, "INVALID_PARAMETER_VALUE", "Cannot delete the root.");
  if (node.kind === "directory" && !input.flag("recursive") && tree.list(path, { limit: 1 }).nodes.length > 0)
    throw new DatabricksError(400, "IO_ERROR", `Directory is not empty: ${shown(path)}`);
  if (removed(tree, node, { left: deleteLimit })) return {};
  // Returned, not thrown: what is deleted so far stays deleted.
  return new DatabricksError(
    503,
    "PARTIAL_DELETE",
    "The delete is not complete yet: call it again until it is.",
  );
}

/** Deletes as many files below as are left to do. @returns whether all is gone. */
function removed(tree: FileTree, node: FileNode, budget: { left: number }): boolean {
  if (node.kind === "file") {
    if (budget.left === 0) return false;
    budget.left -= 1;
  } else if (!tree.list(node.path).nodes.every((child) => removed(tree, child, budget))) return false;
  tree.delete(node.path);
  return true;
}

function mkdirs({ tree }: Api, input: Parameters): Result {
  const path = input.path("path");
  attempt(path, () => tree.createDirectory(path, { parents: true, reuse: true }));
  return {};
}

function move({ tree }: Api, input: Parameters): Result {
  const from = input.path("source_path");
  const to = input.path("destination_path");
  existing(tree, from);
  attempt(to, () => tree.move(from, to));
  return {};
}
