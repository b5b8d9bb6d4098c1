import { keyVault, type KeyVault, type KeyVaultOptions } from "@aml/key-vault";
import {
  createEntra,
  createKeyVault,
  serve,
  withFaults,
  type EntraDirectory,
  type Fault,
  type KeyVaultOptions as EmulatorOptions,
} from "@aml/emulator";

export interface TestVault extends AsyncDisposable {
  readonly vault: KeyVault;
  /** Another program's view of the same secrets. */
  readonly other: KeyVault;
  /** Of the requests so far, e.g. `GET /secrets/a`. */
  readonly requests: string[];
  /** That were set so far. */
  readonly versions: string[];
}

const APP = "f997392c-e15a-4ad8-af9e-cd6966caba7f";
let directory: Promise<EntraDirectory> | undefined;

/** A key vault of our own behind the address of a real one. It is served without TLS, which not every runtime can be made to trust. */
export async function openTestVault(
  given: {
    readonly faults?: readonly Fault[];
    readonly emulator?: Partial<EmulatorOptions>;
    readonly options?: Partial<KeyVaultOptions>;
  } = {},
): Promise<TestVault> {
  const entra = await (directory ??= createEntra());
  const { tenantId, verify } = entra;
  const service = await createKeyVault({
    entra: { authorityUrl: "https://login.microsoftonline.com", tenantId, verify },
    ...given.emulator,
  });
  const server = await serve(withFaults(service, given.faults ?? [], "key-vault"));
  const requests: string[] = [];
  const versions: string[] = [];
  const open = (): KeyVault =>
    keyVault({
      vaultUrl: "https://contoso.vault.azure.net/",
      tokenProvider: {
        getToken: async () => ({
          token: await entra.accessToken("https://vault.azure.net", APP),
          expiresOnTimestamp: Date.now() + 3_600_000,
        }),
      },
      fetch: async (url, init) => {
        const { pathname, search } = new URL(url instanceof Request ? url.url : url);
        requests.push(`${init?.method} ${pathname}`);
        const response = await fetch(`${server.url}${pathname}${search}`, init);
        if (init?.method === "PUT" && response.ok) {
          const { id } = (await response.clone().json()) as { id: string };
          versions.push(id.split("/").at(-1) ?? "");
        }
        return response;
      },
      ...given.options,
    });
  return { vault: open(), other: open(), requests, versions, [Symbol.asyncDispose]: () => server.close() };
}

/** What a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("It did not fail.");
}
