import { AmlError, type Location } from "@aml/core/adapter";
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

const KNOWN = ["accountName", "filesystem", "endpoint", "protocol"];
const DEFAULT_ENDPOINT = "core.windows.net";

/**
 * Checks options from a file or a command line.
 *
 * @throws `config_invalid` naming the option that is missing, unknown or wrong.
 */
export function parseOptions(input: unknown): AdlsGen2Options {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw invalid("The options of an azure_data_lake_gen2 store are not an object.");
  }
  const fields = input as Record<string, unknown>;
  for (const [name, value] of Object.entries(fields)) {
    if (!KNOWN.includes(name)) {
      throw invalid(`An azure_data_lake_gen2 store has no option ${JSON.stringify(name)}.`);
    }
    if (value !== undefined && typeof value !== "string") {
      throw invalid(`The option ${name} is not a string.`);
    }
  }
  const { accountName, filesystem, endpoint, protocol } = fields as Partial<Record<string, string>>;
  checkName(
    "accountName",
    accountName,
    /^[A-Za-z0-9-]+$/,
    "It is the first part of ACCOUNT.dfs.core.windows.net.",
  );
  checkName(
    "filesystem",
    filesystem,
    /^[^/\\?#\s]+$/,
    "It is one name, without slashes; folders belong into paths.",
  );
  if (endpoint !== undefined) checkEndpoint(endpoint);
  if (protocol !== undefined && protocol !== "https" && protocol !== "abfss") {
    throw invalid(`The option protocol is ${JSON.stringify(protocol)}.`, "Use https or abfss.");
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
export function filesystemUrl({
  accountName,
  filesystem,
  endpoint = DEFAULT_ENDPOINT,
}: AdlsGen2Options): string {
  const service = isUrl(endpoint) ? endpoint.replace(/\/+$/, "") : `https://${accountName}.dfs.${endpoint}`;
  return `${service}/${encodeURIComponent(filesystem)}`;
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
  return protocol === "abfss" && !isUrl(endpoint)
    ? `abfss://${filesystem}@${accountName}.dfs.${endpoint}`
    : filesystemUrl(options);
}

function isUrl(endpoint: string): boolean {
  return /^https?:\/\//i.test(endpoint);
}

function checkName(
  option: string,
  value: string | undefined,
  pattern: RegExp,
  hint: string,
): asserts value is string {
  if (value === undefined || value === "") throw invalid(`The option ${option} is missing.`);
  if (!pattern.test(value) || value === "." || value === "..") {
    throw invalid(`The option ${option} is no name: ${JSON.stringify(value)}.`, hint);
  }
}

function checkEndpoint(endpoint: string): void {
  const hint = `Give what follows ACCOUNT.dfs., such as ${DEFAULT_ENDPOINT}, or the URL of a dfs service.`;
  if (!isUrl(endpoint)) {
    if (/^[a-z0-9-]+(\.[a-z0-9-]+)+$/i.test(endpoint)) return;
    throw invalid(`The option endpoint is no host name: ${JSON.stringify(endpoint)}.`, hint);
  }
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  // What is wrong may be a SAS token or a password, so it is not repeated.
  if (!url || url.search || url.hash || url.username || url.password) {
    throw invalid("The option endpoint is not a plain URL.", hint);
  }
}

function invalid(message: string, hint = `Options: ${KNOWN.join(", ")}.`): AmlError {
  return new AmlError("config_invalid", message, { hint });
}
