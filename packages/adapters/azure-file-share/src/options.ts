import { AmlError, type Location } from "@aml/core/adapter";
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

const KNOWN = ["accountName", "fileShareName", "endpoint", "protocol"];
const DEFAULT_ENDPOINT = "core.windows.net";

/**
 * Checks options from a file or a command line.
 *
 * @throws `config_invalid` naming the option that is missing, unknown or wrong.
 */
export function parseOptions(input: unknown): AzureFileShareOptions {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw invalid("The options of an azure_file store are not an object.");
  }
  const fields = input as Record<string, unknown>;
  for (const [name, value] of Object.entries(fields)) {
    if (!KNOWN.includes(name)) throw invalid(`An azure_file store has no option ${JSON.stringify(name)}.`);
    if (value !== undefined && typeof value !== "string") {
      throw invalid(`The option ${name} is not a string.`);
    }
  }
  const options = fields as Partial<Record<(typeof KNOWN)[number], string>>;
  const { accountName, fileShareName, endpoint, protocol } = options;
  checkName(
    "accountName",
    accountName,
    /^[A-Za-z0-9-]+$/,
    "It is the first part of ACCOUNT.file.core.windows.net.",
  );
  checkName(
    "fileShareName",
    fileShareName,
    /^[^/\\?#\s]+$/,
    "It is one name, without slashes; folders belong into paths.",
  );
  if (endpoint !== undefined) checkEndpoint(endpoint);
  if (protocol !== undefined && protocol !== "https") {
    throw invalid(
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
export function shareUrl({
  accountName,
  fileShareName,
  endpoint = DEFAULT_ENDPOINT,
}: AzureFileShareOptions): string {
  const service = isUrl(endpoint) ? endpoint.replace(/\/+$/, "") : `https://${accountName}.file.${endpoint}`;
  return `${service}/${encodeURIComponent(fileShareName)}`;
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
  const hint = `Give what follows ACCOUNT.file., such as ${DEFAULT_ENDPOINT}, or the URL of a file service.`;
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
