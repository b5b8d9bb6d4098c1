import { createDbfs, serve, type Dbfs, type RunningServer } from "@aml/emulator";
import { Secret, type StorageAdapter } from "@aml/core/adapter";
import { dbfs, type DbfsOptions } from "@aml/dbfs";

export type OpenInput = Parameters<typeof dbfs.open>[0];
export type DbfsCredential = OpenInput["credential"];

export const TOKEN = "dapi-canary-5d1f0c77";
export const CLIENT_ID = "0f3c-client";
export const CLIENT_SECRET = "dose-canary-9a/+%:b2";

export const token: DbfsCredential = { kind: "access_token", token: new Secret(TOKEN) };
export const client: DbfsCredential = {
  kind: "oauth_client",
  clientId: CLIENT_ID,
  clientSecret: new Secret(CLIENT_SECRET),
};

export interface TestWorkspace {
  readonly emulator: Dbfs;
  readonly server: RunningServer;
}

let running: Promise<TestWorkspace> | undefined;

/** The workspace of this process. It ends with it. */
export function sharedWorkspace(): Promise<TestWorkspace> {
  running ??= startWorkspace();
  return running;
}

export async function startWorkspace(options: Parameters<typeof createDbfs>[0] = {}): Promise<TestWorkspace> {
  const emulator = createDbfs({
    tokens: [TOKEN],
    clients: [{ clientId: CLIENT_ID, secrets: [CLIENT_SECRET] }],
    ...options,
  });
  return { emulator, server: await serve(emulator.service) };
}

/** Opens a new, empty folder, unless `path` names one. */
export function openStore(
  { server }: TestWorkspace,
  credential: DbfsCredential = token,
  { fetch, ...options }: Partial<DbfsOptions> & Pick<OpenInput, "fetch"> = {},
): StorageAdapter {
  return dbfs.open({
    options: dbfs.parseOptions({ host: server.url, path: `dbfs:/t/${crypto.randomUUID()}`, ...options }),
    credential,
    fetch,
  });
}

export function volumePath(): string {
  return `/Volumes/main/default/data/${crypto.randomUUID()}`;
}

/** Through a `fetch` that makes pages small, so that cases meet more than one. */
export const smallPages: typeof fetch = (input, init) => {
  const url = input instanceof Request ? input.url : input.toString();
  if (!url.includes("/fs/directories/")) return fetch(input, init);
  return fetch(`${url}${url.includes("?") ? "&" : "?"}page_size=7`, init);
};
