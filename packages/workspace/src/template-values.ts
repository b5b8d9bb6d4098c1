import {
  entryOf,
  fileError,
  mapOf,
  textOf,
  type FileNode,
  type FileSource,
  type MapNode,
} from "./file-node.ts";
import type { ReadFile } from "./read-yaml-file.ts";
import { ExpressionError, templateText } from "./template-expression.ts";

/** Replaces the expressions in a part of a template by their values. @throws `config_invalid`, `unsupported`. */
export type Resolve = <N extends FileNode>(node: N) => N;

/**
 * Expressions of one template, with the values of a parameters file before the template's own defaults.
 *
 * @throws `config_invalid` for a parameters file of another form; what is not supported throws when it is used.
 */
export function templateValues(template: MapNode, source: FileSource, file: ReadFile | undefined): Resolve {
  const given = file && parametersOf(file);
  const parameters = mapOf(template, "parameters", source);
  const variables = mapOf(template, "variables", source);
  const busy = new Set<string>();
  const values = new Map<string, string>();

  const once = (what: string, value: () => string): string => {
    if (busy.has(what)) throw new ExpressionError(`${what} is defined by itself`);
    const known = values.get(what);
    if (known !== undefined) return known;
    busy.add(what);
    try {
      const found = value();
      values.set(what, found);
      return found;
    } finally {
      busy.delete(what);
    }
  };
  const text = (value: string): string => templateText(value, { parameter, variable });
  const parameter = (name: string): string => {
    const own = parameters && insensitive(parameters, name);
    const passed = given && insensitive(given.map, name);
    if (own?.kind !== "map") throw new ExpressionError(`the template has no parameter '${shown(name)}'`);
    if (passed?.kind === "map") return parameterValue(passed, given?.source ?? source, name);
    const value = textOf(own, "defaultValue", source);
    if (value !== undefined) return once(`the parameter '${shown(name)}'`, () => text(value));
    throw new ExpressionError(`the parameter '${shown(name)}' has no value`);
  };
  const variable = (name: string): string => {
    const found = variables && insensitive(variables, name);
    if (found?.kind !== "text")
      throw new ExpressionError(`the template has no text variable '${shown(name)}'`);
    return once(`the variable '${shown(name)}'`, () => text(found.value));
  };

  const resolve = (node: FileNode): FileNode => {
    if (node.kind === "list") return { ...node, items: node.items.map(resolve) };
    if (node.kind === "map") {
      return { ...node, entries: node.entries.map((entry) => ({ ...entry, value: resolve(entry.value) })) };
    }
    try {
      return { ...node, value: text(node.value) };
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      throw fileError(source, node.offset, `${error.message}.`, hintOf(error.message), {
        code: codeOf(error),
      });
    }
  };
  return resolve as Resolve;
}

function codeOf({ message }: ExpressionError): "unsupported" | "config_invalid" {
  return message.includes("not supported") ? "unsupported" : "config_invalid";
}

function hintOf(message: string): string {
  return message.includes("has no value")
    ? "Give a file with values: --parameters parameters.json."
    : "Write the value itself, or [parameters('NAME')] and give its value in a parameters file.";
}

function parametersOf({ documents, source }: ReadFile): {
  readonly map: MapNode;
  readonly source: FileSource;
} {
  const [root] = documents;
  const map = root?.kind === "map" ? mapOf(root, "parameters", source) : undefined;
  if (map !== undefined) return { map, source };
  throw fileError(
    source,
    root?.offset ?? 0,
    "this is not a file of parameters.",
    `Write {"parameters": {"NAME": {"value": "…"}}}.`,
  );
}

function parameterValue(map: MapNode, source: FileSource, name: string): string {
  const reference = entryOf(map, "reference");
  if (reference !== undefined) {
    throw fileError(
      source,
      reference.offset,
      `the parameter '${shown(name)}' refers to a key vault, which is not looked into.`,
      "Write its value, or register the datastore with --secret-name and that vault as the secret store.",
      { code: "unsupported" },
    );
  }
  const value = textOf(map, "value", source);
  if (value !== undefined) return value;
  throw fileError(source, map.offset, `the parameter '${shown(name)}' has no value.`, `Add "value".`);
}

/** Names in templates are found without regard to case. */
function insensitive(map: MapNode, name: string): FileNode | undefined {
  return map.entries.find(({ key }) => key.toLowerCase() === name.toLowerCase())?.value;
}

/** What is not a plain word may be a secret that slipped in. */
function shown(name: string): string {
  return /^\w{1,60}$/.test(name) ? name : "…";
}
