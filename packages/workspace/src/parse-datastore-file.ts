import { AmlError, type DatastoreInput } from "@aml/core";
import { extname } from "node:path";
import { fileCredential } from "./datastore-file-credential.ts";
import { FILE_TYPES, ONE_LAKE_HINT, type FileType } from "./datastore-file-types.ts";
import {
  checkKeys,
  entryOf,
  fileError,
  requiredText,
  textOf,
  textsOf,
  mapOf,
  type FileNode,
  type FileSource,
  type MapNode,
} from "./file-node.ts";
import { parseTemplate } from "./parse-template.ts";
import { readJsonFile } from "./read-json-file.ts";
import { readYamlFile, type ReadFile } from "./read-yaml-file.ts";
import type { NamedText } from "./read-datastore-file.ts";

const COMMON = ["$schema", "type", "name", "description", "tags", "credentials"];

/** See `readDatastoreFile`. */
export function parseDatastoreFile(
  text: string,
  path: string,
  parameters?: NamedText,
): readonly DatastoreInput[] {
  const { source, documents } = readAny(text, path);
  if (documents.length === 0) throw empty(path);
  const found = documents.flatMap((document) => {
    if (document.kind !== "map") throw noDatastore(source, document);
    if (entryOf(document, "resources") === undefined) return [toInput(document, source)];
    return parseTemplate(document, source, parameters && readAny(parameters.text, parameters.path));
  });
  if (
    parameters !== undefined &&
    !documents.some((node) => node.kind === "map" && entryOf(node, "resources"))
  ) {
    throw new AmlError("config_invalid", `${path} is no template, so it takes no parameters.`, {
      hint: "Leave the parameters out.",
      context: { path },
    });
  }
  return found;
}

function readAny(text: string, path: string): ReadFile {
  return /^\.jsonc?$/i.test(extname(path)) ? readJsonFile(text, path) : readYamlFile(text, path);
}

function toInput(map: MapNode, source: FileSource): DatastoreInput {
  const known = fileType(map, source);
  checkKeys(map, [...COMMON, ...Object.keys(known.options)], source);
  for (const key of known.required) requiredText(map, key, source);
  const options: Record<string, string> = {};
  for (const [key, option] of Object.entries(known.options)) {
    const value = textOf(map, key, source);
    if (value !== undefined) options[option] = value;
  }
  const description = textOf(map, "description", source);
  const tags = textsOf(map, "tags", source);
  return {
    name: requiredText(map, "name", source),
    type: known.type,
    options,
    credential: fileCredential(mapOf(map, "credentials", source), known, source),
    ...(description !== undefined && { description }),
    ...(tags && { tags }),
  };
}

function fileType(map: MapNode, source: FileSource): FileType {
  const type = requiredText(map, "type", source);
  const known = Object.hasOwn(FILE_TYPES, type) ? FILE_TYPES[type] : undefined;
  if (known) return known;
  const offset = entryOf(map, "type")?.offset ?? map.offset;
  if (type === "one_lake") {
    throw fileError(source, offset, "datastores of type 'one_lake' are not supported.", ONE_LAKE_HINT, {
      code: "unsupported",
    });
  }
  const word = /^\w{1,40}$/.test(type) ? `'${type}'` : "this";
  throw fileError(
    source,
    offset,
    `${word} is not a datastore type.`,
    `Types in files: ${Object.keys(FILE_TYPES).join(", ")}.`,
  );
}

function empty(path: string): AmlError {
  return new AmlError("config_invalid", `${path} is not a datastore: it holds no keys.`, {
    hint: "Write 'type:', 'name:' and the keys of the type, e.g. account_name and container_name.",
    context: { path },
  });
}

function noDatastore(source: FileSource, node: FileNode): AmlError {
  return fileError(
    source,
    node.offset,
    "this is not a datastore: it holds no keys.",
    "Write 'type:', 'name:' and the keys of the type, e.g. account_name and container_name.",
  );
}
