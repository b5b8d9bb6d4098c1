import { gzipSync } from "node:zlib";
import { FileTreeError } from "../file-tree/file-tree-error.ts";
import type { FileTree } from "../file-tree/file-tree.ts";
import { openFileTree } from "../file-tree/open-file-tree.ts";
import type { Service } from "../service.ts";
import { createDatabricksAuth, type DatabricksClient } from "./databricks-auth.ts";
import { DatabricksError, errorBody } from "./databricks-error.ts";
import { createDbfsApi } from "./dbfs-api.ts";
import { createFilesApi } from "./files-api.ts";

export interface DbfsOptions {
  /** Personal access tokens that are let in. */
  readonly tokens?: readonly string[] | undefined;
  /** Service principals that may fetch a token of their own. */
  readonly clients?: readonly DatabricksClient[] | undefined;
  /** Judges every other bearer token, such as those of Entra ID; refused unless given. */
  readonly verifyToken?: ((token: string) => boolean | Promise<boolean>) | undefined;
  /** Says no to what a caller may not do: an answer of 403. All is allowed unless given. */
  readonly mayAccess?: ((access: DbfsAccess) => boolean) | undefined;
  /** Unity Catalog volumes as `CATALOG/SCHEMA/VOLUME`; `main/default/data` unless given. */
  readonly volumes?: readonly string[] | undefined;
  /** Where files are kept; in memory unless given. */
  readonly folder?: string | undefined;
  /** Files that one `delete` of DBFS removes before it asks to be called again; 10,000 unless given. */
  readonly deleteLimit?: number | undefined;
  /** Of the tokens that clients fetch; 3600 unless given. */
  readonly tokenLifetimeSeconds?: number | undefined;
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

export interface DbfsAccess {
  readonly token: string;
  /** Of the call, after its version: `dbfs/read`, `fs/files`, `fs/directories`. */
  readonly api: string;
  readonly method: string;
  /** Absolute: `/mnt/x`, `/Volumes/CATALOG/SCHEMA/VOLUME/x`. */
  readonly path: string;
}

export interface Dbfs extends Disposable {
  readonly service: Service;
  /** Makes all tokens that clients have fetched worthless. */
  revokeTokens(): void;
  /**
   * Puts a file of zeros there that takes no space, whatever its size, with the folders above.
   *
   * @param path - `/Volumes/CATALOG/SCHEMA/VOLUME/…`, or a path of DBFS, with or without `dbfs:`.
   */
  addSparseFile(path: string, size: number): void;
  close(): void;
}

/**
 * A Databricks workspace as far as its files go: DBFS API 2.0, Files API 2.0 for volumes, and the token endpoint of
 * its service principals.
 *
 * @see https://docs.databricks.com/api/workspace/dbfs – read 2026-11
 * @see https://docs.databricks.com/api/workspace/files – read 2026-11
 */
export function createDbfs(options: DbfsOptions = {}): Dbfs {
  const { now = Date.now, volumes = ["main/default/data"], deleteLimit = 10_000 } = options;
  const tree = openFileTree({ folder: options.folder, now });
  prepare(tree, volumes);
  const auth = createDatabricksAuth({ ...options, now });
  const check = (request: Request, api: string, path: string): void => {
    const { method, headers } = request;
    const token = (headers.get("authorization") ?? "").replace(/^Bearer /i, "");
    if (options.mayAccess?.({ token, api, method, path }) !== false) return;
    throw new DatabricksError(403, "PERMISSION_DENIED", `User does not have permission for ${path}.`);
  };
  const dbfs = createDbfsApi(tree, { now, deleteLimit, check });
  const files = createFilesApi(tree, check);
  const answer = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/oidc/")) return auth.answer(request);
    await auth.check(request);
    if (pathname.startsWith("/api/2.0/dbfs/")) return dbfs(request);
    if (pathname.startsWith("/api/2.0/fs/")) return files(request);
    throw new DatabricksError(404, "ENDPOINT_NOT_FOUND", `No API found for '${request.method} ${pathname}'`);
  };
  return {
    async service(request) {
      let response: Response;
      try {
        response = await answer(request);
      } catch (error) {
        response = refusal(error);
      }
      return compressed(request, response);
    },
    revokeTokens: auth.revoke,
    addSparseFile(path, size) {
      const [first = "", ...rest] = path
        .replace(/^dbfs:/, "")
        .split("/")
        .filter(Boolean);
      const names = first === "Volumes" ? ["volumes", ...rest] : ["dbfs", first, ...rest];
      tree.createFile(names.join("/"), { size, parents: true, replace: true });
    },
    close: tree.close,
    [Symbol.dispose]: tree.close,
  };
}

function prepare(tree: FileTree, volumes: readonly string[]): void {
  tree.transaction(() => {
    for (const name of ["dbfs", "volumes", ...volumes.map((volume) => `volumes/${volume}`)])
      tree.createDirectory(name, { parents: true, reuse: true });
    // What was being uploaded when the emulator ended.
    if (tree.stat("uploads") !== undefined) tree.delete("uploads", { recursive: true });
    tree.createDirectory("uploads");
  });
}

function refusal(error: unknown): Response {
  const refused =
    error instanceof DatabricksError
      ? error
      : error instanceof FileTreeError && error.code === "path_invalid"
        ? new DatabricksError(400, "INVALID_PARAMETER_VALUE", "The path holds a name that is not valid.")
        : new DatabricksError(500, "INTERNAL_ERROR", `The emulator failed: ${String(error)}`);
  return Response.json(errorBody(refused), { status: refused.status });
}

const LARGE = 64 * 1024;

/** The service compresses what is JSON for who takes it. */
async function compressed(request: Request, response: Response): Promise<Response> {
  const json = response.headers.get("content-type") === "application/json";
  if (!json || request.method === "HEAD" || !/\bgzip\b/.test(request.headers.get("accept-encoding") ?? ""))
    return request.method === "HEAD" ? new Response(null, response) : response;
  const { status } = response;
  const body = await response.bytes();
  // What is large is base64 of a file's bytes, of which much time makes little less.
  return new Response(gzipSync(body, { level: body.length > LARGE ? 0 : 1 }), {
    status,
    headers: { "content-type": "application/json", "content-encoding": "gzip", vary: "Accept-Encoding" },
  });
}
