import { randomUUID } from "node:crypto";
import { FileTreeError } from "../file-tree/file-tree-error.ts";
import type { FileNode, FileTree } from "../file-tree/file-tree.ts";
import type { CheckAccess } from "./dbfs-api.ts";
import { DatabricksError, invalidParameter } from "./databricks-error.ts";

const GiB = 1024 ** 3;
const PAGE = 1000;

type Answer = (tree: FileTree, path: string, request: Request) => Response | Promise<Response>;

const FILES: Readonly<Record<string, Answer>> = {
  GET: download,
  HEAD: download,
  PUT: upload,
  DELETE: deleteFile,
};
const DIRECTORIES: Readonly<Record<string, Answer>> = {
  GET: listDirectory,
  HEAD: directoryMetadata,
  PUT: createDirectory,
  DELETE: deleteDirectory,
};

/** Files API 2.0: the files of Unity Catalog volumes. An upload is visible when it is complete, and replaces at once. */
export function createFilesApi(tree: FileTree, check: CheckAccess): (request: Request) => Promise<Response> {
  return async (request) => {
    const { pathname } = new URL(request.url);
    const [, kind, rest = ""] = /^\/api\/2\.0\/fs\/(files|directories)(.*)$/.exec(pathname) ?? [];
    const answer = (kind === "files" ? FILES : kind === "directories" ? DIRECTORIES : {})[request.method];
    if (answer === undefined)
      throw new DatabricksError(
        404,
        "ENDPOINT_NOT_FOUND",
        `No API found for '${request.method} ${pathname}'`,
      );
    const path = volumePath(tree, rest);
    check(request, `fs/${kind}`, shown(path));
    return answer(tree, path, request);
  };
}

/** In the tree: below `volumes`. */
function volumePath(tree: FileTree, encoded: string): string {
  let names: string[];
  try {
    names = decodeURIComponent(encoded).split("/").filter(Boolean);
  } catch {
    throw invalidParameter("The path is not percent-encoded UTF-8.");
  }
  const [root, ...place] = names;
  if (root !== "Volumes" || place.length < 3)
    throw invalidParameter("The path must start with /Volumes/<catalog>/<schema>/<volume>.");
  const volume = place.slice(0, 3).join("/");
  if (tree.stat(`volumes/${volume}`) === undefined) {
    throw new DatabricksError(
      404,
      "NOT_FOUND",
      `Volume '${place.slice(0, 3).join(".")}' does not exist.`,
      "FILES_API_VOLUME_IS_NOT_FOUND",
    );
  }
  return ["volumes", ...place].join("/");
}

function shown(path: string): string {
  return `/Volumes${path.slice("volumes".length)}`;
}

function noFile(): DatabricksError {
  return new DatabricksError(
    404,
    "NOT_FOUND",
    "The file being accessed is not found.",
    "FILES_API_FILE_NOT_FOUND",
  );
}

function noDirectory(): DatabricksError {
  return new DatabricksError(
    404,
    "NOT_FOUND",
    "The directory being accessed is not found.",
    "FILES_API_DIRECTORY_IS_NOT_FOUND",
  );
}

function taken(path: string, what: "FILE" | "DIRECTORY"): DatabricksError {
  return new DatabricksError(
    409,
    "ALREADY_EXISTS",
    `A ${what.toLowerCase()} exists already at ${shown(path)}.`,
    `FILES_API_${what}_ALREADY_EXISTS`,
  );
}

function download(tree: FileTree, path: string, request: Request): Response {
  const node = tree.stat(path);
  if (node?.kind !== "file") throw noFile();
  const since = Date.parse(request.headers.get("if-unmodified-since") ?? "");
  if (Math.floor(node.modifiedAt.getTime() / 1000) * 1000 > since)
    throw new DatabricksError(
      412,
      "FAILED_PRECONDITION",
      "The file was modified.",
      "FILES_API_FILE_WAS_MODIFIED",
    );
  const headers = {
    "content-type": "application/octet-stream",
    "last-modified": node.modifiedAt.toUTCString(),
  };
  const body = (offset: number, length: number): ReadableStream<Uint8Array> | null =>
    request.method === "HEAD" ? null : tree.read(path, { offset, length });
  const range = request.method === "GET" ? rangeOf(request, node) : undefined;
  if (range === undefined) {
    return new Response(body(0, node.size), { headers: { ...headers, "content-length": String(node.size) } });
  }
  const { start, end } = range;
  return new Response(body(start, end - start), {
    status: 206,
    headers: {
      ...headers,
      "content-length": String(end - start),
      "content-range": `bytes ${start}-${end - 1}/${node.size}`,
    },
  });
}

