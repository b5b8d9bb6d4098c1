import { AmlError } from "@aml/core/adapter";

export interface MysqlOptions {
  /** A whole host name or address, or the short name of an Azure Database for MySQL: `contoso`. */
  readonly server: string;
  readonly database: string;
  /** 3306 unless given. */
  readonly port?: number | undefined;
  /** What follows a short name; `mysql.database.azure.com` unless given. */
  readonly endpoint?: string | undefined;
  /** Who signs in by token: the name that the database has for the identity. A password brings its own user. */
  readonly user?: string | undefined;
  /**
   * `require` (the default): TLS or no connection, the certificate and its host name checked. `disable`: plain text,
   * for servers on this machine or in a network of their own; never for tokens.
   */
  readonly tls?: "require" | "disable" | undefined;
  /** Certificates of authorities to trust besides the runtime's, as PEM text. */
  readonly ca?: string | undefined;
  /** What a date such as `0000-00-00` or `2026-00-01`, which is none, becomes: `fail` (the default) or `null`. */
  readonly zeroDates?: "fail" | "null" | undefined;
  /** For a connection, its TLS and its sign-in; 15,000 unless given. */
  readonly connectTimeoutMs?: number | undefined;
}

const KNOWN = [
  "server",
  "database",
  "port",
  "endpoint",
  "user",
  "tls",
  "ca",
  "zeroDates",
  "connectTimeoutMs",
] as const;

/**
 * Checks options from a file or a command line; numbers may be text.
 *
 * @throws `config_invalid` naming the option that is missing, unknown or wrong.
 */
export function parseOptions(input: unknown): MysqlOptions {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw invalid("The options of a mysql database are not an object.");
  }
  const fields = input as Partial<Record<string, unknown>>;
  for (const name of Object.keys(fields)) {
    if (!KNOWN.some((known) => known === name))
      throw invalid(`A mysql database has no option ${JSON.stringify(name)}.`);
  }
  const { server, database, endpoint, user, tls, zeroDates } = fields;
  const options: MysqlOptions = {
    server: text("server", server, /^[A-Za-z0-9._:-]+$/, "It is a host name, an address, or a short name."),
    database: text("database", database, /^[^/\\\0]{1,64}$/, "It is the name of one database."),
    port: whole("port", fields["port"], 65_535),
    endpoint:
      endpoint === undefined
        ? undefined
        : text(
            "endpoint",
            endpoint,
            /^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/,
            "It is what follows the server's short name.",
          ),
    user: user === undefined ? undefined : text("user", user, /^[^\0]+$/, "It is the name of a user."),
    ca:
      fields["ca"] === undefined
        ? undefined
        : text("ca", fields["ca"], /-----BEGIN CERTIFICATE-----/, "It is PEM text."),
    tls: oneOf("tls", tls, ["require", "disable"]),
    zeroDates: oneOf("zeroDates", zeroDates, ["fail", "null"]),
    connectTimeoutMs: whole("connectTimeoutMs", fields["connectTimeoutMs"], 600_000),
  };
  return Object.freeze(
    Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
  ) as unknown as MysqlOptions;
}

/** The host that the options name: a short name is one without a dot, and not this machine's. */
export function hostOf({ server, endpoint = "mysql.database.azure.com" }: MysqlOptions): string {
  return /[.:]/.test(server) || server.toLowerCase() === "localhost" ? server : `${server}.${endpoint}`;
}

export function portOf({ port = 3306 }: MysqlOptions): number {
  return port;
}

/** As it is logged and hashed. */
export function storeUri(options: MysqlOptions): string {
  const host = hostOf(options);
  const shown = host.includes(":") ? `[${host}]` : host;
  return `mysql://${shown}:${portOf(options)}/${encodeURIComponent(options.database)}`;
}

function text(option: string, value: unknown, pattern: RegExp, hint: string): string {
  if (value === undefined || value === "") throw invalid(`The option ${option} is missing.`);
  if (typeof value !== "string") throw invalid(`The option ${option} is not a string.`);
  // What is wrong may be a connection string with a password, so it is not repeated.
  if (!pattern.test(value)) throw invalid(`The option ${option} is not well formed.`, hint);
  return value;
}

function whole(option: string, value: unknown, most: number): number | undefined {
  if (value === undefined) return undefined;
  const number = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
  if (typeof number === "number" && Number.isInteger(number) && number >= 1 && number <= most) return number;
  throw invalid(`The option ${option} is not a whole number from 1 to ${most}.`);
}

function oneOf<const T extends string>(option: string, value: unknown, values: readonly T[]): T | undefined {
  if (value === undefined) return undefined;
  const found = values.find((known) => known === value);
  if (found !== undefined) return found;
  throw invalid(`The option ${option} is ${JSON.stringify(value)}.`, `Use ${values.join(" or ")}.`);
}

function invalid(message: string, hint = `Options: ${KNOWN.join(", ")}.`): AmlError {
  return new AmlError("config_invalid", message, { hint });
}
