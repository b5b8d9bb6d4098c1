import { AmlError, type CredentialInput, type DatastoreInput, Secret } from "@aml/core";
import { isMap, isScalar, LineCounter, parseDocument, type YAMLMap } from "yaml";

/** Options of a v2 datastore type: its YAML keys and the option that each becomes. */
interface FileType {
  readonly options: Readonly<Record<string, string>>;
  readonly required: readonly string[];
}

const COMMON = ["$schema", "type", "name", "description", "tags", "credentials"];

const FILE_TYPES: Readonly<Record<string, FileType>> = {
  azure_blob: {
    options: {
      account_name: "accountName",
      container_name: "containerName",
      endpoint: "endpoint",
      protocol: "protocol",
    },
    required: ["account_name", "container_name"],
  },
};

/** Types that the format has, for which there is no adapter yet. */
const LATER = ["azure_file", "azure_data_lake_gen1", "azure_data_lake_gen2", "one_lake"];

/** See `readDatastoreFile`. */
export function parseDatastoreFile(text: string, path: string): DatastoreInput {
  const lines = new LineCounter();
  // The failsafe schema leaves every scalar the text that it is.
  const document = parseDocument(text, { schema: "failsafe", lineCounter: lines, uniqueKeys: true });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${line}:${col}`;
  };
  const broken = document.errors[0];
  if (broken) {
    const reason = broken.message.split("\n")[0]?.replace(/ at line \d+, column \d+:?$/, "");
    throw new AmlError("parse_failed", `${at(broken.pos[0])}: ${reason}`, {
      hint: "Correct the YAML at this line and column.",
      // Without its cause, which quotes the line: there may be a secret on it.
      context: { path, ...position(lines, broken.pos[0]) },
    });
  }
  if (!isMap(document.contents)) {
    throw new AmlError("config_invalid", `${path} is not a datastore: it holds no keys.`, {
      hint: `Write 'type:', 'name:' and the keys of the type, e.g. ${FILE_TYPES["azure_blob"]?.required.join(", ")}.`,
      context: { path },
    });
  }
  return toInput(document.contents, { path, at });
}

interface Source {
  readonly path: string;
  at(offset: number): string;
}

function position(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}

function toInput(map: YAMLMap, source: Source): DatastoreInput {
  const type = required(map, "type", source);
  const known = fileType(type, source);
  checkKeys(map, [...COMMON, ...Object.keys(known.options)], source);
  for (const key of known.required) required(map, key, source);
  const options: Record<string, string> = {};
  for (const [key, option] of Object.entries(known.options)) {
    const value = text(map, key, source);
    if (value !== undefined) options[option] = value;
  }
  const description = text(map, "description", source);
  const tags = mapping(map, "tags", source);
  return {
    name: required(map, "name", source),
    type,
    options,
    credential: credentialOf(mapping(map, "credentials", source), source),
    ...(description !== undefined && { description }),
    ...(tags && {
      tags: Object.fromEntries(keysOf(tags).map((key) => [key, text(tags, key, source) ?? ""])),
    }),
  };
}

function fileType(type: string, source: Source): FileType {
  const known = Object.hasOwn(FILE_TYPES, type) ? FILE_TYPES[type] : undefined;
  if (known) return known;
  const later = LATER.includes(type);
  throw new AmlError(
    later ? "unsupported" : "config_invalid",
    later
      ? `${source.path}: datastores of type '${type}' are not supported yet.`
      : `${source.path}: '${type}' is not a datastore type.`,
    {
      hint: `Supported in files: ${Object.keys(FILE_TYPES).join(", ")}.`,
      context: { path: source.path, type },
    },
  );
}

function credentialOf(map: YAMLMap | undefined, source: Source): CredentialInput {
  if (!map) return { kind: "identity" };
  checkKeys(map, ["account_key", "sas_token"], source);
  const accountKey = text(map, "account_key", source);
  const sasToken = text(map, "sas_token", source);
  if ((accountKey === undefined) === (sasToken === undefined)) {
    throw new AmlError("config_invalid", `${source.path}: 'credentials' needs exactly one secret.`, {
      hint: "Keep one of account_key and sas_token; leave 'credentials' out for identity-based access.",
      context: { path: source.path },
    });
  }
  return accountKey === undefined
    ? { kind: "sas", sasToken: new Secret((sasToken ?? "").replace(/^\?/, "")) }
    : { kind: "account_key", accountKey: new Secret(accountKey) };
}

function keysOf(map: YAMLMap): readonly string[] {
  return map.items.map((item) => (isScalar(item.key) ? String(item.key.value) : ""));
}

function checkKeys(map: YAMLMap, known: readonly string[], source: Source): void {
  for (const item of map.items) {
    const key = isScalar(item.key) ? String(item.key.value) : "";
    if (known.includes(key)) continue;
    const offset = isScalar(item.key) ? (item.key.range?.[0] ?? 0) : 0;
    // A secret that slipped to the left of a colon is no word.
    const shown = /^[A-Za-z_$][\w$-]{0,31}$/.test(key) ? ` '${key}'` : "";
    throw new AmlError("config_invalid", `${source.at(offset)}: unknown key${shown}.`, {
      hint: `Known keys are: ${known.join(", ")}.`,
      context: { path: source.path, ...(shown !== "" && { key }) },
    });
  }
}

function required(map: YAMLMap, key: string, source: Source): string {
  const value = text(map, key, source);
  if (value !== undefined && value !== "") return value;
  throw new AmlError("config_invalid", `${source.path}: the key '${key}' is missing.`, {
    hint: `Add a line '${key}: …'.`,
    context: { path: source.path, key },
  });
}

function text(map: YAMLMap, key: string, source: Source): string | undefined {
  const value = map.get(key);
  if (value === undefined || typeof value === "string") return value;
  throw new AmlError("config_invalid", `${source.path}: '${key}' must be a text.`, {
    hint: `Write one value after '${key}:'.`,
    context: { path: source.path, key },
  });
}

function mapping(map: YAMLMap, key: string, source: Source): YAMLMap | undefined {
  const value = map.get(key);
  if (value === undefined) return undefined;
  if (isMap(value)) return value;
  throw new AmlError("config_invalid", `${source.path}: '${key}' must hold keys.`, {
    hint: `Indent the keys of '${key}' below it.`,
    context: { path: source.path, key },
  });
}
