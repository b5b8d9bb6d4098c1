import { randomUUID } from "node:crypto";
import type { Service } from "../service.ts";
import {
  createStorageAuth,
  storageErrorResponse,
  type StorageAuthOptions,
  type StorageError,
} from "../storage-auth/index.ts";
import { toRefusal } from "./file-refusal.ts";
import type { FilesState } from "./operation.ts";
import { findOperation } from "./operations.ts";
import { accessOf, parseRoute } from "./route.ts";
import { openShareRegistry } from "./share-registry.ts";

export interface AzureFilesOptions {
  /** `devstoreaccount1` unless given. */
  readonly accountName?: string | undefined;
  /** key1 and key2, in base64; one that every copy of Azurite has unless given. */
  readonly accountKeys?: readonly string[] | undefined;
  /** Keeps everything in this folder, from one start to the next. In memory unless given. */
  readonly folder?: string | undefined;
  /** The claims of a bearer token whose signature is good, e.g. `entra.verifyToken`. Without it no token is accepted. */
  readonly verifyToken?: StorageAuthOptions["verifyToken"];
  /** The roles of an identity; all is allowed unless given. */
  readonly mayAccess?: StorageAuthOptions["mayAccess"];
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
  /** Entries that one request lists at most (5,000, as the service does). */
  readonly pageSize?: number | undefined;
}

export interface AzureFiles extends Disposable {
  /** `serve(files.service)` puts it on a socket. */
  readonly service: Service;
  readonly accountName: string;
  /** The first one. */
  readonly accountKey: string;
  /** Exchanges the keys, as a rotation does: requests signed with another are refused from now on. */
  setKeys(keys: readonly [string, ...string[]]): void;
  close(): void;
}

const ACCOUNT = "devstoreaccount1";
// The key that every copy of Azurite has, as its documentation prints it.
const KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/**
 * Makes an Azure Files account, with the REST interface of its `file` endpoint. By IP address it is addressed as
 * `http://127.0.0.1:PORT/ACCOUNT`. There are no share snapshots, no NFS, and no ranges that are copied from a URL.
 *
 * @throws an `Error` when another process has the folder open.
 * @see https://learn.microsoft.com/rest/api/storageservices/file-service-rest-api, read 2026-11
 */
export function createAzureFiles(options: AzureFilesOptions = {}): AzureFiles {
  const { accountName = ACCOUNT, accountKeys = [KEY], folder, now = Date.now, pageSize = 5000 } = options;
  const account = { name: accountName, keys: accountKeys };
  const shares = openShareRegistry({ folder, now });
  const auth = createStorageAuth({
    account,
    now,
    verifyToken: options.verifyToken,
    mayAccess: options.mayAccess,
    storedPolicy: (share, id) => shares.find(share)?.properties.policies[id],
  });
  const state: FilesState = { account, auth, shares, now, pageSize };
  const close = (): void => shares.close();
  return {
    service: createService(state),
    accountName,
    accountKey: accountKeys[0] ?? "",
    setKeys(keys) {
      account.keys = keys;
    },
    close,
    [Symbol.dispose]: close,
  };
}

function createService(state: FilesState): Service {
  return async (request) => {
    try {
      const route = parseRoute(request, state.account.name);
      const verdict = await state.auth.judge(request, accessOf(route, request.method));
      if (!verdict.allowed) return refuse(verdict.error, request);
      const response = await findOperation(
        route,
        request,
      )({ state, route, request, identity: verdict.identity });
      return withCommonHeaders(response, request);
    } catch (error) {
      return refuse(toRefusal(error).error, request);
    }
  };
}

function refuse(error: StorageError, request: Request): Response {
  return storageErrorResponse(error, "xml", request);
}

function withCommonHeaders(response: Response, request: Request): Response {
  const { headers } = response;
  headers.set("x-ms-request-id", randomUUID());
  headers.set("x-ms-version", request.headers.get("x-ms-version") ?? "2026-02-06");
  headers.set("date", new Date().toUTCString());
  const clientId = request.headers.get("x-ms-client-request-id");
  if (clientId !== null) headers.set("x-ms-client-request-id", clientId);
  if (request.method !== "HEAD") return response;
  return new Response(null, { status: response.status, headers });
}
