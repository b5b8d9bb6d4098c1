import { AmlError, type Endpoint } from "@aml/core/adapter";

export interface AzureSqlOptions {
  /** Host name. A name without a dot is one of Azure SQL: `endpoint` is appended. */
  readonly server: string;
  readonly database: string;
  /** 1433 unless given. */
  readonly port?: number | undefined;
  /** `database.windows.net` unless given. */
  readonly endpoint?: string | undefined;
  /**
   * `true`, the default: encrypted, with a certificate that names the host and that an authority vouches for. `strict`:
   * TDS 8.0, where even the first byte is. `false`: in the clear.
   */
  readonly encrypt?: boolean | "strict" | undefined;
  /** Take any certificate: whoever is in between can then read and change everything. Not with `strict`. */
  readonly trustServerCertificate?: boolean | undefined;
  /** Certificates of authorities to trust besides the runtime's, as PEM text. */
  readonly ca?: string | undefined;
  /** `ReadOnly`, the default, lets Azure answer from a read-only replica where the database has one. */
  readonly applicationIntent?: "ReadOnly" | "ReadWrite" | undefined;
  /** How the server's own lists of connections call us; `aml` unless given. */
  readonly applicationName?: string | undefined;
  /** For a connection to come about; 30,000 unless given. A serverless database that sleeps needs about a minute. */
  readonly connectTimeoutMs?: number | undefined;
  /** Connections at the same time; 8 unless given. */
  readonly maxConnections?: number | undefined;
}

type Parse = (name: string, value: unknown) => unknown;

const FIELDS: Readonly<Record<keyof AzureSqlOptions, Parse>> = {
  server: host,
  database: text,
  port: (name, value) => count(name, value, 65_535),
  endpoint: host,
  encrypt: (name, value) => (value === "strict" ? value : flag(name, value)),
  trustServerCertificate: flag,
  ca: text,
  applicationIntent: (name, value) => oneOf(name, value, ["ReadOnly", "ReadWrite"]),
  applicationName: text,
  connectTimeoutMs: (name, value) => count(name, value, 3_600_000),
  maxConnections: (name, value) => count(name, value, 100),
};
const KNOWN = Object.keys(FIELDS);
const DEFAULT_ENDPOINT = "database.windows.net";

/**
 * Checks options from a file or a command line, where numbers and flags may be texts.
 *
 * @throws `config_invalid` naming the option that is missing, unknown or wrong.
 */
export function parseOptions(input: unknown): AzureSqlOptions {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw invalid("The options of an azure_sql store are not an object.");
  }
  const options: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(FIELDS, name)) {
      throw invalid(`An azure_sql store has no option ${JSON.stringify(name)}.`);
    }
    options[name] = FIELDS[name as keyof AzureSqlOptions](name, value);
  }
  for (const name of ["server", "database"]) {
    if (options[name] === undefined) throw invalid(`The option ${name} is missing.`);
  }
  if (options["encrypt"] === "strict" && options["trustServerCertificate"] === true) {
    throw invalid(
      "With encrypt: strict, the option trustServerCertificate has no place.",
      "Give the authority's certificate in the option ca.",
    );
  }
  return Object.freeze(options) as unknown as AzureSqlOptions;
}

function text(name: string, value: unknown): string {
  if (typeof value !== "string" || value === "" || value.includes("\0")) {
    throw invalid(`The option ${name} is not a text.`);
  }
  return value;
}

function host(name: string, value: unknown): string {
  const given = text(name, value);
  if (/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(given) || /^[0-9a-f:]+$/i.test(given)) return given;
  // What is wrong may be a connection string with a password in it, so it is not repeated.
  throw invalid(
    `The option ${name} is no host name.`,
    "Give the name alone: no tcp:, port, instance, user or path.",
  );
}

function count(name: string, value: unknown, most: number): number {
  const number = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
  if (typeof number === "number" && Number.isInteger(number) && number >= 1 && number <= most) return number;
  throw invalid(`The option ${name} is ${JSON.stringify(value)}, not a whole number from 1 to ${most}.`);
}

function flag(name: string, value: unknown): boolean {
  if (value === true || value === "true") return true;
  if (value === false || value === "false") return false;
  throw invalid(`The option ${name} is ${JSON.stringify(value)}, not true or false.`);
}

function oneOf(name: string, value: unknown, allowed: readonly string[]): string {
  if (allowed.includes(value as string)) return value as string;
  throw invalid(`The option ${name} is ${JSON.stringify(value)}.`, `Use one of: ${allowed.join(", ")}.`);
}

export function hostOf({ server, endpoint = DEFAULT_ENDPOINT }: AzureSqlOptions): string {
  return /[.:]/.test(server) || server.toLowerCase() === "localhost" ? server : `${server}.${endpoint}`;
}

export function portOf({ port = 1433 }: AzureSqlOptions): number {
  return port;
}

/** As it is logged and hashed. */
export function storeUri(options: AzureSqlOptions): string {
  const name = hostOf(options);
  const bracketed = name.includes(":") ? `[${name}]` : name;
  return `mssql://${bracketed}:${portOf(options)}/${encodeURIComponent(options.database)}`;
}

export function endpointOf(options: AzureSqlOptions): Endpoint {
  const { encrypt = true } = options;
  return {
    host: hostOf(options),
    port: portOf(options),
    tls: encrypt === "strict" ? "direct" : encrypt ? "negotiated" : "none",
  };
}

function invalid(message: string, hint = `Options: ${KNOWN.join(", ")}.`): AmlError {
  return new AmlError("config_invalid", message, { hint });
}
