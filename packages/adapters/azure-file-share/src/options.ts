import type { Location } from "@aml/core/adapter";
import {
  DEFAULT_ENDPOINT,
  invalidOption,
  readStoreOptions,
  serviceUrl,
  type AccountStore,
} from "@aml/azure-auth";
import { parseUri } from "@aml/core";

export interface AzureFileShareOptions {
  readonly accountName: string;
  readonly fileShareName: string;
  /**
   * What follows `ACCOUNT.file.` (`core.windows.net` unless given), or the whole URL of a file service, such as
   * `http://127.0.0.1:10003/devstoreaccount1` or a private endpoint's.
   */
  readonly endpoint?: string | undefined;
  /** Always `https`; Azure ML's files name it. */
  readonly protocol?: "https" | undefined;
}

const STORE = {
  type: "azure_file",
  service: "file",
  part: "fileShareName",
  options: ["accountName", "fileShareName", "endpoint", "protocol"],
} as const satisfies AccountStore<string, string>;

/**
 * Checks options from a file or a command line.
 *
 * @throws `config_invalid` naming the option that is missing, unknown or wrong.
 */
export function parseOptions(input: unknown): AzureFileShareOptions {
  const { accountName, fileShareName, endpoint, protocol } = readStoreOptions(STORE, input);
  if (protocol !== undefined && protocol !== "https") {
    throw invalidOption(
      STORE,
      `The option protocol is ${JSON.stringify(protocol)}.`,
      "Use https, or leave it out; SMB and NFS are not spoken here.",
    );
  }
  return Object.freeze({
    accountName,
    fileShareName,
    ...(endpoint !== undefined && { endpoint }),
    ...(protocol !== undefined && { protocol }),
  });
}

/**
 * Reads `https://ACCOUNT.file.ENDPOINT/SHARE/PATH`.
 *
 * @returns `undefined` for any other URI.
 * @throws `path_invalid` for a URI of this kind that is not complete, or that carries a SAS token.
 */
export function locate(uri: string): Location<AzureFileShareOptions> | undefined {
  if (!/^https?:/i.test(uri)) return undefined;
  const parsed = parseUri(uri);
  if (parsed.kind !== "file_share") return undefined;
  const { account, endpoint, container, path } = parsed;
  const options = parseOptions({
    accountName: account,
    fileShareName: container,
    ...(endpoint !== DEFAULT_ENDPOINT && { endpoint }),
  });
  return { options, path };
}

/** The URL of the share, without credentials: as it is asked, logged and hashed. */
export function shareUrl(options: AzureFileShareOptions): string {
  return `${serviceUrl(STORE, options)}/${encodeURIComponent(options.fileShareName)}`;
}
