import { createHash } from "node:crypto";
import {
  AZURE_CLI_CLIENT_ID,
  type EntraApp,
  type EntraOptions,
  type EntraRequest,
  type EntraUser,
} from "./entra-app.ts";
import { createTokenSigner, type TokenSigner } from "./token-signer.ts";

/** Lets nothing grow for ever in an emulator that runs for weeks. */
const REQUESTS = 1000;

/** A device that waits for its user. */
export interface DeviceCode {
  readonly userCode: string;
  readonly clientId: string;
  readonly scope: string;
  readonly expiresAt: number;
  answer: EntraUser | "declined" | undefined;
}

/** What a browser was sent back with. */
export interface AuthorizationCode {
  readonly clientId: string;
  readonly scope: string;
  readonly user: EntraUser;
  readonly redirectUri: string;
  readonly challenge: string | undefined;
  readonly nonce: string | undefined;
  readonly expiresAt: number;
}

/** Whose later tokens a refresh token is good for. */
export interface Grant {
  readonly clientId: string;
  readonly user: EntraUser;
}

/** What the authority knows. */
export interface Directory {
  readonly tenantId: string;
  readonly apps: Map<string, EntraApp>;
  readonly users: readonly EntraUser[];
  readonly signer: TokenSigner;
  readonly devices: Map<string, DeviceCode>;
  readonly codes: Map<string, AuthorizationCode>;
  readonly grants: Map<string, Grant>;
  readonly requests: EntraRequest[];
  readonly deviceCodeInterval: number;
  readonly now: () => number;
  tokenLifetime: number;
  failWith: number | undefined;
}

const TENANT = "ab1f708d-50f6-404c-a006-d71b2ac7a606";

export async function createDirectory(options: EntraOptions): Promise<Directory> {
  const now = options.now ?? Date.now;
  const apps: readonly EntraApp[] = [{ clientId: AZURE_CLI_CLIENT_ID }, ...(options.apps ?? [])];
  return {
    tenantId: options.tenantId ?? TENANT,
    apps: new Map(apps.map((app) => [app.clientId, app])),
    users: options.users ?? [{ username: "someone@contoso.onmicrosoft.com" }],
    signer: await createTokenSigner(now),
    devices: new Map(),
    codes: new Map(),
    grants: new Map(),
    requests: [],
    deviceCodeInterval: options.deviceCodeInterval ?? 5,
    now,
    tokenLifetime: 3600,
    failWith: undefined,
  };
}

export function remember(directory: Directory, request: EntraRequest): void {
  directory.requests.push(request);
  if (directory.requests.length > REQUESTS) directory.requests.shift();
}

/** The issuer of access tokens, as of Azure's own resources: the older of its two forms. */
export function issuerOf(directory: Directory): string {
  return `https://sts.windows.net/${directory.tenantId}/`;
}

export function appToken(directory: Directory, audience: string, clientId: string): Promise<string> {
  const objectId = directory.apps.get(clientId)?.objectId ?? objectIdOf(clientId);
  return accessToken(directory, {
    aud: audience,
    appid: clientId,
    oid: objectId,
    sub: objectId,
    idtyp: "app",
  });
}

export function userToken(
  directory: Directory,
  audience: string,
  { clientId, user }: Grant,
): Promise<string> {
  const oid = userObjectId(user);
  const { username } = user;
  const who = { oid, sub: oid, upn: username, unique_name: username, idtyp: "user" };
  return accessToken(directory, { aud: audience, appid: clientId, ...who, scp: "user_impersonation" });
}

function accessToken(directory: Directory, claims: Readonly<Record<string, unknown>>): Promise<string> {
  const { tenantId: tid, tokenLifetime, signer } = directory;
  return signer.sign({ iss: issuerOf(directory), ...claims, tid, ver: "1.0" }, tokenLifetime);
}

export function userObjectId(user: EntraUser): string {
  return user.objectId ?? objectIdOf(user.username);
}

/** The same for the same name every time, so that rights that are granted to it stay. */
export function objectIdOf(name: string): string {
  const hex = createHash("sha256").update(name).digest("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}