/** One range; several, or what is no range, are answered with the whole file. */
function rangeOf(
  request: Request,
  { size }: FileNode,
): { readonly start: number; readonly end: number } | undefined {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(request.headers.get("range") ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size : Math.min(size, Number(last) + 1);
  if (start < end) return { start, end };
  throw new DatabricksError(416, "OUT_OF_RANGE", `The range is outside of the ${size} bytes of the file.`);
}

async function upload(tree: FileTree, path: string, request: Request): Promise<Response> {
  const aside = `uploads/${randomUUID()}`;
  const replace = new URL(request.url).searchParams.get("overwrite") !== "false";
  checkRoom(tree, path, replace);
  tree.createFile(aside);
  try {
    let size = 0;
    for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
      size += chunk.byteLength;
      if (size > 5 * GiB) throw invalidParameter("The file is larger than 5 GiB.");
      tree.append(aside, chunk);
    }
    const announced = request.headers.get("content-length");
    if (announced !== null && Number(announced) !== size) throw invalidParameter("The body is not complete.");
    tree.transaction(() => {
      checkRoom(tree, path, replace);
      tree.move(aside, path, { replace: true, parents: true });
    });
  } catch (error) {
    tree.delete(aside);
    throw error;
  }
  return new Response(null, { status: 204 });
}

function checkRoom(tree: FileTree, path: string, replace: boolean): void {
  const there = tree.stat(path);
  if (there?.kind === "directory") throw taken(path, "DIRECTORY");
  if (there !== undefined && !replace) throw taken(path, "FILE");
  const names = path.split("/");
  for (let depth = names.length - 1; depth > 4; depth -= 1) {
    const above = tree.stat(names.slice(0, depth).join("/"));
    if (above?.kind === "directory") return;
    if (above?.kind === "file") throw taken(above.path, "FILE");
  }
}

function deleteFile(tree: FileTree, path: string): Response {
  if (tree.stat(path)?.kind !== "file") throw noFile();
  tree.delete(path);
  return new Response(null, { status: 204 });
}

function directoryMetadata(tree: FileTree, path: string): Response {
  if (tree.stat(path)?.kind !== "directory") throw noDirectory();
  return new Response(null, { status: 200 });
}

function listDirectory(tree: FileTree, path: string, request: Request): Response {
  if (tree.stat(path)?.kind !== "directory") throw noDirectory();
  const query = new URL(request.url).searchParams;
  const size = Number(query.get("page_size") ?? PAGE);
  const token = query.get("page_token");
  if (!Number.isInteger(size) || size < 0) throw invalidParameter("page_size is not a positive number.");
  const { nodes, next } = tree.list(path, {
    limit: size === 0 ? PAGE : Math.min(size, PAGE),
    after: token === null ? undefined : Buffer.from(token, "base64url").toString(),
  });
  return Response.json({
    ...(nodes.length > 0 && { contents: nodes.map(toEntry) }),
    ...(next !== undefined && { next_page_token: Buffer.from(next).toString("base64url") }),
  });
}

function toEntry({ path, name, kind, size, modifiedAt }: FileNode): Readonly<Record<string, unknown>> {
  if (kind === "directory") return { path: shown(path), is_directory: true, name };
  return {
    path: shown(path),
    is_directory: false,
    file_size: size,
    last_modified: modifiedAt.getTime(),
    name,
  };
}

function createDirectory(tree: FileTree, path: string): Response {
  try {
    tree.createDirectory(path, { parents: true, reuse: true });
  } catch (error) {
    if (error instanceof FileTreeError && error.code !== "path_invalid") throw taken(error.path, "FILE");
    throw error;
  }
  return new Response(null, { status: 204 });
}

function deleteDirectory(tree: FileTree, path: string): Response {
  if (tree.stat(path)?.kind !== "directory") throw noDirectory();
  if (path.split("/").length === 4) throw invalidParameter("A volume is not deleted as a directory.");
  try {
    tree.delete(path);
  } catch (error) {
    if (!(error instanceof FileTreeError) || error.code !== "not_empty") throw error;
    throw new DatabricksError(
      400,
      "INVALID_PARAMETER_VALUE",
      "The directory being accessed is not empty.",
      "FILES_API_DIRECTORY_IS_NOT_EMPTY",
    );
  }
  return new Response(null, { status: 204 });
}
