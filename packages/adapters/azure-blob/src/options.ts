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

export interface AzureBlobOptions {
  readonly accountName: string;
  readonly containerName: string;
  /**
   * What follows `ACCOUNT.blob.` (`core.windows.net` unless given), or the whole URL of a blob service, such as
   * `http://127.0.0.1:10000/devstoreaccount1` or a private endpoint's.
   */
  readonly endpoint?: string | undefined;
  /** How the store's own URI is spelled; requests are https either way. `https` unless given. */
  readonly protocol?: "https" | "wasbs" | undefined;
  /** Reads blobs as they were in this snapshot; the store is read-only then, and cannot list. */
  readonly snapshot?: string | undefined;
  /** Reads this version of a blob; the store is read-only then, and cannot list. */
  readonly versionId?: string | undefined;
}

const STORE = {
  type: "azure_blob",
  service: "blob",
  part: "containerName",
  options: ["accountName", "containerName", "endpoint", "protocol", "snapshot", "versionId"],
} as const satisfies AccountStore<string, string>;

/**
 * Checks options from a file or a command line.
 *
 * @throws `config_invalid` naming the option that is missing, unknown or wrong.
 */
export function parseOptions(input: unknown): AzureBlobOptions {
  const { accountName, containerName, endpoint, protocol, snapshot, versionId } = readStoreOptions(
    STORE,
    input,
  );
  if (protocol !== undefined && protocol !== "https" && protocol !== "wasbs") {
    throw invalidOption(STORE, `The option protocol is ${JSON.stringify(protocol)}.`, "Use https or wasbs.");
  }
  if (snapshot !== undefined && versionId !== undefined) {
    throw invalidOption(STORE, "The options snapshot and versionId exclude each other.", "Keep one of them.");
  }
  return Object.freeze({
    accountName,
    containerName,
    ...(endpoint !== undefined && { endpoint }),
    ...(protocol !== undefined && { protocol }),
    ...(snapshot !== undefined && { snapshot }),
    ...(versionId !== undefined && { versionId }),
  });
}

/**
 * Reads `https://ACCOUNT.blob.ENDPOINT/CONTAINER/PATH` and `wasb[s]://` URIs; `?snapshot=` and `?versionid=` of an
 * https URI become options.
 *
 * @returns `undefined` for any other URI.
 * @throws `path_invalid` for a URI of this kind that is not complete, or that carries a SAS token.
 */
export function locate(uri: string): Location<AzureBlobOptions> | undefined {
  if (!/^(https?|wasbs?):/i.test(uri)) return undefined;
  const parsed = parseUri(uri);
  if (parsed.kind !== "blob") return undefined;
  const { scheme, account, endpoint, container, path, snapshot, versionId } = parsed;
  const options = parseOptions({
    accountName: account,
    containerName: container,
    ...(endpoint !== DEFAULT_ENDPOINT && { endpoint }),
    ...(scheme.startsWith("wasb") && { protocol: "wasbs" }),
    snapshot,
    versionId,
  });
  return { options, path };
}

/** The URL of the container, without credentials. */
export function containerUrl(options: AzureBlobOptions): string {
  return `${serviceUrl(STORE, options)}/${encodeURIComponent(options.containerName)}`;
}

/** As it is logged and hashed. */
export function storeUri(options: AzureBlobOptions): string {
  const { accountName, containerName, endpoint = DEFAULT_ENDPOINT, protocol } = options;
  return protocol === "wasbs" && !isServiceUrl(endpoint)
    ? `wasbs://${containerName}@${accountName}.blob.${endpoint}`
    : containerUrl(options);
}
