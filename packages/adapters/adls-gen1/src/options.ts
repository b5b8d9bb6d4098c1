import { AmlError, type Location } from "@aml/core/adapter";
import { parseUri } from "@aml/core";

export interface AdlsGen1Options {
  /** The first part of `STORE.azuredatalakestore.net`. */
  readonly storeName: string;
  /** What follows `STORE.` (`azuredatalakestore.net` unless given), or the whole address of a store. */
  readonly endpoint?: string | undefined;
}

const KNOWN = ["storeName", "endpoint"];
const DEFAULT_ENDPOINT = "azuredatalakestore.net";
const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])$/;

/**
 * Checks options from a file or a command line.
 *
 * @throws `config_invalid` naming the option that is missing, unknown or wrong.
 */
export function parseOptions(input: unknown): AdlsGen1Options {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw invalid("The options of an azure_data_lake_gen1 store are not an object.");
  }
  for (const [name, value] of Object.entries(input)) {
    if (!KNOWN.includes(name))
      throw invalid(`An azure_data_lake_gen1 store has no option ${JSON.stringify(name)}.`);
    if (value !== undefined && typeof value !== "string")
      throw invalid(`The option ${name} is not a string.`);
  }
  const { storeName, endpoint } = input as Readonly<Record<string, string | undefined>>;
  if (storeName === undefined || storeName === "") throw invalid("The option storeName is missing.");
  if (!/^[A-Za-z0-9-]+$/.test(storeName)) {
    throw invalid(
      `The option storeName is no name: ${JSON.stringify(storeName)}.`,
      `It is the first part of STORE.${DEFAULT_ENDPOINT}.`,
    );
  }
  if (endpoint !== undefined) checkEndpoint(endpoint);
  return Object.freeze({ storeName, ...(endpoint !== undefined && { endpoint }) });
}

/**
 * Reads `adl://STORE.azuredatalakestore.net/PATH`.
 *
 * @returns `undefined` for any other URI.
 * @throws `path_invalid` for such a URI that is not complete.
 */
export function locate(uri: string): Location<AdlsGen1Options> | undefined {
  if (!/^adl:/i.test(uri)) return undefined;
  const parsed = parseUri(uri);
  if (parsed.kind !== "adl") return undefined;
  const { store, endpoint, path } = parsed;
  const options = parseOptions({
    storeName: store,
    ...(endpoint !== DEFAULT_ENDPOINT && { endpoint }),
  });
  return { options, path };
}

/** The address of the store, without a slash at its end. */
export function originOf({ storeName, endpoint = DEFAULT_ENDPOINT }: AdlsGen1Options): string {
  return isUrl(endpoint) ? endpoint.replace(/\/+$/, "") : `https://${storeName}.${endpoint}`;
}

/** As it is logged and hashed. */
export function storeUri(options: AdlsGen1Options): string {
  const { storeName, endpoint = DEFAULT_ENDPOINT } = options;
  return isUrl(endpoint) ? originOf(options) : `adl://${storeName}.${endpoint}`;
}

/** Where a path is to be looked for now: the account is named as the store was, as far as anybody can tell. */
export function gen2Uri({ storeName }: AdlsGen1Options, path: string): string {
  return `abfss://FILESYSTEM@${storeName}.dfs.core.windows.net/${path}`;
}

function isUrl(endpoint: string): boolean {
  return /^https?:\/\//i.test(endpoint);
}

function checkEndpoint(endpoint: string): void {
  const hint = `Give what follows STORE., such as ${DEFAULT_ENDPOINT}, or the address of a store.`;
  if (!isUrl(endpoint)) {
    if (/^[a-z0-9-]+(\.[a-z0-9-]+)+$/i.test(endpoint)) return;
    throw invalid(`The option endpoint is no host name: ${JSON.stringify(endpoint)}.`, hint);
  }
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  // What is wrong may be a token or a password, so it is not repeated.
  if (!url || url.search || url.hash || url.username || url.password || url.pathname !== "/")
    throw invalid("The option endpoint is not a plain address.", hint);
  if (url.protocol === "http:" && !LOOPBACK.test(url.hostname))
    throw invalid("The option endpoint is an address without TLS: a token is not sent there.", "Use https.");
}

function invalid(message: string, hint = `Options: ${KNOWN.join(", ")}.`): AmlError {
  return new AmlError("config_invalid", message, { hint });
}
