import type { Location } from "@aml/core/adapter";
import {
  DEFAULT_ENDPOINT,
  invalidOption,
  isServiceUrl,
  readStoreOptions,
  serviceUrl,
  type AccountStore,
} from "@aml/azure-auth";
import { parseUri } from "@aml/core";

export interface AdlsGen2Options {
  readonly accountName: string;
  readonly filesystem: string;
  /**
   * What follows `ACCOUNT.dfs.` (`core.windows.net` unless given), or the whole URL of a dfs service, such as
   * `http://127.0.0.1:10004/devstoreaccount1` or a private endpoint's.
   */
  readonly endpoint?: string | undefined;
  /** How the store's own URI is spelled; requests are https either way. `https` unless given. */
  readonly protocol?: "https" | "abfss" | undefined;
}

const STORE = {
  type: "azure_data_lake_gen2",
  service: "dfs",
  part: "filesystem",
  options: ["accountName", "filesystem", "endpoint", "protocol"],
} as const satisfies AccountStore<string, string>;

/**
 * Checks options from a file or a command line.
 *
 * @throws `config_invalid` naming the option that is missing, unknown or wrong.
 */
export function parseOptions(input: unknown): AdlsGen2Options {
  const { accountName, filesystem, endpoint, protocol } = readStoreOptions(STORE, input);
  if (protocol !== undefined && protocol !== "https" && protocol !== "abfss") {
    throw invalidOption(STORE, `The option protocol is ${JSON.stringify(protocol)}.`, "Use https or abfss.");
  }
  return Object.freeze({
    accountName,
    filesystem,
    ...(endpoint !== undefined && { endpoint }),
    ...(protocol !== undefined && { protocol }),
  });
}

/**
 * Reads `https://ACCOUNT.dfs.ENDPOINT/FILESYSTEM/PATH` and `abfs[s]://FILESYSTEM@ACCOUNT.dfs.ENDPOINT/PATH`.
 *
 * @returns `undefined` for any other URI.
 * @throws `path_invalid` for a URI of this kind that is not complete, or that carries a SAS token.
 */
export function locate(uri: string): Location<AdlsGen2Options> | undefined {
  if (!/^(https?|abfss?):/i.test(uri)) return undefined;
  const parsed = parseUri(uri);
  if (parsed.kind !== "dfs") return undefined;
  const { scheme, account, endpoint, container, path } = parsed;
  const options = parseOptions({
    accountName: account,
    filesystem: container,
    ...(endpoint !== DEFAULT_ENDPOINT && { endpoint }),
    ...(scheme.startsWith("abfs") && { protocol: "abfss" }),
  });
  return { options, path };
}

/** The URL of the file system, without credentials. */
export function filesystemUrl(options: AdlsGen2Options): string {
  return `${serviceUrl(STORE, options)}/${encodeURIComponent(options.filesystem)}`;
}

/** The URL of the same files by the account's blob endpoint. An address by IP is that of both. */
export function containerUrl(options: AdlsGen2Options): string {
  const url = new URL(filesystemUrl(options));
  url.host = url.host.replace(/\.dfs\./i, ".blob.");
  return url.href;
}

/** As it is logged and hashed. */
export function storeUri(options: AdlsGen2Options): string {
  const { accountName, filesystem, endpoint = DEFAULT_ENDPOINT, protocol } = options;
  return protocol === "abfss" && !isServiceUrl(endpoint)
    ? `abfss://${filesystem}@${accountName}.dfs.${endpoint}`
    : filesystemUrl(options);
}
