import { randomUUID } from "node:crypto";
import type { EntraClaims, TokenVerifier } from "../entra/token-signer.ts";
import type { Service } from "../service.ts";
import { parseSecretInput } from "./secret-input.ts";
import { openSecretShelf } from "./secret-shelf.ts";
import { createSecretVerbs, type SecretVerbs } from "./secret-verbs.ts";
import { badParameter, VaultError } from "./vault-error.ts";

/** What a caller does, as Azure's roles name it. */
export type KeyVaultAction =
  | "getSecret"
  | "setSecret"
  | "readMetadata"
  | "update"
  | "delete"
  | "recover"
  | "purge";

export interface KeyVaultOptions {
  /** Who judges tokens, and where clients are sent for one. */
  readonly entra: {
    readonly authorityUrl: string;
    readonly tenantId: string;
    readonly verify: TokenVerifier;
  };
  /** Where secrets are kept; in memory unless given. */
  readonly folder?: string | undefined;
  /** Whether a caller may do something; everybody who has a token may, unless given. */
  readonly mayCall?: ((caller: EntraClaims, action: KeyVaultAction) => boolean) | undefined;
  /** What time it is, in milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

const RESOURCE = "https://vault.azure.net";
const NAME = /^[0-9a-zA-Z-]{1,127}$/;
/** A page has 25 items, and no request may ask for more. */
const PAGE = 25;
const VERSIONS: readonly string[] =
  "2016-10-01 7.0 7.1 7.2 7.3 7.4 7.5 7.6-preview.2 7.6 2025-07-01 2026-04-01".split(" ");

/**
 * Azure Key Vault's secrets.
 *
 * @see https://learn.microsoft.com/rest/api/keyvault/secrets/operation-groups – read 2026-11
 * @see https://learn.microsoft.com/azure/key-vault/secrets/about-secrets – an expired secret can still be read
 */
export async function createKeyVault(options: KeyVaultOptions): Promise<Service> {
  const now = options.now ?? Date.now;
  const verbs = createSecretVerbs(await openSecretShelf(options.folder), () => Math.floor(now() / 1000));
  return async (request) => {
    try {
      const claims = await authenticate(request, options.entra);
      if (claims instanceof Response) return claims;
      return await answer(request, verbs, (action) => {
        if (options.mayCall?.(claims, action) === false) throw forbidden(claims, action);
      });
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      return failure(error, request);
    }
  };
}

function reply(request: Request, status: number, body: unknown): Response {
  const client = request.headers.get("x-ms-client-request-id");
  const headers = {
    "cache-control": "no-cache",
    "x-ms-keyvault-service-version": "1.9.2411.1",
    "x-ms-request-id": randomUUID(),
    ...(client !== null && { "x-ms-client-request-id": client }),
  };
  return status === 204 ? new Response(null, { status, headers }) : Response.json(body, { status, headers });
}

function failure({ status, code, message, innerCode }: VaultError, request: Request): Response {
  const inner = innerCode === undefined ? {} : { innererror: { code: innerCode } };
  return reply(request, status, { error: { code, message, ...inner } });
}

async function authenticate(
  request: Request,
  { authorityUrl, tenantId, verify }: KeyVaultOptions["entra"],
): Promise<EntraClaims | Response> {
  const token = /^Bearer (\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  const verdict = token === undefined ? undefined : await verify(token, RESOURCE);
  if (verdict?.ok) return verdict.claims;
  const messages = {
    audience: `AKV10022: Invalid audience. Expected ${RESOURCE}.`,
    lifetime: "IDX10223: Lifetime validation failed. The token is expired or not yet valid.",
    issuer: "AKV10032: Invalid issuer.",
    signature: "IDX10511: Signature validation failed.",
    malformed: "AKV10000: The token is not well formed.",
    missing: "AKV10000: Request is missing a Bearer or PoP token.",
  };
  const text = messages[verdict?.reason ?? "missing"];
  const response = failure(new VaultError(401, "Unauthorized", text), request);
  response.headers.set(
    "www-authenticate",
    `Bearer authorization="${authorityUrl}/${tenantId}", resource="${RESOURCE}"`,
  );
  return response;
}

function forbidden(claims: EntraClaims, action: KeyVaultAction): VaultError {
  const who = `appid=${String(claims["appid"])};oid=${claims.oid};iss=${String(claims["iss"])}`;
  const name = ["getSecret", "setSecret", "readMetadata"].includes(action) ? `${action}/action` : action;
  return new VaultError(
    403,
    "Forbidden",
    `Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\nCaller: ${who}\r\nAction: 'Microsoft.KeyVault/vaults/secrets/${name}'\r\nAssignment: (not found)\r\n`,
    "ForbiddenByRbac",
  );
}

async function answer(
  request: Request,
  verbs: SecretVerbs,
  allow: (action: KeyVaultAction) => void,
): Promise<Response> {
  const url = new URL(request.url);
  checkVersion(url);
  const { origin } = url;
  const [, area = "", name = "", third = "", rest] = url.pathname.split("/").map(decodeURIComponent);
  if (name !== "" && !NAME.test(name)) {
    throw badParameter(`The request URI contains an invalid name: ${name}`);
  }
  const shape = name === "" ? "" : third === "" ? "/NAME" : `/NAME/${isWord(third) ? third : "VERSION"}`;
  const ok = (body: unknown): Response => reply(request, 200, body);
  const input = async (): Promise<ReturnType<typeof parseSecretInput>> =>
    parseSecretInput(await request.text());
  switch (`${request.method} ${area}${rest === undefined || rest === "" ? shape : "/…"}`) {
    case "GET secrets":
      allow("readMetadata");
      return ok(page(url, verbs.list(origin)));
    case "GET secrets/NAME/versions":
      allow("readMetadata");
      return ok(page(url, verbs.listVersions(origin, name)));
    case "PUT secrets/NAME":
      allow("setSecret");
      return ok(await verbs.set(origin, name, await input()));
    case "GET secrets/NAME":
    case "GET secrets/NAME/VERSION":
      allow("getSecret");
      return ok(verbs.get(origin, name, third));
    case "PATCH secrets/NAME":
    case "PATCH secrets/NAME/VERSION":
      allow("update");
      return ok(await verbs.update(origin, name, third, await input()));
    case "DELETE secrets/NAME":
      allow("delete");
      return ok(await verbs.delete(origin, name));
    case "GET deletedsecrets":
      allow("readMetadata");
      return ok(page(url, verbs.listDeleted(origin)));
    case "GET deletedsecrets/NAME":
      allow("readMetadata");
      return ok(verbs.getDeleted(origin, name));
    case "POST deletedsecrets/NAME/recover":
      allow("recover");
      return ok(await verbs.recover(origin, name));
    case "DELETE deletedsecrets/NAME":
      allow("purge");
      await verbs.purge(name);
      return reply(request, 204, undefined);
    default:
      throw new VaultError(404, "NotFound", "The emulated key vault has no such operation.");
  }
}

function isWord(segment: string): boolean {
  return segment === "versions" || segment === "recover";
}

function checkVersion(url: URL): void {
  const version = url.searchParams.get("api-version");
  if (version === null) throw badParameter("api-version must be specified");
  if (VERSIONS.includes(version)) return;
  throw badParameter(
    `The specified version (${version}) is not recognized. Consider using the latest supported version (7.6).`,
  );
}

/** One page of a list, in the order of ids, which goes on after the id that the token holds. */
function page(url: URL, items: readonly unknown[]): unknown {
  const size = Number(url.searchParams.get("maxresults") ?? PAGE);
  if (!Number.isInteger(size) || size < 1 || size > PAGE) {
    throw badParameter(`maxresults must be between 1 and ${PAGE}.`);
  }
  const token = url.searchParams.get("$skiptoken");
  const after = Buffer.from(token ?? "", "base64url").toString();
  if (token !== null && !after.startsWith("/")) throw badParameter("The skiptoken is not valid.");
  const rest = items
    .map((item) => ({ id: (item as { id: string }).id.slice(url.origin.length).toLowerCase(), item }))
    .filter(({ id }) => id > after)
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const value = rest.slice(0, size).map(({ item }) => item);
  const last = rest[size - 1];
  if (rest.length <= size || last === undefined) return { value, nextLink: null };
  const next = new URL(url.pathname, url.origin);
  next.searchParams.set("api-version", url.searchParams.get("api-version") ?? "");
  next.searchParams.set("$skiptoken", Buffer.from(last.id).toString("base64url"));
  next.searchParams.set("maxresults", String(size));
  return { value, nextLink: next.href };
}
