import { AmlError, type Location } from "@aml/core/adapter";
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

const KNOWN = ["accountName", "containerName", "endpoint", "protocol", "snapshot", "versionId"];
const DEFAULT_ENDPOINT = "core.windows.net";

/**
 * Checks options from a file or a command line.
 *
 * @throws `config_invalid` naming the option that is missing, unknown or wrong.
 */
export function parseOptions(input: unknown): AzureBlobOptions {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw invalid("The options of an azure_blob store are not an object.");
  }
  const fields = input as Record<string, unknown>;
  for (const [name, value] of Object.entries(fields)) {
    if (!KNOWN.includes(name)) throw invalid(`An azure_blob store has no option ${JSON.stringify(name)}.`);
    if (value !== undefined && typeof value !== "string")
      throw invalid(`The option ${name} is not a string.`);
  }
  const options = fields as Partial<Record<(typeof KNOWN)[number], string>>;
  const { accountName, containerName, endpoint, protocol, snapshot, versionId } = options;
  checkName(
    "accountName",
    accountName,
    /^[A-Za-z0-9-]+$/,
    "It is the first part of ACCOUNT.blob.core.windows.net.",
  );
  checkName(
    "containerName",
    containerName,
    /^[^/\\?#\s]+$/,
    "It is one name, without slashes; folders belong into paths.",
  );
  if (endpoint !== undefined) checkEndpoint(endpoint);
  if (protocol !== undefined && protocol !== "https" && protocol !== "wasbs") {
    throw invalid(`The option protocol is ${JSON.stringify(protocol)}.`, "Use https or wasbs.");
  }
  if (snapshot !== undefined && versionId !== undefined) {
    throw invalid("The options snapshot and versionId exclude each other.", "Keep one of them.");
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
export function containerUrl({
  accountName,
  containerName,
  endpoint = DEFAULT_ENDPOINT,
}: AzureBlobOptions): string {
  const service = isUrl(endpoint) ? endpoint.replace(/\/+$/, "") : `https://${accountName}.blob.${endpoint}`;
  return `${service}/${encodeURIComponent(containerName)}`;
}

/** As it is logged and hashed. */
export function storeUri(options: AzureBlobOptions): string {
  const { accountName, containerName, endpoint = DEFAULT_ENDPOINT, protocol } = options;
  return protocol === "wasbs" && !isUrl(endpoint)
    ? `wasbs://${containerName}@${accountName}.blob.${endpoint}`
    : containerUrl(options);
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
  const hint = `Give what follows ACCOUNT.blob., such as ${DEFAULT_ENDPOINT}, or the URL of a blob service.`;
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
