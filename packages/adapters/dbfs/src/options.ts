import { AmlError } from "@aml/core/adapter";

export interface DbfsOptions {
  /** The workspace: `adb-1234567890123456.7.azuredatabricks.net`, or its address with `https://`. */
  readonly host: string;
  /** The root of the store: `dbfs:/FOLDER`, or `/Volumes/CATALOG/SCHEMA/VOLUME[/FOLDER]`. `dbfs:/` unless given. */
  readonly path?: string | undefined;
}

/** Where a store's paths begin, for the API that serves it. */
export interface Root {
  readonly kind: "dbfs" | "volume";
  /** Absolute, without a trailing slash: `/mnt/x`, `/Volumes/c/s/v`, or nothing for all of DBFS. */
  readonly path: string;
}

const KNOWN = ["host", "path"];
const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])$/;

/**
 * Checks options from a file or a command line.
 *
 * @throws `config_invalid` naming the option that is missing, unknown or wrong.
 */
export function parseOptions(input: unknown): DbfsOptions {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw invalid("The options of a dbfs store are not an object.");
  }
  for (const [name, value] of Object.entries(input)) {
    if (!KNOWN.includes(name)) throw invalid(`A dbfs store has no option ${JSON.stringify(name)}.`);
    if (value !== undefined && typeof value !== "string")
      throw invalid(`The option ${name} is not a string.`);
  }
  const { host, path } = input as Readonly<Record<string, string | undefined>>;
  const options = { host: parseHost(host), ...(path !== undefined && { path }) };
  parseRoot(options);
  return Object.freeze(options);
}

/** The address of the workspace, without a slash at its end. */
export function originOf({ host }: DbfsOptions): string {
  return /^https?:\/\//i.test(host) ? host : `https://${host}`;
}

/** As it is logged and hashed: the workspace and the root in it. */
export function storeUri(options: DbfsOptions): string {
  const { kind, path } = parseRoot(options);
  const names = path.split("/").map(encodeURIComponent).join("/");
  return `${originOf(options)}${kind === "volume" ? "" : "/dbfs:"}${names}`;
}

/** @throws `config_invalid`. */
export function parseRoot({ path = "dbfs:/" }: DbfsOptions): Root {
  const hint = "Give dbfs:/FOLDER or /Volumes/CATALOG/SCHEMA/VOLUME.";
  const [, scheme, rest = ""] = /^(dbfs:)?(\/.*)$/s.exec(path) ?? [];
  const names = rest.split("/").filter((name) => name !== "" && name !== ".");
  if (rest === "" || names.includes("..") || rest.includes("\0")) {
    throw invalid(`The option path is no root of a store: ${JSON.stringify(path)}.`, hint);
  }
  if (names[0] === "Volumes") {
    if (names.length < 4) throw invalid(`The option path names no volume: ${JSON.stringify(path)}.`, hint);
    return { kind: "volume", path: `/${names.join("/")}` };
  }
  // `/dbfs/x` on a cluster's own disk is `dbfs:/x`, so a path without the scheme could mean either.
  if (scheme === undefined) throw invalid(`The option path lacks its scheme: ${JSON.stringify(path)}.`, hint);
  return { kind: "dbfs", path: names.map((name) => `/${name}`).join("") };
}

function parseHost(host: string | undefined): string {
  if (host === undefined || host === "") throw invalid("The option host is missing.", HOST_HINT);
  const text = /^https?:\/\//i.test(host) ? host : `https://${host}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // What is wrong may be a token or a password, so it is not repeated.
  if (!url || url.search || url.hash || url.username || url.password || url.pathname !== "/")
    throw invalid("The option host is no address of a workspace.", HOST_HINT);
  if (url.protocol === "http:" && !LOOPBACK.test(url.hostname))
    throw invalid("The option host is an address without TLS: a token is not sent there.", "Use https.");
  return text === host ? url.origin : url.host;
}

const HOST_HINT =
  "Copy it from the browser: https://adb-….azuredatabricks.net, without what follows the host.";

function invalid(message: string, hint = `Options: ${KNOWN.join(", ")}.`): AmlError {
  return new AmlError("config_invalid", message, { hint });
}
