import {
  createAdlsGen1,
  serve,
  type AdlsGen1,
  type Gen1Access,
  type RunningServer,
  type TokenVerifier,
} from "@aml/emulator";
import type { StorageAdapter, TokenProvider } from "@aml/core/adapter";
import { adlsGen1 } from "@aml/adls-gen1";

export type OpenInput = Parameters<typeof adlsGen1.open>[0];

export const TOKEN = "gen1-canary-70b1d2";

export interface TestStore {
  readonly emulator: AdlsGen1;
  readonly server: RunningServer;
}

const verify: TokenVerifier = async (token, audience) =>
  token === TOKEN
    ? { ok: true, claims: { aud: String(audience), oid: "oid-1", tid: "t", exp: 0 } }
    : { ok: false, reason: "signature" };

/** Signs in without Entra ID, which runtimes other than Node cannot be told to trust here. */
export function providerOf(token: string): TokenProvider {
  return { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) };
}

/** A store of its own: a Gen1 store has one root. */
export async function startStore(
  mayAccess?: (access: Gen1Access) => boolean,
  check: TokenVerifier = verify,
): Promise<TestStore> {
  const emulator = createAdlsGen1({ verify: check, mayAccess });
  return { emulator, server: await serve(emulator.service) };
}

export async function stopStore({ emulator, server }: TestStore): Promise<void> {
  await server.close();
  emulator.close();
}

export function openStore(
  { server }: TestStore,
  { endpoint = server.url, ...more }: Partial<OpenInput> & { readonly endpoint?: string } = {},
): StorageAdapter {
  return adlsGen1.open({
    options: adlsGen1.parseOptions({ storeName: "contoso", endpoint }),
    credential: { kind: "identity" },
    tokenProvider: providerOf(TOKEN),
    onWarning: () => undefined,
    ...more,
  });
}

/** Through a `fetch` that makes pages small, so that cases meet more than one. */
export const smallPages: typeof fetch = (input, init) =>
  fetch(
    (input instanceof Request ? input.url : input.toString()).replace("listSize=4000", "listSize=7"),
    init,
  );
