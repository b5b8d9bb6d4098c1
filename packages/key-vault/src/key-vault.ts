import {
  AmlError,
  Secret,
  type OperationOptions,
  type SecretStore,
  type TokenProvider,
} from "@aml/core/adapter";
import {
  fetchHttpClient,
  tokenCredential,
  type AzureTokenCredential,
  type TokenSource,
} from "@aml/azure-auth";
import type { SecretClient } from "@azure/keyvault-secrets";
import type { Attempt } from "./error-rows.ts";
import { isStatus, toError } from "./errors.ts";
import { toVaultName, type VaultSecretName } from "./secret-name.ts";

export interface KeyVaultOptions {
  /** `https://NAME.vault.azure.net` */
  readonly vaultUrl: string;
  /** `{ kind: "identity" }` unless given. */
  readonly credential?: TokenSource | undefined;
  /** Signs in instead: a broker, a test. */
  readonly tokenProvider?: TokenProvider | undefined;
  /** Sends the requests to the vault; sign-ins go their own way. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** For a call with all its repetitions; 60,000 unless given. */
  readonly timeoutMs?: number | undefined;
}

/** Secrets that are kept in Azure Key Vault. */
export interface KeyVault extends Required<SecretStore> {
  /** Without a slash at its end. */
  readonly vaultUrl: string;
}

/** No other layer repeats what a secret store does. */
const RETRY = { maxRetries: 3, retryDelayInMs: 250, maxRetryDelayInMs: 8000 };
const RECOVERY_POLL_MS = 500;

/**
 * Keeps secrets in Azure Key Vault; see `toVaultName` for their names there. Nothing is remembered between calls: each
 * `get` asks the vault, so a rotated secret is seen at once. Signing in happens with the first call.
 *
 * `get`, `set` and `delete` throw `auth_failed`, `permission_denied` (a role, the firewall, a disabled secret),
 * `not_found` (with the date when a deleted secret can be recovered), `config_invalid` for a name that Key Vault cannot
 * have, `rate_limited`, `unavailable`, `timeout`. `set` recovers a deleted secret of that name first.
 *
 * @throws `config_invalid` for a URL that is none of a vault.
 */
export function keyVault(options: KeyVaultOptions): KeyVault {
  const url = parseVaultUrl(options.vaultUrl);
  const { credential = { kind: "identity" }, tokenProvider } = options;
  const tokens = tokenCredential(credential, { tokenProvider });
  let client: Promise<SecretClient> | undefined;
  const connect = (): Promise<SecretClient> => {
    client ??= createClient(url, tokens, options);
    client.catch(() => (client = undefined));
    return client;
  };
  const run = async <T>(
    operation: Attempt["operation"],
    secret: string,
    { signal }: OperationOptions,
    task: (client: SecretClient, name: VaultSecretName, abortSignal: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    signal?.throwIfAborted();
    const name = toVaultName(secret, url.origin);
    const late = AbortSignal.timeout(options.timeoutMs ?? 60_000);
    const abortSignal = signal === undefined ? late : AbortSignal.any([signal, late]);
    try {
      return await task(await connect(), name, abortSignal);
    } catch (error) {
      const attempt = {
        operation,
        secret,
        vaultName: name.name,
        vault: url.hostname.split(".")[0] ?? "",
        host: url.host,
        who: tokens.who(),
      };
      const deletedAt = isStatus(error, 404)
        ? await deletionOf(await connect(), name, abortSignal)
        : undefined;
      throw toError(error, { ...attempt, deletedAt }, { signal, late });
    }
  };
  return {
    vaultUrl: url.origin,
    get: (secret, operation = {}) =>
      run("get", secret, operation, async (vault, { name, version }, abortSignal) => {
        const found = await vault.getSecret(name, { abortSignal, ...(version !== undefined && { version }) });
        return new Secret(found.value ?? "");
      }),
    set: (secret, value, operation = {}) =>
      run("set", secret, operation, async (vault, name, abortSignal) => {
        refusePinned(secret, name);
        const put = async (): Promise<void> => {
          await vault.setSecret(name.name, value.reveal(), { abortSignal });
        };
        await put().catch(async (error: unknown) => {
          if (!isStatus(error, 409, "ObjectIsDeletedButRecoverable")) throw error;
          await recover(vault, name.name, abortSignal);
          await put();
        });
      }),
    delete: (secret, operation = {}) =>
      run("delete", secret, operation, async (vault, name, abortSignal) => {
        refusePinned(secret, name);
        await vault.beginDeleteSecret(name.name, { abortSignal }).catch((error: unknown) => {
          if (!isStatus(error, 404)) throw error;
        });
      }),
  };
}

function parseVaultUrl(text: string): URL {
  const url = URL.parse(text);
  const plain = url?.protocol === "https:" && url.username === "" && url.password === "" && url.search === "";
  if (url !== null && plain && url.pathname === "/" && url.hash === "") return url;
  throw new AmlError("config_invalid", `${JSON.stringify(text)} is not the URL of a key vault.`, {
    hint: "Give it as https://NAME.vault.azure.net, as the vault's page in the portal shows it.",
  });
}

async function createClient(
  url: URL,
  tokens: AzureTokenCredential,
  { credential, fetch }: KeyVaultOptions,
): Promise<SecretClient> {
  const { SecretClient } = await import("@azure/keyvault-secrets");
  // The client compares the resource that the vault names with the vault's host. Where the resource is ours to choose,
  // a vault cannot ask for another's token; and an emulator's host is no vault's.
  const ours = credential?.resourceUrl !== undefined || /^(localhost|127\.0\.0\.1)$/.test(url.hostname);
  return new SecretClient(url.origin, tokens, {
    retryOptions: RETRY,
    disableChallengeResourceVerification: ours,
    ...(fetch && { httpClient: fetchHttpClient(fetch) }),
  });
}

/** When a secret was deleted that can be recovered; `undefined` when there is none, or the identity may not see it. */
async function deletionOf(
  client: SecretClient,
  { name }: VaultSecretName,
  abortSignal: AbortSignal,
): Promise<Date | undefined> {
  try {
    return (await client.getDeletedSecret(name, { abortSignal })).deletedOn;
  } catch {
    return undefined;
  }
}

async function recover(client: SecretClient, name: string, abortSignal: AbortSignal): Promise<void> {
  const poller = await client.beginRecoverDeletedSecret(name, {
    abortSignal,
    intervalInMs: RECOVERY_POLL_MS,
  });
  await poller.pollUntilDone();
}

function refusePinned(secret: string, { version }: VaultSecretName): void {
  if (version === undefined) return;
  throw new AmlError("config_invalid", `${secret} names one version of a secret, which cannot be changed.`, {
    hint: "Leave the version out of the identifier.",
    context: { secret },
  });
}
