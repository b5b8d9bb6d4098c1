import { serve, type RunningServer } from "../../src/serve.ts";
import {
  createStorageAuth,
  storageErrorResponse,
  type StorageAccess,
  type StorageAuthOptions,
  type StorageVerdict,
} from "../../src/storage-auth/index.ts";

export const ACCOUNT = "contoso";
export const KEY: string = Buffer.from(
  "a key of sixty-four bytes, as long as the ones that Azure makes!!",
).toString("base64");
export const OTHER_KEY: string = Buffer.from(
  "another key, just as long as the first, and quite as secret......",
).toString("base64");

export interface JudgeServer extends RunningServer {
  /** Of the last request. */
  readonly last: { verdict: StorageVerdict | undefined; request: Request | undefined };
  /** `http://127.0.0.1:PORT/contoso` */
  readonly endpoint: string;
}

type Wanted = Pick<StorageAccess, "service"> & Partial<StorageAccess>;

/** A server that judges each request and answers 200, or the refusal. Paths are `/ACCOUNT/CONTAINER/PATH`. */
export async function startJudge(
  wanted: () => Wanted,
  options: Partial<StorageAuthOptions> = {},
  https = false,
): Promise<JudgeServer> {
  const auth = createStorageAuth({ account: { name: ACCOUNT, keys: [KEY] }, ...options });
  const last: JudgeServer["last"] = { verdict: undefined, request: undefined };
  const server = await serve(
    async (request) => {
      const access = accessOf(request, wanted());
      last.request = request;
      last.verdict = await auth.judge(request, access);
      await request.arrayBuffer();
      if (last.verdict.allowed) return new Response(null, { status: 200, headers: { etag: '"1"' } });
      return storageErrorResponse(last.verdict.error, access.service === "dfs" ? "json" : "xml", request);
    },
    { https },
  );
  return Object.assign(server, { last, endpoint: `${server.url}/${ACCOUNT}` });
}

/** What a request addresses, path-style or host-style; any letter will do unless told otherwise. */
export function accessOf(request: Request, wanted: Wanted): StorageAccess {
  const { pathname, hostname } = new URL(request.url);
  const segments = pathname.split("/").slice(hostname.startsWith(`${ACCOUNT}.`) ? 1 : 2);
  const [container = "", ...path] = segments.map(decodeURIComponent);
  return {
    ...(container !== "" && { container }),
    path: path.join("/"),
    resourceType: container === "" ? "service" : path.length === 0 ? "container" : "object",
    permissions: [..."racwdl"],
    ...wanted,
  };
}
