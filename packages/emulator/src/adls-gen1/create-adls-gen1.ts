import { randomUUID } from "node:crypto";
import type { TokenVerifier } from "../entra/token-signer.ts";
import { openFileTree } from "../file-tree/open-file-tree.ts";
import type { Service } from "../service.ts";
import * as acl from "./gen1-acl.ts";
import { readQuery, treePath, type Gen1Call } from "./gen1-call.ts";
import * as changes from "./gen1-changes.ts";
import { Gen1Error, illegal, toGen1Error } from "./gen1-error.ts";
import * as reads from "./gen1-reads.ts";

export interface AdlsGen1Options {
  /** Judges bearer tokens; every one is refused unless given. `Entra.verify` is one. */
  readonly verify?: TokenVerifier | undefined;
  /** Says no to what a caller may not do: an answer of 403. All is allowed unless given. */
  readonly mayAccess?: ((access: Gen1Access) => boolean) | undefined;
  /** Where files are kept; in memory unless given. */
  readonly folder?: string | undefined;
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

export interface Gen1Access {
  /** Object ID of who asks. */
  readonly caller: string;
  /** In capitals, e.g. `OPEN`. */
  readonly operation: string;
  /** Without a slash before. */
  readonly path: string;
}

export interface AdlsGen1 extends Disposable {
  readonly service: Service;
  /** Puts a file of zeros there that takes no space, whatever its size, with the folders above. */
  addSparseFile(path: string, size: number): void;
  close(): void;
}

type Operation = readonly [method: string, run: (call: Gen1Call) => Response | Promise<Response>];

const OPERATIONS: Readonly<Record<string, Operation>> = {
  GETFILESTATUS: ["GET", reads.getFileStatus],
  MSGETFILESTATUS: ["GET", reads.getFileStatus],
  LISTSTATUS: ["GET", reads.listStatus],
  MSLISTSTATUS: ["GET", reads.listStatus],
  OPEN: ["GET", reads.open],
  GETCONTENTSUMMARY: ["GET", reads.getContentSummary],
  CHECKACCESS: ["GET", reads.checkAccess],
  GETACLSTATUS: ["GET", acl.getAclStatus],
  MSGETACLSTATUS: ["GET", acl.getAclStatus],
  CREATE: ["PUT", changes.create],
  APPEND: ["POST", changes.appendTo],
  MSCONCAT: ["POST", changes.msConcat],
  MKDIRS: ["PUT", changes.mkdirs],
  RENAME: ["PUT", changes.rename],
  DELETE: ["DELETE", changes.remove],
  SETEXPIRY: ["PUT", changes.setExpiry],
  SETTIMES: ["PUT", changes.setTimes],
  SETPERMISSION: ["PUT", acl.setPermission],
  SETOWNER: ["PUT", acl.setOwner],
  SETACL: ["PUT", acl.setAcl],
  MODIFYACLENTRIES: ["PUT", acl.modifyAclEntries],
  REMOVEACLENTRIES: ["PUT", acl.removeAclEntries],
  REMOVEDEFAULTACL: ["PUT", acl.removeDefaultAcl],
  REMOVEACL: ["PUT", acl.removeAcl],
};
const RESOURCE = "https://datalake.azure.net/";

/**
 * One store of Azure Data Lake Storage Gen1, as it answered until it was retired on 29 February 2024: WebHDFS without
 * redirects, and Microsoft's additions.
 *
 * @see https://learn.microsoft.com/rest/api/datalakestore/webhdfs-filesystem-apis – read 2026-11
 * @see https://github.com/Azure/azure-data-lake-store-python/tree/master/tests/recordings – recorded answers, read 2026-11
 */
export function createAdlsGen1(options: AdlsGen1Options = {}): AdlsGen1 {
  const { verify, mayAccess, now = Date.now } = options;
  const tree = openFileTree({ folder: options.folder, now });
  const answer = async (request: Request, id: string): Promise<Response> => {
    const caller = await signedIn(request, verify);
    if (caller === undefined) return unauthenticated();
    const { pathname, searchParams } = new URL(request.url);
    const query = readQuery(searchParams);
    const path = pathOf(pathname);
    const operation = (query.text("op") ?? "").toUpperCase();
    const [method, run] = OPERATIONS[operation] ?? [];
    if (run === undefined || method !== request.method)
      throw illegal(`Invalid value for webhdfs parameter "op": ${request.method} ${operation}`);
    if (mayAccess?.({ caller, operation, path }) === false) {
      throw new Gen1Error(
        403,
        "AccessControlException",
        `${operation} failed with error 0x83090aa2 (Forbidden. ACL verification failed.) [${id}]`,
        "org.apache.hadoop.security",
      );
    }
    return run({ tree, path, query, request, now, caller });
  };
  return {
    async service(request) {
      const id = randomUUID();
      let response: Response;
      try {
        response = await answer(request, id);
      } catch (error) {
        response = refusal(toGen1Error(error), id);
      }
      response.headers.set("x-ms-request-id", id);
      response.headers.set("x-ms-webhdfs-version", "17.04.24.00");
      if (response.headers.get("content-type") === "application/json")
        response.headers.set("content-type", "application/json; charset=utf-8");
      return response;
    },
    addSparseFile: (path, size) =>
      void tree.createFile(treePath(path), { size, parents: true, replace: true }),
    close: tree.close,
    [Symbol.dispose]: tree.close,
  };
}

async function signedIn(request: Request, verify: TokenVerifier | undefined): Promise<string | undefined> {
  const token = /^Bearer (.+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  if (token === undefined) return undefined;
  const verdict = await verify?.(token, RESOURCE);
  return verdict?.ok === true ? verdict.claims.oid : undefined;
}

function unauthenticated(): Response {
  return Response.json(
    {
      error: {
        code: "AuthenticationFailed",
        message: "Failed to validate the access token in the 'Authorization' header.",
      },
    },
    {
      status: 401,
      headers: { "www-authenticate": 'Bearer authorization_uri="https://login.microsoftonline.com/common/"' },
    },
  );
}

function refusal(error: unknown, id: string): Response {
  const { status, exception, message, javaClassName } =
    error instanceof Gen1Error
      ? error
      : new Gen1Error(500, "RuntimeException", `The emulator failed: ${String(error)}`, "java.lang");
  return Response.json(
    { RemoteException: { exception, message: `${message} [${id}]`, javaClassName } },
    { status },
  );
}

function pathOf(pathname: string): string {
  const [, encoded] = /^\/webhdfs(?:ext|\/v1)(?:\/(.*))?$/s.exec(pathname) ?? [];
  if (encoded === undefined && !/^\/webhdfs(ext|\/v1)$/.test(pathname))
    throw illegal(`There is nothing at ${pathname}`);
  try {
    return treePath(decodeURIComponent(encoded ?? ""));
  } catch (error) {
    if (error instanceof URIError) throw illegal("The path is not percent-encoded UTF-8.");
    throw error;
  }
}
