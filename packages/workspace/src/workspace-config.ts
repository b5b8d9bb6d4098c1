import { AmlError } from "@aml/core";

/** The file that makes a folder a workspace. */
export const CONFIG_FILE = "aml.config.json";

/** A package that reads one type of store. */
export interface AdapterEntry {
  /** Datastore type, e.g. `s3`; without it the package is imported whenever a type or URI is unknown. */
  readonly type?: string | undefined;
  /** Package name, or a path that starts with `./`, from the workspace folder. */
  readonly package: string;
}

/** Copies of remote files. */
export interface CacheConfig {
  readonly folder: string;
  /** Bytes; absent: the default of the cache. */
  readonly maxBytes?: number | undefined;
  /** False, of `"cache": "none"`: copies go when nobody uses them. */
  readonly keep?: boolean | undefined;
}

/** What `aml.config.json` says. Paths start from the workspace folder. It never holds a secret. */
export interface WorkspaceConfig {
  readonly adapters: readonly AdapterEntry[];
  /** SQLite file. */
  readonly registry: string;
  readonly secrets: {
    /** Encrypted file. */
    readonly file: string;
    /**
     * What unlocks it: a file that only its owner reads, or the keychain of the operating system. `auto` is the
     * keychain where there is one, else the file.
     */
    readonly key: "auto" | "file" | "keychain";
    /** With `auto` and `file`. */
    readonly keyFile: string;
    /** URL of an Azure Key Vault that takes the file's place. */
    readonly keyVault?: string | undefined;
  };
  readonly cache: CacheConfig;
  /** Where `workspaceblobstore` and `workspacefilestore` live until they are registered as something else. */
  readonly data: string;
}

/** What a workspace is when nothing else is said. */
export const DEFAULT_CONFIG: WorkspaceConfig = Object.freeze({
  adapters: Object.freeze(
    ["@aml/local", "@aml/http", "@aml/azure-blob"].map((name) => Object.freeze({ package: name })),
  ),
  registry: ".aml/registry.db",
  secrets: Object.freeze({ file: ".aml/vault.json", key: "auto", keyFile: ".aml/vault.key" }),
  cache: Object.freeze({ folder: ".aml/cache" }),
  data: ".aml/data",
});

/**
 * Reads the text of an `aml.config.json`; what it leaves out has the default of `DEFAULT_CONFIG`.
 *
 * @param path - for messages.
 * @throws `config_invalid` for text that is not JSON, an unknown key (with the known ones in the hint) or a wrong
 * value.
 */
export function parseWorkspaceConfig(text: string, path: string): WorkspaceConfig {
  const root = fields(parseJson(text, path), path, "", [
    "$schema",
    "adapters",
    "registry",
    "secrets",
    "cache",
    "data",
  ]);
  const secrets = fields(root["secrets"] ?? {}, path, "secrets", ["file", "key", "keyFile", "keyVault"]);
  const { adapters, registry, data } = DEFAULT_CONFIG;
  return {
    adapters: root["adapters"] === undefined ? adapters : adapterEntries(root["adapters"], path),
    registry: pathText(root["registry"], registry, path, "registry"),
    secrets: {
      file: pathText(secrets["file"], DEFAULT_CONFIG.secrets.file, path, "secrets.file"),
      key: keySource(secrets["key"], path),
      keyFile: pathText(secrets["keyFile"], DEFAULT_CONFIG.secrets.keyFile, path, "secrets.keyFile"),
      ...(secrets["keyVault"] !== undefined && { keyVault: vaultUrl(secrets, path) }),
    },
    cache: cacheConfig(root["cache"] ?? {}, path),
    data: pathText(root["data"], data, path, "data"),
  };
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AmlError("config_invalid", `${path} is not JSON: ${(cause as Error).message}`, {
      hint: "Correct the file, or move it away and run 'aml init' for a new one.",
      context: { path },
      cause,
    });
  }
}

function fields(
  value: unknown,
  path: string,
  at: string,
  known: readonly string[],
): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid(path, at, `an object with the keys ${known.join(", ")}`);
  }
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    throw new AmlError("config_invalid", `${path} has an unknown key '${at === "" ? "" : `${at}.`}${key}'.`, {
      hint: `Known keys are: ${known.join(", ")}.`,
      context: { path, key },
    });
  }
  return value as Readonly<Record<string, unknown>>;
}

function invalid(path: string, at: string, expected: string): AmlError {
  const where = at === "" ? path : `'${at}' in ${path}`;
  return new AmlError("config_invalid", `${where} must be ${expected}.`, {
    hint: `Correct ${path}.`,
    context: { path, key: at },
  });
}

function pathText(value: unknown, byDefault: string, path: string, at: string): string {
  if (value === undefined) return byDefault;
  if (typeof value === "string" && value !== "") return value;
  throw invalid(path, at, "a path, as a text");
}

function cacheConfig(value: unknown, path: string): CacheConfig {
  const { folder } = DEFAULT_CONFIG.cache;
  if (value === "none") return { folder, keep: false };
  if (typeof value === "string")
    throw invalid(path, "cache", '"none", or an object with folder and maxBytes');
  const cache = fields(value, path, "cache", ["folder", "maxBytes"]);
  return {
    folder: pathText(cache["folder"], folder, path, "cache.folder"),
    maxBytes: byteCount(cache["maxBytes"], path),
  };
}

function byteCount(value: unknown, path: string): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
  throw invalid(path, "cache.maxBytes", "a whole number of bytes above 0");
}

function keySource(value: unknown, path: string): "auto" | "file" | "keychain" {
  if (value === undefined) return DEFAULT_CONFIG.secrets.key;
  if (value === "auto" || value === "file" || value === "keychain") return value;
  throw invalid(path, "secrets.key", `"auto", "file" or "keychain"`);
}

function vaultUrl(secrets: Readonly<Record<string, unknown>>, path: string): string {
  const { keyVault, ...others } = secrets;
  const [other] = Object.keys(others);
  if (other !== undefined) throw invalid(path, `secrets.${other}`, "left out: secrets are in a key vault");
  if (typeof keyVault === "string" && /^https:\/\/[\w.-]+(?::\d+)?\/?$/.test(keyVault)) return keyVault;
  throw invalid(
    path,
    "secrets.keyVault",
    'the URL of a key vault, such as "https://contoso.vault.azure.net"',
  );
}

function adapterEntries(value: unknown, path: string): readonly AdapterEntry[] {
  if (!Array.isArray(value)) throw invalid(path, "adapters", "a list of package names");
  return value.map((item: unknown, index) => {
    const at = `adapters[${index}]`;
    if (typeof item === "string") return { package: packageName(item, path, at) };
    const entry = fields(item, path, at, ["type", "package"]);
    return {
      type: typeof entry["type"] === "string" ? entry["type"] : undefined,
      package: packageName(entry["package"], path, at),
    };
  });
}

function packageName(value: unknown, path: string, at: string): string {
  if (typeof value === "string" && /^(?:\.\/|(?:@[\w.~-]+\/)?[\w~-])[\w./~-]*$/.test(value)) return value;
  throw invalid(path, at, 'a package name such as "@aml/azure-blob", or a path that starts with "./"');
}
