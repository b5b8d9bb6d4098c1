import { parseTree, printParseErrorCode, type Node, type ParseError } from "jsonc-parser";
import { fileError, type FileNode, type FileSource, type MapEntry } from "./file-node.ts";
import type { ReadFile } from "./read-yaml-file.ts";

/**
 * Reads JSON, with comments as templates may have them. Numbers and booleans stay the texts that they are; a null is
 * as good as no key.
 *
 * @throws `parse_failed` with line and column.
 */
export function readJsonFile(text: string, path: string): ReadFile {
  const source = sourceOf(text, path);
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  const [broken] = errors;
  if (broken !== undefined) {
    const reason = `this is not JSON (${printParseErrorCode(broken.error)}).`;
    throw fileError(source, broken.offset, reason, "Correct the JSON at this line and column.", {
      code: "parse_failed",
    });
  }
  return { source, documents: root === undefined ? [] : [nodeOf(root, text, source)] };
}

function nodeOf(node: Node, text: string, source: FileSource): FileNode {
  const { offset, length, children = [] } = node;
  if (node.type === "array") {
    return { kind: "list", offset, items: children.map((item) => nodeOf(item, text, source)) };
  }
  if (node.type === "object") return { kind: "map", offset, entries: entriesOf(children, text, source) };
  return {
    kind: "text",
    offset,
    value: typeof node.value === "string" ? node.value : text.slice(offset, offset + length),
  };
}

function entriesOf(properties: readonly Node[], text: string, source: FileSource): readonly MapEntry[] {
  const entries: MapEntry[] = [];
  for (const { children: [name, value] = [] } of properties) {
    if (name === undefined || value === undefined || value.type === "null") continue;
    const key = String(name.value);
    if (entries.some((entry) => entry.key === key)) {
      throw fileError(source, name.offset, "this key is here twice.", "Keep one of them.", {
        code: "parse_failed",
      });
    }
    entries.push({ key, offset: name.offset, value: nodeOf(value, text, source) });
  }
  return entries;
}

function sourceOf(text: string, path: string): FileSource {
  return {
    path,
    position(offset) {
      const before = text.slice(0, offset);
      return {
        line: before.split("\n").length,
        column: offset - (before.lastIndexOf("\n") + 1) + 1,
      };
    },
  };
}
