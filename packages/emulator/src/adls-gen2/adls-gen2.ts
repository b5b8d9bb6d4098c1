import { join } from "node:path";
import { randomUUID } from "node:crypto";
import { startAzurite } from "../azurite.ts";
import type { Service } from "../service.ts";
import { storageErrorResponse, type StorageAuthOptions } from "../storage-auth/index.ts";
import { answerBlob } from "./blob-surface.ts";
import { createBlobStore } from "./blob-store.ts";
import { answerFilesystem, listFilesystems } from "./filesystems.ts";
import { readJournal, startJournal, type Journal } from "./journal.ts";
import { listPaths } from "./list-paths.ts";
import { createNamespace } from "./namespace.ts";
import { createPath, deletePath, renamePath } from "./paths.ts";
import { parseRoute, type Route } from "./route.ts";
import type { State } from "./state.ts";
import { refusal, StorageRefusal } from "./storage-refusal.ts";
import { createGate, type Gate } from "./gate.ts";
import { getProperties, readPath, updatePath } from "./update-path.ts";

export interface AdlsGen2Options {
  /** `devstoreaccount1` unless given. */
  readonly accountName?: string | undefined;
  /** key1 and key2, in base64; the one that every copy of Azurite has unless given. */
  readonly accountKeys?: readonly string[] | undefined;
  /** Milliseconds since 1970; judges tokens and signatures. */
  readonly now?: (() => number) | undefined;
  /** Keeps everything in this folder, from one start to the next. In memory unless given. */
  readonly folder?: string | undefined;
  /** What the files may take in memory, in MB (1024). */
  readonly memoryLimit?: number | undefined;
  /** The claims of a bearer token whose signature is good, e.g. `entra.verifyToken`. Without it no token is accepted. */
  readonly verifyToken?: StorageAuthOptions["verifyToken"];
  /** The roles of an identity; all is allowed unless given. Where they do not reach, the ACLs of the paths decide. */
  readonly mayAccess?: StorageAuthOptions["mayAccess"];
  /** Paths that one request lists or deletes at most (5,000, as the service does). */
  readonly pageSize?: number | undefined;
}

export interface AdlsGen2 extends AsyncDisposable {
  /** Answers the dfs and the blob surface: `serve(gen2.service)`. */
  readonly service: Service;
  readonly accountName: string;
  /** The first one. */
  readonly accountKey: string;
  /** Exchanges the keys, as a rotation does: requests signed with another are refused from now on. */
  setKeys(keys: readonly [string, ...string[]]): void;
  close(): Promise<void>;
}

const VERSION = "2025-11-05";

/**
 * Starts a storage account with a hierarchical namespace: Azure Data Lake Storage Gen2's dfs surface and the blob
 * surface of the same data, which an Azurite of its own keeps. By IP it is addressed as `http://127.0.0.1:PORT/ACCOUNT`.
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/data-lake-storage-gen2, read 2026-11
 */
export async function startAdlsGen2(options: AdlsGen2Options = {}): Promise<AdlsGen2> {
  const { folder, memoryLimit, pageSize = 5000, verifyToken, mayAccess, now } = options;
  const azurite = await startAzurite({
    ...(folder !== undefined && { folder: join(folder, "azurite") }),
    ...(memoryLimit !== undefined && { memoryLimit }),
  });
  const store = createBlobStore(azurite);
  let journal: Journal | undefined;
  const namespace = createNamespace((change) => journal?.record(change));
  if (folder !== undefined) {
    const file = join(folder, "namespace.jsonl");
    for (const change of await readJournal(file)) namespace.apply(change);
    journal = await startJournal(file, namespace.changes());
  }
  const accountName = options.accountName ?? azurite.accountName;
  const state: State = {
    accountName,
    store,
    namespace,
    appended: new Map(),
    uncommitted: new Map(),
    pageSize,
  };
  const close = async (): Promise<void> => {
    store.close();
    await journal?.flush();
    await azurite.close();
  };
  const account = { name: accountName, keys: options.accountKeys ?? [azurite.accountKey] };
  return {
    service: createService(state, createGate(state, { account, verifyToken, mayAccess, now }), () =>
      journal?.flush(),
    ),
    accountName,
    accountKey: account.keys[0] ?? "",
    setKeys: (keys) => {
      account.keys = keys;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function createService(state: State, gate: Gate, written: () => Promise<void> | undefined): Service {
  return async (request) => {
    let surface: Route["surface"] = "dfs";
    try {
      const route = parseRoute(request, state.accountName);
      ({ surface } = route);
      const passed = await gate(route, request);
      const owner = "objectId" in passed ? passed.objectId : undefined;
      const response = passed instanceof Response ? passed : await answer(state, route, request, owner);
      await written();
      return finished(response, request);
    } catch (error) {
      const known = error instanceof StorageRefusal ? error : internalError(error);
      return storageErrorResponse(known, surface === "dfs" ? "json" : "xml", request);
    }
  };
}

/** What went wrong here is told: whoever meets it has no log of ours to look into. */
function internalError(error: unknown): StorageRefusal {
  const { status, code, message } = refusal("InternalError");
  return new StorageRefusal(status, code, `${message} ${String(error)}`);
}

async function answer(
  state: State,
  route: Route,
  request: Request,
  owner: string | undefined,
): Promise<Response> {
  return route.surface === "dfs"
    ? answerDfs(state, route, request, owner)
    : answerBlob(state, route, request);
}

async function answerDfs(
  state: State,
  route: Route,
  request: Request,
  owner: string | undefined,
): Promise<Response> {
  const { filesystem, query } = route;
  const { method } = request;
  const resource = query.get("resource");
  if (filesystem === "") {
    if (method === "GET" && resource === "account") return listFilesystems(state, route);
    throw refusal("UnsupportedHttpVerb");
  }
  if (resource === "filesystem") {
    return method === "GET" ? listPaths(state, route) : answerFilesystem(state, route, request);
  }
  switch (method) {
    case "PUT":
      return request.headers.has("x-ms-rename-source")
        ? renamePath(state, route, request)
        : createPath(state, route, request, owner);
    case "PATCH":
      return updatePath(state, route, request);
    case "HEAD":
      return getProperties(state, route, request);
    case "GET":
      return readPath(state, route, request);
    case "DELETE":
      return deletePath(state, route, request);
    default:
      throw refusal("UnsupportedHttpVerb");
  }
}

function finished(response: Response, request: Request): Response {
  const { headers } = response;
  headers.set("x-ms-version", request.headers.get("x-ms-version") ?? VERSION);
  if (!headers.has("x-ms-request-id")) headers.set("x-ms-request-id", randomUUID());
  const client = request.headers.get("x-ms-client-request-id");
  if (client !== null) headers.set("x-ms-client-request-id", client);
  return response;
}
