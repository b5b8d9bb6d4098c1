import { AmlError, type Endpoint } from "@aml/core/adapter";

export interface PostgresqlOptions {
  /** Host name. A name without a dot is one of Azure Database for PostgreSQL: `endpoint` is appended. */
  readonly server: string;
  readonly database: string;
  /** 5432 unless given. */
  readonly port?: number | undefined;
  /** `postgres.database.azure.com` unless given. */
  readonly endpoint?: string | undefined;
  /** Who signs in by a token: the name of the role in the database. A password credential has its own. */
  readonly user?: string | undefined;
  /**
   * `require`, the default: encrypted, with a certificate that names the host and that an authority vouches for, which is
   * what `verify-full` is in libpq: the two are the same here. `disable`: in the clear.
   */
  readonly tls?: "require" | "verify-full" | "disable" | undefined;
  /** Certificates of authorities to trust besides the runtime's, as PEM text. */
  readonly ca?: string | undefined;
  /** What unqualified names of tables are looked up in; the role's own search path unless given. */
  readonly schema?: string | undefined;
  /** How the server's own lists of connections call us; `aml` unless given. */
  readonly applicationName?: string | undefined;
  /** For a connection, its TLS and its sign-in; 30,000 unless given. */
  readonly connectTimeoutMs?: number | undefined;
  /** Connections at the same time; 8 unless given. */
  readonly maxConnections?: number | undefined;
}

const TEXTS = ["server", "database", "endpoint", "user", "tls", "ca", "schema", "applicationName"] as const;
const MOST = { port: 65_535, connectTimeoutMs: 3_600_000, maxConnections: 100 };
const KNOWN: readonly string[] = [...TEXTS, ...Object.keys(MOST)];
const TLS = ["require", "verify-full", "disable"];
const DEFAULT_ENDPOINT = "postgres.database.azure.com";

/**
 * Checks options from a file or a command line, where numbers may be texts.
 *
 * @throws `config_invalid` naming the option that is missing, unknown or wrong.
 */
export function parseOptions(input: unknown): PostgresqlOptions {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw invalid("The options of a postgresql store are not an object.");
  }
  const fields = Object.entries(input).filter(([, value]) => value !== undefined);
  const options: Record<string, string | number> = {};
  for (const [name, value] of fields as [string, unknown][]) {
    if (!KNOWN.includes(name)) throw invalid(`A postgresql store has no option ${JSON.stringify(name)}.`);
    options[name] = Object.hasOwn(MOST, name) ? count(name as keyof typeof MOST, value) : text(name, value);
  }
  for (const name of ["server", "database"]) {
    if (options[name] === undefined) throw invalid(`The option ${name} is missing.`);
  }
  checkHost("server", String(options["server"]));
  if (options["endpoint"] !== undefined) checkHost("endpoint", String(options["endpoint"]));
  if (options["tls"] !== undefined && !TLS.includes(String(options["tls"]))) {
    throw invalid(`The option tls is ${JSON.stringify(options["tls"])}.`, `Use one of: ${TLS.join(", ")}.`);
  }
  return Object.freeze(options) as unknown as PostgresqlOptions;
}

function text(name: string, value: unknown): string {
  if (typeof value !== "string" || value === "" || value.includes("\0")) {
    throw invalid(`The option ${name} is not a text.`);
  }
  return value;
}

function count(name: keyof typeof MOST, value: unknown): number {
  const number = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
  const most = MOST[name];
  if (typeof number === "number" && Number.isInteger(number) && number >= 1 && number <= most) return number;
  throw invalid(`The option ${name} is ${JSON.stringify(value)}, not a whole number from 1 to ${most}.`);
}

function checkHost(name: string, value: string): void {
  if (/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(value) || /^[0-9a-f:]+$/i.test(value)) return;
  // What is wrong may be a URL with a password in it, so it is not repeated.
  throw invalid(`The option ${name} is no host name.`, "Give the name alone: no scheme, port, user or path.");
}

export function hostOf({ server, endpoint = DEFAULT_ENDPOINT }: PostgresqlOptions): string {
  return /[.:]/.test(server) || server.toLowerCase() === "localhost" ? server : `${server}.${endpoint}`;
}

export function portOf({ port = 5432 }: PostgresqlOptions): number {
  return port;
}

/** As it is logged and hashed. */
export function storeUri(options: PostgresqlOptions): string {
  const host = hostOf(options);
  const name = host.includes(":") ? `[${host}]` : host;
  return `postgresql://${name}:${portOf(options)}/${encodeURIComponent(options.database)}`;
}

export function endpointOf(options: PostgresqlOptions): Endpoint {
  return {
    host: hostOf(options),
    port: portOf(options),
    tls: options.tls === "disable" ? "none" : "negotiated",
  };
}

function invalid(message: string, hint = `Options: ${KNOWN.join(", ")}.`): AmlError {
  return new AmlError("config_invalid", message, { hint });
}
