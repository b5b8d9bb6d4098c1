import {
  createStorageAuth,
  storageErrorResponse,
  userDelegationKeyXml,
  type StorageAccess,
  type StorageAccount,
  type StorageAuthOptions,
  type StorageIdentity,
} from "../storage-auth/index.ts";
import { aclAllows } from "./acl-check.ts";
import { authorization, cannotVerify, isFromUrl, ownPath } from "./copy-from-url.ts";
import { parseRoute, parseSource, type Route } from "./route.ts";
import { accessOf, renameSourceAccess } from "./storage-access.ts";
import type { State } from "./state.ts";
import { refusal } from "./storage-refusal.ts";

/** Lets a request in and tells who sent it, or answers it. */
export type Gate = (route: Route, request: Request) => Promise<Response | StorageIdentity>;

export interface GateOptions {
  readonly account: StorageAccount;
  readonly verifyToken?: StorageAuthOptions["verifyToken"];
  readonly now?: (() => number) | undefined;
  /** The roles of an identity. Where they do not reach, ACLs decide. */
  readonly mayAccess?: StorageAuthOptions["mayAccess"];
}

/** Judges who sent a request, for all that it touches, and hands out user delegation keys. */
export function createGate(state: State, { account, verifyToken, mayAccess, now }: GateOptions): Gate {
  const auth = createStorageAuth({ account, verifyToken, now });
  const reaches = (
    identity: StorageIdentity,
    access: StorageAccess,
    route: Route,
    request: Request,
  ): boolean =>
    !("objectId" in identity) ||
    mayAccess?.(identity.objectId, access) !== false ||
    aclAllows(state, route, request, identity.objectId);
  return async (route, request) => {
    const access = accessOf(route, request);
    const verdict = await auth.judge(request, access);
    const format = route.surface === "dfs" ? "json" : "xml";
    if (!verdict.allowed) return storageErrorResponse(verdict.error, format, request);
    const { identity } = verdict;
    if (!reaches(identity, access, route, request)) throw refusal("AuthorizationPermissionMismatch");
    if (route.query.get("comp") === "userdelegationkey") return delegationKey(account, identity, request);
    const source = sourceOf(state, request);
    if (source && isFromUrl(request, route.query)) {
      // Whoever sends it, the service reads the source with what is given for it.
      const reads = await auth.judge(source.request, source.access);
      const of = parseRoute(source.request, state.accountName);
      if (!reads.allowed || !reaches(reads.identity, source.access, of, source.request))
        throw cannotVerify(403);
      return identity;
    }
    // With the account's key or a role, the source is the same sender's; a SAS may reach less far than two paths.
    if (!source || !identity.kind.endsWith("sas")) return identity;
    const second = await auth.judge(source.request, source.access);
    return second.allowed ? identity : storageErrorResponse(second.error, format, request);
  };
}

interface Source {
  readonly request: Request;
  readonly access: StorageAccess;
}

/** The other path that a rename or a copy touches, with the signature that is to open it. */
function sourceOf(state: State, request: Request): Source | undefined {
  const own = new URL(request.url);
  const renamed = request.headers.get("x-ms-rename-source");
  if (renamed !== null) {
    const { filesystem, path, query } = parseSource(renamed, state.accountName);
    const search = query.has("sig") ? query : own.searchParams;
    const url = `${own.origin}/${encodeURIComponent(filesystem)}/${encodeURIComponent(path)}?${search.toString()}`;
    return { request: new Request(url), access: renameSourceAccess(filesystem, path) };
  }
  const copied = request.headers.get("x-ms-copy-source");
  if (copied === null || !URL.canParse(copied)) return undefined;
  const url = new URL(copied);
  const place = ownPath(state, url, request);
  // Another account's is not ours to judge.
  if (place === undefined) return undefined;
  const access = {
    service: "blob",
    container: place.filesystem,
    path: place.path,
    resourceType: "object",
    permissions: ["r"],
  } as const;
  return { request: new Request(url, { headers: authorization(request) }), access };
}

/** Only an identity gets one: a SAS signed with it is never worth more than its maker's roles. */
async function delegationKey(
  account: StorageAccount,
  identity: StorageIdentity,
  request: Request,
): Promise<Response> {
  if (identity.kind !== "token") throw refusal("AuthenticationFailed");
  const text = await request.text();
  const of = (name: string): string => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1] ?? "";
  const body = userDelegationKeyXml(account, {
    objectId: identity.objectId,
    tenantId: identity.tenantId,
    startsOn: of("Start") || new Date().toISOString(),
    expiresOn: of("Expiry"),
    service: "b",
    version: request.headers.get("x-ms-version") ?? "",
  });
  return new Response(body, { status: 200, headers: { "content-type": "application/xml" } });
}
