import { AmlError } from "@aml/core/adapter";

/** A kind of store that is a part of a storage account. */
export interface AccountStore<Name extends string, Part extends Name> {
  /** Of the datastore, such as `azure_blob`. */
  readonly type: string;
  /** Of its host names, between the account's and the endpoint. */
  readonly service: "blob" | "dfs" | "file";
  /** The option that names the part. */
  readonly part: Part;
  readonly options: readonly Name[];
}

export const DEFAULT_ENDPOINT = "core.windows.net";

/**
 * Reads the options of such a store, all of them texts, from a file or a command line.
 *
 * @throws `config_invalid` naming the option that is missing, unknown or wrong. What may hold a secret is not repeated.
 */
export function readStoreOptions<const Name extends string, const Part extends Name>(
  store: AccountStore<Name, Part>,
  input: unknown,
): Readonly<Record<Part | "accountName", string> & Partial<Record<Name, string>>> {
  const { type, service, part, options } = store;
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw invalidOption(store, `The options of an ${type} store are not an object.`);
  }
  for (const [name, value] of Object.entries(input)) {
    if (!(options as readonly string[]).includes(name)) {
      throw invalidOption(store, `An ${type} store has no option ${JSON.stringify(name)}.`);
    }
    if (value !== undefined && typeof value !== "string") {
      throw invalidOption(store, `The option ${name} is not a string.`);
    }
  }
  const fields = input as Readonly<Record<Part | "accountName", string> & Partial<Record<Name, string>>>;
  const { endpoint } = input as { readonly endpoint?: string };
  const account = `It is the first part of ACCOUNT.${service}.${DEFAULT_ENDPOINT}.`;
  checkName(store, "accountName", fields.accountName, /^[A-Za-z0-9-]+$/, account);
  const name = "It is one name, without slashes; folders belong into paths.";
  checkName(store, part, fields[part], /^[^/\\?#\s]+$/, name);
  if (endpoint !== undefined) checkEndpoint(store, endpoint);
  return fields;
}

/** The URL of an account's service, without a slash at its end. */
export function serviceUrl(
  { service }: Pick<AccountStore<string, string>, "service">,
  {
    accountName,
    endpoint = DEFAULT_ENDPOINT,
  }: { readonly accountName: string; readonly endpoint?: string | undefined },
): string {
  return isServiceUrl(endpoint)
    ? endpoint.replace(/\/+$/, "")
    : `https://${accountName}.${service}.${endpoint}`;
}

/** Whether an endpoint is the whole URL of a service. */
export function isServiceUrl(endpoint: string): boolean {
  return /^https?:\/\//i.test(endpoint);
}

/** A `config_invalid`; its hint lists the options unless another is given. */
export function invalidOption(
  { options }: Pick<AccountStore<string, string>, "options">,
  message: string,
  hint = `Options: ${options.join(", ")}.`,
): AmlError {
  return new AmlError("config_invalid", message, { hint });
}

type AnyStore = AccountStore<string, string>;

function checkName(
  store: AnyStore,
  option: string,
  value: string | undefined,
  pattern: RegExp,
  hint: string,
): void {
  if (value === undefined || value === "") throw invalidOption(store, `The option ${option} is missing.`);
  if (!pattern.test(value) || value === "." || value === "..") {
    throw invalidOption(store, `The option ${option} is no name: ${JSON.stringify(value)}.`, hint);
  }
}

function checkEndpoint(store: AnyStore, endpoint: string): void {
  const { service } = store;
  const hint = `Give what follows ACCOUNT.${service}., such as ${DEFAULT_ENDPOINT}, or the URL of a ${service} service.`;
  if (!isServiceUrl(endpoint)) {
    if (/^[a-z0-9-]+(\.[a-z0-9-]+)+$/i.test(endpoint)) return;
    throw invalidOption(store, `The option endpoint is no host name: ${JSON.stringify(endpoint)}.`, hint);
  }
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  // What is wrong may be a SAS token or a password, so it is not repeated.
  if (!url || url.search || url.hash || url.username || url.password) {
    throw invalidOption(store, "The option endpoint is not a plain URL.", hint);
  }
}
